//! What proc_info(2) writes, as Apple publishes it: bsd/sys/proc_info.h in
//! <https://github.com/apple-oss-distributions/xnu> at commit 1031c584a5e37aff177559b9f69dbd3c8c3fd30a.
//!
//! These are never laid over bytes: fields are read at their offsets, and so on every platform.

use std::mem::{offset_of, size_of};

/// `MAXCOMLEN` (sys/param.h).
pub(super) const COMM: usize = 16;
/// `SOCK_MAXADDRLEN` (sys/socket.h).
const ADDRESS: usize = 255;

/// `struct proc_bsdinfo`.
#[repr(C)]
pub(super) struct BsdInfo {
    pub(super) flags: u32,
    pub(super) status: u32,
    pub(super) xstatus: u32,
    pub(super) pid: u32,
    pub(super) ppid: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) ruid: u32,
    pub(super) rgid: u32,
    pub(super) svuid: u32,
    pub(super) svgid: u32,
    pub(super) rfu_1: u32,
    pub(super) comm: [u8; COMM],
    pub(super) name: [u8; 2 * COMM],
    pub(super) nfiles: u32,
    pub(super) pgid: u32,
    pub(super) pjobc: u32,
    pub(super) e_tdev: u32,
    pub(super) e_tpgid: u32,
    pub(super) nice: i32,
    pub(super) start_tvsec: u64,
    pub(super) start_tvusec: u64,
}

const _: () = assert!(size_of::<BsdInfo>() == 136);
const _: () = assert!(offset_of!(BsdInfo, ppid) == 16);
const _: () = assert!(offset_of!(BsdInfo, comm) == 48);
const _: () = assert!(offset_of!(BsdInfo, name) == 64);
const _: () = assert!(offset_of!(BsdInfo, start_tvsec) == 120);
const _: () = assert!(offset_of!(BsdInfo, start_tvusec) == 128);

/// `struct proc_fdinfo`.
#[repr(C)]
pub(super) struct FdInfo {
    pub(super) fd: i32,
    pub(super) fdtype: u32,
}

const _: () = assert!(size_of::<FdInfo>() == 8);

/// `struct proc_fileinfo`.
#[repr(C)]
pub(super) struct FileInfo {
    pub(super) openflags: u32,
    pub(super) status: u32,
    pub(super) offset: i64,
    pub(super) r#type: i32,
    pub(super) guardflags: u32,
}

const _: () = assert!(size_of::<FileInfo>() == 24);

/// `struct vinfo_stat`.
#[repr(C)]
pub(super) struct Stat {
    pub(super) dev: u32,
    pub(super) mode: u16,
    pub(super) nlink: u16,
    pub(super) ino: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Access, modification, change, birth: seconds and nanoseconds.
    pub(super) times: [i64; 8],
    pub(super) size: i64,
    pub(super) blocks: i64,
    pub(super) blksize: i32,
    pub(super) flags: u32,
    pub(super) r#gen: u32,
    pub(super) rdev: u32,
    pub(super) qspare: [i64; 2],
}

const _: () = assert!(size_of::<Stat>() == 136);

/// `struct sockbuf_info`.
#[repr(C)]
pub(super) struct SockBuf {
    pub(super) cc: u32,
    pub(super) hiwat: u32,
    pub(super) mbcnt: u32,
    pub(super) mbmax: u32,
    pub(super) lowat: u32,
    pub(super) flags: i16,
    pub(super) timeo: i16,
}

const _: () = assert!(size_of::<SockBuf>() == 24);

/// `struct in_sockinfo`.
#[repr(C)]
pub(super) struct InSockInfo {
    /// In network byte order, in the low 16 bits.
    pub(super) fport: i32,
    pub(super) lport: i32,
    pub(super) gencnt: u64,
    pub(super) flags: u32,
    pub(super) flow: u32,
    pub(super) vflag: u8,
    pub(super) ip_ttl: u8,
    pub(super) rfu_1: u32,
    /// IPv6; or 12 bytes of padding (`struct in4in6_addr`) and IPv4.
    pub(super) faddr: [u32; 4],
    pub(super) laddr: [u32; 4],
    pub(super) v4_tos: u8,
    pub(super) v6: In6,
}

/// `insi_v6` of it.
#[repr(C)]
pub(super) struct In6 {
    pub(super) hlim: u8,
    pub(super) cksum: i32,
    pub(super) ifindex: u16,
    pub(super) hops: i16,
}

const _: () = assert!(size_of::<InSockInfo>() == 80);
const _: () = assert!(offset_of!(InSockInfo, vflag) == 24);
const _: () = assert!(offset_of!(InSockInfo, faddr) == 32);
const _: () = assert!(offset_of!(InSockInfo, laddr) == 48);
const _: () = assert!(offset_of!(InSockInfo, v6) == 68);

/// `struct tcp_sockinfo`.
#[repr(C)]
pub(super) struct TcpSockInfo {
    pub(super) ini: InSockInfo,
    pub(super) state: i32,
    pub(super) timer: [i32; 4],
    pub(super) mss: i32,
    pub(super) flags: u32,
    pub(super) rfu_1: u32,
    pub(super) tp: u64,
}

const _: () = assert!(size_of::<TcpSockInfo>() == 120);
const _: () = assert!(offset_of!(TcpSockInfo, state) == 80);

/// `struct un_sockinfo`: the largest of the union.
#[repr(C)]
pub(super) struct UnSockInfo {
    pub(super) conn_so: u64,
    pub(super) conn_pcb: u64,
    pub(super) addr: [u8; ADDRESS],
    pub(super) caddr: [u8; ADDRESS],
}

const _: () = assert!(size_of::<UnSockInfo>() == 528);

/// `soi_proto`, as far as it is read; its size is that of the largest.
#[repr(C)]
pub(super) union Proto {
    pub(super) tcp: std::mem::ManuallyDrop<TcpSockInfo>,
    pub(super) un: std::mem::ManuallyDrop<UnSockInfo>,
}

/// `struct socket_info`.
#[repr(C)]
pub(super) struct SocketInfo {
    pub(super) stat: Stat,
    pub(super) so: u64,
    pub(super) pcb: u64,
    pub(super) r#type: i32,
    pub(super) protocol: i32,
    pub(super) family: i32,
    pub(super) options: i16,
    pub(super) linger: i16,
    pub(super) state: i16,
    pub(super) qlen: i16,
    pub(super) incqlen: i16,
    pub(super) qlimit: i16,
    pub(super) timeo: i16,
    pub(super) error: u16,
    pub(super) oobmark: u32,
    pub(super) rcv: SockBuf,
    pub(super) snd: SockBuf,
    pub(super) kind: i32,
    pub(super) rfu_1: u32,
    pub(super) proto: Proto,
}

const _: () = assert!(size_of::<SocketInfo>() == 768);
const _: () = assert!(offset_of!(SocketInfo, so) == 136);
const _: () = assert!(offset_of!(SocketInfo, protocol) == 156);
const _: () = assert!(offset_of!(SocketInfo, family) == 160);
const _: () = assert!(offset_of!(SocketInfo, oobmark) == 180);
const _: () = assert!(offset_of!(SocketInfo, kind) == 232);
const _: () = assert!(offset_of!(SocketInfo, proto) == 240);

/// `struct socket_fdinfo`.
#[repr(C)]
pub(super) struct SocketFdInfo {
    pub(super) pfi: FileInfo,
    pub(super) psi: SocketInfo,
}

const _: () = assert!(size_of::<SocketFdInfo>() == 792);
const _: () = assert!(offset_of!(SocketFdInfo, psi) == 24);
