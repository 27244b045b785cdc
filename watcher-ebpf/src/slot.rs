//! The socket's slot: finding it, making it, and telling whose it is.

use core::{ffi::c_void, ptr};

use aya_ebpf::{
    bindings::BPF_SK_STORAGE_GET_F_CREATE,
    helpers::{bpf_get_current_comm, generated::bpf_sk_storage_get},
};
use watcher_common::{COMM_LEN, Copied, Loss, SocketRecord, claim, flag, kind};

use crate::{
    bytes::exchange_if,
    kernel::{self, AF_INET, AF_INET6, IPPROTO_TCP, Process, SOCK_RAW, Sock, Task},
    loss::lost,
    maps::SOCKETS,
};

/// A slot that was found: never null, this socket's own.
pub type Slot = *mut SocketRecord;

#[inline(always)]
fn storage(sk: *const c_void, flags: u64) -> Slot {
    // SAFETY: the verifier checks that `sk` is a socket.
    unsafe { bpf_sk_storage_get(SOCKETS.as_ptr(), sk.cast_mut(), ptr::null_mut(), flags) }.cast()
}

/// The slot of a socket that has one.
#[inline(always)]
pub fn find(sk: Sock) -> Option<Slot> {
    let slot = storage(sk.0, 0);
    if slot.is_null() {
        return None;
    }
    let before = whose(slot);
    if before != sk.0 as u64 {
        adopt(slot, sk, before);
    }
    Some(slot)
}

/// The slot of a socket that has one, for who only looks: `None` before the socket's first call or change, too.
#[inline(always)]
pub fn look(sk: Sock) -> Option<Slot> {
    let slot = storage(sk.0, 0);
    (!slot.is_null() && whose(slot) == sk.0 as u64).then_some(slot)
}

/// Whether a socket has a slot.
#[inline(always)]
pub fn exists(sk: Sock) -> bool {
    !storage(sk.0, 0).is_null()
}

/// The address of the socket that a slot was last seen to belong to: read once, since another CPU may be writing it.
#[inline(always)]
fn whose(slot: Slot) -> u64 {
    // SAFETY: a valid map value.
    unsafe { (&raw const (*slot).sk).read_volatile() }
}

/// Who a new slot belongs to.
#[derive(Clone, Copy)]
pub enum Maker {
    /// The current task's process.
    Caller,
    /// Nobody in particular: the kernel, until somebody else is found.
    Kernel,
}

/// The slot of a socket, made on the spot if need be.
#[inline(always)]
pub fn find_or_create(sk: Sock, maker: Maker) -> Option<Slot> {
    if let Some(slot) = find(sk) {
        return Some(slot);
    }
    create(sk, maker)
}

/// A slot for a socket that has none.
#[inline(always)]
pub fn create(sk: Sock, maker: Maker) -> Option<Slot> {
    let slot = make(sk, maker);
    if slot.is_null() { None } else { Some(slot) }
}

/// Null when there is no memory for it.
#[inline(never)]
fn make(sk: Sock, maker: Maker) -> Slot {
    let slot = storage(sk.0, u64::from(BPF_SK_STORAGE_GET_F_CREATE));
    if slot.is_null() {
        lost(Loss::StorageFailed, 1);
        return slot;
    }
    let kern = sk.is_kernel();
    // SAFETY: not null, so a valid map value.
    unsafe {
        (*slot).kind = kind::SOCKET;
        (*slot).sk = sk.0 as u64;
        (*slot).flags = if kern { flag::KERNEL } else { 0 };
    }
    let owner = match maker {
        Maker::Caller if !kern => Task::current().process(),
        _ => Process::KERNEL,
    };
    set_owner(slot, owner);
    describe(slot, sk);
    slot
}

/// The slot in a cgroup hook: `sk` is a `struct bpf_sock`, whose fields the hook may read but whose address means nothing.
#[inline(always)]
pub fn create_in_cgroup(sk: *const c_void) -> Option<Slot> {
    let slot = storage(sk, u64::from(BPF_SK_STORAGE_GET_F_CREATE));
    if slot.is_null() {
        lost(Loss::StorageFailed, 1);
        return None;
    }
    Some(slot)
}

/// The slot in a cgroup hook, if there is one.
#[inline(always)]
pub fn find_in_cgroup(sk: *const c_void) -> Option<Slot> {
    let slot = storage(sk, 0);
    if slot.is_null() { None } else { Some(slot) }
}

/// Writes the owner, and the current task's user and name: callers run in the owner's context.
#[inline(always)]
pub fn set_owner(slot: Slot, owner: Process) {
    // SAFETY: a valid map value.
    unsafe {
        (*slot).owner_tgid = owner.tgid;
        (*slot).owner_start = owner.start;
        (*slot).thread = 0;
        if owner.tgid != 0 {
            (*slot).uid = kernel::current_uid();
            (*slot).comm = bpf_get_current_comm().unwrap_or([0; COMM_LEN]);
        }
    }
}

