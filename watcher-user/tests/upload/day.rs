//! A day of windows at a thousand times the speed, through an endpoint that fails most of the time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use libtest_mimic::Trial;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;
use watcher_core::BootTime;
use watcher_user::upload::{
    Delivery, DeliveryHandle, Disk, Durability, Endpoint as Address, Http, Limits, Means, Pace, Proxies, Reading, Say,
    SharedSpool, Spool, Stopped, Surroundings, UtcClock, Window, WindowClock, WindowSpan, offset,
};

use crate::async_trial;
use crate::endpoint::Endpoint;
use crate::faults::Deed;

pub fn trials() -> Vec<Trial> {
    vec![async_trial("a_day_of_windows_arrives_complete_once_each_and_in_order", day)]
}

const SPEED: u32 = 1000;
const HOUR: Duration = Duration::from_secs(3600);
const QUARTER: Duration = Duration::from_secs(900);
const MACHINE: Uuid = Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);

/// The day's clocks: a thousand times as fast as the real one, and now and then set.
#[derive(Clone)]
struct Clocks {
    start: Instant,
    set: Arc<Mutex<SignedDuration>>,
}

impl Clocks {
    fn passed(&self) -> Duration {
        self.start.elapsed() * SPEED
    }

    fn read(&self) -> Reading {
        let passed = self.passed();
        let noon: Timestamp = "2026-01-02T12:00:00Z".parse().expect("a time");
        let set = *self.set.lock().expect("nobody panics while setting a clock");
        let wall = noon + SignedDuration::try_from(passed).expect("a day") + set;
        Reading { wall, boot: BootTime(u64::try_from(passed.as_nanos()).expect("a day")) }
    }

    fn set(&self, seconds: i64) {
        *self.set.lock().expect("nobody panics while setting a clock") += SignedDuration::from_secs(seconds);
    }
}

/// What happens during the day, beside the endpoint's moods.
#[derive(Clone, Copy)]
enum Event {
    SetClock(i64),
    EndpointDown,
    EndpointUp,
    Restart,
    /// Everything is dropped where it stands; what is open has only its checkpoint.
    Kill,
}

const EVENTS: [(f64, Event); 8] = [
    (4.1, Event::SetClock(90)),
    (6.3, Event::SetClock(-45)),
    (8.0, Event::EndpointDown),
    (9.2, Event::EndpointUp),
    (12.4, Event::Kill),
    (15.1, Event::Restart),
    (18.7, Event::Kill),
    (21.0, Event::SetClock(-1)),
];

/// A watcher: what it counts, the window that is open, the spool, delivery.
struct Watcher {
    windows: WindowClock,
    open: Uuid,
    /// Counted since the window was opened.
    counted: u64,
    spool: SharedSpool,
    handle: DeliveryHandle,
    running: JoinHandle<()>,
}

impl Watcher {
    fn start(dir: &TempDir, url: &str, clocks: &Clocks, seed: u64) -> Self {
        let utc = clocks.clone();
        let clock = UtcClock::of(move || utc.read().wall);
        let around = Surroundings { disk: Disk::default(), clock: clock.clone(), say: Say::nobody() };
        let spool = SharedSpool::new(Spool::open(dir.path(), Limits::default(), around).expect("a spool"));
        let address = Address::new(url, MACHINE).expect("a URL");
        let http = Http::new(&address, &Proxies::none()).expect("a network");
        let real = Pace::default();
        let pace = Pace {
            // The network is not a thousand times as fast as usual.
            timeout: Duration::from_millis(200),
            first_backoff: real.first_backoff / SPEED,
            max_backoff: real.max_backoff / SPEED,
            max_retry_after: real.max_retry_after / SPEED / 10,
            start_delay: offset(MACHINE, Duration::from_secs(60)) / SPEED,
        };
        let means = Means { pace, clock, say: Say::nobody(), random: Rng::with_seed(seed) };
        let (delivery, handle) = Delivery::new(spool.clone(), address, http, means);
        let windows = WindowClock::start(clocks.read(), QUARTER, offset(MACHINE, QUARTER));
        Self { windows, open: Uuid::new_v4(), counted: 0, spool, handle, running: tokio::spawn(delivery.run()) }
    }

    fn window(&self, span: WindowSpan) -> Window {
        let json = serde_json::json!({
            "counted": self.counted,
            "nanoseconds": u64::try_from(span.duration.as_nanos()).expect("a day"),
        });
        Window::new(self.open, span.started_at, span.ended_at, &json).expect("an object")
    }

    async fn finish(&mut self, span: WindowSpan, ids: &mut Vec<Uuid>) {
        ids.push(self.open);
        self.spool.put(self.window(span)).await.expect("the disk works");
        self.open = Uuid::new_v4();
        self.counted = 0;
    }

