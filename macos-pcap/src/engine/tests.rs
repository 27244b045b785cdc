use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use etherparse::PacketBuilder;
use watcher_core::names::Heard;
use watcher_core::{BootTime, DegradationReason, Grade, ProcessEvent, ProcessId, SocketInfo};

use super::{Captured, Engine, Guess};
use crate::flows::{Hosts, Limits, Owner};
use crate::link::LinkType;
use crate::owners::{Nobody, Owners};

const HERE: [u8; 4] = [10, 0, 0, 1];
const THERE: [u8; 4] = [192, 0, 2, 7];
const OWNER: ProcessId = ProcessId { tgid: 42, start: BootTime(7) };

fn engine() -> Engine {
    Engine::new(Hosts::new([IpAddr::from(HERE)]), 0, Limits::default(), true)
}

fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    PacketBuilder::ipv4(from.0, to.0, 64).udp(from.1, to.1).write(&mut packet, payload).unwrap();
    packet
}

fn raw(at: u64, bytes: &[u8]) -> Captured<'_> {
    Captured { link: LinkType::Raw, at: BootTime(at), bytes, wire_len: bytes.len() as u64 }
}

/// Knows the owner after so many looks.
struct After(u32);

impl Owners for After {
    type Error = Infallible;

    fn look(&mut self, _: BootTime) -> Result<bool, Infallible> {
        self.0 = self.0.saturating_sub(1);
        Ok(true)
    }

    fn owner(&mut self, _: &SocketInfo, _: BootTime) -> Owner {
        if self.0 == 0 { Owner::Process(OWNER) } else { Owner::NotYet }
    }

    fn events(&mut self) -> Vec<ProcessEvent> {
        Vec::new()
    }
}

#[test]
fn what_is_heard_waits_until_it_is_known_whose_it_is() {
    let mut engine = engine();
    let question =
        [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, b'e', b'x', b'a', b'm', b'p', b'l', b'e', 0, 0, 1, 0, 1];
    engine.see(&raw(1, &udp((HERE, 4000), (THERE, 53), &question)));
    let mut owners = After(2);
    let Ok(held) = engine.collect(BootTime(2), &mut owners);
    assert!(held.flows.is_empty() && held.heard.is_empty(), "{held:?}");
    let Ok(told) = engine.collect(BootTime(3), &mut owners);
    assert_eq!(told.flows.iter().map(|flow| flow.id.process).collect::<Vec<_>>(), [OWNER]);
    assert!(
        matches!(&told.heard[..], [Heard::Shown { .. }, Heard::Dns(carried, _)] if carried.process == OWNER),
        "{:?}",
        told.heard
    );
}

#[test]
fn whatever_is_dropped_or_cannot_be_read_is_a_loss_and_said() {
    let mut engine = engine();
    engine.see(&raw(1, &udp((HERE, 1), (THERE, 2), b"hello")[..14]));
    engine.set_dropped(5);
    let Ok(batch) = engine.collect(BootTime(2), &mut Nobody);
    assert_eq!((batch.losses.frames, batch.losses.is_exact()), (6, false));
    let packets = |reason: &&DegradationReason| reason.capability == "packets";
    assert!(engine.quality().degraded.iter().find(packets).is_some_and(|reason| reason.why.starts_with("6 were")));
    assert_eq!(engine.quality().grade, Grade::Estimated);
}

#[test]
fn what_is_not_to_or_from_here_is_overheard_and_what_is_to_many_is_received() {
    let mut engine = engine();
    engine.see(&raw(1, &udp((THERE, 1), ([192, 0, 2, 8], 2), b"12345")));
    assert_eq!(engine.flows().overheard_bytes(), 5);
    // SLL: PACKET_MULTICAST, then type and address, then IPv4.
    let cooked =
        [&[0, 2, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0][..], &udp((THERE, 5353), ([224, 0, 0, 251], 5353), b"123")];
    let cooked = cooked.concat();
    engine.see(&Captured { link: LinkType::LinuxSll, ..raw(2, &cooked) });
    let Ok(batch) = engine.collect(BootTime(3), &mut Nobody);
    assert_eq!(batch.flows.iter().map(|flow| flow.counters.rx_bytes).collect::<Vec<_>>(), [3]);
}

#[test]
fn the_machine_of_a_capture_is_the_one_that_most_of_it_is_to_or_from() {
    let mut guess = Guess::new();
    for peer in 1..20 {
        let packet = udp(([192, 0, 2, peer], 443), (HERE, 4000), b"x");
        guess.see(&raw(peer.into(), &packet));
    }
    guess.see(&raw(30, &udp(([127, 0, 0, 1], 1), ([127, 0, 0, 1], 2), b"x")));
    assert_eq!(guess.hosts(), [IpAddr::V4(Ipv4Addr::from(HERE))]);
    // Of two that only talk with each other, the private one.
    let mut guess = Guess::new();
    guess.see(&raw(1, &udp((THERE, 443), (HERE, 4000), b"x")));
    assert_eq!(guess.hosts(), [IpAddr::from(HERE)]);
}
