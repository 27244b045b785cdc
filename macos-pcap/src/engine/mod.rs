//! From captured frames to the batches of a [`watcher_core::Source`]: everything between a capture and the aggregator that
//! needs neither. Frames, time, addresses and owners are handed in.

mod guess;
mod quality;
mod seen;
mod taps;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;

use watcher_core::names::{Head, Heard, Reader};
use watcher_core::{Batch, BootTime, Losses, ProcessEvent, ProcessId, ProcessInfo, Quality, SocketId};

use crate::flows::{Asked, Flows, Hosts, Limits, Observed, Owner, Sight};
use crate::link::{self, Frame, LinkError, LinkType, Way};
use crate::owners::Owners;
use crate::packet::{self, Packet, PacketError};
pub use guess::Guess;
pub use seen::Seen;
use taps::Taps;

/// What was heard and not collected yet: beyond it, names get lost and are counted.
const MOST_HEARD: usize = 1 << 14;

/// One frame as a capture or a file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Captured<'a> {
    /// What it begins with.
    pub link: LinkType,
    /// When it was captured.
    pub at: BootTime,
    /// As much of it as was kept.
    pub bytes: &'a [u8],
    /// Its length on the wire, bytes.
    pub wire_len: u64,
}

/// Counts frames.
#[derive(Debug)]
pub struct Engine {
    flows: Flows,
    hosts: Hosts,
    slot: u32,
    /// `None` while names are not looked for.
    reader: Option<Reader>,
    heard: Vec<Heard>,
    heads_lost: u64,
    taps: Taps,
    seen: Seen,
    /// Frames that the capture dropped: absolute.
    dropped: u64,
    /// Flows that were told, and whose owner no packet named.
    unnamed: u64,
    quality: Quality,
    /// Told once.
    nobody: Option<ProcessEvent>,
}

impl Engine {
    /// Of a machine with these addresses. `slot` is the network namespace that they belong to, 0 where that is not known.
    #[must_use]
    pub fn new(hosts: Hosts, slot: u32, limits: Limits, names: bool) -> Self {
        Self {
            flows: Flows::new(hosts.clone(), limits),
            hosts,
            slot,
            reader: names.then(Reader::new),
            heard: Vec::new(),
            heads_lost: 0,
            taps: Taps::default(),
            seen: Seen::default(),
            dropped: 0,
            unnamed: 0,
            quality: quality::estimated(&Seen::default(), 0, 0),
            nobody: Some(nobody()),
        }
    }

    /// The machine's addresses have changed.
    pub fn set_hosts(&mut self, hosts: Hosts) {
        self.flows.set_hosts(hosts.clone());
        self.hosts = hosts;
    }

    /// How many frames the capture has dropped so far.
    pub fn set_dropped(&mut self, dropped: u64) {
        self.dropped = self.dropped.max(dropped);
    }

    /// What has come by.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Flows that are held.
    #[must_use]
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// Counts one frame.
    #[inline]
    pub fn see(&mut self, frame: &Captured<'_>) {
        self.see_if(frame, |_| true);
    }

