//! The one room for raw kernel reads: typed accessors over BTF pointers, at offsets that user space resolved.
//!
//! The verifier checks every load against the kernel's own types: an offset that does not fit is a refused
//! program, never a wrong read. A load through a pointer that is null or gone reads zero.

use core::{
    ffi::c_void,
    ptr::{addr_of, read_volatile},
};

use aya_ebpf::helpers::{
    bpf_get_current_task_btf, bpf_get_current_uid_gid, bpf_ktime_get_boot_ns, bpf_skc_to_tcp_sock,
    generated::bpf_jiffies64,
};
use watcher_common::{ABSENT, COMM_LEN, Offsets, TcpCounters};

/// Set by user space before loading; the verifier sees the values as constants.
#[unsafe(no_mangle)]
static OFFSETS: Offsets = Offsets::UNKNOWN;

macro_rules! offset {
    ($name:ident) => {
        // SAFETY: a read of our own static; volatile, so that the compiler does not fold the initial value in.
        unsafe { read_volatile(addr_of!(OFFSETS.$name)) }
    };
}

/// Reads a field of a kernel struct.
#[inline(always)]
fn field<T: Copy>(base: *const c_void, offset: u32) -> T {
    // SAFETY: the verifier has proven that `base` is a BTF pointer and that a T lies at `offset`.
    unsafe { read_volatile(base.cast::<u8>().add(offset as usize).cast::<T>()) }
}

mod bare;
pub use bare::BareSock;

/// What an entry of the flow map tells of its socket.
pub struct Facts {
    pub family: u16,
    pub protocol: u16,
    pub socket_type: u16,
    /// Host byte order.
    pub local_port: u16,
    /// Host byte order.
    pub remote_port: u16,
    pub netns: u32,
    /// IPv6 or IPv4-mapped, in memory order, like `remote`.
    pub local: [u64; 2],
    pub remote: [u64; 2],
}

/// IPv4 as IPv4-mapped, in memory order.
#[inline(always)]
pub fn mapped(v4: u32) -> [u64; 2] {
    [0, u64::from(v4) << 32 | 0xffff_0000]
}

/// AF_INET (include/linux/socket.h).
pub const AF_INET: u16 = 2;
/// AF_INET6.
pub const AF_INET6: u16 = 10;
/// AF_PACKET.
pub const AF_PACKET: u16 = 17;
/// IPPROTO_TCP.
pub const IPPROTO_TCP: u16 = 6;
/// IPPROTO_MPTCP.
pub const IPPROTO_MPTCP: u16 = 262;
/// SOCK_STREAM.
pub const SOCK_STREAM: u16 = 1;
/// SOCK_RAW.
pub const SOCK_RAW: u16 = 3;
/// SOCK_SEQPACKET (one-to-one SCTP has a fixed remote too).
pub const SOCK_SEQPACKET: u16 = 5;
/// Bit of `sk_flags`: a FIN was received (`SOCK_DONE`, include/net/sock.h).
const SOCK_DONE: u64 = 1 << 1;
/// Bit of `task_struct.flags`: a kernel thread (include/linux/sched.h). io_uring workers do not have it.
const PF_KTHREAD: u32 = 0x0020_0000;

/// A `struct sock *` that the kernel typed.
#[derive(Clone, Copy)]
pub struct Sock(pub *const c_void);

/// A `struct tcp_sock *` from `bpf_skc_to_tcp_sock`.
#[derive(Clone, Copy)]
pub struct Tcp(*const c_void);

/// A `struct task_struct *`.
#[derive(Clone, Copy)]
pub struct Task(pub *const c_void);

/// A process: group leader's pid in the initial namespace, and its start.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// 0 is the kernel.
    pub tgid: u32,
    /// `start_boottime`.
    pub start: u64,
}

impl Process {
    /// The kernel itself.
    pub const KERNEL: Self = Self { tgid: 0, start: 0 };
}

