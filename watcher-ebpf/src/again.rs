//! Programs that are attached twice.
//!
//! The kernel does not run a program that is still running on the same CPU (`prog->active`, kernel/trace/bpf_trace.c). As
//! long as tracepoints ran with preemption off, that meant a softirq in the middle of it. Since they can be preempted
//! (Linux 7.0) it means every other task that gets the CPU meanwhile. So what must not be missed is attached a second time,
//! as another program: while one of the two is held up, the other runs. The second finds in [`MARKS`] that the first has
//! done it.

use aya_ebpf::{bindings::BPF_LOCAL_STORAGE_GET_F_CREATE, helpers::generated::bpf_task_storage_get};
use watcher_common::Marks;

use crate::{kernel::Task, maps::MARKS};

/// Set by user space: not 0 where a program on a tracepoint can be preempted.
#[unsafe(no_mangle)]
static PREEMPTIBLE: aya_ebpf::Global<u64> = aya_ebpf::Global::new(0);

/// Whether a program on a tracepoint can be preempted here.
#[inline(always)]
pub fn preemptible() -> bool {
    PREEMPTIBLE.load() != 0
}

/// A task's marks; null when there is no memory for them.
#[inline(always)]
pub fn marks(task: Task) -> *mut Marks {
    // SAFETY: the task is a BTF pointer that the kernel passed; the helper makes the storage if need be.
    unsafe {
        bpf_task_storage_get(
            MARKS.as_ptr(),
            task.0.cast_mut().cast(),
            core::ptr::null_mut(),
            u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE),
        )
    }
    .cast()
}

/// Whether this is the first of the two programs that runs for an event. `mark` leads to the mark of its kind, `value`
/// names the event. Without marks both run: an event told twice does no harm.
#[inline(always)]
pub fn is_first<T: PartialEq>(task: Task, value: T, mark: impl FnOnce(&mut Marks) -> &mut T) -> bool {
    if !preemptible() {
        return true;
    }
    // SAFETY: null or a valid map value, which no other program of this task uses meanwhile.
    let Some(marks) = (unsafe { marks(task).as_mut() }) else { return true };
    let mark = mark(marks);
    if *mark == value {
        return false;
    }
    *mark = value;
    true
}
