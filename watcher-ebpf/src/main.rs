//! A stand-in: one program that counts calls.
#![no_std]
#![no_main]
use aya_ebpf::{
    macros::{btf_tracepoint, map},
    maps::Array,
    programs::BtfTracePointContext,
};

#[map]
static SEEN: Array<u64> = Array::with_max_entries(1, 0);

#[btf_tracepoint(function = "sock_send_length")]
pub fn sock_send_length(ctx: BtfTracePointContext) -> i32 {
    if let Some(slot) = SEEN.get_ptr_mut(0) {
        // SAFETY: the slot lives as long as the map.
        unsafe { *slot += 1 };
    }
    aya_log_ebpf::trace!(&ctx, "seen");
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
