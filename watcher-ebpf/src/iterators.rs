//! Reading and seeding: programs that user space runs, not hooks.
//!
//! - `iter/bpf_sk_storage_map` (Linux 5.9): writes every slot that changed since the tick that user space names.
//! - `iter/task` (Linux 5.8): writes every process that runs.
//! - `iter/task_file` (Linux 5.8; `bpf_sock_from_file` and storage in iterators 5.11): gives sockets that existed before
//!   the collector a slot, owned by the first process found to hold them, counting from now.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::seq_file,
    helpers::generated::{bpf_seq_write, bpf_sock_from_file},
};
use watcher_common::{SocketRecord, flag, reading};

use crate::{
    kernel::{self, AF_INET, AF_INET6, IPPROTO_TCP, Sock, Task},
    lifecycle::has_story,
    maps::{READING, Seen},
    process,
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
            stamp();
            return 0;
        }
        let flags = (*slot).flags;
        if flags & (flag::FINAL | flag::LISTENER) != 0 || (*slot).cookie == 0 || !has_story(slot) {
            return 0;
        }
        let since = READING.get(reading::SINCE).copied().unwrap_or(0);
        if (*slot).last_jiffies < since && (*slot).changed_jiffies < since {
            return 0;
        }
        (*slot).reported_tx = (*slot).tx_bytes;
        (*slot).reported_rx = (*slot).rx_bytes;
        bpf_seq_write((*(*ctx).meta).seq, slot.cast(), size_of::<SocketRecord>() as u32);
    }
    0
}

/// The last call of a run has no socket: it tells how ticks and time relate.
#[inline(always)]
fn stamp() {
    if let (Some(tick), Some(time)) = (READING.get_ptr_mut(reading::JIFFIES), READING.get_ptr_mut(reading::BOOT)) {
        // SAFETY: valid map values.
        unsafe {
            *tick = kernel::jiffies();
            *time = kernel::now();
        }
    }
}

/// `struct bpf_iter__task` (kernel/bpf/task_iter.c).
#[repr(C)]
pub struct TaskContext {
    meta: *const Meta,
    task: *const c_void,
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
pub fn watcher_read_tasks(ctx: *const TaskContext) -> i32 {
    // SAFETY: the kernel passes this context; the verifier checks every load.
    let task = Task(unsafe { (*ctx).task });
    if task.0.is_null() || task.is_kthread() || task.pid() != task.tgid() {
        return 0;
    }
    let found = process::describe(task, task.parent());
    // SAFETY: the helper copies one record.
    unsafe {
        bpf_seq_write((*(*ctx).meta).seq, (&raw const found).cast_mut().cast(), size_of_val(&found) as u32);
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
    let Some(slot) = slot::find_or_create(sk, slot::Maker::Kernel) else { return };
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
        (*slot).changed_jiffies = kernel::jiffies();
        if sk.protocol() != IPPROTO_TCP {
            return;
        }
        if let Some(tcp) = sk.tcp() {
            if tcp.has_ulp() {
                Seen::Ulp.note();
            }
            let counters = tcp.counters(sk, sk.state());
            (*slot).consumed = counters.consumed;
            (*slot).base_consumed = counters.consumed;
            (*slot).base_accepted = counters.accepted;
        }
    }
}
