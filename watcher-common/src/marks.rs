//! What the programs that are attached twice leave with a task, so that the second does not repeat the first.

/// Kept per task, on kernels where a program can be kept from running by a preempted run of itself.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// The `mm_struct` whose exec was told.
    pub executed: u64,
    /// Not 0: the sending call that is about to return was counted.
    pub sent: u32,
    /// The same of the receiving call.
    pub received: u32,
    /// Not 0: what the receiving call on a TCP socket took was counted.
    pub took: u32,
    /// Always 0.
    pub pad: u32,
    /// Not 0: the fork was told.
    pub forked: u32,
    /// Not 0: the exit was told.
    pub exited: u32,
}

const _: () = assert!(size_of::<Marks>() == 32);
crate::pod!(Marks);
