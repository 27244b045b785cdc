//! A socket of which only the address is known: no types for the verifier, so each read is checked when it happens.

use core::{
    mem::MaybeUninit,
    ptr::{addr_of, read_volatile},
};

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use watcher_common::ABSENT;

use super::{AF_INET, AF_INET6, Facts, OFFSETS, mapped};

/// The address of a `struct sock`. A read that fails gives zero.
#[derive(Clone, Copy)]
pub struct BareSock(pub u64);

/// Reads a field of a kernel struct that lies at a number. What the helper cannot read it gives as zeros, so nobody asks it whether
/// it could: every question doubles the paths that the verifier walks.
#[inline(always)]
fn read<T: Copy>(base: u64, offset: u32) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the helper checks the address and writes all of `value`; every T here is an integer or an array of them.
    unsafe {
        bpf_probe_read_kernel(value.as_mut_ptr().cast(), size_of::<T>() as u32, (base + u64::from(offset)) as *const _);
        value.assume_init()
    }
}

impl BareSock {
    /// `struct socket.sk`.
    #[inline(always)]
    pub fn of(socket: u64) -> Self {
        Self(read(socket, offset!(socket_sk)))
    }
    /// Its protocol takes pages itself, instead of as a message (before Linux 6.5).
    #[inline(always)]
    pub fn takes_pages(self) -> bool {
        let at = offset!(proto_sendpage);
        let protocol: u64 = read(self.0, offset!(sock_prot));
        let function: u64 = if at == ABSENT { 0 } else { read(protocol, at) };
        function != 0
    }
    #[inline(always)]
    pub fn family(self) -> u16 {
        read(self.0, offset!(sock_family))
    }
    #[inline(always)]
    pub fn protocol(self) -> u16 {
        read(self.0, offset!(sock_protocol))
    }
    #[inline(always)]
    pub fn socket_type(self) -> u16 {
        read(self.0, offset!(sock_type))
    }
    /// The cookie; where the kernel has not made one (packet sockets), the address, which is no cookie of another: cookies
    /// count up from 1, addresses begin in the upper half.
    #[inline(always)]
    pub fn cookie(self) -> u64 {
        let cookie: u64 = read(self.0, offset!(sock_cookie));
        if cookie == 0 { self.0 } else { cookie }
    }
    /// Created by the kernel for itself.
    #[inline(always)]
    pub fn is_kernel(self) -> bool {
        let byte: u8 = read(self.0, offset!(sock_kern_byte));
        byte >> (offset!(sock_kern_bit) & 7) & 1 == 1
    }
    /// The kernel reads this TCP socket instead of the process (kTLS, MPTCP subflow, SMC).
    #[inline(always)]
    pub fn has_ulp(self) -> bool {
        let ops: u64 = read(self.0, offset!(tcp_ulp_ops));
        ops != 0
    }
    /// Host byte order.
    #[inline(always)]
    pub fn remote_port(self) -> u16 {
        u16::from_be(read(self.0, offset!(sock_dport)))
    }
    /// Where the socket is connected to; else `::` or `::ffff:0.0.0.0`.
    #[inline(always)]
    pub fn remote(self, family: u16) -> [u64; 2] {
        self.address(family, offset!(sock_v6_daddr), offset!(sock_daddr))
    }
    #[inline(always)]
    fn address(self, family: u16, v6: u32, v4: u32) -> [u64; 2] {
        if family != AF_INET6 {
            return mapped(read(self.0, v4));
        }
        if v6 == ABSENT { [0; 2] } else { read(self.0, v6) }
    }
    #[inline(always)]
    pub fn facts(self) -> Facts {
        let family = self.family();
        let inet = family == AF_INET || family == AF_INET6;
        let net: u64 = read(self.0, offset!(sock_net));
        let local = self.address(family, offset!(sock_v6_saddr), offset!(sock_saddr));
        Facts {
            family,
            protocol: self.protocol(),
            socket_type: self.socket_type(),
            local_port: if inet { read(self.0, offset!(sock_num)) } else { 0 },
            remote_port: if inet { self.remote_port() } else { 0 },
            netns: read(net, offset!(net_inum)),
            local,
            remote: self.remote(family),
        }
    }
}
