//! From listings to owners: who held which socket, now and lately.
//!
//! A listing tells of one moment, a flow lasts. So a socket is remembered for a while after no listing has it any more; and a
//! socket is a flow's only if it can have been there while the flow was.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use foldhash::fast::RandomState;
use watcher_core::{BootTime, Direction, ProcessId, Protocol, SocketInfo};

use super::{Listed, Listing};
use crate::flows::Owner;

/// What a table may hold, and for how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sockets of one listing; further ones are counted: [`Table::untold`].
    pub sockets: usize,
    /// Sockets that no listing has any more.
    pub gone: usize,
    /// How long those are remembered.
    pub keep: Duration,
    /// How old the listing may be by which a datagram is its port's.
    pub settled: Duration,
    /// How long a connection may wait to be accepted before its bytes are the listener's.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets: 1 << 18,
            gone: 1 << 16,
            keep: Duration::from_secs(120),
            settled: Duration::from_secs(2),
            patience: Duration::from_secs(1),
        }
    }
}

/// Sockets and their owners.
#[derive(Debug)]
pub struct Table {
    entries: HashMap<Key, Entry, RandomState>,
    limits: Limits,
    /// When the last listing began.
    listed: Option<BootTime>,
    untold: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    protocol: Protocol,
    local: SocketAddr,
    remote: Option<SocketAddr>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    owner: Owner,
    is_v6_only: bool,
    /// The end of the last listing that has it.
    seen: BootTime,
    /// The begin of the first listing that has not.
    gone: Option<BootTime>,
}

impl Entry {
    /// Whether it may have been there at a time or after it.
    fn may_be_since(&self, since: BootTime) -> bool {
        self.gone.is_none_or(|gone| gone > since)
    }
}

