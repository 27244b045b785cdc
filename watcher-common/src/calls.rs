//! The calls that a task is in the middle of, where nothing but the entries and exits of functions tells of them.

/// How many calls can be nested in one task: a fault on a page of a network file system, in the middle of a call, is one more.
pub const NESTED: usize = 4;

/// One call.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Frame {
    /// The stack pointer on entry; 0 when there is no call.
    pub stack: u64,
    /// The address of the `struct sock`; 0 when what the call returns is not to be counted.
    pub sk: u64,
}

/// Kept per task.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// In no order.
    pub frames: [Frame; NESTED],
}

const _: () = assert!(size_of::<Calls>() == 16 * NESTED);
crate::pod!(Calls);
