//! Payload where the length tracepoints can be preempted (Linux 7.0): counted by programs that cannot.
//!
//! A program of type tracepoint is called through perf, which switches preemption off around it. It cannot be held up, so
//! it misses no call, but it gets the socket as a number: no socket storage. It counts into the flow map, and leaves a mark
//! with the task. The BTF-typed program behind it counts where there is no mark. (A tracepoint program is skipped too: while
//! this CPU's `bpf_prog_active` is raised, which a preempted bpf(2) call of anybody on a map leaves so. Then the second one counts.)
//!
//! perf's function is registered with the tracepoint before the BTF-typed program, so it is called first
//! (tracepoint_probe_register, kernel/tracepoint.c: equal priorities in order of registration).

use aya_ebpf::{
    EbpfContext,
    macros::{btf_tracepoint, tracepoint},
    programs::{BtfTracePointContext, TracePointContext},
};

use watcher_common::Marks;

use crate::{
    accounting::{Way, count_bare},
    again::marks,
    kernel::{AF_INET, AF_INET6, AF_PACKET, BareSock, IPPROTO_TCP, Sock, Task},
    maps::Seen,
    payload::{self, MSG_ERRQUEUE, MSG_PEEK},
    remote,
};

/// A record of `sock:sock_send_length` or `sock_recv_length`: the class sock_msg_length (include/trace/events/sock.h).
/// User space compares the layout with the kernel's BTF before it attaches.
#[repr(C)]
struct Length {
    common: u64,
    sk: u64,
    family: u16,
    protocol: u16,
    ret: i32,
    flags: i32,
}

/// Counts a call, unless its mark cannot be set: then the program behind does.
#[inline(always)]
fn counted(length: *const Length, way: Way) {
    // SAFETY: the verifier checks loads from the context.
    let (sk, family, ret) = unsafe { (BareSock((*length).sk), (*length).family, (*length).ret) };
    // SAFETY: null or a valid map value.
    let Some(marks) = (unsafe { marks(Task::current()).as_mut() }) else { return };
    *mark(marks, way) = 1;
    if ret > 0 && (family == AF_INET || family == AF_INET6 || family == AF_PACKET) {
        Seen::Bare.note();
        count_bare(sk, family, way, ret as u64);
    }
}

#[inline(always)]
fn mark(marks: &mut Marks, way: Way) -> &mut u32 {
    match way {
        Way::Tx => &mut marks.sent,
        Way::Rx => &mut marks.received,
    }
}

/// Whether the program before this one has counted the call; forgotten with the answer.
#[inline(always)]
fn was_counted(way: Way) -> bool {
    // SAFETY: null or a valid map value.
    let marks = unsafe { marks(Task::current()).as_mut() };
    marks.is_some_and(|marks| core::mem::take(mark(marks, way)) != 0)
}

#[tracepoint(category = "sock", name = "sock_send_length")]
pub fn watcher_sent_bare(ctx: TracePointContext) -> u32 {
    counted(ctx.as_ptr().cast(), Way::Tx);
    0
}

#[tracepoint(category = "sock", name = "sock_recv_length")]
pub fn watcher_received_bare(ctx: TracePointContext) -> u32 {
    let length: *const Length = ctx.as_ptr().cast();
    // SAFETY: the verifier checks loads from the context.
    let (sk, protocol, flags) = unsafe { (BareSock((*length).sk), (*length).protocol, (*length).flags) };
    if protocol == IPPROTO_TCP && !(Seen::Ulp.ever() && sk.has_ulp()) {
        return 0;
    }
    if flags & (MSG_PEEK | MSG_ERRQUEUE) != 0 {
        remote::forget_received();
        return 0;
    }
    counted(length, Way::Rx);
    0
}

#[btf_tracepoint(function = "sock_send_length")]
pub fn watcher_sent_behind(ctx: BtfTracePointContext) -> i32 {
    if !was_counted(Way::Tx) {
        payload::sent(Sock(ctx.arg(0)), ctx.arg(1));
    }
    0
}

#[btf_tracepoint(function = "sock_recv_length")]
pub fn watcher_received_behind(ctx: BtfTracePointContext) -> i32 {
    if !was_counted(Way::Rx) {
        payload::received(Sock(ctx.arg(0)), ctx.arg(1), ctx.arg(2));
    }
    0
}
