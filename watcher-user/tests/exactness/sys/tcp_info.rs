//! The kernel's own counters of a TCP socket. libc's `tcp_info` ends before them, so they are read at their offsets in
//! include/uapi/linux/tcp.h, which only ever grows at the end.

use std::{io, os::fd::BorrowedFd};

/// What TCP_INFO says.
#[derive(Debug, Clone, Copy)]
pub struct TcpInfo {
    /// tcpi_options
    pub options: u8,
    /// tcpi_bytes_acked
    pub bytes_acked: u64,
    /// tcpi_bytes_received
    pub bytes_received: u64,
    /// tcpi_notsent_bytes
    pub notsent: u64,
    /// tcpi_bytes_sent
    pub bytes_sent: u64,
    /// tcpi_bytes_retrans
    pub bytes_retrans: u64,
}

impl TcpInfo {
    /// TCPI_OPT_SYN_DATA: the SYN carried data and the other side took it.
    pub const SYN_DATA: u8 = 32;

    /// Asks the kernel.
    pub fn of(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let mut raw = [0u8; 256];
        let len = super::get_option(fd, libc::IPPROTO_TCP, libc::TCP_INFO, &mut raw)?;
        if len < 216 {
            return Err(io::Error::other(format!(
                "TCP_INFO has {len} bytes, without bytes_retrans (kernel before 4.19)"
            )));
        }
        let u64_at = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| raw[at + i]));
        let u32_at = |at: usize| u32::from_ne_bytes(std::array::from_fn(|i| raw[at + i]));
        Ok(Self {
            options: raw[5],
            bytes_acked: u64_at(120),
            bytes_received: u64_at(128),
            notsent: u64::from(u32_at(144)),
            bytes_sent: u64_at(200),
            bytes_retrans: u64_at(208),
        })
    }

    /// What sending calls on this socket must add up to, by what was sent. A FIN that is queued and not sent stands in
    /// `notsent` as one byte (tcp_send_fin advances write_seq); `fin` says that there is one, sent or not.
    ///
    /// Too much where a queue of this host dropped a segment: tcp_write_xmit sends it again as new, bytes_sent has it
    /// twice, and bytes_retrans not at all.
    pub fn sent(&self, fin: bool) -> u64 {
        self.bytes_sent - self.bytes_retrans + self.notsent - u64::from(fin && self.notsent > 0)
    }

    /// The same by what was acknowledged and what waits to be (`queued`, SIOCOUTQ), which no drop disturbs. It includes the
    /// SYN of an active open, which is not subtracted here.
    pub fn acknowledged(&self, queued: u64, fin: bool) -> u64 {
        self.bytes_acked + queued - u64::from(fin)
    }
}
