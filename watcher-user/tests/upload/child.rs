//! Another process of this executable: a small watcher that makes windows, delivers them, and may be killed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use nix::sys::signal::{Signal, raise};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use watcher_user::upload::{
    Delivery, Disk, Durability, Endpoint, Http, Limits, Means, Pace, Pass, Proxies, Say, SharedSpool, Spool,
    Surroundings, UtcClock, Window,
};

const ORDERS: &str = "WATCHER_TEST_UPLOAD_ORDERS";

/// What the child is to do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Orders {
    pub spool: PathBuf,
    pub url: String,
    /// How many windows to make; each is told on stdout, one line per promise.
    pub windows: u32,
    /// Dies (by SIGKILL) before this step on the disk.
    pub die_before_step: Option<usize>,
}

impl Orders {
    /// Only sends what is in the spool.
    pub fn drain(spool: &Path, url: String) -> Self {
        Self { spool: spool.to_owned(), url, windows: 0, die_before_step: None }
    }

    /// A process that follows these orders, and `environment`.
    pub fn start(&self, environment: &[(&str, &str)]) -> Child {
        let mut command = Command::new(env::current_exe().expect("this executable has a path"));
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
            command.env_remove(name).env_remove(name.to_ascii_lowercase());
        }
        command
            .env(ORDERS, serde_json::to_string(self).expect("orders serialize"))
            .envs(environment.iter().copied())
            .stdout(Stdio::piped());
        command.spawn().expect("this executable starts")
    }
}

/// What this process is ordered to do, if it is a child.
pub fn orders() -> Option<Orders> {
    let orders = env::var(ORDERS).ok()?;
    Some(serde_json::from_str(&orders).expect("orders are JSON"))
}

/// Number, start and content of a window follow from each other.
pub fn window(number: u32, note: &str) -> Window {
    let at = Timestamp::from_second(1_767_355_200 + i64::from(number) * 900).expect("a time");
    let json = serde_json::json!({ "schema_version": 1, "number": number, "note": note });
    Window::new(Uuid::from_u128(number.into()), at, at, &json).expect("an object")
}

/// The life of the child.
pub fn obey(orders: &Orders) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let pass = runtime.block_on(live(orders));
    println!("{}", serde_json::to_string(&pass).expect("a pass serializes"));
}

async fn live(orders: &Orders) -> Pass {
    let around = Surroundings { disk: disk(orders.die_before_step), clock: clock(), say: Say::nobody() };
    let spool = SharedSpool::new(Spool::open(&orders.spool, Limits::default(), around).expect("a spool"));
    let endpoint = Endpoint::new(&orders.url, Uuid::from_u128(1)).expect("a URL");
    let transport = Http::new(&endpoint, &Proxies::from_environment()).expect("a network");
    let pace =
        Pace { first_backoff: Duration::from_millis(5), max_backoff: Duration::from_millis(50), ..Pace::default() };
    let means = Means { clock: clock(), ..Means::of_this_machine(pace, Say::nobody()) };
    let (delivery, handle) = Delivery::new(spool.clone(), endpoint, transport, means);
    if orders.windows == 0 {
        return delivery.send_all(true).await;
    }
    let running = tokio::spawn(delivery.run());
    for number in 1..=orders.windows {
        for state in ["1", "2"] {
            spool.checkpoint(window(number, state), Durability::Process).await.expect("the disk works");
            println!("{number} {state}");
        }
        spool.put(window(number, "whole")).await.expect("the disk works");
        println!("{number} whole");
    }
    let pass = handle.send_now(false).await.expect("delivery runs");
    handle.stop(Duration::from_secs(2)).await;
    running.await.expect("delivery does not panic");
    pass
}

/// The time of the windows, so that none is ever too old.
fn clock() -> UtcClock {
    UtcClock::of(|| window(1, "").started_at())
}

fn disk(die_before_step: Option<usize>) -> Disk {
    let Some(last) = die_before_step else { return Disk::default() };
    let steps = AtomicUsize::new(0);
    Disk::hooked(move |_, _| {
        if steps.fetch_add(1, Ordering::Relaxed) == last {
            raise(Signal::SIGKILL).expect("a process may kill itself");
        }
        Ok(())
    })
}
