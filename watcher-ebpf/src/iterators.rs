//! Reading and seeding: programs that user space runs, not hooks.
//!
//! - `iter/bpf_sk_storage_map` (Linux 5.9): writes every slot that changed since `SINCE`.
//! - `iter/task_file` (Linux 5.8; `bpf_sock_from_file` and storage in iterators 5.11): gives sockets that existed before
//!   the collector a slot, owned by the first process found to hold them, counting from now.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::seq_file,
    helpers::generated::{bpf_seq_write, bpf_sock_from_file},
};
use watcher_common::{SocketRecord, flag};

use crate::{
    kernel::{self, AF_INET, AF_INET6, IPPROTO_TCP, Sock, Task},
    lifecycle::has_story,
    maps::SINCE,
    slot::{self, Slot},
};

/// The context of every iterator begins with its meta data.
#[repr(C)]
struct Meta {
    seq: *mut seq_file,
}

/// `struct bpf_iter__bpf_sk_storage_map` (net/core/bpf_sk_storage.c).
#[repr(C)]
pub struct StorageContext {
    meta: *const Meta,
    map: *const c_void,
    sk: *const c_void,
    value: Slot,
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/bpf_sk_storage_map")]
pub fn watcher_read_sockets(ctx: *const StorageContext) -> i32 {
    // SAFETY: the kernel passes this context; the verifier checks every load.
    unsafe {
        let slot = (*ctx).value;
        if slot.is_null() {
            return 0;
        }
        let flags = (*slot).flags;
        if flags & (flag::FINAL | flag::LISTENER) != 0 || (*slot).cookie == 0 || !has_story(slot) {
            return 0;
        }
        let since = SINCE.get(0).copied().unwrap_or(0);
        if (*slot).last_coarse < since && (*slot).changed_coarse < since {
            return 0;
        }
        (*slot).reported_tx = (*slot).tx_bytes;
        (*slot).reported_rx = (*slot).rx_bytes;
        bpf_seq_write((*(*ctx).meta).seq, slot.cast(), size_of::<SocketRecord>() as u32);
    }
    0
}

/// `struct bpf_iter__task_file` (kernel/bpf/task_iter.c).
#[repr(C)]
pub struct FileContext {
    meta: *const Meta,
    task: *const c_void,
    fd: u64,
    file: *const c_void,
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task_file")]
pub fn watcher_seed(ctx: *const FileContext) -> i32 {
    // SAFETY: the kernel passes this context; the verifier checks every load.
    let (task, file) = unsafe { ((*ctx).task, (*ctx).file) };
    if task.is_null() || file.is_null() {
        return 0;
    }
    // SAFETY: `file` is a BTF-typed file.
    let socket: *const c_void = unsafe { bpf_sock_from_file(file.cast_mut().cast()) }.cast();
    if socket.is_null() {
        return 0;
    }
    let sk = kernel::sock_of(socket);
    if sk.0.is_null() {
        return 0;
    }
    let family = sk.family();
    if family == AF_INET || family == AF_INET6 {
        seed(sk, Task(task));
    }
    0
}

#[inline(always)]
fn seed(sk: Sock, task: Task) {
    if slot::find(sk).is_some() {
        return;
    }
    let Some(slot) = slot::find_or_create(sk, || kernel::Process::KERNEL) else { return };
    let owner = task.process();
    // SAFETY: a valid map value.
    unsafe {
        (*slot).owner_tgid = owner.tgid;
        (*slot).owner_start = owner.start;
        (*slot).uid = task.euid();
        (*slot).comm = task.comm();
    }
    baseline(slot, sk);
}

/// Counting begins now: what went before is not ours.
#[inline(always)]
pub fn baseline(slot: Slot, sk: Sock) {
    // SAFETY: a valid map value.
    unsafe {
        (*slot).flags |= flag::SEEDED;
        if sk.state() == 10 {
            (*slot).flags |= flag::LISTENER;
        }
        slot::cookie(slot, sk);
        (*slot).changed_coarse = kernel::now_coarse();
        if sk.protocol() != IPPROTO_TCP {
            return;
        }
        if let Some(tcp) = sk.tcp() {
            let counters = tcp.counters(sk);
            (*slot).consumed = counters.consumed;
            (*slot).base_consumed = counters.consumed;
            (*slot).base_sent =
                counters.bytes_sent.wrapping_sub(counters.bytes_retrans).wrapping_add(u64::from(counters.unsent));
        }
    }
}
