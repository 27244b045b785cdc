//! Where the kernel of this machine keeps the fields that the programs read, from its BTF at load time.

/// The value of an offset that this kernel does not have.
pub const ABSENT: u32 = u32::MAX;

macro_rules! offsets {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        /// Byte offsets, each within the outermost struct that its name begins with.
        #[repr(C)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct Offsets {
            $($(#[$meta])* pub $name: u32,)+
        }

        impl Offsets {
            /// Nothing is known yet.
            pub const UNKNOWN: Self = Self { $($name: ABSENT,)+ };
        }
    };
}

offsets! {
    // Read in every call: together in one cache line.
    /// `sock_common.skc_family` (u16).
    sock_family,
    /// `sock.sk_protocol` (u16).
    sock_protocol,
    /// `sock_common.skc_daddr` (be32).
    sock_daddr,
    /// `sock_common.skc_dport` (be16).
    sock_dport,
    /// `sock_common.skc_v6_daddr` (16 bytes); absent without IPv6.
    sock_v6_daddr,
    /// `sock.sk_flags` (unsigned long): bit 1 is SOCK_DONE, a FIN was received.
    sock_flags,
    /// `task_struct.start_boottime` (u64).
    task_start,
    /// `task_struct.tgid` (int).
    task_tgid,
    /// `tcp_sock.inet_conn.icsk_ulp_ops` (pointer).
    tcp_ulp_ops,
    /// `tcp_sock.bytes_received` (u64).
    tcp_bytes_received,
    /// `tcp_sock.rcv_nxt` (u32).
    tcp_rcv_nxt,
    /// `tcp_sock.copied_seq` (u32).
    tcp_copied_seq,
    /// `sock_common.skc_state` (u8).
    sock_state,
    /// `sock_common.skc_rcv_saddr` (be32).
    sock_saddr,
    /// `sock_common.skc_v6_rcv_saddr` (16 bytes).
    sock_v6_saddr,
    /// `sock_common.skc_num` (u16, host order).
    sock_num,
    /// `sock_common.skc_net.net` (pointer to net).
    sock_net,
    /// `sock_common.skc_prot` (pointer to proto).
    sock_prot,
    /// `proto.sendpage` (pointer), absent since Linux 6.5.
    proto_sendpage,
    /// `proto.sock_is_readable` (pointer), `proto.stream_memory_read` before Linux 5.15.
    proto_readable,
    /// `tcp_ulp_ops.name` (16 bytes).
    ulp_name,
    /// `sock_common.skc_cookie` (u64).
    sock_cookie,
    /// `sock.sk_type` (u16).
    sock_type,
    /// `sock.sk_err` (int).
    sock_err,
    /// `sock.sk_shutdown` (u8).
    sock_shutdown,
    /// The byte that holds the bit field `sock.sk_kern_sock`.
    sock_kern_byte,
    /// Its bit within that byte (0..8), not an offset.
    sock_kern_bit,
    /// `tcp_sock.bytes_sent` (u64).
    tcp_bytes_sent,
    /// `tcp_sock.bytes_retrans` (u64).
    tcp_bytes_retrans,
    /// `tcp_sock.bytes_acked` (u64).
    tcp_bytes_acked,
    /// `tcp_sock.snd_una` (u32).
    tcp_snd_una,
    /// `tcp_sock.write_seq` (u32).
    tcp_write_seq,
    /// `tcp_sock.snd_nxt` (u32).
    tcp_snd_nxt,
    /// `tcp_sock.urg_seq` (u32).
    tcp_urg_seq,
    /// `tcp_sock.srtt_us` (u32, microseconds times 8).
    tcp_srtt_us,
    /// `tcp_sock.segs_in` (u32).
    tcp_segs_in,
    /// `tcp_sock.segs_out` (u32).
    tcp_segs_out,
    /// `tcp_sock.inet_conn.icsk_inet.inet_sport` (be16): outlives the port in `sock_num`.
    tcp_sport,
    /// `net.ns.inum` (u32).
    net_inum,
    /// `socket.sk` (pointer).
    socket_sk,
    /// `task_struct.pid` (int).
    task_pid,
    /// `task_struct.flags` (u32).
    task_flags,
    /// `task_struct.group_leader` (pointer).
    task_leader,
    /// `task_struct.real_parent` (pointer).
    task_parent,
    /// `task_struct.comm` (16 bytes).
    task_comm,
    /// `task_struct.mm` (pointer).
    task_mm,
    /// `task_struct.signal` (pointer).
    task_signal,
    /// `task_struct.cred` (pointer).
    task_cred,
    /// `signal_struct.live.counter` (int).
    signal_live,
    /// `mm_struct.arg_start` (unsigned long).
    mm_arg_start,
    /// `mm_struct.arg_end` (unsigned long).
    mm_arg_end,
    /// `cred.euid` (u32).
    cred_euid,
    /// `linux_binprm.filename` (pointer to char).
    binprm_filename,
}

const _: () = assert!(size_of::<Offsets>() == 53 * 4);
crate::pod!(Offsets);
