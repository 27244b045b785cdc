//! The life of sockets: how many connections went through each stage, and whether the truth equations held.
//! A socket is counted once, however many processes have a flow on it.

use super::{FastMap, shrink};
use crate::{
    CloseReason, FlowSample, FlowState, KernelCounters, Lifecycles, Losses, Protocol, SocketId, TcpState, Truth,
};

#[derive(Debug, Default)]
struct Socket {
    /// Flows that still refer to it, listed or remembered.
    flows: u32,
    opened: bool,
    established: bool,
    ended: bool,
    checked: bool,
}

#[derive(Debug, Default)]
pub(super) struct Sockets {
    sockets: FastMap<SocketId, Socket>,
    lifecycles: Lifecycles,
    truth: Truth,
}

impl Sockets {
    pub fn observe(&mut self, sample: &FlowSample, is_new_flow: bool) {
        let socket = self.sockets.entry(sample.id.socket).or_default();
        socket.flows += u32::from(is_new_flow);
        if sample.socket.protocol == Protocol::Tcp {
            socket.advance(sample, &mut self.lifecycles);
        }
        if let Some(kernel) = &sample.kernel
            && !socket.checked
        {
            socket.checked = true;
            check(&mut self.truth, kernel);
        }
    }

    /// One of the socket's flows is forgotten.
    pub fn release(&mut self, id: SocketId) {
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.flows -= 1;
            if socket.flows == 0 {
                self.sockets.remove(&id);
            }
        }
    }

    pub fn shrink(&mut self) {
        shrink::map(&mut self.sockets);
    }

    pub fn lifecycles(&self) -> Lifecycles {
        self.lifecycles
    }

    /// What the sockets that ended did not balance by.
    pub fn checked(&self) -> Truth {
        self.truth
    }

    /// With the bytes that no map had room for.
    pub fn truth(&self, losses: &Losses) -> Truth {
        let mut truth = self.truth;
        truth.unattributed_tx = truth.unattributed_tx.saturating_add(losses.unattributed_tx_bytes);
        truth.unattributed_rx = truth.unattributed_rx.saturating_add(losses.unattributed_rx_bytes);
        truth
    }
}

impl Socket {
    fn advance(&mut self, sample: &FlowSample, count: &mut Lifecycles) {
        let info = &sample.socket;
        if info.opened.is_some() && !self.opened {
            self.opened = true;
            count.opened += u64::from(!info.seeded);
        }
        if info.established.is_some() && !self.established {
            self.established = true;
            count.established += u64::from(!info.seeded);
        }
        // A seeded socket has no such times: its state tells.
        if info.seeded && is_past_handshake(sample.state) {
            self.established = true;
        }
        let FlowState::Closed { reason, .. } = sample.state else { return };
        // A listener, or a socket that never tried to connect, is not a connection.
        let is_connection = self.opened || self.established || (info.seeded && reason != CloseReason::Released);
        if self.ended || !is_connection {
            return;
        }
        self.ended = true;
        if self.established || (info.seeded && !self.opened && reason != CloseReason::Refused) {
            count.closed += 1;
        } else {
            count.failed += 1;
        }
    }
}

fn is_past_handshake(state: FlowState) -> bool {
    matches!(
        state,
        FlowState::Tcp(
            TcpState::Established
                | TcpState::FinWait1
                | TcpState::FinWait2
                | TcpState::TimeWait
                | TcpState::CloseWait
                | TcpState::LastAck
                | TcpState::Closing
        )
    )
}

fn check(truth: &mut Truth, kernel: &KernelCounters) {
    truth.checked += 1;
    truth.unbalanced += u64::from(kernel.expected_tx != kernel.counted_tx || kernel.expected_rx != kernel.counted_rx);
    truth.unattributed_tx += kernel.expected_tx.saturating_sub(kernel.counted_tx);
    truth.unattributed_rx += kernel.expected_rx.saturating_sub(kernel.counted_rx);
    truth.excess_tx += kernel.counted_tx.saturating_sub(kernel.expected_tx);
    truth.excess_rx += kernel.counted_rx.saturating_sub(kernel.expected_rx);
}
