//! Every way to move a stream's bytes, over every family.

use super::Case;
use crate::actors;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (host, family) in [("v4", "v4"), ("v6", "v6"), ("mapped", "v4_mapped")] {
        for (calls, words) in [
            ("send", "send_and_recv"),
            ("write", "write_and_read"),
            ("msg", "sendmsg_and_recvmsg"),
            ("mmsg", "sendmmsg_and_recvmmsg"),
            ("vectored", "writev_and_readv"),
        ] {
            cases.push(exchange(format!("tcp_{family}_{words}"), "tcp", host, calls));
        }
    }
    for (calls, claim) in [
        ("sendfile", "sendfile_is_sent_by_who_calls_it"),
        ("send/splice", "splice_out_of_a_socket_is_a_receive"),
        ("splice", "splice_into_a_socket_is_a_send"),
        ("peek", "peeked_bytes_count_once"),
        ("trunc", "bytes_discarded_by_msg_trunc_are_received"),
        ("zerocopy", "msg_zerocopy_counts_and_its_completions_do_not"),
        ("uring", "io_uring_send_and_recv"),
        ("uring-write", "io_uring_write_and_read"),
        ("uring-async", "io_uring_in_a_worker_thread_belongs_to_its_process"),
        ("uring-sqpoll", "io_uring_in_a_polling_thread_belongs_to_its_process"),
        ("uring-zerocopy", "io_uring_send_zc"),
        ("uring-multishot", "io_uring_multishot_recv"),
    ] {
        cases.push(since_linux_6(exchange(claim.to_owned(), "tcp", "v4", calls), calls));
    }
    cases
}

/// What some io_uring calls need.
pub fn since_linux_6(case: Case, calls: &str) -> Case {
    let is_new = matches!(calls, "uring-zerocopy" | "uring-multishot");
    case.needs("SEND_ZC and multishot RECV of io_uring", !is_new || actors::has_send_zc())
}

/// Both ways, another amount each, both ends by the same calls.
pub fn exchange(claim: String, transport: &'static str, host: &'static str, calls: &'static str) -> Case {
    Case::new(claim, move |mut stage| {
        let (there, back) = (1_000_003, 300_007);
        let (_, address) = stage.open(&format!("stream-server {transport} {host} {calls} {there} {back}"))?;
        stage.start(&format!("stream-client {transport} {address} {calls} {there} {back}"))?;
        stage.finish().map(|_| ())
    })
}
