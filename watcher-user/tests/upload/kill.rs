//! A watcher that is killed with SIGKILL, anywhere, and started again.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::child::Orders;
use crate::endpoint::{Endpoint, Request};
use crate::faults::Deed;
use crate::{async_trial, child};

pub fn trials() -> Vec<Trial> {
    vec![
        async_trial("killed_before_any_step_every_window_arrives_whole_and_once", killed_before_any_step),
        async_trial("killed_before_the_answer_the_window_comes_again_with_its_id", killed_before_the_answer),
    ]
}

const WINDOWS: u32 = 3;

/// Waits without holding up the endpoint. Whether it was killed, and what it said.
async fn end(mut process: Child) -> (bool, String) {
    let ended = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        process.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
        let status = process.wait().expect("a child ends");
        let killed = status.signal() == Some(Signal::SIGKILL as i32);
        assert!(killed || status.success(), "{status}");
        (killed, said)
    });
    ended.await.expect("waiting does not panic")
}

async fn drain(spool: &TempDir, endpoint: &Endpoint) {
    let (killed, said) = end(Orders::drain(spool.path(), endpoint.url()).start(&[])).await;
    assert!(!killed && said.contains(r#""waiting":0,"failure":null"#), "{said}");
}

async fn killed_before_any_step() {
    for step in 0.. {
        let endpoint = Endpoint::start(|| Deed::Take).await;
        let spool = TempDir::new().expect("a directory");
        let orders = Orders {
            spool: spool.path().to_owned(),
            url: endpoint.url(),
            windows: WINDOWS,
            die_before_step: Some(step),
        };
        let (killed, said) = end(orders.start(&[])).await;
        drain(&spool, &endpoint).await;
        check(step, &said, &endpoint.taken());
        if !killed {
            println!("killed at each of {step} steps");
            assert!(step > 60, "only {step} steps");
            return;
        }
    }
}

/// What was promised before the kill is there, and no window has two contents.
fn check(step: usize, said: &str, taken: &[Request]) {
    let promised: BTreeMap<u32, &str> = said.lines().filter_map(promise).collect();
    let mut arrived: BTreeMap<u32, serde_json::Value> = BTreeMap::new();
    let mut last = 0;
    for request in taken {
        let json = request.without_sent_at();
        let number = u32::try_from(json["number"].as_u64().expect("a number")).expect("a small number");
        let repeated = arrived.insert(number, json.clone()).inspect(|first| assert_eq!(*first, json, "step {step}"));
        assert!(repeated.is_some() || number > last, "step {step}: {number} after {last}");
        last = last.max(number);
    }
    for number in 1..=WINDOWS {
        let note = arrived.get(&number).map(|json| json["note"].as_str().expect("a note"));
        let well = match promised.get(&number).copied() {
            // A call that was under way may have got as far as the disk.
            None => matches!(note, None | Some("1")),
            Some("1") => matches!(note, Some("1" | "2")),
            Some("2") => matches!(note, Some("2" | "whole")),
            Some(_) => note == Some("whole"),
        };
        assert!(well, "step {step}: promised {:?} of {number}, arrived {note:?}", promised.get(&number));
        if let (Some(note), Some(json)) = (note, arrived.get(&number)) {
            let window: serde_json::Value = serde_json::from_str(child::window(number, note).body()).expect("JSON");
            assert_eq!(*json, window, "step {step}");
        }
    }
}

/// `2 whole`: the last line about a window counts.
fn promise(line: &str) -> Option<(u32, &str)> {
    let (number, note) = line.split_once(' ')?;
    Some((number.parse().ok()?, note))
}

async fn killed_before_the_answer() {
    let mut deeds = [Deed::TakeAndStall, Deed::Take].into_iter();
    let endpoint = Endpoint::start(move || deeds.next().unwrap_or(Deed::Take)).await;
    let spool = TempDir::new().expect("a directory");
    let orders = Orders { spool: spool.path().to_owned(), url: endpoint.url(), windows: 1, die_before_step: None };
    let mut process = orders.start(&[]);
    endpoint.until(|requests| !requests.is_empty()).await;
    process.kill().expect("a child can be killed");
    assert!(end(process).await.0);
    drain(&spool, &endpoint).await;
    let taken = endpoint.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].upload_id(), taken[1].upload_id());
    assert_eq!(taken[0].without_sent_at(), taken[1].without_sent_at());
}
