//! A capture of any link types: of each frame three bytes are its link type, how long it is, and how much longer the wire was.
//! Whatever comes, each frame is accounted for once, the table stays within its bound, and nothing is exact that is not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use macos_pcap::engine::{Captured, Engine, Guess};
use macos_pcap::flows::{Hosts, Limits};
use macos_pcap::link::LinkType;
use macos_pcap::owners::Nobody;
use watcher_core::{BootTime, Grade};

const LINKS: [u32; 9] = [0, 1, 12, 108, 113, 149, 228, 229, 276];
const SECOND: u64 = 1_000_000_000;
const FLOWS: usize = 8;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { flows: FLOWS, ..Limits::default() };
    let mut engine = Engine::new(Hosts::new([[10, 0, 0, 1].into()]), 0, limits, true);
    let mut guess = Guess::new();
    let (mut rest, mut at, mut frames) = (bytes, 0, 0);
    while let Some(([link, len, longer], behind)) = rest.split_first_chunk::<3>() {
        let (frame, next) = behind.split_at(usize::from(*len).min(behind.len()));
        rest = next;
        at += SECOND;
        let Some(link) = LinkType::from_number(LINKS[usize::from(*link) % LINKS.len()]) else { continue };
        let frame =
            Captured { link, at: BootTime(at), bytes: frame, wire_len: frame.len() as u64 + u64::from(*longer) };
        guess.see(&frame);
        engine.see(&frame);
        frames += 1;
        assert!(engine.flows().len() <= FLOWS);
        if at % (16 * SECOND) == 0 {
            collect(&mut engine, at);
        }
    }
    collect(&mut engine, at);
    let seen = engine.seen();
    assert_eq!(seen.frames, frames);
    assert!(seen.not_ip + seen.unreadable + seen.malformed + seen.elsewhere <= frames);
    assert!(guess.hosts().len() as u64 <= 2 * frames);
});

/// Only what is whole is charged to processes by name.
fn collect(engine: &mut Engine, at: u64) {
    let Ok(batch) = engine.collect(BootTime(at), &mut Nobody);
    assert!(engine.quality().grade != Grade::Pid || batch.losses.is_exact());
}
