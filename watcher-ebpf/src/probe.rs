//! Payload by the entries and exits of functions, on kernels that have neither the length tracepoints (before Linux 6.3) nor
//! BPF trampolines (arm64 before 6.4).
//!
//! A program at a function (kprobe) runs in the caller's context with preemption off, and gets registers: it knows a socket by its
//! address only, so it counts into the flow map, as `bare.rs` does. What a call returns is known when the function exits, and
//! whom it was about when it is entered: `calls.rs` keeps the one for the other.
//!
//! An exit takes a return instance, of which there is a number: while a call sleeps it holds one. Datagrams are therefore
//! counted where nothing sleeps any more, and for the rest there are many (`watcher-user/src/linux/kprobes.rs`, which also
//! learns from the kernel of every hit for which no program ran).

use aya_ebpf::{
    bindings::pt_regs,
    helpers::bpf_get_smp_processor_id,
    macros::{kprobe, kretprobe},
    programs::{ProbeContext, RetProbeContext},
};
use watcher_common::{Loss, runs};

use crate::{
    accounting::{Way, count_bare, to_overflow},
    bytes::add,
    calls::{self, UNCOUNTED, UNKNOWN},
    kernel::{AF_INET, AF_INET6, AF_PACKET, BareSock, Task},
    loss::lost,
    maps::{RUNS, Seen},
    payload::{MSG_ERRQUEUE, MSG_PEEK},
    remote,
};

/// Set by user space: which argument of a protocol's `recvmsg` has the flags. The fourth, since commit ec095263a965 (Linux
/// 5.19) took `noblock` away before it.
#[unsafe(no_mangle)]
static FLAGS_FIFTH: aya_ebpf::Global<u64> = aya_ebpf::Global::new(0);

/// This program has run: compared with what the kernel counts.
#[inline(always)]
fn ran() {
    // SAFETY: no arguments.
    let cpu = unsafe { bpf_get_smp_processor_id() } & (runs::CPUS - 1);
    if let Some(words) = RUNS.get_ptr_mut(cpu) {
        add(words.cast(), 1);
    }
}

#[inline(always)]
fn stack(regs: *const pt_regs) -> u64 {
    // SAFETY: the verifier checks loads from the context.
    unsafe {
        #[cfg(any(bpf_target_arch = "aarch64", target_arch = "aarch64"))]
        return (*regs).sp;
        #[cfg(not(any(bpf_target_arch = "aarch64", target_arch = "aarch64")))]
        return (*regs).rsp;
    }
}

#[inline(always)]
fn argument(ctx: &ProbeContext, n: usize) -> u64 {
    ctx.arg(n).unwrap_or(0)
}

#[inline(always)]
fn moved(sk: u64, way: Way, ret: i32) {
    if ret <= 0 {
        return;
    }
    let sk = BareSock(sk);
    let family = sk.family();
    if family == AF_INET || family == AF_INET6 || family == AF_PACKET {
        if !Seen::Bare.ever() {
            Seen::Bare.note();
        }
        count_bare(sk, family, way, ret as u64);
    }
}

// int inet_sendmsg(struct socket *, struct msghdr *, size_t), inet6_sendmsg, packet_sendmsg. Process context; they sleep while
// the socket's buffer is full.
#[kprobe]
pub fn watcher_send_begins(ctx: ProbeContext) -> u32 {
    ran();
    calls::begin(stack(ctx.regs), BareSock::of(argument(&ctx, 0)).0);
    0
}

#[kretprobe]
pub fn watcher_send_ends(ctx: RetProbeContext) -> u32 {
    ran();
    let ret: i32 = ctx.ret();
    match calls::end(stack(ctx.regs)) {
        UNCOUNTED => {}
        UNKNOWN if ret > 0 => to_overflow(Task::current().process(), Way::Tx, ret as u64),
        UNKNOWN => {}
        sk => moved(sk, Way::Tx, ret),
    }
    0
}

// ssize_t inet_sendpage(struct socket *, struct page *, int, size_t, int), until Linux 6.4. Where the protocol does not take
// pages (MPTCP, raw) it calls inet_sendmsg, which counts them.
#[kprobe]
pub fn watcher_pages_begin(ctx: ProbeContext) -> u32 {
    ran();
    let sk = BareSock::of(argument(&ctx, 0));
    calls::begin(stack(ctx.regs), if sk.takes_pages() { sk.0 } else { UNCOUNTED });
    0
}

/// The end of whatever is lost when its beginning is.
#[inline(always)]
fn ends(ctx: &RetProbeContext, way: Way) {
    ran();
    let ret: i32 = ctx.ret();
    match calls::end(stack(ctx.regs)) {
        UNCOUNTED if way == Way::Rx => remote::forget_received(),
        UNCOUNTED => {}
        UNKNOWN if ret > 0 => lost(Loss::Call, 1),
        UNKNOWN => {}
        sk => moved(sk, way, ret),
    }
}

#[kretprobe]
pub fn watcher_pages_end(ctx: RetProbeContext) -> u32 {
    ends(&ctx, Way::Tx);
    0
}

/// A look (MSG_PEEK) and a message of the error queue are no receives.
#[inline(always)]
fn receive_begins(ctx: &ProbeContext, sk: u64, flags: u64) {
    let counted = flags as i32 & (MSG_PEEK | MSG_ERRQUEUE) == 0;
    calls::begin(stack(ctx.regs), if counted { sk } else { UNCOUNTED });
}

// int raw_recvmsg(struct sock *, struct msghdr *, size_t, int flags, int *), and the other protocols' but UDP's and TCP's.
// Process context; they sleep until something comes.
#[kprobe]
pub fn watcher_receive_begins(ctx: ProbeContext) -> u32 {
    ran();
    // Both are loaded: of one or the other the compiler makes a load at an address of its choice, which the verifier refuses.
    let (fourth, fifth) = (argument(&ctx, 3), argument(&ctx, 4));
    let flags = if FLAGS_FIFTH.load() == 0 { fourth } else { fifth };
    receive_begins(&ctx, argument(&ctx, 0), flags);
    0
}

// int packet_recvmsg(struct socket *, struct msghdr *, size_t, int flags)
#[kprobe]
pub fn watcher_packet_begins(ctx: ProbeContext) -> u32 {
    ran();
    receive_begins(&ctx, BareSock::of(argument(&ctx, 0)).0, argument(&ctx, 3));
    0
}

#[kretprobe]
pub fn watcher_receive_ends(ctx: RetProbeContext) -> u32 {
    ends(&ctx, Way::Rx);
    0
}

// void skb_consume_udp(struct sock *, struct sk_buff *, int len): udp_recvmsg and udpv6_recvmsg call it last, with what they return
// a line later, and for a look with that negated. Not when they fail, and not for the error queue. Process context; nothing
// sleeps any more. The remote has been told by then (`remote.rs`).
#[kprobe]
pub fn watcher_datagram_taken(ctx: ProbeContext) -> u32 {
    ran();
    let len = argument(&ctx, 2) as i32;
    if len > 0 {
        moved(argument(&ctx, 0), Way::Rx, len);
    } else {
        remote::forget_received();
    }
    0
}
