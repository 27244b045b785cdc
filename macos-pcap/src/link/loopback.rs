//! DLT_NULL and DLT_LOOP: an address family and the packet.

use super::{Frame, LinkError, Network};
use crate::bytes::be32;

/// Families are small numbers: one with bits in its upper half was written by a machine of the other byte order.
pub(super) fn null(captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    let written = be32(captured, 0).ok_or(LinkError::Short("loopback"))?;
    let family = if written > 0xffff { written.swap_bytes() } else { written };
    by_family(family, captured, wire_len)
}

pub(super) fn network_order(captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    let family = be32(captured, 0).ok_or(LinkError::Short("loopback"))?;
    by_family(family, captured, wire_len)
}

/// AF_INET is 2 everywhere; AF_INET6 is 30 on macOS, 28 on FreeBSD, 24 on NetBSD and OpenBSD, 10 on Linux, 23 on Windows.
fn by_family(family: u32, captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    let network = match family {
        2 => Network::V4,
        10 | 23 | 24 | 28 | 30 => Network::V6,
        other => return Err(LinkError::NotIp(other)),
    };
    Ok(Frame::at(4, network, captured, wire_len))
}
