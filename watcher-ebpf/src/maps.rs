//! Every map. Sizes are defaults that user space may change at load time.

use core::{ffi::c_void, ptr};

use aya_ebpf::{
    bindings::{BPF_F_CLONE, BPF_F_MMAPABLE, BPF_F_NO_PREALLOC},
    btf_maps::{Array, HashMap, LruHashMap, RingBuf},
    macros::btf_map,
};
use watcher_common::{
    Calls, FlowCounters, FlowKey, Loss, Marks, OverflowKey, PendingRemote, SocketKey, SocketRecord, reading, runs,
};

/// A storage map that hangs its values on kernel objects. aya-ebpf's own socket storage has neither the CLONE flag nor
/// methods for a traced socket, and it has none for tasks.
#[repr(C)]
pub struct Storage<T, const TYPE: usize, const FLAGS: usize> {
    r#type: *const [i32; TYPE],
    key: *const i32,
    value: *const T,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; FLAGS],
}

// SAFETY: placeholders for the loader, never dereferenced.
unsafe impl<T, const TYPE: usize, const FLAGS: usize> Sync for Storage<T, TYPE, FLAGS> {}

impl<T, const TYPE: usize, const FLAGS: usize> Storage<T, TYPE, FLAGS> {
    const fn new() -> Self {
        Self {
            r#type: ptr::null(),
            key: ptr::null(),
            value: ptr::null(),
            max_entries: ptr::null(),
            map_flags: ptr::null(),
        }
    }

    /// What the helpers take.
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut c_void {
        ptr::from_ref(self).cast_mut().cast()
    }
}

/// Entries take memory when they are made: most machines need few of the many that there is room for.
const ON_DEMAND: usize = BPF_F_NO_PREALLOC as usize;

/// BPF_MAP_TYPE_SK_STORAGE (include/uapi/linux/bpf.h).
const SK_STORAGE: usize = 24;
/// BPF_MAP_TYPE_TASK_STORAGE.
const TASK_STORAGE: usize = 29;

/// The slot of each socket. CLONE: an accepted socket starts with a copy of its listener's.
#[btf_map]
pub static SOCKETS: Storage<SocketRecord, SK_STORAGE, { (BPF_F_NO_PREALLOC | BPF_F_CLONE) as usize }> = Storage::new();

/// The address that a task's current datagram call is about.
#[btf_map]
pub static PENDING: Storage<PendingRemote, TASK_STORAGE, { BPF_F_NO_PREALLOC as usize }> = Storage::new();

/// What programs that are attached twice have done for a task.
#[btf_map]
pub static MARKS: Storage<Marks, TASK_STORAGE, { BPF_F_NO_PREALLOC as usize }> = Storage::new();

/// The calls that a task is in the middle of.
#[btf_map]
pub static CALLS: Storage<Calls, TASK_STORAGE, { BPF_F_NO_PREALLOC as usize }> = Storage::new();

/// The same as [`PENDING`] by thread id, where the kernel does not let the address hooks use task storage. An LRU map, since threads end
/// unseen in the middle of a call: an entry matters for microseconds, and what it forgets is a remote, not bytes.
#[btf_map]
pub static PENDING_BY_THREAD: LruHashMap<u32, PendingRemote, 8192> = LruHashMap::new();

/// What has been seen on this machine at least once: see [`Seen`].
#[btf_map]
static SEEN: Array<u64, 3> = Array::new();

/// Rare things. Until one was seen, the hooks that every call passes do not look for it.
#[derive(Clone, Copy)]
pub enum Seen {
    /// An address hook had to use [`PENDING_BY_THREAD`].
    Threads = 0,
    /// A TCP socket that the kernel reads itself. The kernel's first read of it comes before the process's.
    Ulp = 1,
    /// A call that was counted without the socket's slot.
    Bare = 2,
}

impl Seen {
    /// Whether it was.
    #[inline(always)]
    pub fn ever(self) -> bool {
        SEEN.get(self as u32).copied().unwrap_or(0) != 0
    }

    /// It was.
    #[inline(always)]
    pub fn note(self) {
        if let Some(word) = SEEN.get_ptr_mut(self as u32) {
            // SAFETY: a valid map value.
            unsafe { *word = 1 }
        }
    }
}

/// What the slots cannot hold: other processes, remotes of unconnected sockets, sockets without storage or release hook.
#[btf_map]
pub static FLOWS: HashMap<FlowKey, FlowCounters, 131072, ON_DEMAND> = HashMap::new();

/// Final records that found the ring buffer full.
#[btf_map]
pub static WAITING: HashMap<SocketKey, SocketRecord, 8192, ON_DEMAND> = HashMap::new();

/// Bytes of a process that found no room elsewhere.
#[btf_map]
pub static OVERFLOW: HashMap<OverflowKey, FlowCounters, 4096, ON_DEMAND> = HashMap::new();

/// Final socket records and process events.
#[btf_map]
pub static EVENTS: RingBuf<SocketRecord, 0x40_0000> = RingBuf::new();

/// Copies of the first bytes of flows: a [`watcher_common::HeadHeader`] each, and the bytes.
#[btf_map]
pub static HEADS: RingBuf<SocketRecord, 0x10_0000> = RingBuf::new();

/// Words that user space reads and writes in its own memory. A bpf(2) call on a map raises this CPU's `bpf_prog_active`
/// (bpf_disable_instrumentation, include/linux/bpf.h) and may be preempted there: meanwhile the kernel passes over every
/// tracepoint program on that CPU, whoever's call it is.
const SHARED: usize = BPF_F_MMAPABLE as usize;

/// One counter for each [`Loss`].
#[btf_map]
pub static LOSSES: Array<u64, { Loss::COUNT as usize }, SHARED> = Array::new();

/// What the reading iterator and user space tell each other: see [`reading`].
#[btf_map]
pub static READING: Array<u64, { reading::COUNT as usize }, SHARED> = Array::new();

/// What the reading iterator found changed. Not through the iterator's file: that stops after each 32 KiB, and where it goes on in the
/// storage of sockets it first walks past all it has seen (bpf_sk_storage_map_seq_find_next, net/core/bpf_sk_storage.c).
#[btf_map]
pub static CHANGED: Array<SocketRecord, { reading::ROOM as usize }, SHARED> = Array::new();

/// How often the programs at functions ran: see [`runs`].
#[btf_map]
pub static RUNS: Array<[u64; runs::STRIDE as usize], { runs::CPUS as usize }, SHARED> = Array::new();
