//! Atomic operations on map values.

/// Adds to a counter that several CPUs write: one `lock *(u64 *)p += n`.
///
/// `AtomicU64::fetch_add` does not exist for this target (it has no compare-and-swap in its base instruction set), so
/// the intrinsic behind it is called by name; the build needs nightly features for `core` anyway.
#[inline(always)]
pub fn add(counter: *mut u64, n: u64) {
    // SAFETY: callers pass a pointer to an aligned u64 inside a map value, valid for the run of the program.
    unsafe {
        core::intrinsics::atomic_xadd::<u64, u64, { core::intrinsics::AtomicOrdering::Relaxed }>(counter, n);
    }
}

/// Sets a word that is `old` to `new`; whether it was.
#[inline(always)]
pub fn exchange_if(word: *mut u64, old: u64, new: u64) -> bool {
    // SAFETY: as in `add`.
    unsafe {
        core::intrinsics::atomic_cxchg::<
            u64,
            { core::intrinsics::AtomicOrdering::SeqCst },
            { core::intrinsics::AtomicOrdering::SeqCst },
        >(word, old, new)
        .1
    }
}

/// Sets a counter to 0; what it was.
#[inline(always)]
pub fn take(counter: *mut u64) -> u64 {
    // SAFETY: as in `add`.
    unsafe { core::intrinsics::atomic_xchg::<u64, { core::intrinsics::AtomicOrdering::SeqCst }>(counter, 0) }
}
