//! The address that an unconnected datagram call is about, on its way from the address hook to the length hook.

/// Kept per task: the two hooks run in the same system call.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PendingRemote {
    /// Cookie of the socket that the send was on; 0 when nothing is pending.
    pub tx_cookie: u64,
    /// Cookie of the socket that the receive was on.
    pub rx_cookie: u64,
    /// Destination, IPv6 or IPv4-mapped.
    pub tx_remote: [u8; 16],
    /// Source.
    pub rx_remote: [u8; 16],
    /// Host byte order.
    pub tx_port: u16,
    /// Host byte order.
    pub rx_port: u16,
    /// Always 0.
    pub pad: u32,
}

const _: () = assert!(size_of::<PendingRemote>() == 56);
crate::pod!(PendingRemote);
