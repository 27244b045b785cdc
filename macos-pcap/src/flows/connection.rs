//! The life of a TCP connection, by its segments.

use watcher_core::{BootTime, CloseReason, Direction, TcpState};

use crate::packet::{Flags, Segment};
use crate::stream::Stream;

/// Both directions, seen from this end.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) tx: Stream,
    pub(super) rx: Stream,
    pub(super) direction: Direction,
    pub(super) opened: Option<BootTime>,
    pub(super) established: Option<BootTime>,
    is_accepted: bool,
    is_first_fin_local: Option<bool>,
}

/// What one segment changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Change {
    /// New bytes of the segment.
    pub(super) carried: u64,
    /// Bytes of the other direction that it acknowledges and nobody saw.
    pub(super) recovered: u64,
    /// It ends the connection.
    pub(super) end: Option<CloseReason>,
}

impl Connection {
    /// Whether a SYN is that of another connection on the same addresses and ports.
    pub(super) fn is_replaced_by(&self, segment: &Segment, is_sent: bool) -> bool {
        let stream = if is_sent { &self.tx } else { &self.rx };
        segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::RST) && stream.is_other(segment.seq)
    }

    pub(super) fn segment(&mut self, at: BootTime, segment: &Segment, len: u64, is_sent: bool) -> Change {
        let flags = segment.flags;
        let (this, other) = if is_sent { (&mut self.tx, &mut self.rx) } else { (&mut self.rx, &mut self.tx) };
        if flags.has(Flags::RST) {
            // What a RST carries is a text about it (RFC 9293, 3.5.3), no stream.
            let end = this.may_reset(segment.seq).then(|| self.reset(is_sent));
            return Change { end, ..Change::default() };
        }
        let carried = this.segment(segment, len);
        let recovered = if flags.has(Flags::ACK) { other.acknowledge(segment.ack) } else { 0 };
        if flags.has(Flags::SYN) {
            self.open(at, is_sent, flags.has(Flags::ACK));
        } else if !self.is_accepted {
            self.is_accepted = true;
            // Of a connection older than the capture nobody knows since when.
            self.established = self.established.or(self.opened.map(|_| at));
        }
        if flags.has(Flags::FIN) && self.is_first_fin_local.is_none() {
            self.is_first_fin_local = Some(is_sent);
        }
        let is_over = self.tx.is_fin_acked() && self.rx.is_fin_acked();
        Change { carried, recovered, end: is_over.then_some(CloseReason::Fin) }
    }

    /// SYN, or SYN with ACK: the second tells as well who began.
    fn open(&mut self, at: BootTime, is_sent: bool, is_answer: bool) {
        self.opened.get_or_insert(at);
        if self.direction == Direction::Unknown {
            self.direction = if is_sent == is_answer { Direction::Incoming } else { Direction::Outgoing };
        }
        if is_answer && !is_sent {
            self.is_accepted = true;
            self.established.get_or_insert(at);
        }
    }

    fn reset(&self, is_sent: bool) -> CloseReason {
        match (self.is_accepted, is_sent) {
            _ if self.has_both_fins() => CloseReason::Fin,
            (false, _) => CloseReason::Refused,
            (true, true) => CloseReason::ResetLocally,
            (true, false) => CloseReason::ResetByPeer,
        }
    }

    pub(super) fn has_both_fins(&self) -> bool {
        self.tx.has_fin() && self.rx.has_fin()
    }

    pub(super) fn is_handshake(&self) -> bool {
        !self.is_accepted
    }

    /// Why it ended, when nothing was heard for too long.
    pub(super) fn idle_reason(&self) -> CloseReason {
        if self.has_both_fins() {
            CloseReason::Fin
        } else if self.is_handshake() || self.tx.is_unacked() {
            CloseReason::TimedOut
        } else {
            CloseReason::Released
        }
    }

    pub(super) fn state(&self) -> TcpState {
        if self.is_handshake() {
            return if self.direction == Direction::Outgoing { TcpState::SynSent } else { TcpState::SynRecv };
        }
        let is_active = self.is_first_fin_local == Some(true);
        match (self.tx.has_fin(), self.tx.is_fin_acked(), self.rx.has_fin()) {
            (false, _, false) => TcpState::Established,
            (false, _, true) => TcpState::CloseWait,
            (true, false, false) => TcpState::FinWait1,
            (true, true, false) => TcpState::FinWait2,
            (true, false, true) if is_active => TcpState::Closing,
            (true, false, true) => TcpState::LastAck,
            (true, true, true) => TcpState::TimeWait,
        }
    }
}
