//! Charging bytes to a process: in the socket's slot when the caller owns the socket, else in the flow map.

use aya_ebpf::helpers::bpf_get_current_comm;
use watcher_common::{BARE_EPOCH, COMM_LEN, FlowCounters, FlowKey, Loss, OverflowKey, flag, reading};

use crate::{
    bytes::{add, exchange_if, take},
    kernel::{
        self, AF_INET, AF_INET6, BareSock, Facts, Process, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM, Sock, Task, jiffies,
        now,
    },
    loss::lost,
    maps::{FLOWS, OVERFLOW, READING},
    remote,
    slot::{self, Slot},
};

/// Which way bytes went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Sent.
    Tx,
    /// Received.
    Rx,
}

/// Charges `n` bytes of a call that the current task made on `sk`.
#[inline(always)]
pub fn count(sk: Sock, slot: Slot, way: Way, n: u64) {
    let owns = slot::is_callers(slot);
    // SAFETY: a valid map value.
    let kind = u16::from(unsafe { (*slot).socket_type });
    let stream = kind == SOCK_STREAM || kind == SOCK_SEQPACKET;
    let (address, port) = if stream { ([0; 2], 0) } else { remote::of_call(sk, slot, way) };
    if owns && (stream || remote::is_slots(slot, address, port)) {
        return to_slot(sk, slot, way, n);
    }
    to_flow(sk, Some(slot), slot::caller(slot), address, port, way, n);
}

/// The common case: one process, one remote, one slot.
#[inline(always)]
fn to_slot(sk: Sock, slot: Slot, way: Way, n: u64) {
    // SAFETY: a valid map value.
    unsafe {
        if (*slot).first == 0 {
            first_byte(slot, now());
            begin(&raw mut (*slot).flags, way);
            slot::cookie(slot, sk);
            if (*slot).flags & flag::REMOTE == 0 && u16::from((*slot).socket_type) == SOCK_STREAM {
                // An accepted MPTCP socket gets its addresses after it was established.
                slot::describe(slot, sk);
            }
        }
        match way {
            Way::Tx => {
                add(&raw mut (*slot).tx_bytes, n);
                add(&raw mut (*slot).tx_calls, 1);
            }
            Way::Rx => {
                add(&raw mut (*slot).rx_bytes, n);
                add(&raw mut (*slot).rx_calls, 1);
            }
        }
        (*slot).last_jiffies = jiffies();
    }
}

/// A first byte is counted in a slot. Of two threads at once one does it.
#[inline(always)]
fn first_byte(slot: Slot, at: u64) {
    // SAFETY: a valid map value.
    unsafe {
        if exchange_if(&raw mut (*slot).first, 0, at) && (*slot).flags & flag::KERNEL == 0 {
            note(reading::BEGUN, 1);
        }
    }
}

/// The end of what began with [`first_byte`], if anything did, once: noted before the slot says so, so that a reading meanwhile finds it
/// open and ended rather than neither.
#[inline(always)]
pub fn last_byte(slot: Slot) {
    // SAFETY: a valid map value.
    unsafe {
        if (*slot).first != 0 && (*slot).flags & (flag::KERNEL | flag::RELEASED) == 0 {
            note(reading::ENDED, 1);
        }
    }
}

/// It was not the last one after all.
#[inline(always)]
pub fn not_yet(slot: Slot) {
    // SAFETY: a valid map value.
    unsafe {
        if (*slot).first != 0 && (*slot).flags & flag::KERNEL == 0 {
            note(reading::ENDED, -1);
        }
    }
}

#[inline(always)]
fn note(what: u32, n: i64) {
    if let Some(word) = READING.get_ptr_mut(what) {
        add(word, n.cast_unsigned());
    }
}

/// The first byte tells the direction of a socket without connections.
#[inline(always)]
fn begin(flags: *mut u32, way: Way) {
    // SAFETY: points into a valid map value.
    unsafe {
        if *flags & (flag::OUTGOING | flag::INCOMING | flag::SEEDED | flag::TCP) == 0 {
            *flags |= if way == Way::Tx { flag::OUTGOING } else { flag::INCOMING };
        }
    }
}

/// What a call moved that its socket's slot does not take.
struct Call {
    sk: Sock,
    /// Null when the socket has none.
    slot: Slot,
    caller: Process,
    address: [u64; 2],
    port: u16,
    way: Way,
    n: u64,
}

