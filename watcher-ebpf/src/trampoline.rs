//! Payload by function exits, where the length tracepoints do not exist (before Linux 6.3). Needs BPF trampolines.
//!
//! The arguments are those of the functions in net/ipv4/af_inet.c, net/ipv6/af_inet6.c and net/core/sock.c; the return
//! value follows the last argument in the context. Not seen on these kernels: splice from sockets other than TCP.

use core::ffi::c_void;

use aya_ebpf::{macros::fexit, programs::FExitContext};

use crate::{
    kernel::sock_of,
    payload::{received, sent},
};

macro_rules! sends {
    ($name:ident, $function:literal, $ret:literal) => {
        #[fexit(function = $function)]
        pub fn $name(ctx: FExitContext) -> i32 {
            let socket: *const c_void = ctx.arg(0);
            sent(sock_of(socket), ctx.arg($ret));
            0
        }
    };
}

macro_rules! receives {
    ($name:ident, $function:literal) => {
        #[fexit(function = $function)]
        pub fn $name(ctx: FExitContext) -> i32 {
            let socket: *const c_void = ctx.arg(0);
            received(sock_of(socket), ctx.arg(4), ctx.arg(3));
            0
        }
    };
}

// int inet_sendmsg(struct socket *, struct msghdr *, size_t)
sends!(watcher_inet_sendmsg, "inet_sendmsg", 3);
// int inet6_sendmsg(struct socket *, struct msghdr *, size_t)
sends!(watcher_inet6_sendmsg, "inet6_sendmsg", 3);
// int packet_sendmsg(struct socket *, struct msghdr *, size_t)
sends!(watcher_packet_sendmsg, "packet_sendmsg", 3);

// ssize_t inet_sendpage(struct socket *, struct page *, int, size_t, int), until Linux 6.4. Where the protocol does not
// take pages (MPTCP, raw) it calls inet_sendmsg, which has counted them by now.
#[fexit(function = "inet_sendpage")]
pub fn watcher_inet_sendpage(ctx: FExitContext) -> i32 {
    let socket: *const c_void = ctx.arg(0);
    let sk = sock_of(socket);
    if sk.takes_pages() {
        sent(sk, ctx.arg(5));
    }
    0
}

// int inet_recvmsg(struct socket *, struct msghdr *, size_t, int)
receives!(watcher_inet_recvmsg, "inet_recvmsg");
// int inet6_recvmsg(struct socket *, struct msghdr *, size_t, int)
receives!(watcher_inet6_recvmsg, "inet6_recvmsg");
// int sock_common_recvmsg(struct socket *, struct msghdr *, size_t, int): raw sockets
receives!(watcher_sock_common_recvmsg, "sock_common_recvmsg");
// int packet_recvmsg(struct socket *, struct msghdr *, size_t, int)
receives!(watcher_packet_recvmsg, "packet_recvmsg");
