//! The ABI between watcher's eBPF programs and its user space: keys, counters, records, offsets, limits. No logic.
//!
//! Every type is `#[repr(C)]`, has no implicit padding and asserts its size. Byte order is the machine's unless a
//! field says otherwise. Times are nanoseconds of `CLOCK_BOOTTIME`, except where a field says `coarse`.
#![no_std]

mod accounting;
mod calls;
mod head;
mod loss;
mod marks;
mod offsets;
mod process;
mod remote;
mod socket;

pub use accounting::{BARE_EPOCH, FlowCounters, FlowKey, OverflowKey};
pub use calls::{Calls, Frame, NESTED};
pub use head::{Copied, HeadHeader, bound, looked};
pub use loss::Loss;
pub use marks::Marks;
pub use offsets::{ABSENT, Offsets};
pub use process::{ARGS_LEN, FILENAME_LEN, ProcessExec, ProcessExit, ProcessFork};
pub use remote::PendingRemote;
pub use socket::{SocketKey, SocketRecord, TcpCounters, claim, flag};

/// What a record in the ring buffer is: its first four bytes.
pub mod kind {
    /// [`crate::SocketRecord`], the last one of its socket and epoch.
    pub const SOCKET: u32 = 1;
    /// [`crate::ProcessFork`].
    pub const FORK: u32 = 2;
    /// [`crate::ProcessExec`].
    pub const EXEC: u32 = 3;
    /// [`crate::ProcessExit`].
    pub const EXIT: u32 = 4;
}

/// Indices into the array that the reading iterator and user space share.
pub mod reading {
    /// Written by user space: sockets that have not changed since this tick are passed over.
    pub const SINCE: u32 = 0;
    /// Written by the iterator at the end of a run: the tick.
    pub const JIFFIES: u32 = 1;
    /// Written by the iterator at the end of a run: nanoseconds since boot.
    pub const BOOT: u32 = 2;
    /// Records that the iterator has put into the array of changed sockets; set back by user space, which takes them.
    pub const CHANGED: u32 = 3;
    /// Written by the programs: owned connections and sockets of which a first byte was counted.
    pub const BEGUN: u32 = 4;
    /// Written by the programs: those of them whose end came, or whose last byte was told, counted before their slot says so.
    pub const ENDED: u32 = 5;
    /// Those that the iterator found begun and not ended; set back by user space.
    pub const OPEN: u32 = 6;
    /// Written by user space: not 0 where the end of a TCP socket may go untold or be told long after, so that its release is told, too.
    pub const RELEASES: u32 = 7;
    /// How many there are.
    pub const COUNT: u32 = 8;
    /// How many records that array holds.
    pub const ROOM: u32 = 5_952;
}

/// The words in which the programs at functions count how often they ran, a cache line for each CPU.
pub mod runs {
    /// CPUs that have one of their own; a power of two.
    pub const CPUS: u32 = 256;
    /// Words of each, of which the first is in use.
    pub const STRIDE: u32 = 8;
}

/// Which map an entry is taken out of.
pub mod forget {
    /// The flow map.
    pub const FLOW: u64 = 0;
    /// The final records that waited.
    pub const WAITING: u64 = 1;
}

/// Bytes in the kernel's `task_struct.comm`, the terminating NUL included (include/linux/sched.h).
pub const COMM_LEN: usize = 16;

/// Declares that values of these types may be copied to and from maps byte by byte.
macro_rules! pod {
    ($($t:ty),+ $(,)?) => {$(
        // SAFETY: the type is repr(C), Copy, without padding, and every bit pattern is a valid value.
        #[cfg(feature = "user")]
        unsafe impl aya::Pod for $t {}
    )+};
}
pub(crate) use pod;
