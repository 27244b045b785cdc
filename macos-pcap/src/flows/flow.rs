//! One flow of the table.

use std::time::Duration;

use watcher_core::{
    BootTime, CloseReason, Counters, Direction, FlowId, FlowSample, FlowState, ProcessId, Scope, SocketId, SocketInfo,
    Wire,
};

use super::connection::Connection;
use super::heads::Copied;
use super::key::Key;
use super::{Limits, Observed};
use crate::packet::{Segment, Transport};

#[derive(Debug)]
pub(super) struct Flow {
    pub(super) socket: SocketId,
    /// Who a packet said has it: a pid.
    pub(super) named: Option<u32>,
    pub(super) owner: Option<ProcessId>,
    pub(super) is_changed: bool,
    pub(super) scope: Scope,
    connection: Option<Connection>,
    direction: Direction,
    counters: Counters,
    wire: Wire,
    pub(super) copied: Copied,
    /// When its first packet was seen.
    pub(super) since: BootTime,
    heard: BootTime,
    end: Option<(CloseReason, BootTime)>,
}

/// One packet, or a later part of one, of this flow.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) at: BootTime,
    pub(super) transport: Transport,
    pub(super) payload_len: u64,
    pub(super) wire_len: u64,
    /// This end sent it.
    pub(super) is_sent: bool,
    /// As much of the payload as was captured.
    pub(super) first_bytes: &'a [u8],
}

impl Flow {
    pub(super) fn new(socket: SocketId, scope: Scope, part: &Part<'_>) -> Self {
        let is_tcp = matches!(part.transport, Transport::Tcp(..));
        let direction = match part.is_sent {
            _ if is_tcp => Direction::Unknown,
            true => Direction::Outgoing,
            false => Direction::Incoming,
        };
        Self {
            socket,
            named: None,
            owner: None,
            is_changed: true,
            scope,
            connection: is_tcp.then(Connection::default),
            direction,
            counters: Counters::default(),
            wire: Wire::default(),
            copied: Copied::default(),
            since: part.at,
            heard: part.at,
            end: None,
        }
    }

    pub(super) fn is_replaced_by(&self, part: &Part<'_>) -> bool {
        let Transport::Tcp(_, segment) = &part.transport else { return self.end.is_some() };
        self.connection.as_ref().is_some_and(|connection| connection.is_replaced_by(segment, part.is_sent))
    }

    pub(super) fn take(&mut self, part: &Part<'_>) {
        // What follows an end is sent again, or nobody's.
        if self.end.is_some() {
            return;
        }
        self.is_changed = true;
        self.heard = part.at;
        let Wire { tx_bytes, rx_bytes, tx_packets, rx_packets } = &mut self.wire;
        let (bytes, packets) = if part.is_sent { (tx_bytes, tx_packets) } else { (rx_bytes, rx_packets) };
        *bytes += part.wire_len;
        *packets += 1;
        if let Transport::Tcp(_, segment) = &part.transport {
            self.segment(part, segment);
        } else {
            self.add(part.at, part.payload_len, part.is_sent);
        }
    }

    fn segment(&mut self, part: &Part<'_>, segment: &Segment) {
        let Some(connection) = &mut self.connection else { return };
        let change = connection.segment(part.at, segment, part.payload_len, part.is_sent);
        self.add(part.at, change.carried, part.is_sent);
        self.add(part.at, change.recovered, !part.is_sent);
        self.end = change.end.map(|reason| (reason, part.at));
    }

    fn add(&mut self, at: BootTime, bytes: u64, is_sent: bool) {
        if bytes == 0 {
            return;
        }
        let Counters { tx_bytes, rx_bytes, tx_calls, rx_calls, first, last } = &mut self.counters;
        let (sum, calls) = if is_sent { (tx_bytes, tx_calls) } else { (rx_bytes, rx_calls) };
        *sum += bytes;
        *calls += 1;
        first.get_or_insert(at);
        *last = Some(at);
    }

    /// Ends it if nothing was heard for longer than it may be silent.
    pub(super) fn expire(&mut self, now: BootTime, limits: &Limits) {
        let (most, reason) = match &self.connection {
            None => (limits.datagrams_idle, CloseReason::Released),
            Some(connection) if connection.is_handshake() => (limits.handshake, connection.idle_reason()),
            Some(connection) if connection.has_both_fins() => (limits.closing, connection.idle_reason()),
            Some(connection) => (limits.connection_idle, connection.idle_reason()),
        };
        if self.end.is_none() && now.since(self.heard) >= most {
            self.finish(reason, now);
        }
    }

    pub(super) fn finish(&mut self, reason: CloseReason, at: BootTime) {
        if self.end.is_none() {
            self.end = Some((reason, at));
            self.is_changed = true;
        }
    }

    /// Another connection has taken its place: how it ended went unseen.
    pub(super) fn supersede(&mut self, at: BootTime) {
        let reason = self.connection.as_ref().map_or(CloseReason::Released, Connection::idle_reason);
        self.finish(reason, at);
    }

    /// Whether neither a packet nor anybody else has said whose it is.
    pub(super) fn is_nobodys(&self) -> bool {
        self.named.is_none() && self.owner.is_none()
    }

    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Over, told, and no longer needed to know late segments by.
    pub(super) fn is_forgettable(&self, now: BootTime, linger: Duration) -> bool {
        !self.is_changed && self.end.is_some_and(|(_, at)| now.since(at) >= linger)
    }

    pub(super) fn info(&self, key: &Key) -> SocketInfo {
        let connection = self.connection.as_ref();
        SocketInfo {
            protocol: key.protocol,
            local: key.local(),
            remote: Some(key.remote()),
            direction: connection.map_or(self.direction, |connection| connection.direction),
            netns: key.slot,
            seeded: connection.is_some_and(|connection| connection.opened.is_none()),
            owner: self.owner.unwrap_or(ProcessId::KERNEL),
            opened: connection.and_then(|connection| connection.opened),
            established: connection.and_then(|connection| connection.established),
        }
    }

    pub(super) fn observe(&self, key: &Key) -> Observed {
        let info = self.info(key);
        let state = match (&self.end, &self.connection) {
            (Some((reason, at)), _) => FlowState::Closed { reason: *reason, at: *at },
            (None, Some(connection)) => FlowState::Tcp(connection.state()),
            (None, None) => FlowState::Open,
        };
        let missed = self.connection.as_ref().map_or(0, |c| c.tx.missed_by_capture() + c.rx.missed_by_capture());
        Observed {
            sample: FlowSample {
                id: FlowId { socket: self.socket, process: info.owner, remote: None },
                socket: info,
                scope: self.scope,
                counters: self.counters,
                state,
                kernel: None,
                wire: Some(Box::new(self.wire)),
            },
            missed_by_capture: missed,
        }
    }
}
