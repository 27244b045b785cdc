//! System calls that nothing in watcher makes once it counts, and that whoever took it over would want. They fail with
//! EPERM, in all threads. A list of what is forbidden: libraries may call what is harmless and new.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition as Condition,
    SeccompFilter, SeccompRule,
};

/// Whatever their arguments.
const FORBIDDEN: &[c_long] = &[
    // Other programs: the alerts' commands are run by a process of its own (alerts/helper.rs).
    libc::SYS_execve,
    libc::SYS_execveat,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Namespaces and mounts.
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // Another identity.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    // The kernel, the machine, the clock.
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_perf_event_open,
    // Ways around this filter, and what breaks kernels.
    libc::SYS_personality,
    libc::SYS_mknodat,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
];

#[cfg(target_arch = "x86_64")]
const OF_THIS_MACHINE: &[c_long] =
    &[libc::SYS_kexec_file_load, libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_mknod];
// kexec_file_load (include/uapi/asm-generic/unistd.h), which libc does not name for musl.
#[cfg(target_arch = "aarch64")]
const OF_THIS_MACHINE: &[c_long] = &[294];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const OF_THIS_MACHINE: &[c_long] = &[];

/// The numbers of x32 have this bit, and a few calls have other numbers there (arch/x86/entry/syscalls/syscall_64.tbl).
const X32: c_long = 0x4000_0000;
const X32_ONLY: &[c_long] = &[520, 521, 528, 539, 540, 545];

/// Commands of bpf(2) that readings need (linux/raw.rs): PROG_TEST_RUN, OBJ_GET_INFO_BY_FD, LINK_CREATE, ITER_CREATE.
/// Neither programs nor maps can be made any more.
const BPF_COMMANDS: [u64; 4] = [10, 15, 28, 33];

/// Applies it to every thread of this process.
pub fn filter() -> Result<(), String> {
    for program in [forbidding().map_err(|e| e.to_string())?, without_clone3().map_err(|e| e.to_string())?] {
        seccompiler::apply_filter_all_threads(&program).map_err(|e| e.to_string())?;
    }
    Ok(())
}

type Built = Result<BpfProgram, seccompiler::BackendError>;

fn forbidding() -> Built {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for &call in FORBIDDEN.iter().chain(OF_THIS_MACHINE) {
        rules.insert(call, Vec::new());
    }
    let equals = |argument, value| Condition::new(argument, Len::Dword, Op::MaskedEq(value), value);
    let others = BPF_COMMANDS.map(|command| Condition::new(0, Len::Dword, Op::Ne, command));
    let others = others.into_iter().collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_bpf, vec![SeccompRule::new(others)?]);
    // Memory that is both written and executed, or becomes executable.
    let (write, execute) = (libc::PROT_WRITE as u64, libc::PROT_EXEC as u64);
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![equals(2, execute)?])?]);
    rules.insert(libc::SYS_pkey_mprotect, vec![SeccompRule::new(vec![equals(2, execute)?])?]);
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![equals(2, write | execute)?])?]);
    let namespaces = [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ];
    let namespaces = namespaces.map(|flag| SeccompRule::new(vec![equals(0, u64::from(flag.cast_unsigned()))?]));
    rules.insert(libc::SYS_clone, namespaces.into_iter().collect::<Result<_, _>>()?);
    if cfg!(target_arch = "x86_64") {
        let same: Vec<_> = rules.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        rules.extend(same);
        rules.extend(X32_ONLY.iter().map(|call| (call | X32, Vec::new())));
    }
    built(rules, libc::EPERM)
}

/// Its flags are in memory, which a filter cannot read. Without it, C libraries use clone(2).
fn without_clone3() -> Built {
    built([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)
}

fn built(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Built {
    let fails = SeccompAction::Errno(error.cast_unsigned());
    let machine = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, fails, machine)?.try_into()
}
