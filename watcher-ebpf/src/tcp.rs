//! TCP receives, by how far the reader has come.
//!
//! `tcp_rcv_space_adjust(sk)` fires after every copy out of the receive queue, whoever does it: recvmsg, splice,
//! TCP_ZEROCOPY_RECEIVE (net/ipv4/tcp.c, tcp_input.c), under the socket lock. A peek fires it too and moves nothing.
//! In process context, except for sockets that the kernel reads itself (kTLS, MPTCP subflows), which are left out.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{
    accounting::{Way, count},
    iterators,
    kernel::{Sock, Tcp},
    maps::Seen,
    slot::{self, Slot},
};

#[btf_tracepoint(function = "tcp_rcv_space_adjust")]
pub fn watcher_tcp_rcv_space_adjust(ctx: BtfTracePointContext) -> i32 {
    read(Sock(ctx.arg(0)));
    0
}

#[inline(always)]
fn read(sk: Sock) {
    let Some(tcp) = sk.tcp() else { return };
    if tcp.has_ulp() {
        return Seen::Ulp.note();
    }
    let consumed = tcp.consumed(sk);
    let Some(slot) = slot::find(sk) else {
        // Older than the collector and not seeded, or without storage: from here on.
        if let Some(slot) = slot::find_or_create(sk, slot::Maker::Caller) {
            iterators::baseline(slot, sk);
        }
        return;
    };
    let n = advance(slot, consumed);
    if n > 0 {
        count(sk, slot, Way::Rx, n);
    }
}

/// What was read since the last look.
#[inline(always)]
fn advance(slot: Slot, consumed: u64) -> u64 {
    // SAFETY: a valid map value; the socket lock keeps other readers out.
    unsafe {
        let n = consumed.wrapping_sub((*slot).consumed);
        if n == 0 || n > u64::MAX / 2 {
            return 0;
        }
        (*slot).consumed = consumed;
        n
    }
}

/// A process read the urgent byte by itself. It is counted now and taken off what the reader passes later: when it is
/// the last byte before the FIN, nothing fires when the reader passes it.
#[inline(always)]
pub fn read_urgent(sk: Sock) {
    if sk.tcp().is_none_or(Tcp::has_ulp) {
        return;
    }
    if let Some(slot) = slot::find(sk) {
        // SAFETY: a valid map value.
        unsafe { (*slot).consumed = (*slot).consumed.wrapping_add(1) }
        count(sk, slot, Way::Rx, 1);
    }
}
