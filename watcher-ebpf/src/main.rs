//! watcher's eBPF programs. One hook family per file; each program is a few lines that call a shared function.
#![no_std]
#![no_main]
#![feature(core_intrinsics)]
#![expect(internal_features, reason = "atomic addition: see bytes.rs")]

mod accounting;
mod again;
mod bare;
mod bytes;
mod calls;
mod heads;
mod iterators;
mod kernel;
mod lifecycle;
mod loss;
mod maps;
mod owner;
mod packet;
mod payload;
mod probe;
mod process;
mod record;
mod remote;
mod slot;
mod tcp;
mod trampoline;

/// Some helpers are for GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
