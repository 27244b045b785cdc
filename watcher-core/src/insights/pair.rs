//! What one application did with one remote.

use std::{
    hash::{Hash, Hasher},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use super::{
    apps::Counted,
    dns::Dns,
    rhythm::{Rhythm, Span},
};
use crate::{
    BootTime, Delta, Direction, FlowState, Protocol, SocketId,
    names::{Name, NameSource, Observed},
};

/// Ports of protocols that ask at intervals because that is what they are for: DNS, DHCP and DHCPv6, NTP, NetBIOS names, SSDP,
/// mDNS, LLMNR. Whoever asks the time every 64 seconds reports nothing.
const HOUSEKEEPING: [u16; 9] = [53, 67, 68, 123, 137, 547, 1_900, 5_353, 5_355];
/// So much sent makes a pair worth remembering for the day.
pub(super) const MUCH: u64 = 50 << 20;
/// The weight of a pair that is reported, or nearly: what is lightest is forgotten first.
pub(super) const HEAVIEST: u8 = 12;

/// Who is there. Two are the same when a person would say so.
#[derive(Debug, Clone)]
pub(super) enum Remote {
    Named(Arc<Name>),
    Address(IpAddr),
}

impl Remote {
    pub fn of(delta: &Delta<'_>, address: IpAddr) -> Self {
        let name = delta.known.name.as_ref().filter(|name| name.source() <= NameSource::HostDns);
        name.map_or(Self::Address(address), |name| Self::Named(Arc::clone(name)))
    }

    /// Whether it is a name that somebody registered.
    pub fn is_registrable(&self) -> bool {
        matches!(self, Self::Named(name) if name.display().is_some())
    }

    /// To be kept: without the part of the name that does not matter, which may be long.
    pub fn kept(&self) -> Self {
        match self {
            Self::Named(name) => {
                let short = name.display().filter(|short| short.len() < name.domain().len());
                let short = short.and_then(|short| Name::new(short, name.source()));
                Self::Named(short.map_or_else(|| Arc::clone(name), Arc::new))
            }
            Self::Address(address) => Self::Address(*address),
        }
    }

    fn key(&self) -> Result<&str, &IpAddr> {
        match self {
            Self::Named(name) => Ok(name.display().unwrap_or_else(|| name.domain())),
            Self::Address(address) => Err(address),
        }
    }
}

impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Remote {}

impl Hash for Remote {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl std::fmt::Display for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.key() {
            Ok(name) => f.write_str(name),
            Err(address) => address.fmt(f),
        }
    }
}

/// What one delta means here.
#[derive(Debug)]
pub(super) struct Activity {
    pub rx: u64,
    pub tx: u64,
    pub address: SocketAddr,
    pub direction: Direction,
    /// When the first of these bytes passed, as far as that can be known.
    pub from: Option<BootTime>,
    /// When the last of them did.
    pub at: Option<BootTime>,
    /// The first of its connection.
    pub begins: bool,
    socket: SocketId,
    is_housekeeping: bool,
}

impl Activity {
    /// `None` where nothing moved. A connection that failed without a byte is an activity, at the moment when it was tried;
    /// one that opens and one that closes are none: both happen to idle ones.
    pub fn of(delta: &Delta<'_>) -> Option<Self> {
        let (socket, counters) = (&delta.sample.socket, &delta.sample.counters);
        let moved = delta.rx_bytes > 0 || delta.tx_bytes > 0;
        let tried = delta.ended && counters.rx_bytes == 0 && counters.tx_bytes == 0 && socket.protocol == Protocol::Tcp;
        if !moved && (!tried || socket.seeded) {
            return None;
        }
        let begins = delta.rx_bytes >= counters.rx_bytes && delta.tx_bytes >= counters.tx_bytes;
        let opened = socket.opened.or(socket.established).filter(|_| !socket.seeded);
        let closed = match delta.sample.state {
            FlowState::Closed { at, .. } => Some(at),
            FlowState::Open | FlowState::Tcp(_) => None,
        };
        let at = if moved { counters.last.or(closed).or(opened) } else { opened.or(closed) };
        // An idle connection may have been opened long before its first byte.
        let first = if moved { counters.first.or(opened) } else { opened };
        let from = if begins { first.or(at) } else { at };
        let remote = delta.sample.id.remote.or(socket.remote);
        let address = SocketAddr::new(delta.remote?, remote.map_or(0, |remote| remote.port()));
        let by_protocol =
            matches!(delta.known.protocol, Some(Observed::Dns | Observed::Ntp | Observed::Mdns | Observed::Dhcp));
        Some(Self {
            rx: delta.rx_bytes,
            tx: delta.tx_bytes,
            address,
            direction: socket.direction,
            from: from.map(|from| at.map_or(from, |at| from.min(at))),
            at,
            begins,
            socket: delta.sample.id.socket,
            is_housekeeping: by_protocol || HOUSEKEEPING.contains(&address.port()) || is_to_many(address.ip()),
        })
    }
}

/// Nobody in particular is asked there.
fn is_to_many(address: IpAddr) -> bool {
    address.is_multicast() || matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
}

/// Bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub rx: u64,
    pub tx: u64,
}

impl Sum {
    fn add(&mut self, activity: &Activity) {
        self.rx = self.rx.saturating_add(activity.rx);
        self.tx = self.tx.saturating_add(activity.tx);
    }
}

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Pair {
    /// On connections that the remote opened.
    pub served: Sum,
    /// On all others.
    pub asked: Sum,
    /// Who opened some of these is not known.
    pub is_unsure: bool,
    pub first: Option<BootTime>,
    pub last: BootTime,
    pub hours: Counted,
    pub dns: Option<Dns>,
    pub rhythm: Rhythm,
}

impl Pair {
    pub fn add(&mut self, activity: &Activity, dns: Option<Dns>, reading: u32) {
        let is_served = activity.direction == Direction::Incoming;
        if is_served { &mut self.served } else { &mut self.asked }.add(activity);
        self.is_unsure |= activity.direction == Direction::Unknown;
        self.first = self.first.into_iter().chain(activity.from).min();
        self.last = self.last.max(activity.at.unwrap_or_default());
        match (&mut self.dns, dns) {
            (Some(known), Some(more)) => known.add(more),
            (known @ None, more) => *known = more,
            (Some(_), None) => {}
        }
        if let (false, false, Some((from, to))) = (is_served, activity.is_housekeeping, activity.from.zip(activity.at))
        {
            let bytes = activity.rx.saturating_add(activity.tx);
            self.rhythm.add(Span::new(from, to, bytes, activity.socket), reading);
        }
    }

    /// How much would be lost with it.
    pub fn weight(&self) -> u8 {
        let sent = self.asked.tx.max(self.served.tx);
        if sent >= MUCH || self.dns.is_some() {
            return HEAVIEST;
        }
        let by_bytes = u8::try_from(64 - (sent >> 20).leading_zeros()).unwrap_or(HEAVIEST);
        self.rhythm.weight().max(by_bytes).min(HEAVIEST)
    }
}