/// A socket that was made outside cgroup/sock_create carries its listener's record, or that hook's, which could not see
/// the address of the socket. Owner, user and name are inherited; everything else begins here.
///
/// `before` is what the slot said when it was looked at. Two threads may make a socket's first two calls at once: one of
/// them does this, and what the other has counted meanwhile stays. (A listener's child is here before any process has it.)
#[inline(never)]
fn adopt(slot: Slot, sk: Sock, before: u64) {
    // SAFETY: a valid map value.
    unsafe {
        if !exchange_if(&raw mut (*slot).sk, before, sk.0 as u64) {
            return;
        }
        if before != 0 {
            (*slot).flags &= flag::KERNEL;
            (*slot).cookie = 0;
            (*slot).last_state = 0;
            restart(slot, 0);
        }
    }
    describe(slot, sk);
}

/// Begins another connection on the same socket.
#[inline(always)]
pub fn restart(slot: Slot, epoch: u32) {
    // SAFETY: a valid map value.
    unsafe {
        (*slot).epoch = epoch;
        (*slot).error = 0;
        (*slot).claim = claim::NONE;
        (*slot).tx_bytes = 0;
        (*slot).rx_bytes = 0;
        (*slot).tx_calls = 0;
        (*slot).rx_calls = 0;
        (*slot).other_tx_bytes = 0;
        (*slot).other_rx_bytes = 0;
        (*slot).first = 0;
        (*slot).last_jiffies = 0;
        (*slot).opened = 0;
        (*slot).established = 0;
        (*slot).closed = 0;
        (*slot).reported_tx = 0;
        (*slot).reported_rx = 0;
        (*slot).consumed = 0;
        (*slot).base_consumed = 0;
        (*slot).base_accepted = 0;
        (*slot).heads = 0;
        (*slot).copied =
            Copied { bytes: [0; 2], enough: [0; 2], packets: [0; 2], bare: [0; 2], second: 0, in_second: 0 };
    }
}

/// Protocol, addresses and namespace, as they are now.
#[inline(never)]
pub fn describe(slot: Slot, sk: Sock) {
    let family = sk.family();
    let protocol = sk.protocol();
    // SAFETY: a valid map value.
    unsafe {
        (*slot).family = family;
        (*slot).protocol = protocol;
        (*slot).socket_type = sk.socket_type() as u8;
        (*slot).state = sk.state();
        (*slot).netns = sk.netns();
        if sk.socket_type() == SOCK_RAW {
            (*slot).flags |= flag::RAW;
        }
    }
    if family != AF_INET && family != AF_INET6 {
        return;
    }
    let (local, remote) = sk.addresses(family);
    // SAFETY: a valid map value.
    unsafe {
        let port = sk.local_port();
        if port != 0 {
            (*slot).local_port = port;
        }
        put(&raw mut (*slot).local, local);
        if connected(remote) {
            (*slot).remote_port = sk.remote_port();
            put(&raw mut (*slot).remote, remote);
            (*slot).flags |= flag::REMOTE;
        }
        if protocol == IPPROTO_TCP {
            (*slot).flags |= flag::TCP;
        }
    }
}

/// Whether an address is one: neither `::` nor `::ffff:0.0.0.0`.
#[inline(always)]
pub fn connected(remote: [u64; 2]) -> bool {
    remote[1] & !0xffff_0000 != 0 || remote[0] != 0
}

/// Stores an address.
#[inline(always)]
pub fn put(at: *mut [u8; 16], address: [u64; 2]) {
    // SAFETY: addresses in our structs are 8-byte aligned (asserted by layout) and 16 bytes long.
    unsafe { at.cast::<[u64; 2]>().write(address) }
}

/// Loads an address.
#[inline(always)]
pub fn get(at: *const [u8; 16]) -> [u64; 2] {
    // SAFETY: as in `put`.
    unsafe { at.cast::<[u64; 2]>().read() }
}

/// The cookie, asked for at the first use that needs it: while a child is being cloned the kernel still changes it.
#[inline(always)]
pub fn cookie(slot: Slot, sk: Sock) -> u64 {
    // SAFETY: a valid map value.
    unsafe {
        if (*slot).cookie == 0 {
            (*slot).cookie = kernel::cookie(sk);
        }
        (*slot).cookie
    }
}

/// Whether the current process owns the slot. One load in the common case: the same thread as the last time.
#[inline(always)]
pub fn is_callers(slot: Slot) -> bool {
    let task = Task::current();
    // SAFETY: a valid map value.
    unsafe {
        if (*slot).thread == task.0 as u64 && (*slot).thread_start == task.start() {
            return true;
        }
        if (*slot).flags & flag::KERNEL != 0 {
            return true;
        }
        let owns = task.is(Process { tgid: (*slot).owner_tgid, start: (*slot).owner_start });
        if owns {
            (*slot).thread = task.0 as u64;
            (*slot).thread_start = task.start();
        }
        owns
    }
}

/// The caller's process, for a slot that may belong to the kernel.
#[inline(always)]
pub fn caller(slot: Slot) -> Process {
    // SAFETY: a valid map value.
    if unsafe { (*slot).flags } & flag::KERNEL != 0 { Process::KERNEL } else { Task::current().process() }
}
