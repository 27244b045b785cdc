//! The processes that PKTAP names: by pid and command, without the time they started at.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use watcher_core::{BootTime, ProcessEvent, ProcessId, ProcessInfo};

use crate::link::pktap::Tap;
use crate::owners::Owners;

/// Pids that are remembered: macOS has 99,999 of them, and files hold any.
const MOST: usize = 1 << 17;

#[derive(Debug)]
struct Known {
    /// When a packet first named it.
    first: BootTime,
    command: Box<[u8]>,
    who: Who,
}

#[derive(Debug, Clone, Copy)]
enum Who {
    /// Nobody has been asked yet.
    Unasked,
    /// Told of by whoever lists processes, who tells of its end too.
    Listed(ProcessId),
    /// What packets said is all there is.
    Packets(ProcessId),
}

/// Who has which pid.
#[derive(Debug, Default)]
pub(super) struct Taps {
    known: HashMap<u32, Known, RandomState>,
    /// Known by packets alone.
    events: Vec<ProcessEvent>,
}

impl Taps {
    /// The process whose calls a packet comes from. On whose behalf it made them is another question: that of the name of
    /// its application.
    pub(super) fn pid(&mut self, tap: &Tap<'_>, at: BootTime) -> Option<u32> {
        let process = tap.process?;
        if let Some(known) = self.known.get_mut(&process.pid) {
            if *known.command != *process.command && !process.command.is_empty() {
                known.command = process.command.into();
                if let Who::Packets(id) = known.who {
                    self.events.push(seen(id, &known.command));
                }
            }
            return Some(process.pid);
        }
        if self.known.len() >= MOST {
            return None;
        }
        let known = Known { first: at, command: process.command.into(), who: Who::Unasked };
        self.known.insert(process.pid, known);
        Some(process.pid)
    }

    /// Who that is. Whom `owners` do not know any more is taken to have started when it was first seen.
    pub(super) fn process<O: Owners>(&mut self, pid: u32, now: BootTime, owners: &mut O) -> ProcessId {
        let Some(known) = self.known.get_mut(&pid) else {
            // It has ended since its packet was seen.
            return owners.process(pid).unwrap_or(ProcessId { tgid: pid, start: now });
        };
        match known.who {
            Who::Listed(id) | Who::Packets(id) => id,
            Who::Unasked => {
                if let Some(id) = owners.process(pid) {
                    known.who = Who::Listed(id);
                    return id;
                }
                let id = ProcessId { tgid: pid, start: known.first };
                known.who = Who::Packets(id);
                self.events.push(seen(id, &known.command));
                id
            }
        }
    }

    /// Whoever lists processes knows when they ended: the next one with that pid is another.
    pub(super) fn learn(&mut self, events: &[ProcessEvent]) {
        for event in events {
            let ProcessEvent::Exited { id, .. } = event else { continue };
            if matches!(self.known.get(&id.tgid), Some(Known { who: Who::Listed(known), .. }) if known == id) {
                self.known.remove(&id.tgid);
            }
        }
    }

    /// Since the last call. As many as packets came between, at most.
    pub(super) fn events(&mut self) -> Vec<ProcessEvent> {
        std::mem::take(&mut self.events)
    }
}

fn seen(id: ProcessId, command: &[u8]) -> ProcessEvent {
    let name = String::from_utf8_lossy(command).into_owned();
    ProcessEvent::Seen { id, info: ProcessInfo { name, ..ProcessInfo::default() } }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use watcher_core::SocketInfo;

    use super::*;
    use crate::flows::Owner;
    use crate::link::pktap::TapProcess;

    /// Knows who has pid 7, and nobody else.
    struct System(Option<ProcessId>);

    impl Owners for System {
        type Error = Infallible;

        fn look(&mut self, _: BootTime) -> Result<bool, Infallible> {
            Ok(true)
        }

        fn owner(&mut self, _: &SocketInfo, _: BootTime) -> Owner {
            Owner::Nobody
        }

        fn process(&mut self, pid: u32) -> Option<ProcessId> {
            self.0.filter(|id| id.tgid == pid)
        }

        fn events(&mut self) -> Vec<ProcessEvent> {
            Vec::new()
        }
    }

    fn id(tgid: u32, start: u64) -> ProcessId {
        ProcessId { tgid, start: BootTime(start) }
    }

    fn name(taps: &mut Taps, pid: u32, at: u64) {
        let process = Some(TapProcess { pid, command: b"curl" });
        let tap = Tap { process, effective: None, interface: b"en0", flow: 0, retransmission: false };
        assert_eq!(taps.pid(&tap, BootTime(at)), Some(pid));
    }

    #[test]
    fn a_named_pid_is_the_process_that_started_then_and_after_its_end_another() {
        let (mut taps, mut system) = (Taps::default(), System(Some(id(7, 100))));
        name(&mut taps, 7, 500);
        assert_eq!(taps.process(7, BootTime(600), &mut system), id(7, 100));
        system.0 = Some(id(7, 900));
        assert_eq!(taps.process(7, BootTime(700), &mut system), id(7, 100), "asked once");
        taps.learn(&[ProcessEvent::Exited { id: id(7, 100), at: BootTime(800) }]);
        name(&mut taps, 7, 950);
        assert_eq!(taps.process(7, BootTime(960), &mut system), id(7, 900));
        assert!(taps.events().is_empty(), "whoever lists it tells of it");
    }

    #[test]
    fn who_is_gone_before_anybody_asks_started_when_it_was_first_seen() {
        let (mut taps, mut system) = (Taps::default(), System(None));
        name(&mut taps, 8, 500);
        name(&mut taps, 8, 510);
        assert_eq!(taps.process(8, BootTime(600), &mut system), id(8, 500));
        let events = taps.events();
        assert!(matches!(&events[..], [ProcessEvent::Seen { info, .. }] if info.name == "curl"), "{events:?}");
    }
}