/// Everything else: another process, another remote, no slot.
#[inline(always)]
pub fn to_flow(sk: Sock, slot: Option<Slot>, caller: Process, address: [u64; 2], port: u16, way: Way, n: u64) {
    elsewhere(&Call { sk, slot: slot.unwrap_or(core::ptr::null_mut()), caller, address, port, way, n });
}

/// Out of line: the common case stays short, in the cache and for the verifier.
#[inline(never)]
fn elsewhere(call: &Call) {
    let Call { sk, slot, caller, address, port, way, n } = *call;
    let (cookie, epoch) = if slot.is_null() {
        (kernel::cookie(sk), 0)
    } else {
        // SAFETY: a valid map value.
        (slot::cookie(slot, sk), unsafe { (*slot).epoch })
    };
    let mut key = FlowKey {
        cookie,
        start: caller.start,
        tgid: caller.tgid,
        epoch,
        remote: [0; 16],
        remote_port: port,
        pad: [0; 3],
    };
    slot::put(&raw mut key.remote, address);
    if !slot.is_null() {
        // SAFETY: a valid map value.
        unsafe {
            match way {
                Way::Tx => add(&raw mut (*slot).other_tx_bytes, n),
                Way::Rx => add(&raw mut (*slot).other_rx_bytes, n),
            }
            (*slot).changed_jiffies = jiffies();
        }
    }
    to_entry(&key, way, n, || insert(&key, sk, slot, way));
}

/// Charges bytes on a socket of which only the address is known. What the socket's own record would tell, user space adds.
#[inline(always)]
pub fn count_bare(sk: BareSock, family: u16, way: Way, n: u64) {
    let caller = if sk.is_kernel() { Process::KERNEL } else { Task::current().process() };
    let cookie = sk.cookie();
    let kind = sk.socket_type();
    let stream = kind == SOCK_STREAM || kind == SOCK_SEQPACKET || (family != AF_INET && family != AF_INET6);
    let (address, port) = if stream { ([0; 2], 0) } else { remote::of_bare_call(sk, family, cookie, way) };
    let mut key = FlowKey {
        cookie,
        start: caller.start,
        tgid: caller.tgid,
        epoch: BARE_EPOCH,
        remote: [0; 16],
        remote_port: port,
        pad: [0; 3],
    };
    slot::put(&raw mut key.remote, address);
    to_entry(&key, way, n, || insert_bare(&key, sk, way));
}

/// Moves what the owner's bare entry has into its slot: the socket begins another connection, and the entry cannot tell them
/// apart.
#[inline(never)]
pub fn settle(slot: Slot) {
    // SAFETY: a valid map value.
    let key = unsafe {
        FlowKey {
            cookie: (*slot).cookie,
            start: (*slot).owner_start,
            tgid: (*slot).owner_tgid,
            epoch: BARE_EPOCH,
            remote: [0; 16],
            remote_port: 0,
            pad: [0; 3],
        }
    };
    if let Some(flow) = FLOWS.get_ptr_mut(&key) {
        // SAFETY: valid map values.
        unsafe {
            add(&raw mut (*slot).tx_bytes, take(&raw mut (*flow).tx_bytes));
            add(&raw mut (*slot).rx_bytes, take(&raw mut (*flow).rx_bytes));
            add(&raw mut (*slot).tx_calls, take(&raw mut (*flow).tx_calls));
            add(&raw mut (*slot).rx_calls, take(&raw mut (*flow).rx_calls));
            if (*slot).first == 0 {
                first_byte(slot, (*flow).first);
            }
            (*slot).last_jiffies = (*flow).last_jiffies;
        }
    }
}

/// Adds to an entry of the flow map, which `make` inserts if need be.
#[inline(always)]
fn to_entry(key: &FlowKey, way: Way, n: u64, make: impl FnOnce()) {
    let flow = match FLOWS.get_ptr_mut(key) {
        Some(flow) => Some(flow),
        None => {
            make();
            FLOWS.get_ptr_mut(key)
        }
    };
    match flow {
        Some(flow) => bump(flow, way, n),
        None => {
            lost(Loss::MapFull, 1);
            to_overflow(Process { tgid: key.tgid, start: key.start }, way, n);
        }
    }
}

