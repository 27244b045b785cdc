//! From packets to flows: counters of both directions, and lives.
//!
//! The table is bounded. When it is full, the bytes of further flows are counted as nobody's, and that is told: see
//! [`Flows::losses`].

mod connection;
mod flow;
mod heads;
mod hosts;
mod key;
mod limits;
mod sight;
mod table;
#[cfg(test)]
mod tests;

use watcher_core::{BootTime, Losses, ProcessId, Protocol, SocketId, names::Head};

use crate::packet::{Flags, Fragments, Packet, Transport};
use flow::{Flow, Part};
pub use hosts::Hosts;
use key::Key;
pub use limits::Limits;
pub use sight::{Asked, Observed, Owner, Sight};
use table::Table;

/// The flows of a capture.
#[derive(Debug)]
pub struct Flows {
    flows: Table,
    /// Ended by another connection on the same ports, and not yet told.
    superseded: Vec<(Key, Flow)>,
    fragments: Fragments,
    hosts: Hosts,
    limits: Limits,
    cookie: u64,
    newest_unowned: Option<BootTime>,
    /// Ended and told, still in the table.
    lingering: usize,
    losses: Losses,
    overheard_bytes: u64,
    /// Copies of first bytes that nobody took yet: of one packet, two at most.
    heads: Vec<Head>,
}

impl Flows {
    /// An empty table of a machine with these addresses.
    #[must_use]
    pub fn new(hosts: Hosts, limits: Limits) -> Self {
        Self {
            flows: Table::default(),
            superseded: Vec::new(),
            fragments: Fragments::new(),
            hosts,
            limits,
            cookie: 0,
            newest_unowned: None,
            lingering: 0,
            losses: Losses::default(),
            overheard_bytes: 0,
            heads: Vec::new(),
        }
    }

