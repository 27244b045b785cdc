//! The life of a TCP (and MPTCP) connection.
//!
//! - `inet_sock_set_state(sk, oldstate, newstate)` (Linux 4.16; net/ipv4/af_inet.c): any context, so `current` is not
//!   asked except on the way to SYN_SENT, which only connect() takes. TIME_WAIT is never shown.
//! - `tcp_destroy_sock(sk)` (Linux 4.15; tcp_v4_destroy_sock): the counters are still readable, for the last time.
//! - `tcp_receive_reset(sk)`, `tcp_send_reset(sk, skb, ..)` (Linux 4.15): why it ended.
//!
//! Data may be read after CLOSE, so the record is handed over at destruction; `connect(AF_UNSPEC)` zeroes the counters
//! after CLOSE, so they are copied there.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use aya_log_ebpf::{debug, trace};
use watcher_common::{Loss, flag};

use crate::{
    accounting::settle,
    kernel::{IPPROTO_MPTCP, IPPROTO_TCP, Sock, jiffies, now},
    loss::lost,
    maps::Seen,
    record,
    slot::{self, Slot},
    tcp,
};

/// include/net/tcp_states.h
const ESTABLISHED: i32 = 1;
const SYN_SENT: i32 = 2;
const SYN_RECV: i32 = 3;
const CLOSE: i32 = 7;
pub const LISTEN: i32 = 10;

#[btf_tracepoint(function = "inet_sock_set_state")]
pub fn watcher_inet_sock_set_state(ctx: BtfTracePointContext) -> i32 {
    let sk = Sock(ctx.arg(0));
    let protocol = sk.protocol();
    if protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP {
        let (old, new): (i32, i32) = (ctx.arg(1), ctx.arg(2));
        trace!(&ctx, "protocol {} port {} state {} -> {}", protocol, sk.local_port(), old, new);
        changed(sk, old, new);
    }
    0
}

/// Where the one before could be held up: see `again.rs`. The slot itself says whether it was.
#[btf_tracepoint(function = "inet_sock_set_state")]
pub fn watcher_inet_sock_set_state_again(ctx: BtfTracePointContext) -> i32 {
    let sk = Sock(ctx.arg(0));
    let protocol = sk.protocol();
    let new: i32 = ctx.arg(2);
    // SAFETY: a valid map value.
    let done = |slot: Slot| unsafe { i32::from((*slot).state) == new };
    if (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP) && !slot::find(sk).is_some_and(done) {
        changed(sk, ctx.arg(1), new);
    }
    0
}

#[inline(always)]
fn changed(sk: Sock, old: i32, new: i32) {
    let Some(slot) = slot_for(sk, old, new) else { return };
    // SAFETY: a valid map value.
    if unsafe { (*slot).state != 0 && i32::from((*slot).state) != old } {
        lost(Loss::State, 1);
    }
    match new {
        SYN_SENT => {
            begin_again(slot);
            opened(slot, flag::OUTGOING);
            // SAFETY: a valid map value.
            unsafe { (*slot).base_accepted = 1 }
        }
        SYN_RECV if old == LISTEN => opened(slot, flag::INCOMING),
        ESTABLISHED => established(slot, sk),
        LISTEN => {
            begin_again(slot);
            // SAFETY: a valid map value.
            unsafe { (*slot).flags |= flag::LISTENER }
        }
        CLOSE => closed(slot, sk, old as u8),
        _ => {}
    }
    // SAFETY: a valid map value.
    unsafe {
        (*slot).state = new as u8;
        (*slot).changed_jiffies = jiffies();
    }
}

/// A connection that begins gets a slot; one that was never seen beginning does not get one at its end.
#[inline(always)]
fn slot_for(sk: Sock, old: i32, new: i32) -> Option<Slot> {
    if new == SYN_SENT || new == LISTEN {
        return slot::find_or_create(sk, slot::Maker::Caller);
    }
    if new == SYN_RECV && old == LISTEN {
        // A child in softirq. Without an inherited slot its owner is whoever first uses it: until then, the kernel.
        return slot::find_or_create(sk, slot::Maker::Kernel);
    }
    slot::find(sk)
}

#[inline(always)]
fn opened(slot: Slot, direction: u32) {
    // SAFETY: a valid map value.
    unsafe {
        (*slot).opened = now();
        (*slot).flags |= direction;
    }
}

#[inline(always)]
fn established(slot: Slot, sk: Sock) {
    // SAFETY: a valid map value.
    unsafe {
        if (*slot).established == 0 {
            (*slot).established = now();
        }
    }
    slot::describe(slot, sk);
    slot::cookie(slot, sk);
}

/// The connection is over: copy the counters, since a disconnect zeroes them next.
#[inline(always)]
fn closed(slot: Slot, sk: Sock, old: u8) {
    // SAFETY: a valid map value.
    unsafe {
        if old == CLOSE as u8 || (*slot).flags & flag::CLOSED != 0 {
            return;
        }
        (*slot).flags |= flag::CLOSED;
        (*slot).closed = now();
        (*slot).last_state = old;
        (*slot).error = sk.error();
        if (*slot).error == 0 && !sk.is_shut_down() {
            (*slot).flags |= flag::DISCONNECTED;
        }
        if let Some(tcp) = sk.tcp() {
            if tcp.has_ulp() {
                (*slot).flags |= flag::ULP;
            }
            if (*slot).local_port == 0 {
                (*slot).local_port = tcp.local_port();
            }
        }
    }
    snapshot(slot, sk, true);
    slot::cookie(slot, sk);
}