    /// One look at the counters.
    async fn poll(&mut self, clocks: &Clocks, bytes: u64, ids: &mut Vec<Uuid>) {
        self.counted += bytes;
        let now = clocks.read();
        if let Some(span) = self.windows.observe(now) {
            self.finish(span, ids).await;
        } else {
            let window = self.window(self.windows.as_of(now));
            self.spool.checkpoint(window, Durability::Process).await.expect("the disk works");
        }
    }
}

async fn day() {
    let clocks = Clocks { start: Instant::now(), set: Arc::default() };
    let mut moods = Rng::with_seed(24);
    let mut endpoint = Endpoint::start(move || Deed::any(&mut moods)).await;
    let dir = TempDir::new().expect("a directory");
    let mut watcher = Watcher::start(&dir, &endpoint.url(), &clocks, 0);
    let (mut ids, mut total, mut random) = (Vec::new(), 0_u64, Rng::with_seed(7));
    let mut events = EVENTS.into_iter().peekable();
    // One poll each five seconds of the day.
    let mut polls = interval(Duration::from_secs(5) / SPEED);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while clocks.passed() < 24 * HOUR {
        polls.tick().await;
        let bytes = random.u64(..1 << 30);
        total += bytes;
        watcher.poll(&clocks, bytes, &mut ids).await;
        let Some((_, event)) = events.next_if(|(hour, _)| clocks.passed() >= HOUR.mul_f64(*hour)) else { continue };
        match event {
            Event::SetClock(seconds) => clocks.set(seconds),
            Event::EndpointDown => endpoint.close().await,
            Event::EndpointUp => endpoint.open().await,
            Event::Restart => {
                let span = watcher.windows.close(clocks.read());
                watcher.finish(span, &mut ids).await;
                assert_eq!(watcher.handle.stop(Duration::from_secs(2)).await, Stopped::InTime);
                watcher.running.await.expect("delivery does not panic");
                drop((watcher.handle, watcher.spool));
                watcher = Watcher::start(&dir, &endpoint.url(), &clocks, 1);
            }
            Event::Kill => {
                ids.push(watcher.open);
                watcher.running.abort();
                assert!(watcher.running.await.is_err_and(|error| error.is_cancelled()));
                // What ran beside the spool comes to its end, as a system call does when a process dies.
                watcher.spool.run(|_| ()).await;
                drop((watcher.handle, watcher.spool));
                watcher = Watcher::start(&dir, &endpoint.url(), &clocks, 2);
            }
        }
    }
    let span = watcher.windows.close(clocks.read());
    watcher.finish(span, &mut ids).await;
    let last = ids.last().expect("a day has windows").to_string();
    endpoint.until(|requests| requests.iter().any(|request| request.deed.takes() && request.upload_id() == last)).await;
    watcher.handle.stop(Duration::from_secs(2)).await;
    assert!(events.next().is_none());
    check(&endpoint, &ids, total, clocks.start.elapsed());
}

fn check(endpoint: &Endpoint, ids: &[Uuid], total: u64, took: Duration) {
    let mut first: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    let mut order = Vec::new();
    let taken = endpoint.taken();
    for request in &taken {
        let (id, json) = (request.upload_id(), request.without_sent_at());
        match first.get(&id) {
            Some(earlier) => assert_eq!(*earlier, json, "one window, two contents"),
            None => {
                first.insert(id.clone(), json);
                order.push(id);
            }
        }
        assert_eq!(request.header("machine_id"), Some(MACHINE.to_string().as_str()));
    }
    let made: Vec<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(order, made, "all of them, in order");
    let sum = |key: &str| first.values().map(|json| json[key].as_u64().expect("a number")).sum::<u64>();
    assert_eq!(sum("counted"), total, "to the byte");
    // What a killed watcher had not yet saved of the time is lost: two kills, a poll each.
    let day = u64::try_from((24 * HOUR).as_nanos()).expect("a day");
    assert!(sum("nanoseconds") > day - 2 * 60_000_000_000, "{}", sum("nanoseconds"));

    let requests = endpoint.requests();
    let faults: Vec<Deed> = requests.iter().map(|request| request.deed).filter(|deed| deed.is_fault()).collect();
    let kinds: BTreeSet<Deed> = faults.iter().copied().collect();
    println!(
        "24 h in {:.1} s: {} windows, {} requests, {} faults of {} kinds, {} repeats dropped",
        took.as_secs_f64(),
        made.len(),
        requests.len(),
        faults.len(),
        kinds.len(),
        taken.len() - made.len(),
    );
    assert!(made.len() >= 96 && faults.len() >= 100 && kinds.len() >= 15, "too little happened");
}
