//! The clock is set while windows are open.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    daemon::{Home, wait_for},
    endpoint::Endpoint,
    faketime::Clock,
    far::Far,
    scene::trial,
};

pub fn trials() -> Vec<Trial> {
    vec![trial("windows_add_up_when_the_clock_is_set_both_ways", stepped)]
}

/// The short report that the daemon wrote last: its whole life.
fn summary(home: &Home) -> Option<Value> {
    serde_json::from_slice(&fs::read(home.state().join("summary.json")).ok()?).ok()
}

/// When that was, by the daemon's clock.
fn updated(home: &Home) -> Option<Timestamp> {
    summary(home)?["updated_at"].as_str()?.parse().ok()
}

/// Received, sent, and of both what stayed within the host.
fn sums(rollup: &Value) -> Option<[u64; 4]> {
    let names = ["total_rx_bytes", "total_tx_bytes", "loopback_rx_bytes", "loopback_tx_bytes"];
    let sums = names.map(|name| rollup["summary"][name].as_u64());
    Some([sums[0]?, sums[1]?, sums[2]?, sums[3]?])
}

fn stepped() -> Result<()> {
    const HOUR: i64 = 3_600;
    let endpoint = Endpoint::start(true);
    let home = Home::new();
    home.configure(&format!(
        "[upload]\nurl = \"{}\"\ninterval = \"1h\"\n[collect]\nsample_interval = \"1s\"\n",
        endpoint.address
    ));
    let clock = Clock::of(&home);
    let daemon = clock.run(&home, "UTC");
    let far = Far::new();
    // Back over what is over, forward over a day, back again, and home.
    let steps = [0, -2 * HOUR, 30 * HOUR, -26 * HOUR, 0];
    let mut sent = 0;
    for ahead in steps {
        clock.set(ahead);
        far.send(100_001).end();
        sent += 100_001;
        wait_for("the daemon to see the clock", || {
            let off = updated(&home)?.duration_since(Timestamp::now() + SignedDuration::from_secs(ahead));
            (off.abs() < SignedDuration::from_mins(10)).then_some(())
        });
    }
    daemon.end(Signal::SIGTERM);
    let out = home.say(&["upload", "--now"]);
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let bodies = endpoint.bodies.lock().expect("no panic");
    let windows: Vec<[u64; 4]> = bodies.iter().map(|body| sums(body).context("sums")).collect::<Result<_>>()?;
    ensure!(windows.len() >= steps.len(), "{} windows", windows.len());
    let all = windows.iter().fold([0; 4], |all, one| [0, 1, 2, 3].map(|i| all[i] + one[i]));
    let life = sums(&summary(&home).context("no summary")?["since_start"]).context("sums")?;
    ensure!(all == life, "windows add up to {all:?}, and the daemon's life to {life:?}");
    ensure!(all[1] >= sent, "{} of {sent} bytes", all[1]);
    eprintln!("{} windows: {all:?}", windows.len());
    Ok(())
}