/// The kernel's counters into the record. The first time they are final for what was sent: nothing can be sent after
/// CLOSE, and a disconnect moves write_seq. What was received may still be read, until a disconnect zeroes the counters.
#[inline(always)]
fn snapshot(slot: Slot, sk: Sock, first: bool) {
    let Some(tcp) = sk.tcp() else { return };
    // SAFETY: a valid map value.
    unsafe {
        let counters = tcp.counters(sk, (*slot).last_state);
        let kept = &raw mut (*slot).kernel;
        if !first {
            if counters.bytes_received >= (*kept).bytes_received {
                (*kept).bytes_received = counters.bytes_received;
                (*kept).consumed = counters.consumed;
                (*kept).unread = counters.unread;
            }
            return;
        }
        *kept = counters;
    }
}

/// The same socket, another connection.
#[inline(always)]
fn begin_again(slot: Slot) {
    // SAFETY: a valid map value.
    unsafe {
        if (*slot).flags & flag::CLOSED == 0 {
            return;
        }
        if Seen::Bare.ever() {
            settle(slot);
        }
        record::finish_connection(slot);
        let epoch = (*slot).epoch.wrapping_add(1);
        (*slot).flags &= flag::KERNEL | flag::TCP;
        (*slot).last_state = 0;
        (*slot).kernel = core::mem::zeroed();
        slot::restart(slot, epoch);
    }
}

#[btf_tracepoint(function = "tcp_destroy_sock")]
pub fn watcher_tcp_destroy_sock(ctx: BtfTracePointContext) -> i32 {
    let sk = Sock(ctx.arg(0));
    if let Some(slot) = slot::find(sk) {
        destroyed(slot, sk);
    } else {
        debug!(&ctx, "a TCP socket without a slot was destroyed");
    }
    0
}

#[btf_tracepoint(function = "tcp_destroy_sock")]
pub fn watcher_tcp_destroy_sock_again(ctx: BtfTracePointContext) -> i32 {
    let sk = Sock(ctx.arg(0));
    if let Some(slot) = slot::find(sk) {
        destroyed(slot, sk);
    }
    0
}

#[inline(always)]
fn destroyed(slot: Slot, sk: Sock) {
    record::finish_socket(slot, has_story(slot), || {
        // SAFETY: a valid map value.
        let first = unsafe { (*slot).flags & flag::CLOSED == 0 };
        snapshot(slot, sk, first);
        take_passed_urgent(slot, sk);
        tcp::read_at_last(slot, sk);
        slot::cookie(slot, sk);
    });
}

/// An urgent byte that nobody read and the reader passed at the very end of the stream: taken out of the queue by the
/// owner without a copy, as one in the middle is.
#[inline(always)]
fn take_passed_urgent(slot: Slot, sk: Sock) {
    // SAFETY: a valid map value.
    unsafe {
        let passed = (*slot).kernel.consumed == (*slot).consumed.wrapping_add(1);
        if passed && sk.tcp().is_some_and(|tcp| tcp.just_passed_urgent(sk)) {
            (*slot).consumed = (*slot).kernel.consumed;
            (*slot).rx_bytes += 1;
        }
    }
}

/// Whether there is anything to tell: a connection, or bytes.
#[inline(always)]
pub fn has_story(slot: Slot) -> bool {
    // SAFETY: a valid map value.
    unsafe {
        (*slot).opened != 0
            || (*slot).first != 0
            || (*slot).other_tx_bytes != 0
            || (*slot).other_rx_bytes != 0
            || (*slot).flags & (flag::SEEDED | flag::LISTENER | flag::REMOTE) == flag::SEEDED | flag::REMOTE
    }
}

#[inline(always)]
fn reset(sk: Sock, how: u32) {
    if sk.0.is_null() || sk.protocol() != IPPROTO_TCP {
        return;
    }
    if let Some(slot) = slot::find(sk) {
        // SAFETY: a valid map value.
        unsafe {
            (*slot).flags |= how;
            if (*slot).local_port == 0 {
                (*slot).local_port = sk.local_port();
            }
        }
    }
}

#[btf_tracepoint(function = "tcp_receive_reset")]
pub fn watcher_tcp_receive_reset(ctx: BtfTracePointContext) -> i32 {
    reset(Sock(ctx.arg(0)), flag::RESET_RECEIVED);
    0
}

#[btf_tracepoint(function = "tcp_receive_reset")]
pub fn watcher_tcp_receive_reset_again(ctx: BtfTracePointContext) -> i32 {
    reset(Sock(ctx.arg(0)), flag::RESET_RECEIVED);
    0
}

#[btf_tracepoint(function = "tcp_send_reset")]
pub fn watcher_tcp_send_reset(ctx: BtfTracePointContext) -> i32 {
    reset(Sock(ctx.arg(0)), flag::RESET_SENT);
    0
}

#[btf_tracepoint(function = "tcp_send_reset")]
pub fn watcher_tcp_send_reset_again(ctx: BtfTracePointContext) -> i32 {
    reset(Sock(ctx.arg(0)), flag::RESET_SENT);
    0
}
