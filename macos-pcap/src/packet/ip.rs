//! IPv4 and IPv6 headers, up to what they enclose.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Enclosed, Fragment, PacketError};
use crate::bytes::{array, be16, be32};

/// Extension headers that are walked. RFC 8200 knows seven, each once but one.
pub(super) const MOST_EXTENSIONS: usize = 10;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const NO_NEXT: u8 = 59;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

pub(super) fn v4(bytes: &[u8], wire_len: u64) -> Result<Enclosed<'_>, PacketError> {
    let header: &[u8; 20] = bytes.first_chunk().ok_or(PacketError::Short("IPv4"))?;
    let header_len = usize::from(header[0] & 0xf) * 4;
    if header[0] >> 4 != 4 || header_len < 20 {
        return Err(PacketError::Malformed("IPv4"));
    }
    let len = match u16::from_be_bytes([header[2], header[3]]) {
        // The interface is to cut it (TSO on macOS and Windows) or it exceeds 16 bits (BIG TCP).
        0 => wire_len,
        stated => stated.into(),
    };
    check("IPv4", header_len, len, wire_len)?;
    let place = u16::from_be_bytes([header[6], header[7]]);
    let offset = u32::from(place & 0x1fff) * 8;
    let more = place & 0x2000 != 0;
    let id = u16::from_be_bytes([header[4], header[5]]).into();
    let fragment = (more || offset > 0).then_some(Fragment { id, protocol: header[9], offset });
    Ok(Enclosed {
        source: IpAddr::V4(Ipv4Addr::from([header[12], header[13], header[14], header[15]])),
        destination: IpAddr::V4(Ipv4Addr::from([header[16], header[17], header[18], header[19]])),
        protocol: header[9],
        fragment,
        more,
        wire_len: len,
        len: len - header_len as u64,
        bytes: captured(bytes, header_len, len),
    })
}

pub(super) fn v6(bytes: &[u8], wire_len: u64) -> Result<Enclosed<'_>, PacketError> {
    let short = PacketError::Short("IPv6");
    let header: &[u8; 40] = bytes.first_chunk().ok_or(short)?;
    if header[0] >> 4 != 6 {
        return Err(PacketError::Malformed("IPv6"));
    }
    let mut protocol = header[6];
    let len = match u16::from_be_bytes([header[4], header[5]]) {
        0 if protocol == NO_NEXT => 40,
        // A jumbogram, a segmentation-offloaded packet of more than 16 bits, or one that the interface is to cut.
        0 => jumbo(bytes, protocol).map_or(wire_len, |stated| 40 + u64::from(stated)),
        stated => 40 + u64::from(stated),
    };
    check("IPv6", 40, len, wire_len)?;
    let mut at = 40;
    let mut fragment = None;
    let mut more = false;
    for _ in 0..MOST_EXTENSIONS {
        let extension_len = match protocol {
            HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HIP | SHIM6 => {
                usize::from(*bytes.get(at + 1).ok_or(short)?) * 8 + 8
            }
            AUTHENTICATION => usize::from(*bytes.get(at + 1).ok_or(short)?) * 4 + 8,
            FRAGMENT => {
                let place = be16(bytes, at + 2).ok_or(short)?;
                let offset = u32::from(place & 0xfff8);
                more = place & 1 != 0;
                let id = be32(bytes, at + 4).ok_or(short)?;
                // Offset 0 and nothing more is a whole packet that took a detour (RFC 6946).
                fragment = (more || offset > 0).then_some(Fragment { id, protocol: bytes[at], offset });
                8
            }
            _ => break,
        };
        protocol = *bytes.get(at).ok_or(short)?;
        at += extension_len;
        check("IPv6", at, len, wire_len)?;
        if fragment.is_some_and(|fragment| fragment.offset > 0) {
            break;
        }
    }
    let is_extension =
        matches!(protocol, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY | HIP | SHIM6);
    if is_extension && fragment.is_none_or(|fragment| fragment.offset == 0) {
        return Err(PacketError::Extensions);
    }
    let address = |at| array::<16>(header, at).map(|octets| IpAddr::V6(Ipv6Addr::from(octets))).ok_or(short);
    Ok(Enclosed {
        source: address(8)?,
        destination: address(24)?,
        protocol,
        fragment,
        more,
        wire_len: len,
        len: len - at as u64,
        bytes: captured(bytes, at, len),
    })
}

/// The jumbo payload option (RFC 2675), which Linux puts first in the hop-by-hop header of BIG TCP.
fn jumbo(bytes: &[u8], next: u8) -> Option<u32> {
    let is_first = next == HOP_BY_HOP && be16(bytes, 42)? == 0xc204;
    is_first.then(|| be32(bytes, 44)).flatten().filter(|stated| *stated > 0xffff)
}

fn check(what: &'static str, header: usize, len: u64, wire_len: u64) -> Result<(), PacketError> {
    if len > wire_len {
        return Err(PacketError::Longer(what, len, wire_len));
    }
    if len < header as u64 {
        return Err(PacketError::Malformed(what));
    }
    Ok(())
}

/// From `from` to the packet's end or the capture's.
fn captured(bytes: &[u8], from: usize, len: u64) -> &[u8] {
    let end = usize::try_from(len).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(from..end).unwrap_or_default()
}