    /// What the last packet showed of the beginning of its flow: of two where both ends are here.
    pub fn heads(&mut self) -> std::vec::Drain<'_, Head> {
        self.heads.drain(..)
    }

    /// When the newest flow began whose owner no packet named.
    #[must_use]
    pub fn newest_unowned(&self) -> Option<BootTime> {
        self.newest_unowned
    }

    /// Whether flows are to be told whose owner is not known.
    #[must_use]
    pub fn wants_owners(&self) -> bool {
        self.flows.flows().any(|flow| flow.is_changed && flow.is_nobodys())
            || self.superseded.iter().any(|(_, flow)| flow.is_nobodys())
    }

    /// The machine's addresses have changed.
    pub fn set_hosts(&mut self, hosts: Hosts) {
        self.hosts = hosts;
    }

    /// What did not fit: absolute. `map_full` counts packets of flows without room, `state_changes` untold ends.
    #[must_use]
    pub fn losses(&self) -> Losses {
        self.losses
    }

    /// Payload between other machines, seen on the way: nobody's here.
    #[must_use]
    pub fn overheard_bytes(&self) -> u64 {
        self.overheard_bytes
    }

    /// Payload of fragments that found no flow.
    #[must_use]
    pub fn unmatched_fragment_bytes(&self) -> u64 {
        self.fragments.unmatched_bytes()
    }

    /// Flows in the table, ended ones that linger included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.len() == 0
    }

    /// Counts one packet.
    #[inline]
    pub fn see(&mut self, packet: &Packet<'_>, sight: &Sight) {
        self.heads.clear();
        if let Some(fragment) = packet.fragment {
            for part in self.fragments.see(packet, fragment) {
                // Where in its datagram a later fragment begins does not matter to counts, and names are in first ones.
                self.credit(packet, sight, (part.transport, part.payload_len, part.wire_len), &[]);
            }
        }
        // What is elsewhere comes back when the datagram's first part is there.
        if !matches!(packet.transport, Transport::Elsewhere(_)) {
            let counted = (packet.transport, packet.payload_len, packet.wire_len);
            self.credit(packet, sight, counted, packet.first_bytes);
        }
    }

    fn credit(
        &mut self,
        packet: &Packet<'_>,
        sight: &Sight,
        (transport, payload_len, wire_len): (Transport, u64, u64),
        first_bytes: &[u8],
    ) {
        let (from, to) = match transport.ports() {
            Some(ports) => (ports.source, ports.destination),
            None => (0, 0),
        };
        let (source, destination) = ((packet.source, from), (packet.destination, to));
        let protocol = protocol(transport);
        let sides = self.hosts.sides(sight.way, packet.source, packet.destination);
        if !sides.sent && !sides.received {
            self.overheard_bytes += payload_len;
        }
        let part = Part { at: sight.at, transport, payload_len, wire_len, is_sent: true, first_bytes };
        if sides.sent {
            self.enter(Key::new(protocol, [source, destination], sight.slot), sight, part);
        }
        if sides.received {
            let key = Key::new(protocol, [destination, source], sight.slot);
            self.enter(key, sight, Part { is_sent: false, ..part });
        }
    }

    fn enter(&mut self, key: Key, sight: &Sight, part: Part<'_>) {
        if let Some(flow) = self.flows.get_mut(&key) {
            if !flow.is_replaced_by(&part) {
                flow.named = flow.named.or(sight.pid);
                flow.take(&part);
                self.heads.extend(flow.head(&key, &part));
                return;
            }
            self.supersede(&key, part.at);
        }
        // A RST answers what is over or never was: no flow begins with one.
        if matches!(part.transport, Transport::Tcp(_, segment) if segment.flags.has(Flags::RST)) {
            return;
        }
        if self.flows.len() >= self.limits.flows && !self.make_room() {
            self.losses.map_full += 1;
            let Losses { unattributed_tx_bytes: tx, unattributed_rx_bytes: rx, .. } = &mut self.losses;
            *(if part.is_sent { tx } else { rx }) += part.payload_len;
            return;
        }
        let scope = self.hosts.scope(key.local().ip(), key.remote().ip());
        let mut flow = Flow::new(SocketId { cookie: self.cookie, epoch: 0 }, scope, &part);
        self.cookie += 1;
        flow.named = sight.pid;
        if flow.named.is_none() {
            self.newest_unowned = Some(part.at);
        }
        flow.take(&part);
        self.heads.extend(flow.head(&key, &part));
        self.flows.insert(key, flow);
    }

    /// Puts a flow aside whose addresses and ports another one has taken.
    fn supersede(&mut self, key: &Key, at: BootTime) {
        let Some(mut flow) = self.flows.remove(key) else { return };
        if flow.is_over() && !flow.is_changed {
            self.lingering = self.lingering.saturating_sub(1);
            return;
        }
        flow.supersede(at);
        if self.superseded.len() < self.limits.flows {
            self.superseded.push((*key, flow));
        } else {
            self.losses.state_changes += 1;
        }
    }

    /// Forgets ended flows before their time. Looks through the table only where that pays.
    fn make_room(&mut self) -> bool {
        if self.lingering <= self.limits.flows / 16 {
            return false;
        }
        self.flows.retain(|_, flow| flow.is_changed || !flow.is_over());
        self.lingering = 0;
        self.flows.len() < self.limits.flows
    }

    /// Every flow that changed since the last call, in no order but that an ended flow comes before the one that took its
    /// place. Ends what was silent for too long. `owner` is asked once for each flow, or until it knows.
    pub fn take(&mut self, now: BootTime, mut owner: impl FnMut(Asked<'_>) -> Owner) -> Vec<Observed> {
        // Growing by doubling would need as much room again as ten thousand flows take.
        let changed = self.flows.flows().filter(|flow| flow.is_changed).count();
        let mut observed = Vec::with_capacity(self.superseded.len() + changed);
        for (key, mut flow) in std::mem::take(&mut self.superseded) {
            observed.extend(tell(&key, &mut flow, &mut owner));
        }
        let limits = &self.limits;
        self.lingering = 0;
        self.flows.retain(|key, flow| {
            flow.expire(now, limits);
            observed.extend(tell(key, flow, &mut owner));
            let is_kept = !flow.is_forgettable(now, limits.linger);
            self.lingering += usize::from(is_kept && flow.is_over());
            is_kept
        });
        observed
    }
}

fn tell(key: &Key, flow: &mut Flow, owner: &mut impl FnMut(Asked<'_>) -> Owner) -> Option<Observed> {
    if !flow.is_changed {
        return None;
    }
    if flow.owner.is_none() {
        let answer = match flow.named {
            Some(pid) => owner(Asked::Pid(pid)),
            None => owner(Asked::Socket(&flow.info(key), flow.since)),
        };
        flow.owner = Some(match answer {
            Owner::Process(process) => process,
            Owner::NotYet if !flow.is_over() => return None,
            Owner::NotYet | Owner::Nobody => ProcessId::KERNEL,
        });
    }
    flow.is_changed = false;
    Some(flow.observe(key))
}

fn protocol(transport: Transport) -> Protocol {
    match transport {
        Transport::Tcp(..) => Protocol::Tcp,
        Transport::Udp(_) => Protocol::Udp,
        Transport::Sctp(_) => Protocol::Sctp,
        Transport::Icmp => Protocol::Icmp,
        Transport::Other(number) | Transport::Elsewhere(number) => Protocol::Raw(number),
    }
}
