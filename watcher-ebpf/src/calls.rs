//! The calls that a task is in the middle of: what their beginnings leave for their ends.
//!
//! A call is known by where its frame lies on the task's kernel stack. A call that another one makes lies lower, and what lies
//! lower than a call that begins or ends is over: so what a missed end left behind is found, and charged to nobody else.

use aya_ebpf::{bindings::BPF_LOCAL_STORAGE_GET_F_CREATE, helpers::generated::bpf_task_storage_get};
use watcher_common::{Calls, Loss, NESTED};

use crate::{
    kernel::Task,
    loss::lost,
    maps::{CALLS, Seen},
};

/// What [`end`] says of a call that is not to be counted.
pub const UNCOUNTED: u64 = 0;
/// What [`end`] says of a call whose beginning went unseen. No socket lies there.
pub const UNKNOWN: u64 = 1;

/// The stack pointer at the exit of a function is that of its entry, or, where the return address lies on the stack, above it.
const RETURN_ADDRESS: u64 = 8;

#[inline(always)]
fn calls(task: Task, flags: u64) -> *mut Calls {
    // SAFETY: a task is a BTF pointer that is never null.
    unsafe { bpf_task_storage_get(CALLS.as_ptr(), task.0.cast_mut().cast(), core::ptr::null_mut(), flags).cast() }
}

/// A call begins, on a socket or on [`UNCOUNTED`].
#[inline(always)]
pub fn begin(stack: u64, sk: u64) {
    if !Seen::Bare.ever() {
        Seen::Bare.note();
    }
    // SAFETY: null or a valid map value, which nobody but this task uses.
    let Some(calls) = (unsafe { calls(Task::current(), u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE)).as_mut() }) else {
        return lost(Loss::StorageFailed, 1);
    };
    let mut found = false;
    let mut i = 0;
    while i < NESTED {
        let frame = &mut calls.frames[i];
        if frame.stack != 0 && frame.stack <= stack {
            forget(frame.sk);
            frame.stack = 0;
        }
        if frame.stack == 0 && !found {
            found = true;
            frame.stack = stack;
            frame.sk = sk;
        }
        i += 1;
    }
}

/// A call ends: the socket that it began with, [`UNCOUNTED`] or [`UNKNOWN`].
#[inline(always)]
pub fn end(stack: u64) -> u64 {
    // SAFETY: as above.
    let Some(calls) = (unsafe { calls(Task::current(), 0).as_mut() }) else { return UNKNOWN };
    let mut found = UNKNOWN;
    let mut i = 0;
    while i < NESTED {
        let frame = &mut calls.frames[i];
        if frame.stack != 0 && frame.stack <= stack {
            if stack - frame.stack <= RETURN_ADDRESS {
                found = frame.sk;
            } else {
                forget(frame.sk);
            }
            frame.stack = 0;
        }
        i += 1;
    }
    found
}

/// A call has ended unseen.
#[inline(always)]
fn forget(sk: u64) {
    if sk != UNCOUNTED {
        lost(Loss::Call, 1);
    }
}

/// A thread ends, and with it every call.
#[inline(always)]
pub fn abandoned(task: Task) {
    if !Seen::Bare.ever() {
        return;
    }
    // SAFETY: as above.
    let Some(calls) = (unsafe { calls(task, 0).as_ref() }) else { return };
    let mut i = 0;
    while i < NESTED {
        let frame = &calls.frames[i];
        if frame.stack != 0 {
            forget(frame.sk);
        }
        i += 1;
    }
}
