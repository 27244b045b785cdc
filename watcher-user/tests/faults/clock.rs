//! The clock is set while windows are open.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::{daemon::Home, endpoint::Endpoint, faketime::Clock, far::Far, scene::trial};

pub fn trials() -> Vec<Trial> {
    vec![trial("windows_add_up_when_the_clock_is_set_both_ways", stepped)]
}

fn stepped() -> Result<()> {
    const HOUR: i64 = 3_600;
    let endpoint = Endpoint::start(true);
    let home = Home::new();
    home.configure(&format!(
        "[upload]\nurl = \"{}\"\ninterval = \"2s\"\n[collect]\nsample_interval = \"1s\"\n",
        endpoint.address
    ));
    let clock = Clock::of(&home);
    let daemon = clock.run(&home, "UTC");
    let far = Far::new();
    let mut counted = BTreeMap::new();
    // Back over windows that are sent, forward over a day, back again: no more of them than any window names.
    for (round, ahead) in [0, -2 * HOUR, 30 * HOUR, -26 * HOUR, 0].into_iter().enumerate() {
        clock.set(ahead);
        let bytes = 100_001 + round as u64;
        counted.insert(u64::from(far.send(bytes).end()), bytes);
    }
    daemon.end(Signal::SIGTERM);
    clock.set(0);
    let out = home.say(&["upload", "--now"]);
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let sent = endpoint.sent_by_process();
    let seen: BTreeMap<u64, u64> =
        counted.keys().map(|pid| (*pid, sent.get(pid).copied().unwrap_or_default())).collect();
    ensure!(seen == counted, "windows say {seen:?}, sent were {counted:?}");
    Ok(())
}
