//! Whom a datagram goes to or comes from.
//!
//! The length tracepoints do not say. For a connected socket the socket says; for an unconnected one the kernel calls
//! these cgroup hooks within the same system call, and they leave the address with the task:
//! - `cgroup/sendmsg4`, `sendmsg6`: udp_sendmsg, udpv6_sendmsg, only when unconnected and not corked (Linux 4.18);
//! - `cgroup/recvmsg4`, `recvmsg6`: udp_recvmsg, udpv6_recvmsg, only when the caller asked for the address (Linux 5.2).
//!
//! Not seen: raw and ping sockets, and receivers that do not ask. Their bytes stand under "no remote".
//!
//! Kernels whose cgroup programs may not use task storage (6.1 is one) get a second set of the same hooks, which leaves
//! the address in a hash keyed by thread. That one may forget: then bytes lose their remote, never their count.

use core::ptr;

use aya_ebpf::{
    bindings::{BPF_ANY, bpf_sock_addr},
    helpers::generated::{bpf_get_current_task_btf, bpf_get_socket_cookie, bpf_task_storage_get},
    macros::cgroup_sock_addr,
    programs::SockAddrContext,
};
use watcher_common::{PendingRemote, claim, flag};

use crate::{
    accounting::Way,
    bytes::exchange_if,
    kernel::{AF_INET6, BareSock, Sock, Task, mapped},
    maps::{PENDING, PENDING_BY_THREAD, Seen},
    slot::{self, Slot, connected},
};

/// BPF_LOCAL_STORAGE_GET_F_CREATE (include/uapi/linux/bpf.h).
const CREATE: u64 = 1;

/// Address and port (host byte order) that the current call on an unconnected or connected datagram socket is about.
#[inline(always)]
pub fn of_call(sk: Sock, slot: Slot, way: Way) -> ([u64; 2], u16) {
    let remote = if sk.family() == AF_INET6 { sk.remote6() } else { mapped(sk.remote4()) };
    if connected(remote) {
        return (remote, sk.remote_port());
    }
    left_by_hook(way, || slot::cookie(slot, sk))
}

/// The same for a socket without a slot.
#[inline(always)]
pub fn of_bare_call(sk: BareSock, family: u16, cookie: u64, way: Way) -> ([u64; 2], u16) {
    let remote = sk.remote(family);
    if connected(remote) {
        return (remote, sk.remote_port());
    }
    left_by_hook(way, || cookie)
}

/// What the address hook of this call left with the task.
#[inline(always)]
fn left_by_hook(way: Way, cookie: impl FnOnce() -> u64) -> ([u64; 2], u16) {
    let pending = pending();
    if pending.is_null() {
        return ([0; 2], 0);
    }
    let cookie = cookie();
    // SAFETY: not null, so a valid map value.
    unsafe {
        match way {
            // Not taken away: the next call on a corked socket goes to the same remote without asking the hook.
            Way::Tx if (*pending).tx_cookie == cookie => {
                (slot::get(&raw const (*pending).tx_remote), (*pending).tx_port)
            }
            Way::Rx if (*pending).rx_cookie == cookie => {
                (*pending).rx_cookie = 0;
                (slot::get(&raw const (*pending).rx_remote), (*pending).rx_port)
            }
            _ => ([0; 2], 0),
        }
    }
}

/// A receive that is not counted (a peek) must not leave its address for the next one.
#[inline(always)]
pub fn forget_received() {
    let pending = pending();
    if !pending.is_null() {
        // SAFETY: not null, so a valid map value.
        unsafe { (*pending).rx_cookie = 0 }
    }
}

/// Whether the slot's own counters are about this remote. A connected socket's are about that; an unconnected one's about
/// the remote of its first datagram, which is claimed once and never given up.
#[inline(always)]
pub fn is_slots(slot: Slot, address: [u64; 2], port: u16) -> bool {
    // SAFETY: a valid map value.
    unsafe {
        if (*slot).flags & flag::REMOTE != 0 {
            return same(slot, address, port);
        }
        match (&raw const (*slot).claim).read_volatile() {
            claim::NONE => take(slot, address, port),
            claim::REMOTE => same(slot, address, port),
            claim::UNKNOWN => !connected(address),
            _ => false,
        }
    }
}

#[inline(always)]
fn same(slot: Slot, address: [u64; 2], port: u16) -> bool {
    // SAFETY: a valid map value.
    unsafe {
        let own = slot::get(&raw const (*slot).remote);
        own[0] == address[0] && own[1] == address[1] && (*slot).remote_port == port
    }
}