impl Sock {
    #[inline(always)]
    pub fn family(self) -> u16 {
        field(self.0, offset!(sock_family))
    }
    #[inline(always)]
    pub fn protocol(self) -> u16 {
        field(self.0, offset!(sock_protocol))
    }
    #[inline(always)]
    pub fn socket_type(self) -> u16 {
        field(self.0, offset!(sock_type))
    }
    #[inline(always)]
    pub fn state(self) -> u8 {
        field(self.0, offset!(sock_state))
    }
    #[inline(always)]
    pub fn error(self) -> u32 {
        field(self.0, offset!(sock_err))
    }
    /// Host byte order.
    #[inline(always)]
    pub fn local_port(self) -> u16 {
        field(self.0, offset!(sock_num))
    }
    /// Host byte order.
    #[inline(always)]
    pub fn remote_port(self) -> u16 {
        u16::from_be(field(self.0, offset!(sock_dport)))
    }
    /// The IPv4 destination, as it stands in memory; 0 while unconnected.
    #[inline(always)]
    pub fn remote4(self) -> u32 {
        field(self.0, offset!(sock_daddr))
    }
    #[inline(always)]
    pub fn local4(self) -> u32 {
        field(self.0, offset!(sock_saddr))
    }
    #[inline(always)]
    pub fn remote6(self) -> [u64; 2] {
        let at = offset!(sock_v6_daddr);
        if at == ABSENT { [0; 2] } else { words(self.0, at) }
    }
    #[inline(always)]
    pub fn local6(self) -> [u64; 2] {
        let at = offset!(sock_v6_saddr);
        if at == ABSENT { [0; 2] } else { words(self.0, at) }
    }
    #[inline(always)]
    pub fn netns(self) -> u32 {
        let net: *const c_void = field(self.0, offset!(sock_net));
        if net.is_null() { 0 } else { field(net, offset!(net_inum)) }
    }
    /// Its protocol takes pages itself, instead of as a message (before Linux 6.5).
    #[inline(always)]
    pub fn takes_pages(self) -> bool {
        let at = offset!(proto_sendpage);
        if at == ABSENT {
            return false;
        }
        let protocol: *const c_void = field(self.0, offset!(sock_prot));
        let function: u64 = field(protocol, at);
        function != 0
    }
    /// Created by the kernel for itself.
    #[inline(always)]
    pub fn is_kernel(self) -> bool {
        let byte: u8 = field(self.0, offset!(sock_kern_byte));
        byte >> (offset!(sock_kern_bit) & 7) & 1 == 1
    }
    /// Both directions were shut down, by close() or by shutdown() and a FIN.
    #[inline(always)]
    pub fn is_shut_down(self) -> bool {
        let how: u8 = field(self.0, offset!(sock_shutdown));
        how & 3 == 3
    }
    /// A FIN was received.
    #[inline(always)]
    pub fn fin_received(self) -> bool {
        let flags: u64 = field(self.0, offset!(sock_flags));
        flags & SOCK_DONE != 0
    }
    /// Local and remote address.
    #[inline(always)]
    pub fn addresses(self, family: u16) -> ([u64; 2], [u64; 2]) {
        if family == AF_INET6 {
            (self.local6(), self.remote6())
        } else {
            (mapped(self.local4()), mapped(self.remote4()))
        }
    }
    #[inline(always)]
    pub fn facts(self) -> Facts {
        let family = self.family();
        let (local, remote) = self.addresses(family);
        Facts {
            family,
            protocol: self.protocol(),
            socket_type: self.socket_type(),
            local_port: self.local_port(),
            remote_port: self.remote_port(),
            netns: self.netns(),
            local,
            remote,
        }
    }
    /// `None` unless this is a full TCP socket (net/core/filter.c, `bpf_skc_to_tcp_sock`).
    #[inline(always)]
    pub fn tcp(self) -> Option<Tcp> {
        // SAFETY: the helper accepts any BTF-typed socket.
        let tcp = unsafe { bpf_skc_to_tcp_sock(self.0.cast_mut()) };
        if tcp.is_null() { None } else { Some(Tcp(tcp.cast())) }
    }
}

/// Four aligned words: `struct in6_addr` is read as u32s because that is how its union is typed.
#[inline(always)]
fn words(base: *const c_void, at: u32) -> [u64; 2] {
    let w: [u32; 4] = [field(base, at), field(base, at + 4), field(base, at + 8), field(base, at + 12)];
    [u64::from(w[0]) | u64::from(w[1]) << 32, u64::from(w[2]) | u64::from(w[3]) << 32]
}

