//! Reading and seeding: programs that user space runs, not hooks.
//!
//! - `iter/bpf_sk_storage_map` (Linux 5.9): writes every slot that changed since the tick that user space names.
//! - `iter/bpf_map_elem` (Linux 5.9): writes every entry of a hash map. Not by bpf(2): see `SHARED` in `maps.rs`.
//! - `iter/task` (Linux 5.8): writes every process that runs.
//! - `iter/task_file` (Linux 5.8; `bpf_sock_from_file` and storage in iterators 5.11): gives sockets that existed before
//!   the collector a slot, owned by the first process found to hold them, counting from now.

use core::ffi::c_void;

use aya_ebpf::{
    bindings::seq_file,
    helpers::generated::{bpf_probe_read_kernel, bpf_seq_write, bpf_sock_from_file},
    macros::raw_tracepoint,
    programs::RawTracePointContext,
};
use watcher_common::{FlowCounters, FlowKey, OverflowKey, SocketKey, SocketRecord, flag, forget, looked, reading};

use crate::{
    kernel::{self, AF_INET, AF_INET6, IPPROTO_TCP, Sock, Task},
    lifecycle::{LISTEN, has_story},
    maps::{CHANGED, FLOWS, READING, Seen, WAITING},
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
        if (*slot).first != 0
            && (*slot).flags & (flag::FINAL | flag::RELEASED | flag::KERNEL) == 0
            && let Some(open) = READING.get_ptr_mut(reading::OPEN)
        {
            *open += 1;
        }
        write_changed((*(*ctx).meta).seq, slot)
    }
}

/// Puts a slot that has something to tell and changed since the tick that user space named into [`CHANGED`]. Where that is full then, a
/// byte in the iterator's file stops the run, since user space reads no more than one (bpf_seq_read, kernel/bpf/bpf_iter.c).
/// Returns whether the slot is to be shown again, for want of room.
#[inline(always)]
fn write_changed(seq: *mut seq_file, slot: Slot) -> i32 {
    // SAFETY: a valid map value.
    unsafe {
        let flags = (*slot).flags;
        if flags & (flag::FINAL | flag::LISTENER) != 0 || (*slot).cookie == 0 {
            return 0;
        }
        // The flow map may have the bytes, but does not know that the socket was there before.
        let known_by_others = flags & flag::SEEDED != 0 && Seen::Bare.ever();
        if !has_story(slot) && !known_by_others {
            return 0;
        }
        let since = READING.get(reading::SINCE).copied().unwrap_or(0);
        if (*slot).last_jiffies < since && (*slot).changed_jiffies < since {
            return 0;
        }
        let Some(written) = READING.get_ptr_mut(reading::CHANGED) else { return 0 };
        let Some(room) = CHANGED.get_ptr_mut(*written as u32) else { return 1 };
        (*slot).reported_tx = (*slot).tx_bytes;
        (*slot).reported_rx = (*slot).rx_bytes;
        bpf_probe_read_kernel(room.cast(), size_of::<SocketRecord>() as u32, slot.cast());
        *written += 1;
        if *written >= u64::from(reading::ROOM) {
            bpf_seq_write(seq, written.cast(), 1);
        }
        0
    }
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

/// `struct bpf_iter__bpf_map_elem` (kernel/bpf/map_iter.c).
#[repr(C)]
pub struct ElementContext {
    meta: *const Meta,
    map: *const c_void,
    key: *const c_void,
    value: *const c_void,
}

/// An entry of a hash map: key, then value. The kernel compares their sizes with the map's when user space binds the two.
#[inline(always)]
fn write_entry<K, V>(ctx: *const ElementContext) -> i32 {
    // SAFETY: the kernel passes this context; the verifier checks every load.
    unsafe {
        let (seq, key, value) = ((*(*ctx).meta).seq, (*ctx).key, (*ctx).value);
        if !key.is_null() && !value.is_null() {
            bpf_seq_write(seq, key.cast_mut(), size_of::<K>() as u32);
            bpf_seq_write(seq, value.cast_mut(), size_of::<V>() as u32);
        }
    }
    0
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/bpf_map_elem")]
pub fn watcher_read_flows(ctx: *const ElementContext) -> i32 {
    write_entry::<FlowKey, FlowCounters>(ctx)
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/bpf_map_elem")]
pub fn watcher_read_waiting(ctx: *const ElementContext) -> i32 {
    write_entry::<SocketKey, SocketRecord>(ctx)
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/bpf_map_elem")]
pub fn watcher_read_overflow(ctx: *const ElementContext) -> i32 {
    write_entry::<OverflowKey, FlowCounters>(ctx)
}

/// Takes an entry out of a map: which one ([`forget`]), then the words of its key. User space runs it by BPF_PROG_TEST_RUN.
#[raw_tracepoint]
pub fn watcher_forget(ctx: RawTracePointContext) -> i32 {
    let which: u64 = ctx.arg(0);
    let key: [u64; 6] = [ctx.arg(1), ctx.arg(2), ctx.arg(3), ctx.arg(4), ctx.arg(5), ctx.arg(6)];
    // SAFETY: both keys are plain words, and no longer than these.
    let _ = unsafe {
        match which {
            forget::FLOW => FLOWS.remove(&*(&raw const key).cast::<FlowKey>()),
            _ => WAITING.remove(&*(&raw const key).cast::<SocketKey>()),
        }
    };
    0
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
    if let Some((sk, task)) = socket_of_file(ctx) {
        seed(sk, task);
    }
    0
}

/// Where the storage iterator cannot be trusted (see `traits.rs` in watcher-user): the sockets that processes hold.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task_file")]
pub fn watcher_read_files(ctx: *const FileContext) -> i32 {
    // SAFETY: the kernel passes this context; the verifier checks every load.
    let (seq, task) = unsafe { ((*(*ctx).meta).seq, (*ctx).task) };
    if task.is_null() {
        stamp();
        return 0;
    }
    if let Some((sk, _)) = socket_of_file(ctx)
        && let Some(slot) = slot::look(sk)
    {
        return write_changed(seq, slot);
    }
    0
}

/// The internet socket that a descriptor leads to, and the process.
#[inline(always)]
fn socket_of_file(ctx: *const FileContext) -> Option<(Sock, Task)> {
    // SAFETY: the kernel passes this context; the verifier checks every load.
    let (task, file) = unsafe { ((*ctx).task, (*ctx).file) };
    if task.is_null() || file.is_null() {
        return None;
    }
    // SAFETY: `file` is a BTF-typed file.
    let socket: *const c_void = unsafe { bpf_sock_from_file(file.cast_mut().cast()) }.cast();
    if socket.is_null() {
        return None;
    }
    let sk = kernel::sock_of(socket);
    if sk.0.is_null() {
        return None;
    }
    let family = sk.family();
    (family == AF_INET || family == AF_INET6).then_some((sk, Task(task)))
}

#[inline(always)]
fn seed(sk: Sock, task: Task) {
    if slot::exists(sk) {
        return;
    }
    let Some(slot) = slot::create(sk, slot::Maker::Kernel) else { return };
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
        if i32::from(sk.state()) == LISTEN {
            (*slot).flags |= flag::LISTENER;
        }
        slot::cookie(slot, sk);
        (*slot).changed_jiffies = kernel::jiffies();
        if sk.protocol() != IPPROTO_TCP {
            return;
        }
        // The beginning of the stream has passed.
        if (*slot).flags & flag::LISTENER == 0 && (*slot).flags & flag::REMOTE != 0 {
            (*slot).heads = looked::SENT | looked::RECEIVED;
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