/// The first datagram. Whoever comes second while the address is being written counts in the flow map.
#[inline(always)]
fn take(slot: Slot, address: [u64; 2], port: u16) -> bool {
    // SAFETY: a valid map value.
    unsafe {
        let word = &raw mut (*slot).claim;
        if !connected(address) {
            return exchange_if(word, claim::NONE, claim::UNKNOWN);
        }
        if !exchange_if(word, claim::NONE, claim::WRITING) {
            return false;
        }
        slot::put(&raw mut (*slot).remote, address);
        (*slot).remote_port = port;
        exchange_if(word, claim::WRITING, claim::REMOTE)
    }
}

#[inline(always)]
fn pending() -> *mut PendingRemote {
    let stored = with_task(0);
    if !stored.is_null() || !Seen::Threads.ever() {
        return stored;
    }
    PENDING_BY_THREAD.get_ptr_mut(&Task::current().pid()).unwrap_or(ptr::null_mut())
}

/// In a hash keyed by thread, for hooks that may not use task storage.
#[inline(always)]
fn by_thread() -> *mut PendingRemote {
    let thread = Task::current().pid();
    Seen::Threads.note();
    if let Some(pending) = PENDING_BY_THREAD.get_ptr_mut(&thread) {
        return pending;
    }
    // SAFETY: every bit pattern is a valid PendingRemote.
    let fresh: PendingRemote = unsafe { core::mem::zeroed() };
    let _ = PENDING_BY_THREAD.insert(&thread, &fresh, u64::from(BPF_ANY));
    PENDING_BY_THREAD.get_ptr_mut(&thread).unwrap_or(ptr::null_mut())
}

/// With the task itself.
#[inline(always)]
fn with_task(flags: u64) -> *mut PendingRemote {
    // SAFETY: the current task is a BTF pointer that is never null.
    unsafe {
        let task = bpf_get_current_task_btf();
        bpf_task_storage_get(PENDING.as_ptr(), task, ptr::null_mut(), flags).cast()
    }
}

#[inline(always)]
fn remember(ctx: &SockAddrContext, pending: *mut PendingRemote, way: Way, address: [u64; 2], port: u16) {
    // SAFETY: the context of a sock_addr program is a valid argument.
    let cookie = unsafe { bpf_get_socket_cookie(ctx.sock_addr.cast()) };
    if pending.is_null() {
        return;
    }
    // SAFETY: not null, so a valid map value.
    unsafe {
        match way {
            Way::Tx => {
                (*pending).tx_cookie = cookie;
                slot::put(&raw mut (*pending).tx_remote, address);
                (*pending).tx_port = port;
            }
            Way::Rx => {
                (*pending).rx_cookie = cookie;
                slot::put(&raw mut (*pending).rx_remote, address);
                (*pending).rx_port = port;
            }
        }
    }
}

#[inline(always)]
fn address4(ctx: &SockAddrContext) -> ([u64; 2], u16) {
    let at: *const bpf_sock_addr = ctx.sock_addr;
    // SAFETY: the verifier checks loads from the context.
    unsafe { (mapped((*at).user_ip4), u16::from_be((*at).user_port as u16)) }
}

#[inline(always)]
fn address6(ctx: &SockAddrContext) -> ([u64; 2], u16) {
    let at: *const bpf_sock_addr = ctx.sock_addr;
    // SAFETY: the verifier checks loads from the context; volatile, because it wants each of them 4 bytes wide.
    unsafe {
        let ip: *const u32 = (&raw const (*at).user_ip6).cast();
        let word = |i| u64::from(ip.add(i).read_volatile());
        ([word(0) | word(1) << 32, word(2) | word(3) << 32], u16::from_be((*at).user_port as u16))
    }
}

macro_rules! hooks {
    ($($attach:ident, $way:expr, $address:ident: $stored:ident, $by_thread:ident;)+) => {$(
        #[cgroup_sock_addr($attach)]
        pub fn $stored(ctx: SockAddrContext) -> i32 {
            let (address, port) = $address(&ctx);
            remember(&ctx, with_task(CREATE), $way, address, port);
            1
        }

        #[cgroup_sock_addr($attach)]
        pub fn $by_thread(ctx: SockAddrContext) -> i32 {
            let (address, port) = $address(&ctx);
            remember(&ctx, by_thread(), $way, address, port);
            1
        }
    )+};
}

hooks! {
    sendmsg4, Way::Tx, address4: watcher_sendmsg4, watcher_sendmsg4_by_thread;
    sendmsg6, Way::Tx, address6: watcher_sendmsg6, watcher_sendmsg6_by_thread;
    recvmsg4, Way::Rx, address4: watcher_recvmsg4, watcher_recvmsg4_by_thread;
    recvmsg6, Way::Rx, address6: watcher_recvmsg6, watcher_recvmsg6_by_thread;
}