impl Tcp {
    /// Someone in the kernel reads this socket instead of the process (kTLS, MPTCP subflow, SMC).
    #[inline(always)]
    pub fn has_ulp(self) -> bool {
        let ops: u64 = field(self.0, offset!(tcp_ulp_ops));
        ops != 0
    }
    /// TLS in the kernel encrypts what is sent, and the process reads the stream itself: who reads instead of it says how
    /// to tell whether there is something (`sock_is_readable`, build_protos in net/tls/tls_main.c).
    #[inline(always)]
    pub fn has_tls_for_sending_only(self, sk: Sock) -> bool {
        let (name, readable) = (offset!(ulp_name), offset!(proto_readable));
        if name == ABSENT || readable == ABSENT {
            return false;
        }
        let ops: *const c_void = field(self.0, offset!(tcp_ulp_ops));
        let letters: [u8; 4] = [field(ops, name), field(ops, name + 1), field(ops, name + 2), field(ops, name + 3)];
        let protocol: *const c_void = field(sk.0, offset!(sock_prot));
        let function: u64 = field(protocol, readable);
        letters == *b"tls\0" && function == 0
    }
    /// The local port as it was, also after the port was given back. Host byte order.
    #[inline(always)]
    pub fn local_port(self) -> u16 {
        u16::from_be(field(self.0, offset!(tcp_sport)))
    }
    /// Payload bytes taken out of the receive queue since the connection began: received in order, less what still
    /// lies in the queue, less the FIN once it was eaten. Proof: EXACTNESS notes in linux.md.
    #[inline(always)]
    pub fn consumed(self, sk: Sock) -> u64 {
        let received: u64 = field(self.0, offset!(tcp_bytes_received));
        let next: u32 = field(self.0, offset!(tcp_rcv_nxt));
        let copied: u32 = field(self.0, offset!(tcp_copied_seq));
        let queued = u64::from(next.wrapping_sub(copied));
        let fin = u64::from(queued == 0 && sk.fin_received());
        received.wrapping_sub(queued).wrapping_sub(fin)
    }
    /// The reader stands right behind the urgent byte, or behind that and an eaten FIN.
    #[inline(always)]
    pub fn just_passed_urgent(self, sk: Sock) -> bool {
        let urgent: u32 = field(self.0, offset!(tcp_urg_seq));
        let next: u32 = field(self.0, offset!(tcp_rcv_nxt));
        let copied: u32 = field(self.0, offset!(tcp_copied_seq));
        let fin = u32::from(next == copied && sk.fin_received());
        copied.wrapping_sub(fin) == urgent.wrapping_add(1)
    }
    /// In the receive queue, without a FIN that waits there.
    #[inline(always)]
    fn unread(self, sk: Sock) -> u32 {
        let next: u32 = field(self.0, offset!(tcp_rcv_nxt));
        let copied: u32 = field(self.0, offset!(tcp_copied_seq));
        let queued = next.wrapping_sub(copied);
        if queued > 0 && sk.fin_received() { queued - 1 } else { queued }
    }
    /// Everything, for the record. `state` tells whether a FIN was queued (tcp_send_fin): it has a sequence number.
    ///
    /// What was accepted is told by sequence numbers, not by `bytes_sent - bytes_retrans`: a segment that a queue of this
    /// host dropped is sent again as new, and counted twice (tcp_write_xmit, net/ipv4/tcp_output.c).
    #[inline(always)]
    pub fn counters(self, sk: Sock, state: u8) -> TcpCounters {
        let fin = fin_queued(state);
        let srtt: u32 = field(self.0, offset!(tcp_srtt_us));
        let written: u32 = field(self.0, offset!(tcp_write_seq));
        let sent: u32 = field(self.0, offset!(tcp_snd_nxt));
        let acked: u32 = field(self.0, offset!(tcp_snd_una));
        let bytes_acked: u64 = field(self.0, offset!(tcp_bytes_acked));
        let unsent = written.wrapping_sub(sent);
        TcpCounters {
            bytes_sent: field(self.0, offset!(tcp_bytes_sent)),
            bytes_retrans: field(self.0, offset!(tcp_bytes_retrans)),
            bytes_received: field(self.0, offset!(tcp_bytes_received)),
            consumed: self.consumed(sk),
            accepted: bytes_acked.wrapping_add(u64::from(written.wrapping_sub(acked))).wrapping_sub(u64::from(fin)),
            unsent: if unsent > 0 && fin { unsent - 1 } else { unsent },
            srtt_us: srtt >> 3,
            segs_in: field(self.0, offset!(tcp_segs_in)),
            segs_out: field(self.0, offset!(tcp_segs_out)),
            unread: self.unread(sk),
            pad: 0,
        }
    }
}

/// The states that only sending a FIN leads to: FIN_WAIT1, FIN_WAIT2, TIME_WAIT, LAST_ACK, CLOSING
/// (include/net/tcp_states.h).
#[inline(always)]
fn fin_queued(state: u8) -> bool {
    matches!(state, 4 | 5 | 6 | 9 | 11)
}

