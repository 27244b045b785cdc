//! What kind of kernel this is, where trying does not tell: a program that loads may still miss calls, and an iterator that
//! loads may still crash the machine.

use super::btf::Types;

/// Read from the kernel's BTF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// A program on a tracepoint can be preempted, and the kernel passes over other tasks' calls until it goes on. Since
    /// commit a46023d5616e (Linux 7.0), which guards tracepoints with SRCU-fast instead of switching preemption off. Before
    /// Linux 6.14 the variable served idle CPUs only, and there was no SRCU-fast.
    pub preemptible_tracepoints: bool,
    /// The iterator over socket storage follows a null pointer when a socket ends meanwhile: since commit 5d800f87d0a5 (Linux
    /// 7.0) `bpf_selem_unlink_nofail` clears `selem->local_storage`, which `__bpf_sk_storage_map_seq_show` follows unchecked
    /// (seen on 7.2.12: an oops, with the RCU read lock held). A kernel that mends this still has the function, and is
    /// read the other way: slower, and as exact.
    pub racy_storage_iterator: bool,
    /// The kernel warns of hash maps that take memory when an entry is made: before commit 34dd3bad1a6f (Linux 6.1), which
    /// came with `bpf_mem_alloc`. See `preallocate.rs`.
    pub warns_of_run_time_allocation: bool,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trait {
    /// [`Traits::preemptible_tracepoints`].
    PreemptibleTracepoints,
    /// [`Traits::racy_storage_iterator`].
    RacyStorageIterator,
}

impl Traits {
    /// All of them.
    pub const ALL: Self =
        Self { preemptible_tracepoints: true, racy_storage_iterator: true, warns_of_run_time_allocation: true };

    /// This kernel's.
    #[must_use]
    pub fn of(types: &Types) -> Self {
        Self {
            preemptible_tracepoints: types.has_variable("tracepoint_srcu_srcu_data") && types.has_struct("srcu_ctr"),
            racy_storage_iterator: types.has_function("bpf_selem_unlink_nofail"),
            warns_of_run_time_allocation: !types.has_struct("bpf_mem_alloc"),
        }
    }

    /// Whether this is one.
    #[must_use]
    pub fn have(self, one: Trait) -> bool {
        match one {
            Trait::PreemptibleTracepoints => self.preemptible_tracepoints,
            Trait::RacyStorageIterator => self.racy_storage_iterator,
        }
    }
}

impl Trait {
    /// Why a way is not taken on a kernel that has it.
    #[must_use]
    pub fn objection(self) -> &'static str {
        match self {
            Self::PreemptibleTracepoints => "this kernel can preempt it, and passes other tasks' calls over meanwhile",
            Self::RacyStorageIterator => "in this kernel it can follow a null pointer when a socket ends",
        }
    }
}
