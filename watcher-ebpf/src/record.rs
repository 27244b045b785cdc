//! The last word on a socket: into the ring buffer; if that is full, into a map that user space also reads; if that is
//! full too, its bytes go to the owner's overflow entry. Bytes are never dropped, only detail is.

use aya_ebpf::{
    bindings::{BPF_ANY, BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    helpers::generated::{bpf_ringbuf_output, bpf_ringbuf_query},
};
use watcher_common::{Loss, SocketKey, SocketRecord, flag};

use crate::{
    accounting::{Way, last_byte, not_yet, to_overflow},
    kernel::{Process, now},
    loss::lost,
    maps::{EVENTS, WAITING},
    slot::Slot,
};

/// Set by user space: unread bytes at which the reader is woken early. A wake-up per record would cost more than all else.
#[unsafe(no_mangle)]
static WAKE_AT: aya_ebpf::Global<u64> = aya_ebpf::Global::new(0x10_0000);

/// Flags for handing a record over.
#[inline(always)]
pub fn wakeup() -> u64 {
    // SAFETY: the map is a ring buffer.
    let unread = unsafe { bpf_ringbuf_query(EVENTS_PTR(), u64::from(BPF_RB_AVAIL_DATA)) };
    if unread > WAKE_AT.load() { u64::from(BPF_RB_FORCE_WAKEUP) } else { u64::from(BPF_RB_NO_WAKEUP) }
}

#[expect(non_snake_case, reason = "reads like the map it points to")]
#[inline(always)]
fn EVENTS_PTR() -> *mut core::ffi::c_void {
    core::ptr::addr_of!(EVENTS).cast_mut().cast()
}

/// A socket ends, once: hands over its last record, which `complete` completes, if it has a story.
#[inline(always)]
pub fn finish_socket(slot: Slot, has_story: bool, complete: impl FnOnce()) {
    // SAFETY: a valid map value.
    unsafe {
        if (*slot).flags & flag::FINAL != 0 {
            return;
        }
        if has_story {
            complete();
            if (*slot).closed == 0 {
                (*slot).closed = now();
            }
            last_byte(slot);
        }
        (*slot).flags |= flag::FINAL;
    }
    if has_story {
        hand_over(slot);
    }
}

/// Hands over the last record of a connection, of a socket that begins another one.
#[inline(always)]
pub fn finish_connection(slot: Slot) {
    last_byte(slot);
    hand_over(slot);
}

#[inline(always)]
fn hand_over(slot: Slot) {
    if !tell(slot) {
        displace(slot);
    }
}

/// Puts a record into the ring; whether there was room.
#[inline(always)]
fn offer(slot: Slot) -> bool {
    // SAFETY: a valid map value, of which the helper copies exactly one record.
    unsafe { bpf_ringbuf_output(EVENTS_PTR(), slot.cast(), size_of::<SocketRecord>() as u64, wakeup()) == 0 }
}

/// Hands over the record of a socket that no process holds any more, where the ring has room: the last one does not depend on it.
#[inline(always)]
pub fn release_socket(slot: Slot) {
    last_byte(slot);
    // SAFETY: a valid map value.
    unsafe {
        (*slot).flags |= flag::RELEASED;
        if !offer(slot) {
            (*slot).flags &= !flag::RELEASED;
            not_yet(slot);
        }
    }
}

/// Hands over a record; whether there was room.
#[inline(never)]
fn tell(slot: Slot) -> bool {
    if offer(slot) {
        return true;
    }
    lost(Loss::RingFull, 1);
    // SAFETY: a valid map value.
    let key = unsafe { SocketKey { cookie: (*slot).cookie, epoch: (*slot).epoch, pad: 0 } };
    // SAFETY: the map copies the record.
    if WAITING.insert(&key, unsafe { &*slot }, u64::from(BPF_ANY)).is_ok() {
        return true;
    }
    lost(Loss::MapFull, 1);
    false
}

/// What user space has not read of this record goes to the overflow entry of its owner.
#[inline(never)]
fn displace(slot: Slot) {
    // SAFETY: a valid map value.
    unsafe {
        let owner = Process { tgid: (*slot).owner_tgid, start: (*slot).owner_start };
        let tx = (*slot).tx_bytes.wrapping_sub((*slot).reported_tx);
        let rx = (*slot).rx_bytes.wrapping_sub((*slot).reported_rx);
        if tx > 0 {
            to_overflow(owner, Way::Tx, tx);
        }
        if rx > 0 {
            to_overflow(owner, Way::Rx, rx);
        }
    }
}
