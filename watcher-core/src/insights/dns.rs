//! Encrypted DNS: the names that its user looks up cannot be read from the flow.

use super::{How, pair::Activity, resolvers};
use crate::{
    BootTime, Delta, Direction,
    names::{Known, Observed},
};

/// DNS over TLS (RFC 7858, 3.1) and over QUIC (RFC 9250, 4.1.1).
const PORT: u16 = 853;
/// DNS over HTTPS has no port of its own.
const HTTPS: u16 = 443;
/// What the handshake of the other two offers.
const ALPN: [&str; 2] = ["dot", "doq"];

/// What gave it away. [`How`], in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Alpn,
    Port,
    Resolver(u8),
}

/// That it was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dns {
    sign: Sign,
    pub since: Option<BootTime>,
    pub connections: u32,
    pub rx: u64,
    pub tx: u64,
}

impl Dns {
    /// What one activity shows of it. Whoever is asked on such a port is no user of it.
    pub fn of(delta: &Delta<'_>, activity: &Activity) -> Option<Self> {
        if activity.direction == Direction::Incoming {
            return None;
        }
        let sign = by_handshake(delta.known)
            .or_else(|| (activity.address.port() == PORT).then_some(Sign::Port))
            .or_else(|| by_name(delta.known, activity.address.port()))?;
        Some(Self { sign, since: activity.from, connections: activity.begins.into(), rx: activity.rx, tx: activity.tx })
    }

    /// One more activity.
    pub fn add(&mut self, more: Self) {
        self.sign = self.sign.min(more.sign);
        self.since = self.since.into_iter().chain(more.since).min();
        self.connections = self.connections.saturating_add(more.connections);
        self.rx = self.rx.saturating_add(more.rx);
        self.tx = self.tx.saturating_add(more.tx);
    }

    pub fn how(&self) -> How {
        match self.sign {
            Sign::Alpn => How::Alpn,
            Sign::Port => How::Port,
            Sign::Resolver(number) => How::Resolver(resolvers::host(number).to_owned()),
        }
    }
}

fn by_handshake(known: &Known) -> Option<Sign> {
    let tls = known.tls.as_ref()?;
    tls.alpn_chosen.iter().chain(&tls.alpn).any(|protocol| ALPN.contains(&&**protocol)).then_some(Sign::Alpn)
}

fn by_name(known: &Known, port: u16) -> Option<Sign> {
    let is_encrypted = match known.protocol {
        Some(seen) => matches!(seen, Observed::Tls | Observed::Quic),
        None => port == HTTPS,
    };
    let name = known.name.as_ref().filter(|_| is_encrypted)?;
    resolvers::resolver(name.domain()).map(Sign::Resolver)
}