    /// Counts one frame, unless it is one that is seen elsewhere as well.
    #[inline]
    pub fn see_if(&mut self, frame: &Captured<'_>, counts: impl FnOnce(&Frame<'_>) -> bool) {
        self.seen.frame(frame);
        let opened = match link::open(frame.link, frame.bytes, frame.wire_len) {
            Ok(opened) => opened,
            Err(LinkError::NotIp(_) | LinkError::NoPacket(_)) => return self.seen.not_ip += 1,
            Err(_) => return self.seen.unreadable += 1,
        };
        if !counts(&opened) {
            self.seen.elsewhere += 1;
            return;
        }
        let packet = match packet::parse(&opened) {
            Ok(packet) => packet,
            // What contradicts itself is dropped by whoever receives it.
            Err(PacketError::Malformed(_) | PacketError::Longer(..)) => return self.seen.malformed += 1,
            Err(PacketError::Short(_) | PacketError::Extensions) => return self.seen.unreadable += 1,
        };
        let pid = opened.tap.as_ref().and_then(|tap| self.taps.pid(tap, frame.at));
        let way = self.way(&opened, &packet);
        self.flows.see(&packet, &Sight { at: frame.at, way, slot: self.slot, pid });
        if let Some(reader) = &mut self.reader {
            for head in self.flows.heads() {
                hear(reader, &head, &mut self.heard, &mut self.heads_lost);
            }
        }
    }

    /// PKTAP's word is the stack's own. Others mark what passes through as well as what is this machine's, and loopback's
    /// packets once for both ends: there the addresses say more, where they are anybody's own.
    fn way(&self, frame: &Frame<'_>, packet: &Packet<'_>) -> Option<Way> {
        if frame.tap.is_some() {
            return frame.way;
        }
        let is_to_many = match packet.destination {
            IpAddr::V4(to) => to.is_multicast() || to.is_broadcast(),
            IpAddr::V6(to) => to.is_multicast(),
        };
        match frame.way {
            Some(Way::In) if is_to_many && !self.hosts.has(packet.source) => Some(Way::In),
            Some(Way::Out) if packet.source.is_unspecified() => Some(Way::Out),
            _ => None,
        }
    }

    /// Everything that is new, as of `now`; asks `owners` for those that no packet named.
    ///
    /// # Errors
    /// When the owners cannot be listed.
    pub fn collect<O: Owners>(&mut self, now: BootTime, owners: &mut O) -> Result<Batch, O::Error> {
        if self.flows.wants_owners() {
            owners.look(now)?;
        }
        let mut unnamed = 0;
        let taps = &mut self.taps;
        let observed = self.flows.take(now, |asked| match asked {
            Asked::Pid(pid) => Owner::Process(taps.process(pid, now, owners)),
            Asked::Socket(socket, since) => {
                let owner = owners.owner(socket, since);
                unnamed += u64::from(owner != Owner::NotYet);
                owner
            }
        });
        self.unnamed += unnamed;
        let listed = self.nobody.take().into_iter().chain(owners.events()).collect::<Vec<_>>();
        self.taps.learn(&listed);
        let mut processes = listed;
        processes.extend(self.taps.events());
        let heard = self.take_heard(&observed);
        let flows = observed.into_iter().map(|observed| observed.sample).collect();
        let losses = self.losses();
        self.quality = quality::of(&self.seen, &losses, self.unnamed);
        Ok(Batch { at: now, processes, heard, flows, losses, ..Batch::default() })
    }

    /// What flows showed that are held back waits with them: DNS messages belong to processes.
    fn take_heard(&mut self, observed: &[Observed]) -> Vec<Heard> {
        if self.heard.is_empty() {
            return Vec::new();
        }
        let owners: HashMap<SocketId, ProcessId> =
            observed.iter().map(|o| (o.sample.id.socket, o.sample.id.process)).collect();
        let mut told = Vec::with_capacity(self.heard.len());
        for mut heard in std::mem::take(&mut self.heard) {
            let socket = match &heard {
                Heard::Shown { socket, .. } => *socket,
                Heard::Dns(carried, _) => carried.socket,
            };
            // What showed something has moved bytes: it is told now, or held back.
            let Some(owner) = owners.get(&socket) else {
                self.heard.push(heard);
                continue;
            };
            if let Heard::Dns(carried, _) = &mut heard {
                carried.process = *owner;
            }
            told.push(heard);
        }
        told
    }

    fn losses(&self) -> Losses {
        let mut losses = self.flows.losses();
        losses.heads += self.heads_lost;
        losses.frames += self.dropped + self.seen.unreadable;
        // This machine sends the first part of a datagram first: what waits for one in vain came from elsewhere.
        losses.unattributed_rx_bytes += self.flows.unmatched_fragment_bytes();
        losses
    }

    /// What this promises, as of the last batch.
    #[must_use]
    pub fn quality(&self) -> &Quality {
        &self.quality
    }
}

/// What nobody is known to own goes where the kernel's own bytes go, which packets do not tell apart.
fn nobody() -> ProcessEvent {
    let info = ProcessInfo { name: "unknown".to_owned(), ..ProcessInfo::default() };
    ProcessEvent::Seen { id: ProcessId::KERNEL, info }
}

fn hear(reader: &mut Reader, head: &Head, heard: &mut Vec<Heard>, lost: &mut u64) {
    if heard.len() < MOST_HEARD {
        reader.read(head, heard);
    } else {
        *lost += 1;
    }
}
