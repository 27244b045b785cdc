//! The life of a process: `sched_process_fork`, `sched_process_exec`, `sched_process_exit` (kernel/fork.c, fs/exec.c,
//! kernel/exit.c), all in process context. Threads are left out.

use aya_ebpf::{
    helpers::{bpf_get_current_cgroup_id, bpf_probe_read_kernel_str_bytes, generated::bpf_probe_read_user},
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use aya_log_ebpf::{trace, warn};
use watcher_common::{ARGS_LEN, Loss, ProcessExec, ProcessExit, ProcessFork, kind};

use crate::{
    again::is_first,
    calls,
    kernel::{Task, filename_of, now},
    loss::lost,
    maps::EVENTS,
    record::wakeup,
};

#[btf_tracepoint(function = "sched_process_fork")]
pub fn watcher_sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    forked(&ctx)
}

#[btf_tracepoint(function = "sched_process_fork")]
pub fn watcher_sched_process_fork_again(ctx: BtfTracePointContext) -> i32 {
    forked(&ctx)
}

#[inline(always)]
fn forked(ctx: &BtfTracePointContext) -> i32 {
    let parent = Task(ctx.arg(0));
    let child = Task(ctx.arg(1));
    let tgid = child.tgid();
    if child.pid() != tgid || child.is_kthread() {
        return 0;
    }
    if !is_first(child, 1, |marks| &mut marks.forked) {
        return 0;
    }
    // The child has the name of the thread that forked, which threads give themselves.
    // Into another cgroup it can only have been cloned by who executes next (systemd), and the exec tells.
    // SAFETY: without arguments.
    let cgroup = unsafe { bpf_get_current_cgroup_id() };
    let event = ProcessFork { comm: parent.leader().comm(), cgroup, ..describe(child, parent) };
    if EVENTS.output_untyped::<ProcessFork>(event, wakeup()).is_err() {
        lost(Loss::ProcessEvent, 1);
    }
    0
}

/// What is known of a process from its task, which need not be the current one: the cgroup is not.
#[inline(always)]
pub fn describe(task: Task, parent: Task) -> ProcessFork {
    let (process, parent) = (task.process(), parent.process());
    ProcessFork {
        kind: kind::FORK,
        tgid: process.tgid,
        start: process.start,
        parent_start: parent.start,
        parent_tgid: parent.tgid,
        uid: task.euid(),
        comm: task.comm(),
        cgroup: 0,
    }
}

#[btf_tracepoint(function = "sched_process_exec")]
pub fn watcher_sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    executed(&ctx)
}

#[btf_tracepoint(function = "sched_process_exec")]
pub fn watcher_sched_process_exec_again(ctx: BtfTracePointContext) -> i32 {
    executed(&ctx)
}

#[inline(always)]
fn executed(ctx: &BtfTracePointContext) -> i32 {
    let task = Task(ctx.arg(0));
    if !is_first(task, task.memory(), |marks| &mut marks.executed) {
        return 0;
    }
    let process = task.process();
    let parent = task.parent().process();
    trace!(ctx, "process {} executes", process.tgid);
    let Some(mut entry) = EVENTS.reserve_untyped::<ProcessExec>(0) else {
        warn!(ctx, "no room in the ring for the exec of {}", process.tgid);
        lost(Loss::ProcessEvent, 1);
        return 0;
    };
    let event = entry.as_mut_ptr();
    // SAFETY: `event` points to reserved memory of exactly this type; every field is written or was never read.
    unsafe {
        (*event).kind = kind::EXEC;
        (*event).tgid = process.tgid;
        (*event).start = process.start;
        (*event).parent_start = parent.start;
        (*event).parent_tgid = parent.tgid;
        (*event).uid = task.euid();
        (*event).comm = task.comm();
        (*event).cgroup = bpf_get_current_cgroup_id();
        (*event).pad = 0;
        (*event).filename[0] = 0;
        let _ = bpf_probe_read_kernel_str_bytes(filename_of(ctx.arg(2)), &mut (*event).filename);
        (*event).args_len = arguments(task, &raw mut (*event).args);
    }
    entry.submit(wakeup());
    0
}

/// Copies the argument block; returns how many bytes are valid. The new program has not run yet: this is what execve was given.
#[inline(always)]
fn arguments(task: Task, to: *mut [u8; ARGS_LEN]) -> u32 {
    let (start, end) = task.arguments();
    let len = end.wrapping_sub(start);
    if start == 0 || len == 0 || len > 0x20_0000 {
        return 0;
    }
    let len = if len > ARGS_LEN as u64 { ARGS_LEN as u64 } else { len };
    // SAFETY: at most ARGS_LEN bytes into an array of that size.
    let failed = unsafe { bpf_probe_read_user(to.cast(), len as u32, start as *const _) };
    if failed == 0 { len as u32 } else { 0 }
}

#[btf_tracepoint(function = "sched_process_exit")]
pub fn watcher_sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    calls::abandoned(Task(ctx.arg(0)));
    exited(&ctx)
}

#[btf_tracepoint(function = "sched_process_exit")]
pub fn watcher_sched_process_exit_again(ctx: BtfTracePointContext) -> i32 {
    exited(&ctx)
}

#[inline(always)]
fn exited(ctx: &BtfTracePointContext) -> i32 {
    let task = Task(ctx.arg(0));
    if task.is_kthread() || task.live_threads() != 0 {
        return 0;
    }
    if !is_first(task, 1, |marks| &mut marks.exited) {
        return 0;
    }
    let process = task.process();
    let event = ProcessExit { kind: kind::EXIT, tgid: process.tgid, start: process.start, at: now() };
    if EVENTS.output_untyped::<ProcessExit>(event, wakeup()).is_err() {
        lost(Loss::ProcessEvent, 1);
    }
    0
}
