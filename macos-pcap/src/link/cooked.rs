//! Linux "cooked" captures: what the `any` device gives, whatever the interfaces are.
//! <https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html>, <https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html>

use super::{Frame, LinkError, Way, by_ethertype, ethernet};
use crate::bytes::{be16, be32};

/// Bytes before the packet: type, ARPHRD, length and 8 bytes of address, protocol.
const V1_PROTOCOL: usize = 14;
/// Bytes before the packet: protocol, reserved, index, ARPHRD, type, length and 8 bytes of address.
const V2_LEN: usize = 20;

pub(super) fn v1(captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    let kind = be16(captured, 0).ok_or(LinkError::Short("SLL"))?;
    let frame = by_ethertype(V1_PROTOCOL, captured, wire_len)?;
    Ok(Frame { way: way(kind), ..frame })
}

pub(super) fn v2(captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    let short = LinkError::Short("SLL2");
    let protocol = be16(captured, 0).ok_or(short)?;
    let index = be32(captured, 4).ok_or(short)?;
    let kind = captured.get(..V2_LEN).ok_or(short)?[10];
    // A tag's content follows the header; its type stands in the header: the two are put side by side.
    let (protocol, header) = match protocol {
        0x8100 | 0x88a8 | 0x9100 => ethernet::behind_tags(captured, V2_LEN + 2)?,
        plain => (plain, V2_LEN),
    };
    let network = match protocol {
        0x0800 => super::Network::V4,
        0x86dd => super::Network::V6,
        other => return Err(LinkError::NotIp(other.into())),
    };
    let frame = Frame::at(header, network, captured, wire_len);
    let is_tagged = header > V2_LEN;
    Ok(Frame { way: way(kind.into()), is_tagged, interface_index: Some(index), ..frame })
}

/// PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST came in, PACKET_OUTGOING goes out; PACKET_OTHERHOST was overheard.
fn way(kind: u16) -> Option<Way> {
    match kind {
        0..=2 => Some(Way::In),
        4 => Some(Way::Out),
        _ => None,
    }
}