#[inline(always)]
fn bump(flow: *mut FlowCounters, way: Way, n: u64) {
    // SAFETY: a valid map value.
    unsafe {
        match way {
            Way::Tx => {
                add(&raw mut (*flow).tx_bytes, n);
                add(&raw mut (*flow).tx_calls, 1);
            }
            Way::Rx => {
                add(&raw mut (*flow).rx_bytes, n);
                add(&raw mut (*flow).rx_calls, 1);
            }
        }
        (*flow).last_jiffies = jiffies();
    }
}

/// A fresh entry; `slot` may be null (an `Option` would be two registers, one of them unset, which the verifier refuses).
#[inline(never)]
fn insert(key: &FlowKey, sk: Sock, slot: Slot, way: Way) {
    let mut fresh = empty();
    let facts = sk.facts();
    if !slot.is_null() {
        // SAFETY: a valid map value.
        unsafe {
            fresh.owner_tgid = (*slot).owner_tgid;
            fresh.owner_start = (*slot).owner_start;
            fresh.flags = (*slot).flags & (flag::SEEDED | flag::KERNEL | flag::TCP);
            if facts.socket_type == SOCK_STREAM {
                fresh.flags |= (*slot).flags & (flag::OUTGOING | flag::INCOMING);
            }
        }
    }
    begin(&raw mut fresh.flags, way);
    fill(fresh, key, &facts);
}

/// The same without a slot. The direction of a connection is in its record.
#[inline(never)]
fn insert_bare(key: &FlowKey, sk: BareSock, way: Way) {
    let mut fresh = empty();
    let facts = sk.facts();
    fresh.flags = flag::BARE;
    if key.tgid == 0 {
        fresh.flags |= flag::KERNEL;
    }
    if facts.socket_type != SOCK_STREAM {
        begin(&raw mut fresh.flags, way);
    }
    fill(fresh, key, &facts);
}

/// Completes and inserts an entry. When two CPUs make the same one, the second insertion fails and does no harm.
#[inline(always)]
fn fill(mut fresh: FlowCounters, key: &FlowKey, facts: &Facts) {
    fresh.uid = kernel::current_uid();
    fresh.comm = bpf_get_current_comm().unwrap_or([0; COMM_LEN]);
    fresh.family = facts.family;
    fresh.protocol = facts.protocol;
    fresh.netns = facts.netns;
    fresh.first = now();
    if facts.socket_type == SOCK_RAW {
        fresh.flags |= flag::RAW;
    }
    if facts.family == AF_INET || facts.family == AF_INET6 {
        fresh.local_port = facts.local_port;
        slot::put(&raw mut fresh.local, facts.local);
        if key.remote_port != 0 || slot::connected(slot::get(&raw const key.remote)) {
            fresh.remote = key.remote;
            fresh.remote_port = key.remote_port;
            fresh.flags |= flag::REMOTE;
        } else if slot::connected(facts.remote) {
            slot::put(&raw mut fresh.remote, facts.remote);
            fresh.remote_port = facts.remote_port;
            fresh.flags |= flag::REMOTE;
        }
    }
    let _ = FLOWS.insert(key, &fresh, u64::from(aya_ebpf::bindings::BPF_NOEXIST));
}

/// The last resort: the bytes of one process, whatever they were on.
#[inline(never)]
pub fn to_overflow(caller: Process, way: Way, n: u64) {
    let key = OverflowKey { start: caller.start, tgid: caller.tgid, pad: 0 };
    let entry = match OVERFLOW.get_ptr_mut(&key) {
        Some(entry) => Some(entry),
        None => {
            let mut fresh = empty();
            fresh.flags = flag::OVERFLOW;
            fresh.first = now();
            let _ = OVERFLOW.insert(&key, &fresh, u64::from(aya_ebpf::bindings::BPF_NOEXIST));
            OVERFLOW.get_ptr_mut(&key)
        }
    };
    match entry {
        Some(entry) => bump(entry, way, n),
        None => lost(if way == Way::Tx { Loss::LostTx } else { Loss::LostRx }, n),
    }
}

#[inline(always)]
fn empty() -> FlowCounters {
    // SAFETY: every bit pattern is a valid FlowCounters.
    unsafe { core::mem::zeroed() }
}
