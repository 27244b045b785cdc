//! Field offsets of this kernel for the programs: the only place that knows the kernel's names for them.

use watcher_common::{ABSENT, Offsets};

use super::btf::{BtfError, Types};

/// Resolves every offset. A missing required field is an error; a missing optional one is [`ABSENT`] and its feature off.
///
/// # Errors
/// Names the first required field that this kernel does not have.
pub fn resolve(types: &Types) -> Result<Offsets, BtfError> {
    let at = |name: &str, path: &str| types.member(name, path).map(|m| m.bit_offset / 8);
    let optional = |name: &str, path: &str| at(name, path).unwrap_or(ABSENT);
    let kern = types.member("sock", "sk_kern_sock")?.bit_offset;
    Ok(Offsets {
        sock_family: at("sock", "__sk_common.skc_family")?,
        sock_state: at("sock", "__sk_common.skc_state")?,
        sock_daddr: at("sock", "__sk_common.skc_daddr")?,
        sock_saddr: at("sock", "__sk_common.skc_rcv_saddr")?,
        sock_v6_daddr: optional("sock", "__sk_common.skc_v6_daddr"),
        sock_v6_saddr: optional("sock", "__sk_common.skc_v6_rcv_saddr"),
        sock_dport: at("sock", "__sk_common.skc_dport")?,
        sock_num: at("sock", "__sk_common.skc_num")?,
        sock_net: at("sock", "__sk_common.skc_net.net")?,
        sock_prot: at("sock", "__sk_common.skc_prot")?,
        proto_sendpage: optional("proto", "sendpage"),
        proto_readable: at("proto", "sock_is_readable")
            .or_else(|_| at("proto", "stream_memory_read"))
            .unwrap_or(ABSENT),
        ulp_name: optional("tcp_ulp_ops", "name"),
        sock_protocol: at("sock", "sk_protocol")?,
        sock_cookie: at("sock", "__sk_common.skc_cookie")?,
        sock_type: at("sock", "sk_type")?,
        sock_err: at("sock", "sk_err")?,
        sock_shutdown: at("sock", "sk_shutdown")?,
        sock_flags: at("sock", "__sk_common.skc_flags").or_else(|_| at("sock", "sk_flags"))?,
        sock_kern_byte: kern / 8,
        sock_kern_bit: kern % 8,
        tcp_bytes_sent: at("tcp_sock", "bytes_sent")?,
        tcp_bytes_retrans: at("tcp_sock", "bytes_retrans")?,
        tcp_bytes_received: at("tcp_sock", "bytes_received")?,
        tcp_bytes_acked: at("tcp_sock", "bytes_acked")?,
        tcp_snd_una: at("tcp_sock", "snd_una")?,
        tcp_rcv_nxt: at("tcp_sock", "rcv_nxt")?,
        tcp_copied_seq: at("tcp_sock", "copied_seq")?,
        tcp_write_seq: at("tcp_sock", "write_seq")?,
        tcp_snd_nxt: at("tcp_sock", "snd_nxt")?,
        tcp_urg_seq: at("tcp_sock", "urg_seq")?,
        tcp_srtt_us: at("tcp_sock", "srtt_us")?,
        tcp_segs_in: at("tcp_sock", "segs_in")?,
        tcp_segs_out: at("tcp_sock", "segs_out")?,
        tcp_ulp_ops: at("tcp_sock", "inet_conn.icsk_ulp_ops")?,
        tcp_sport: at("tcp_sock", "inet_conn.icsk_inet.inet_sport")?,
        net_inum: at("net", "ns.inum")?,
        socket_sk: at("socket", "sk")?,
        task_tgid: at("task_struct", "tgid")?,
        task_pid: at("task_struct", "pid")?,
        task_flags: at("task_struct", "flags")?,
        task_leader: at("task_struct", "group_leader")?,
        task_parent: at("task_struct", "real_parent")?,
        task_start: at("task_struct", "start_boottime")?,
        task_comm: at("task_struct", "comm")?,
        task_mm: at("task_struct", "mm")?,
        task_signal: at("task_struct", "signal")?,
        task_cred: at("task_struct", "cred")?,
        signal_live: at("signal_struct", "live.counter")?,
        mm_arg_start: at("mm_struct", "arg_start")?,
        mm_arg_end: at("mm_struct", "arg_end")?,
        cred_euid: at("cred", "euid.val")?,
        binprm_filename: at("linux_binprm", "filename")?,
    })
}

/// Whether the length tracepoints' records are laid out as `watcher-ebpf/src/bare.rs` reads them.
pub fn knows_length_record(types: &Types) -> bool {
    let expected = [("sk", 8), ("family", 16), ("protocol", 18), ("ret", 20), ("flags", 24)];
    let found = |name| types.member("trace_event_raw_sock_msg_length", name).map(|m| m.bit_offset / 8);
    expected.iter().all(|(name, at)| found(name).is_ok_and(|found| found == *at))
}

/// Which argument of a protocol's `recvmsg` has the flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiveFlags {
    /// `(sk, msg, len, flags, addr_len)`, later without the last
    Fourth,
    /// `(sk, msg, len, noblock, flags, addr_len)`, before Linux 5.19
    Fifth,
}

/// As the kernel's types tell.
pub fn receive_flags(types: &Types) -> Option<ReceiveFlags> {
    match types.parameters("udp_recvmsg").or_else(|| types.parameters("tcp_recvmsg"))? {
        4 | 5 => Some(ReceiveFlags::Fourth),
        6 => Some(ReceiveFlags::Fifth),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_required_field_is_found_in_the_running_kernel() {
        let types = Types::load(Path::new("/sys/kernel/btf/vmlinux")).expect("this kernel has BTF");
        resolve(&types).expect("all fields");
        assert_eq!(receive_flags(&types), Some(ReceiveFlags::Fourth), "of a kernel since 5.19");
        assert!(knows_length_record(&types) || !types.has_struct("trace_event_raw_sock_msg_length"));
    }
}
