//! TCP, UDP, SCTP and ICMP: ports, sequence numbers, and the length of what they carry.

use super::{Enclosed, PacketError};
use crate::bytes::{be16, be32};

/// Source and destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ports {
    /// Of the sender.
    pub source: u16,
    /// Of the receiver.
    pub destination: u16,
}

/// What a transport's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp(Ports, Segment),
    /// UDP and UDP-Lite.
    Udp(Ports),
    /// SCTP.
    Sctp(Ports),
    /// ICMP or ICMPv6.
    Icmp,
    /// Another protocol by its number.
    Other(u8),
    /// The header is in another fragment; the number of its protocol, or in IPv6 of an extension header before it.
    Elsewhere(u8),
}

/// What places a TCP segment in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Segment {
    /// The number of its first byte, or of its SYN.
    pub seq: u32,
    /// The number that the sender waits for: holds where `flags` have ACK.
    pub ack: u32,
    /// SYN, FIN and the like.
    pub flags: Flags,
    /// Receive window as written, unscaled.
    pub window: u16,
    /// Bytes of the TCP header, options included.
    pub header_len: u8,
}

/// The flags of a TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// FIN.
    pub const FIN: Self = Self(0x01);
    /// SYN.
    pub const SYN: Self = Self(0x02);
    /// RST.
    pub const RST: Self = Self(0x04);
    /// ACK.
    pub const ACK: Self = Self(0x10);

    /// Whether all of `these` are set.
    #[must_use]
    pub const fn has(self, these: Self) -> bool {
        self.0 & these.0 == these.0
    }
}

pub(super) struct Read<'a> {
    pub(super) transport: Transport,
    pub(super) payload_len: u64,
    pub(super) first_bytes: &'a [u8],
}

pub(super) fn read<'a>(ip: &Enclosed<'a>) -> Result<Read<'a>, PacketError> {
    if ip.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return Ok(all(Transport::Elsewhere(ip.protocol), ip));
    }
    match ip.protocol {
        6 => tcp(ip),
        17 => udp(ip),
        // UDP-Lite: where UDP has a length, it says how far the checksum reaches.
        136 => behind(8, "UDP-Lite", Transport::Udp(ports(ip, "UDP-Lite")?), ip),
        132 => sctp(ip),
        1 | 58 => Ok(all(Transport::Icmp, ip)),
        other => Ok(all(Transport::Other(other), ip)),
    }
}

fn all<'a>(transport: Transport, ip: &Enclosed<'a>) -> Read<'a> {
    Read { transport, payload_len: ip.len, first_bytes: ip.bytes }
}

/// The payload is what follows a header of `header` bytes; the capture may end within that header.
fn behind<'a>(
    header: usize,
    name: &'static str,
    transport: Transport,
    ip: &Enclosed<'a>,
) -> Result<Read<'a>, PacketError> {
    let payload_len = ip.len.checked_sub(header as u64).ok_or(PacketError::Malformed(name))?;
    Ok(Read { transport, payload_len, first_bytes: ip.bytes.get(header..).unwrap_or_default() })
}

fn ports(ip: &Enclosed<'_>, name: &'static str) -> Result<Ports, PacketError> {
    let both = be32(ip.bytes, 0).ok_or(PacketError::Short(name))?;
    Ok(Ports { source: (both >> 16) as u16, destination: both as u16 })
}

/// Needs the first 16 bytes captured: options tell nothing that is asked here.
fn tcp<'a>(ip: &Enclosed<'a>) -> Result<Read<'a>, PacketError> {
    let fixed: &[u8; 16] = ip.bytes.first_chunk().ok_or(PacketError::Short("TCP"))?;
    let header_len = (fixed[12] >> 4) * 4;
    if header_len < 20 {
        return Err(PacketError::Malformed("TCP"));
    }
    // A FIN is behind the bytes of all parts: where the datagram ends is not known in its first.
    let flags = if ip.more { fixed[13] & !Flags::FIN.0 } else { fixed[13] };
    let segment = Segment {
        seq: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ack: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        flags: Flags(flags),
        window: u16::from_be_bytes([fixed[14], fixed[15]]),
        header_len,
    };
    behind(header_len.into(), "TCP", Transport::Tcp(ports(ip, "TCP")?, segment), ip)
}

fn udp<'a>(ip: &Enclosed<'a>) -> Result<Read<'a>, PacketError> {
    let transport = Transport::Udp(ports(ip, "UDP")?);
    let stated = u64::from(be16(ip.bytes, 4).ok_or(PacketError::Short("UDP"))?);
    let is_first_part = ip.more;
    match stated {
        // 0 where segmentation offload or a jumbogram made it more than 16 bits. The first of several fragments states
        // the length of all of them: what follows in this one is its share.
        0 => behind(8, "UDP", transport, ip),
        1..8 => Err(PacketError::Malformed("UDP")),
        _ if is_first_part => behind(8, "UDP", transport, ip),
        stated if stated > ip.len => Err(PacketError::Longer("UDP", stated, ip.len)),
        stated => {
            let payload_len = stated - 8;
            let captured = ip.bytes.get(8..).unwrap_or_default();
            let end = captured.len().min(payload_len as usize);
            Ok(Read { transport, payload_len, first_bytes: &captured[..end] })
        }
    }
}

/// User data of DATA (RFC 9260) and I-DATA (RFC 8260) chunks. What lies behind the capture's end cannot be told from
/// the chunks that carry none, and does not count.
fn sctp<'a>(ip: &Enclosed<'a>) -> Result<Read<'a>, PacketError> {
    /// The least chunk has 4 bytes; a packet of 64 KiB with more chunks than this was made to be slow.
    const MOST_CHUNKS: usize = 256;
    let transport = Transport::Sctp(ports(ip, "SCTP")?);
    let mut at = 12_usize;
    let mut payload_len = 0;
    let mut first_bytes = &[][..];
    for _ in 0..MOST_CHUNKS {
        let (Some(head), Some(len)) = (be16(ip.bytes, at), be16(ip.bytes, at + 2)) else { break };
        let len = usize::from(len);
        if len < 4 || (at + len) as u64 > ip.len {
            // The first part of a fragmented packet ends within a chunk.
            let is_cut = ip.more && len >= 4;
            return if is_cut {
                Ok(Read { transport, payload_len, first_bytes })
            } else {
                Err(PacketError::Malformed("SCTP"))
            };
        }
        let header = match head >> 8 {
            0 => 16,
            64 => 20,
            _ => len,
        };
        if payload_len == 0 && len > header {
            let end = (at + len).min(ip.bytes.len());
            first_bytes = ip.bytes.get(at + header..end).unwrap_or_default();
        }
        payload_len += len.saturating_sub(header) as u64;
        at += len.next_multiple_of(4);
    }
    Ok(Read { transport, payload_len, first_bytes })
}
