//! Payload by the length tracepoints (Linux 6.3): one call, one length, in the caller's context.
//!
//! `sock_send_length(sk, ret, flags)` and `sock_recv_length(sk, ret, flags)` fire at the end of sock_sendmsg_nosec and
//! sock_recvmsg_nosec (net/socket.c) for every family; `ret` is what the call returns. Not seen: reads that bypass
//! recvmsg (splice from TCP, TCP_ZEROCOPY_RECEIVE), which is why TCP receives are counted in `tcp.rs`; packet rings;
//! AF_XDP.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};

use crate::{
    accounting::{Way, count, to_flow},
    kernel::{AF_INET, AF_INET6, AF_PACKET, IPPROTO_TCP, Sock, Task},
    maps::Seen,
    remote, slot, tcp,
};

/// include/linux/socket.h
const MSG_OOB: i32 = 0x1;
/// include/linux/socket.h
pub const MSG_PEEK: i32 = 0x2;
/// include/linux/socket.h
pub const MSG_ERRQUEUE: i32 = 0x2000;

/// A sending call on `sk` returned `ret`.
#[inline(always)]
pub fn sent(sk: Sock, ret: i32) {
    if ret > 0 {
        moved(sk, Way::Tx, ret as u64);
    }
}

/// A receiving call on `sk` returned `ret`.
#[inline(always)]
pub fn received(sk: Sock, ret: i32, flags: i32) {
    if ret <= 0 {
        return;
    }
    // Counted in `tcp.rs`, unless the kernel reads the stream on the process's behalf (kTLS): then this is what it got.
    if sk.protocol() == IPPROTO_TCP {
        if flags & (MSG_OOB | MSG_PEEK | MSG_ERRQUEUE) == MSG_OOB {
            return tcp::read_urgent(sk);
        }
        if !Seen::Ulp.ever() || sk.tcp().is_some_and(|tcp| !tcp.has_ulp()) {
            return tcp::read_again(sk);
        }
    }
    let family = sk.family();
    if family != AF_INET && family != AF_INET6 && family != AF_PACKET {
        return;
    }
    if flags & (MSG_PEEK | MSG_ERRQUEUE) != 0 {
        remote::forget_received();
        return;
    }
    moved(sk, Way::Rx, ret as u64);
}

#[inline(always)]
fn moved(sk: Sock, way: Way, n: u64) {
    let family = sk.family();
    if family == AF_INET || family == AF_INET6 {
        match slot::find_or_create(sk, slot::Maker::Caller) {
            Some(slot) => count(sk, slot, way, n),
            None => to_flow(sk, None, Task::current().process(), [0; 2], 0, way, n),
        }
    } else if family == AF_PACKET {
        // No hook tells of the end of a packet socket, and its storage would go with it: the flow map keeps the bytes.
        to_flow(sk, None, Task::current().process(), [0; 2], 0, way, n);
    }
}

#[btf_tracepoint(function = "sock_send_length")]
pub fn watcher_sock_send_length(ctx: BtfTracePointContext) -> i32 {
    sent(Sock(ctx.arg(0)), ctx.arg(1));
    0
}

#[btf_tracepoint(function = "sock_recv_length")]
pub fn watcher_sock_recv_length(ctx: BtfTracePointContext) -> i32 {
    received(Sock(ctx.arg(0)), ctx.arg(1), ctx.arg(2));
    0
}

/// Does nothing. `cargo xtask bench` attaches it beside the others to learn what a program costs that does nothing, by
/// the same clock and at the same moment.
#[btf_tracepoint(function = "sock_send_length")]
pub fn watcher_floor(_ctx: BtfTracePointContext) -> i32 {
    0
}
