//! At most 32 KiB, whatever the names are made of.

use std::net::IpAddr;

use proptest::prelude::*;

use super::make::{Rig, closed, flow, frame, process, quality, runs, second, to};
use crate::{
    FlowSample,
    names::testing::answered,
    rollup::{Commands, Limits, MAX_ENCODED, Policy, ProcessSample, Profile, Rollup, WindowOptions, schema::System},
};

/// Everything has a name, and one of the longest that there are.
fn long_name(remote: IpAddr) -> String {
    let label = remote.to_string().replace(['.', ':'], "-");
    let tail = format!(".{}.{}.{}.example", "b".repeat(63), "c".repeat(63), "d".repeat(63));
    format!("{}{tail}", "a".repeat(253 - tail.len() - label.len()) + &label)
}

/// 5,000 processes, `thousands` of thousands of flows, commands of 10 kB, all text made of `filler`.
fn crowd(filler: &str, named: bool, thousands: u64) -> Rollup {
    let policy = Policy { commands: Commands::Full, ..Policy::default() };
    let mut rig = Rig::new(WindowOptions { policy, ..WindowOptions::default() });
    let command = filler.repeat(10_000 / filler.len());
    let events = (1..=5_000).map(|n| runs(n, &format!("{}{n}", filler.repeat(200)), &command));
    rig.apply(1, events.collect(), vec![]);
    let sample = |n| ProcessSample {
        id: process(n),
        name: filler,
        command: &command,
        cpu_percent: Some(99.99 + f64::from(n)),
        rss_bytes: u64::MAX / 1_000,
    };
    rig.window.poll((1..=5_000).map(sample));
    for batch in 0..thousands {
        let flows = (0..1_000).map(|n| {
            let n = batch * 1_000 + n;
            // As many digits as a number can have: Σ still fits into 64 bits.
            let bytes = 90_000_000_000_000 + n;
            let remote = format!("[2001:db8:ffff:ffff:ffff:ffff:{:x}:{:x}]:65535", n >> 16, n & 0xffff);
            closed(to(flow(1 + n as u32 % 5_000, n, bytes, bytes), &remote), 100_000 + n)
        });
        let flows: Vec<_> = flows.collect();
        let asked = |flow: &FlowSample| {
            let ip = flow.socket.remote.expect("it has one").ip();
            answered(flow.id.process, second(1), &long_name(ip), ip)
        };
        let heads = if named { flows.iter().flat_map(asked).collect::<Vec<_>>() } else { vec![] };
        rig.apply_named(2 + batch, vec![], flows, &heads);
    }
    let long = || filler.repeat(300);
    let system = System { os: long(), platform: long(), platform_version: long(), kernel_version: long() };
    let mut machine = Profile { hostname: long(), system, ..Profile::default() };
    (machine.hardware.cpu.model, machine.hardware.cpu.model_normalized) = (long(), long());
    let quality = quality();
    let rollup = rig.window.finish(&frame(&machine, &quality), &());
    assert_eq!(rollup.summary.total_rx_bytes, (0..thousands * 1_000).map(|n| 90_000_000_000_000 + n).sum::<u64>());
    rollup
}

#[test]
fn the_worst_text_fits() {
    let mut sizes = Vec::new();
    for (filler, thousands) in
        [("a", 5), ("\u{1}", 100), ("\"\\", 5), ("名", 5), ("\u{10ffff}", 100), ("e\u{301}\u{202e}", 5)]
    {
        let rollup = crowd(filler, false, thousands);
        let size = rollup.to_json().len();
        assert!(size <= MAX_ENCODED, "{filler:?}: {size}");
        assert_eq!(
            (rollup.processes.len(), rollup.domains.len(), rollup.connections.len()),
            (12, 20, 20),
            "{filler:?}"
        );
        sizes.push((filler, size));
    }
    // Short of room, the last rows go: those with names go by 253 characters each, twice.
    let rollup = crowd("\u{1}", true, 100);
    let size = rollup.to_json().len();
    assert!(size <= MAX_ENCODED && rollup.domains.len() >= 10 && rollup.processes.len() >= 10, "{size}");
    sizes.push(("long domains", size));
    println!("encoded: {sizes:?}");
}

#[test]
fn a_plain_machine_loses_nothing() {
    let policy = Policy { commands: Commands::Full, ..Policy::default() };
    let mut rig = Rig::with_policy(policy);
    let command = "x".repeat(256);
    rig.apply(1, (1..=30).map(|n| runs(n, "plain-name", &command)).collect(), vec![]);
    rig.apply(1, vec![], (1..=30).map(|n| to(flow(n, u64::from(n), 1, 1), &format!("192.0.2.{n}:443"))).collect());
    let rollup = rig.finish();
    assert!(rollup.processes.iter().all(|p| p.names.command.as_ref().unwrap().as_str().len() == 256));
    assert_eq!((rollup.domains.len(), rollup.connections.len()), (20, 20));
    println!("plain: {}", rollup.to_json().len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_fits(name in any::<String>(), filler in "\\PC{1,4}|[\u{0}-\u{1f}]{1,4}|\\PC\"") {
        let mut rig = Rig::with_policy(Policy { commands: Commands::Full, ..Policy::default() });
        let text = filler.repeat(300);
        let events = (1..=40).map(|n| runs(n, &format!("{name}{text}"), &text)).collect();
        rig.apply(1, events, (1..=40).map(|n| to(flow(n, u64::from(n), 1, 1), &format!("192.0.2.{n}:1"))).collect());
        let rollup = rig.finish();
        prop_assert!(rollup.to_json().len() <= MAX_ENCODED);
        prop_assert!(serde_json::from_slice::<Rollup>(&rollup.to_json()).is_ok());
    }
}

#[test]
fn a_full_window_has_a_bound() {
    use super::super::{
        processes::{Process, ProcessKey},
        window::{Exchange, Group, Lives, Peer},
    };
    // Slots of the table, with a weight and the table's own byte each; a table doubles at seven eighths.
    let slots = |limit: usize| (limit * 8 / 7).next_power_of_two();
    let table = |row: usize, limit: usize| slots(limit) * (row + size_of::<u64>() + 1);
    let limits = Limits::default();
    let tables = table(size_of::<(ProcessKey, Process)>(), limits.processes)
        + table(size_of::<(Peer, Exchange)>(), limits.domains)
        + table(size_of::<(Group, Lives)>(), limits.connections);
    // Each name and command as long as is kept, of characters of three bytes; names of remotes as long as DNS allows.
    let text = limits.processes * (128 + 256) * 3 + limits.domains * (2 * 253 + 64);
    println!("tables {} KiB, text at worst {} KiB", tables >> 10, text >> 10);
    assert!(tables <= 10 << 20 && tables + text <= 34 << 20, "{tables} {text}");
}
