//! Who owns a socket, and when a socket without connections ends.
//!
//! - `cgroup/sock_create` (Linux 4.10): inet_create, in the context of socket(2); not for accepted sockets (they inherit
//!   the storage), not for the kernel's own, not for AF_PACKET.
//! - `cgroup/sock_release` (Linux 5.9): inet_release, in the context of the last close or the exit.
//!
//! Attached at the root of the cgroup v2 tree, so that every socket of the machine passes.

use core::ffi::c_void;

use aya_ebpf::{helpers::generated::bpf_get_socket_cookie, macros::cgroup_sock, programs::SockContext};
use watcher_common::{flag, kind, reading};

use crate::{
    kernel::{IPPROTO_TCP, Task},
    lifecycle::has_story,
    maps::{READING, Seen},
    record, slot,
};

#[cgroup_sock(sock_create)]
pub fn watcher_sock_create(ctx: SockContext) -> i32 {
    if let Some(slot) = slot::create_in_cgroup(ctx.sock.cast()) {
        // SAFETY: a valid map value.
        unsafe {
            (*slot).kind = kind::SOCKET;
            (*slot).cookie = bpf_get_socket_cookie(ctx.sock.cast());
        }
        slot::set_owner(slot, Task::current().process());
    }
    1
}

#[cgroup_sock(sock_release)]
pub fn watcher_sock_release(ctx: SockContext) -> i32 {
    // SAFETY: the verifier checks loads from the context.
    let protocol = unsafe { (*ctx.sock).protocol };
    if protocol == u32::from(IPPROTO_TCP) {
        released(ctx.sock.cast());
        return 1;
    }
    if let Some(slot) = slot::find_in_cgroup(ctx.sock.cast()) {
        // What was counted without the slot has a story that the slot does not know.
        record::finish_socket(slot, has_story(slot) || Seen::Bare.ever(), || ());
    }
    1
}

/// A TCP socket lives on after its release, but moves no more bytes for a process.
#[inline(always)]
fn released(sk: *const c_void) {
    if READING.get(reading::RELEASES).is_none_or(|told| *told == 0) {
        return;
    }
    if let Some(slot) = slot::find_in_cgroup(sk) {
        // SAFETY: a valid map value.
        unsafe {
            if (*slot).flags & (flag::FINAL | flag::LISTENER) == 0 && (*slot).cookie != 0 && has_story(slot) {
                record::release_socket(slot);
            }
        }
    }
}