impl Task {
    /// Who runs now. Only meaningful in process context.
    #[inline(always)]
    pub fn current() -> Self {
        // SAFETY: no arguments; the helper returns a BTF-typed pointer that is never null.
        Self(unsafe { bpf_get_current_task_btf() }.cast())
    }
    #[inline(always)]
    pub fn is_kthread(self) -> bool {
        let flags: u32 = field(self.0, offset!(task_flags));
        flags & PF_KTHREAD != 0
    }
    #[inline(always)]
    pub fn tgid(self) -> u32 {
        field(self.0, offset!(task_tgid))
    }
    #[inline(always)]
    pub fn pid(self) -> u32 {
        field(self.0, offset!(task_pid))
    }
    /// The process of this task; kernel threads are the kernel.
    #[inline(always)]
    pub fn process(self) -> Process {
        if self.is_kthread() {
            return Process::KERNEL;
        }
        let leader: *const c_void = field(self.0, offset!(task_leader));
        Process { tgid: self.tgid(), start: field(leader, offset!(task_start)) }
    }
    /// The thread that the process is named by.
    #[inline(always)]
    pub fn leader(self) -> Self {
        Self(field(self.0, offset!(task_leader)))
    }
    /// When this thread began.
    #[inline(always)]
    pub fn start(self) -> u64 {
        field(self.0, offset!(task_start))
    }
    /// Whether this task belongs to a process of user space.
    #[inline(always)]
    pub fn is(self, process: Process) -> bool {
        if self.tgid() != process.tgid {
            return false;
        }
        let leader: *const c_void = field(self.0, offset!(task_leader));
        let start: u64 = field(leader, offset!(task_start));
        start == process.start
    }
    #[inline(always)]
    pub fn parent(self) -> Self {
        Self(field(self.0, offset!(task_parent)))
    }
    /// Threads of the process that have not ended; 0 in the exit of the last one.
    #[inline(always)]
    pub fn live_threads(self) -> u32 {
        let signal: *const c_void = field(self.0, offset!(task_signal));
        field(signal, offset!(signal_live))
    }
    #[inline(always)]
    pub fn euid(self) -> u32 {
        let cred: *const c_void = field(self.0, offset!(task_cred));
        field(cred, offset!(cred_euid))
    }
    /// Address of the `mm_struct`: another one after every exec.
    #[inline(always)]
    pub fn memory(self) -> u64 {
        field(self.0, offset!(task_mm))
    }
    /// User-space bounds of the argument block.
    #[inline(always)]
    pub fn arguments(self) -> (u64, u64) {
        let mm: *const c_void = field(self.0, offset!(task_mm));
        if mm.is_null() {
            return (0, 0);
        }
        (field(mm, offset!(mm_arg_start)), field(mm, offset!(mm_arg_end)))
    }
    #[inline(always)]
    pub fn comm(self) -> [u8; COMM_LEN] {
        let at = offset!(task_comm);
        let mut comm = [0; COMM_LEN];
        let mut i = 0;
        while i < COMM_LEN {
            comm[i] = field(self.0, at + i as u32);
            i += 1;
        }
        comm
    }
}

/// `struct socket.sk`.
#[inline(always)]
pub fn sock_of(socket: *const c_void) -> Sock {
    Sock(field(socket, offset!(socket_sk)))
}

/// `struct linux_binprm.filename`.
#[inline(always)]
pub fn filename_of(binprm: *const c_void) -> *const u8 {
    field(binprm, offset!(binprm_filename))
}

/// Nanoseconds since boot, suspend included.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: no arguments.
    unsafe { bpf_ktime_get_boot_ns() }
}

/// The kernel's tick counter: inlined by the JIT, so it costs one load where a clock costs twenty nanoseconds.
#[inline(always)]
pub fn jiffies() -> u64 {
    // SAFETY: no arguments.
    unsafe { bpf_jiffies64() }
}

/// Effective user id of the current task.
#[inline(always)]
pub fn current_uid() -> u32 {
    bpf_get_current_uid_gid() as u32
}

/// The socket's cookie (Linux 5.12 for tracing programs).
#[inline(always)]
pub fn cookie(sk: Sock) -> u64 {
    // SAFETY: the helper takes any BTF-typed socket.
    unsafe { aya_ebpf::helpers::generated::bpf_get_socket_cookie(sk.0.cast_mut()) }
}
