//! TCP receives, by how far the reader has come.
//!
//! `tcp_rcv_space_adjust(sk)` fires after every copy out of the receive queue, whoever does it: recvmsg, splice,
//! TCP_ZEROCOPY_RECEIVE (net/ipv4/tcp.c, tcp_input.c), under the socket lock. A peek fires it too and moves nothing.
//! In process context, except for sockets that the kernel reads itself (kTLS, MPTCP subflows), which are left out.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use watcher_common::flag;

use crate::{
    accounting::{Way, count},
    again::{marks, preemptible},
    bytes::exchange_if,
    iterators,
    kernel::{Sock, Task, Tcp},
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
    if preemptible() {
        // SAFETY: null or a valid map value.
        if let Some(marks) = unsafe { marks(Task::current()).as_mut() } {
            marks.took = 1;
        }
    }
    taken(sk, tcp);
}

/// What a receiving call on a socket with TLS returned is told by no hook where only functions can be hooked: the way of the
/// reader tells it, as long as the process is the reader.
#[btf_tracepoint(function = "tcp_rcv_space_adjust")]
pub fn watcher_tcp_read_beside_tls(ctx: BtfTracePointContext) -> i32 {
    let sk = Sock(ctx.arg(0));
    if !Seen::Ulp.ever() {
        return 0;
    }
    if let Some(tcp) = sk.tcp()
        && tcp.has_ulp()
        && tcp.has_tls_for_sending_only(sk)
    {
        taken(sk, tcp);
    }
    0
}

/// Counts what was taken out of the queue since the last look.
#[inline(always)]
fn taken(sk: Sock, tcp: Tcp) {
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

/// What was read since the last look. The socket lock keeps other readers out, but for [`read_again`].
#[inline(always)]
fn advance(slot: Slot, consumed: u64) -> u64 {
    // SAFETY: a valid map value.
    unsafe {
        let before = (*slot).consumed;
        let n = consumed.wrapping_sub(before);
        if n == 0 || n > u64::MAX / 2 {
            return 0;
        }
        if !preemptible() {
            (*slot).consumed = consumed;
        } else if !exchange_if(&raw mut (*slot).consumed, before, consumed) {
            return 0;
        }
        n
    }
}

/// The receiving call has returned. If its hook was held up by a preempted run of itself, what it took is still to be counted.
/// Without the socket lock, so only when two looks agree; the next reader or the end makes up for the rest.
#[inline(always)]
pub fn read_again(sk: Sock) {
    if !preemptible() {
        return;
    }
    // SAFETY: null or a valid map value.
    let marks = unsafe { marks(Task::current()).as_mut() };
    if marks.is_none_or(|marks| core::mem::take(&mut marks.took) != 0) {
        return;
    }
    let (Some(tcp), Some(slot)) = (sk.tcp(), slot::find(sk)) else { return };
    let consumed = tcp.consumed(sk);
    if consumed == tcp.consumed(sk) {
        let n = advance(slot, consumed);
        if n > 0 {
            count(sk, slot, Way::Rx, n);
        }
    }
}

/// The socket is gone. What the owner read in a last call that was missed, where a call can be. What the kernel read for it
/// (kTLS) is none of that.
#[inline(always)]
pub fn read_at_last(slot: Slot, sk: Sock) {
    if !preemptible() || sk.tcp().is_none_or(Tcp::has_ulp) {
        return;
    }
    // SAFETY: a valid map value.
    unsafe {
        if (*slot).flags & flag::ULP != 0 {
            return;
        }
        let n = (*slot).kernel.consumed.wrapping_sub((*slot).consumed);
        if n > 0 && n <= u64::MAX / 2 {
            (*slot).consumed = (*slot).kernel.consumed;
            (*slot).rx_bytes += n;
        }
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
