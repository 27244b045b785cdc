//! Short words for protocols, states and spans of time.

use std::time::Duration;

use watcher_core::{BootTime, CloseReason, FlowRow, FlowState, Protocol, TcpState};

/// A protocol.
#[must_use]
pub fn protocol(protocol: Protocol) -> String {
    match protocol {
        Protocol::Tcp => "tcp".into(),
        Protocol::Udp => "udp".into(),
        Protocol::Icmp => "icmp".into(),
        Protocol::Sctp => "sctp".into(),
        Protocol::Mptcp => "mptcp".into(),
        Protocol::Raw(number) => format!("raw{number}"),
        Protocol::Packet => "packet".into(),
        Protocol::Other(number) => format!("#{number}"),
    }
}

/// Where a flow is in its life, in ten columns at most; TCP states as `ss` writes them.
#[must_use]
pub fn state(state: FlowState) -> &'static str {
    match state {
        FlowState::Open => "open",
        FlowState::Tcp(state) => tcp(state),
        FlowState::Closed { reason, .. } => closed(reason),
    }
}

fn tcp(state: TcpState) -> &'static str {
    match state {
        TcpState::Established => "ESTAB",
        TcpState::SynSent => "SYN-SENT",
        TcpState::SynRecv => "SYN-RECV",
        TcpState::FinWait1 => "FIN-WAIT-1",
        TcpState::FinWait2 => "FIN-WAIT-2",
        TcpState::TimeWait => "TIME-WAIT",
        TcpState::Close => "CLOSE",
        TcpState::CloseWait => "CLOSE-WAIT",
        TcpState::LastAck => "LAST-ACK",
        TcpState::Listen => "LISTEN",
        TcpState::Closing => "CLOSING",
    }
}

fn closed(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Fin | CloseReason::Released => "closed",
        CloseReason::ResetByPeer => "reset",
        CloseReason::ResetLocally => "aborted",
        CloseReason::Refused => "refused",
        CloseReason::TimedOut => "timed out",
        CloseReason::Unreachable => "unreachabl",
        CloseReason::Disconnected => "disconnect",
        CloseReason::Error(_) => "error",
    }
}

/// How long a flow has lived, or lived; `None` when nobody saw it begin.
#[must_use]
pub fn age(row: &FlowRow, now: BootTime) -> Option<Duration> {
    let sample = &row.sample;
    let begin = sample.socket.opened.or(sample.socket.established).or(sample.counters.first)?;
    let end = match sample.state {
        FlowState::Closed { at, .. } => at,
        FlowState::Open | FlowState::Tcp(_) => now,
    };
    Some(end.since(begin))
}

/// A span of time in six columns at most: `12ms`, `5.3s`, `42s`, `1m01`, `2h05`, `3d04`, `400d`.
#[must_use]
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.as_millis()),
        1..10 => format!("{}.{}s", seconds, span.subsec_millis() / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}", seconds / 3600, seconds / 60 % 60),
        86_400..8_640_000 => format!("{}d{:02}", seconds / 86_400, seconds / 3600 % 24),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A number with its thousands apart.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_fit_in_six_columns() {
        let said: Vec<_> = [0, 12, 999, 1000, 5321, 42_000, 61_000, 3_599_000, 7_500_000, 273_600_000, 34_560_000_000]
            .into_iter()
            .map(|ms| span(Duration::from_millis(ms)))
            .collect();
        let expected = ["0ms", "12ms", "999ms", "1.0s", "5.3s", "42s", "1m01", "59m59", "2h05", "3d04", "400d"];
        assert_eq!(said, expected);
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }
}
