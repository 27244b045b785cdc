//! The words for what the model has types for: stable, lower case, the same on the screen and in JSON.

use std::{borrow::Cow, time::Duration};

use watcher_core::{
    CloseReason, Direction, FlowRow, FlowState, Protocol, TcpState,
    names::{Known, Name, NameSource},
};

/// `tcp`, `udp`, `raw:47`.
#[must_use]
pub fn protocol(protocol: Protocol) -> Cow<'static, str> {
    Cow::Borrowed(match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Icmp => "icmp",
        Protocol::Sctp => "sctp",
        Protocol::Mptcp => "mptcp",
        Protocol::Packet => "packet",
        Protocol::Raw(number) => return Cow::Owned(format!("raw:{number}")),
        Protocol::Other(number) => return Cow::Owned(format!("other:{number}")),
    })
}

/// What a person looks for: the protocol that the flow showed, else its transport.
#[must_use]
pub fn service(row: &FlowRow) -> Cow<'static, str> {
    row.known.protocol_name().map_or_else(|| protocol(row.sample.socket.protocol), Cow::Borrowed)
}

/// The other end: by its name where one is wanted and known, with the port.
#[must_use]
pub fn remote(row: &FlowRow, by_name: bool) -> String {
    match (row.remote(), row.known.name.as_ref().filter(|_| by_name)) {
        (None, _) => "*".to_owned(),
        (Some(remote), Some(name)) if remote.port() != 0 => format!("{}:{}", name.domain(), remote.port()),
        (Some(_), Some(name)) => name.domain().to_owned(),
        (Some(remote), None) => remote.to_string(),
    }
}

/// Where a name comes from: `sni`, `dns` …
#[must_use]
pub fn via(name: Option<&Name>) -> &'static str {
    name.map_or("", |name| name.source().as_str())
}

/// Where the name of a flow's remote comes from. `sni+ech`: there was an encrypted hello beside the name, or the shape of one, so
/// the name may be the outer one.
#[must_use]
pub fn via_of_flow(known: &Known) -> Cow<'static, str> {
    let name = known.name.as_deref();
    let in_hello = name.is_some_and(|name| matches!(name.source(), NameSource::Sni | NameSource::Quic));
    match &known.tls {
        Some(tls) if tls.ech && in_hello => Cow::Owned(format!("{}+ech", via(name))),
        _ => Cow::Borrowed(via(name)),
    }
}

/// `outgoing`, `incoming`; nothing when not known.
#[must_use]
pub fn direction(direction: Direction) -> Option<&'static str> {
    match direction {
        Direction::Unknown => None,
        Direction::Outgoing => Some("outgoing"),
        Direction::Incoming => Some("incoming"),
    }
}

/// The TCP state, or `open`, or `closed`.
#[must_use]
pub fn state(state: FlowState) -> &'static str {
    match state {
        FlowState::Open => "open",
        FlowState::Closed { .. } => "closed",
        FlowState::Tcp(state) => match state {
            TcpState::Established => "established",
            TcpState::SynSent => "syn_sent",
            TcpState::SynRecv => "syn_recv",
            TcpState::FinWait1 => "fin_wait_1",
            TcpState::FinWait2 => "fin_wait_2",
            TcpState::TimeWait => "time_wait",
            TcpState::Close => "close",
            TcpState::CloseWait => "close_wait",
            TcpState::LastAck => "last_ack",
            TcpState::Listen => "listen",
            TcpState::Closing => "closing",
        },
    }
}

/// Why a flow ended: `fin`, `reset_by_peer`, `error:110`.
#[must_use]
pub fn reason(reason: CloseReason) -> Cow<'static, str> {
    Cow::Borrowed(match reason {
        CloseReason::Fin => "fin",
        CloseReason::ResetByPeer => "reset_by_peer",
        CloseReason::ResetLocally => "reset_locally",
        CloseReason::Refused => "refused",
        CloseReason::TimedOut => "timed_out",
        CloseReason::Unreachable => "unreachable",
        CloseReason::Disconnected => "disconnected",
        CloseReason::Released => "released",
        CloseReason::Error(errno) => return Cow::Owned(format!("error:{errno}")),
    })
}

/// `59s`, `59m59s`, `23h59m`, `9d23h`.
#[must_use]
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use watcher_core::names::Tls;

    use super::*;

    #[test]
    fn an_encrypted_hello_is_said_beside_the_name_that_it_shows() {
        let known = |source, ech| Known {
            name: Name::new("outer.example", source).map(Arc::new),
            tls: Some(Arc::new(Tls { ech, ..Tls::default() })),
            ..Known::default()
        };
        assert_eq!(via_of_flow(&known(NameSource::Sni, true)), "sni+ech");
        assert_eq!(via_of_flow(&known(NameSource::Quic, true)), "quic+ech");
        assert_eq!(via_of_flow(&known(NameSource::Sni, false)), "sni");
        assert_eq!(via_of_flow(&known(NameSource::Dns, true)), "dns");
        assert_eq!(via_of_flow(&Known::default()), "");
    }
}
