//! The headers of a packet, as cgroup_skb programs see it: from the IP header on.

use core::ffi::c_void;

use aya_ebpf::{bindings::__sk_buff, helpers::generated::bpf_skb_load_bytes};

use crate::kernel::mapped;

/// IPPROTO_TCP, as the header has it.
pub const TCP: u8 = 6;
/// IPPROTO_UDP.
pub const UDP: u8 = 17;
/// Headers between IPv6's own and the transport's that are passed over, at most.
const EXTENSIONS: u32 = 4;
/// RFC 9293, 3.1.
const SYN: u8 = 0x02;

/// What the headers say.
pub struct Packet {
    /// IPv6 or IPv4-mapped, in memory order.
    pub source: [u64; 2],
    pub destination: [u64; 2],
    /// Host byte order.
    pub source_port: u16,
    pub destination_port: u16,
    /// [`TCP`] or [`UDP`].
    pub protocol: u8,
    /// Sequence number of the first byte of the payload.
    pub seq: u32,
    /// Where the payload begins.
    pub at: u32,
    /// Bytes of payload.
    pub length: u32,
}

/// Copies `N` bytes from an offset.
#[inline(always)]
pub fn load<const N: usize>(skb: *mut __sk_buff, at: u32) -> Option<[u8; N]> {
    let mut bytes = [0u8; N];
    // SAFETY: the helper writes N bytes or zeroes.
    let failed = unsafe { bpf_skb_load_bytes(skb.cast::<c_void>(), at, bytes.as_mut_ptr().cast(), N as u32) };
    (failed == 0).then_some(bytes)
}

#[inline(always)]
fn word<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[inline(always)]
fn long<const N: usize>(bytes: &[u8; N], at: usize) -> u64 {
    u64::from(word(bytes, at + 4)) << 32 | u64::from(word(bytes, at))
}

/// `None` for what is neither TCP nor UDP, or a fragment.
#[inline(always)]
pub fn parse(skb: *mut __sk_buff) -> Option<Packet> {
    // SAFETY: the verifier checks loads from the context.
    let total = unsafe { (*skb).len };
    // TCP and UDP both have 8 bytes behind the 20 that IPv4 mostly has.
    let ip: [u8; 28] = load(skb, 0)?;
    let (protocol, at, source, destination) = if ip[0] >> 4 == 4 {
        if (u16::from(ip[6]) << 8 | u16::from(ip[7])) & 0x1fff != 0 {
            return None;
        }
        (ip[9], u32::from(ip[0] & 15) * 4, mapped(word(&ip, 12)), mapped(word(&ip, 16)))
    } else {
        let ip: [u8; 40] = load(skb, 0)?;
        let (protocol, at) = transport(skb, ip[6])?;
        (protocol, at, [long(&ip, 8), long(&ip, 16)], [long(&ip, 24), long(&ip, 32)])
    };
    let (seq, header, ports) = match protocol {
        TCP => {
            let tcp: [u8; 20] = load(skb, at)?;
            let syn = u32::from(tcp[13] & SYN != 0);
            (u32::from_be(word(&tcp, 4)).wrapping_add(syn), u32::from(tcp[12] >> 4) * 4, word(&tcp, 0))
        }
        UDP => {
            let udp: [u8; 8] = load(skb, at)?;
            (0, 8, word(&udp, 0))
        }
        _ => return None,
    };
    let ports = u32::from_be(ports);
    Some(Packet {
        source,
        destination,
        source_port: (ports >> 16) as u16,
        destination_port: ports as u16,
        protocol,
        seq,
        at: at + header,
        length: total.saturating_sub(at + header),
    })
}

/// The transport's protocol, and where its header begins: behind hop-by-hop and destination options and routing (RFC 8200, 4).
#[inline(always)]
fn transport(skb: *mut __sk_buff, first: u8) -> Option<(u8, u32)> {
    let (mut next, mut at) = (first, 40);
    for _ in 0..EXTENSIONS {
        if next == TCP || next == UDP {
            return Some((next, at));
        }
        if next != 0 && next != 43 && next != 60 {
            return None;
        }
        let header: [u8; 2] = load(skb, at)?;
        next = header[0];
        at += (u32::from(header[1]) + 1) * 8;
    }
    (next == TCP || next == UDP).then_some((next, at))
}