impl Table {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { entries: HashMap::default(), limits, listed: None, untold: 0 }
    }

    /// Sockets in it, those that are gone included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sockets that there was no room for, listing by listing.
    #[must_use]
    pub fn untold(&self) -> u64 {
        self.untold
    }

    /// Takes in what the system says now. Listings come in the order of their times.
    pub fn enter(&mut self, listing: &Listing) {
        let room = self.limits.sockets;
        self.untold += listing.sockets.len().saturating_sub(room) as u64;
        for socket in listing.sockets.iter().take(room) {
            self.enter_one(socket.canonical(), listing.ended);
        }
        for entry in self.entries.values_mut().filter(|entry| entry.seen < listing.began) {
            entry.gone.get_or_insert(listing.began);
        }
        self.listed = Some(listing.began);
        self.forget(listing.began);
    }

    fn enter_one(&mut self, socket: Listed, seen: BootTime) {
        let key = Key { protocol: socket.protocol, local: socket.local, remote: socket.remote };
        let new = Entry { owner: socket.owner, is_v6_only: socket.is_v6_only, seen, gone: None };
        let Some(known) = self.entries.get_mut(&key) else {
            self.entries.insert(key, new);
            return;
        };
        if known.seen == seen {
            known.owner = first(known.owner, socket.owner);
            known.is_v6_only &= socket.is_v6_only;
        } else if !(socket.owner == Owner::Nobody && matches!(known.owner, Owner::Process(_))) {
            *known = new;
        }
        // Otherwise its process has closed it, and TCP goes on with what is left to be sent: from the process it had.
    }

    fn forget(&mut self, now: BootTime) {
        let Limits { keep, gone: most, .. } = self.limits;
        self.entries.retain(|_, entry| entry.gone.is_none_or(|gone| now.since(gone) < keep));
        let mut gone: Vec<BootTime> = self.entries.values().filter_map(|entry| entry.gone).collect();
        if gone.len() > most {
            let surplus = gone.len() - most;
            let (_, last, _) = gone.select_nth_unstable(surplus - 1);
            let mut left = surplus;
            let last = *last;
            self.entries.retain(|_, entry| {
                let goes = left > 0 && entry.gone.is_some_and(|gone| gone <= last);
                left -= usize::from(goes);
                !goes
            });
        }
    }

    /// Whose a flow is of which the first packet was seen at `since`.
    #[must_use]
    pub fn owner(&self, socket: &SocketInfo, since: BootTime) -> Owner {
        let is_fresh = self.listed.is_some_and(|listed| listed >= since);
        let exact = self.exact(socket, since);
        match exact.map(|entry| entry.owner) {
            Some(owner @ Owner::Process(_)) => return owner,
            Some(Owner::NotYet) if self.is_patient(since) => return Owner::NotYet,
            _ => {}
        }
        let by_port = self.by_port(socket, since);
        // A connected socket may be about to be listed, and knows better than a listener does.
        let is_enough = is_fresh || by_port.is_some_and(|entry| self.is_settled(socket, entry, since));
        match by_port.map(|entry| entry.owner) {
            _ if !is_enough => Owner::NotYet,
            Some(owner @ Owner::Process(_)) => owner,
            _ => Owner::Nobody,
        }
    }

    fn is_patient(&self, since: BootTime) -> bool {
        self.listed.is_some_and(|listed| listed.since(since) < self.limits.patience)
    }

    fn is_settled(&self, socket: &SocketInfo, entry: &Entry, since: BootTime) -> bool {
        socket.protocol == Protocol::Udp && entry.gone.is_none() && since.since(entry.seen) < self.limits.settled
    }

    fn exact(&self, socket: &SocketInfo, since: BootTime) -> Option<&Entry> {
        let entry = self.get(socket.protocol, socket.local, socket.remote?)?;
        // Of a connection whose beginning was seen, what was listed before is an earlier one on the same ports.
        let is_earlier = socket.protocol == Protocol::Tcp && socket.opened.is_some() && entry.seen < since;
        (entry.may_be_since(since) && !is_earlier).then_some(entry)
    }

    fn get(&self, protocol: Protocol, local: SocketAddr, remote: SocketAddr) -> Option<&Entry> {
        let connected = Key { protocol, local, remote: Some(remote) };
        // One that is connected and bound to no address: datagrams on macOS before the first is sent.
        let unbound = Key { local: SocketAddr::new(any(local.ip()), local.port()), ..connected };
        self.entries.get(&connected).or_else(|| self.entries.get(&unbound))
    }

    /// A listener, or a socket that is not connected: one of this address before one of any, one of this family before one of
    /// both; of those that are gone, none before any that is there.
    fn by_port(&self, socket: &SocketInfo, since: BootTime) -> Option<&Entry> {
        // What comes to us unasked is the listener's; and of pings, the kernel's, which answers them.
        match (socket.protocol, socket.direction) {
            (Protocol::Tcp, Direction::Outgoing) | (Protocol::Icmp, Direction::Incoming) => return None,
            _ => {}
        }
        let local = socket.local;
        let port = |ip| Key { protocol: socket.protocol, local: SocketAddr::new(ip, local.port()), remote: None };
        let here = [Some(local.ip()), Some(any(local.ip()))];
        let dual = local.is_ipv4().then_some(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let found = here.into_iter().chain([dual]).flatten().filter_map(|ip| {
            let entry = self.entries.get(&port(ip)).filter(|entry| entry.may_be_since(since))?;
            let is_other = local.is_ipv4() && ip.is_ipv6() && entry.is_v6_only;
            (!is_other).then_some(entry)
        });
        // The first of the least.
        found.min_by_key(|entry| entry.gone.is_some())
    }
}

/// Of two processes that hold one socket, the older: whoever inherited it is younger than whoever opened it.
fn first(one: Owner, other: Owner) -> Owner {
    let age = |id: ProcessId| (id.start, id.tgid);
    match (one, other) {
        (Owner::Process(a), Owner::Process(b)) => Owner::Process(if age(a) <= age(b) { a } else { b }),
        (Owner::Process(id), _) | (_, Owner::Process(id)) => Owner::Process(id),
        (Owner::NotYet, _) | (_, Owner::NotYet) => Owner::NotYet,
        (Owner::Nobody, Owner::Nobody) => Owner::Nobody,
    }
}

fn any(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}
