//! What a datagram is.

use crate::names::Observed;
use crate::names::parse::dns::is_message;
use crate::names::parse::reader::Reader;

use super::bittorrent;

/// RFC 8489, 5.
pub(super) const STUN_COOKIE: u32 = 0x2112_a442;

const DHCP_COOKIE: u32 = 0x6382_5363;

/// The protocol of a datagram between two ports, of which `length` bytes were sent and the first were copied.
#[must_use]
pub fn udp(datagram: &[u8], length: usize, ports: [u16; 2]) -> Option<Observed> {
    let on = |wanted: [u16; 2]| ports.iter().any(|port| wanted.contains(port));
    if on([5353, 5355]) && is_message(datagram) {
        return Some(Observed::Mdns);
    }
    if on([67, 68]) && dhcp(datagram) || on([546, 547]) && dhcp6(datagram) {
        return Some(Observed::Dhcp);
    }
    if ports.contains(&123) && ntp(datagram, length) {
        return Some(Observed::Ntp);
    }
    if stun(datagram, length) {
        return Some(Observed::Stun);
    }
    (bittorrent::dht(datagram) || bittorrent::utp_syn(datagram)).then_some(Observed::BitTorrent)
}

/// RFC 8489, 5: two zero bits, a length that fits, the magic cookie: 2^-50.
fn stun(datagram: &[u8], length: usize) -> bool {
    let mut reader = Reader::new(datagram);
    let fields = reader.u16().zip(reader.u16()).zip(reader.u32());
    fields.is_some_and(|((kind, body), cookie)| {
        kind & 0xc000 == 0 && body % 4 == 0 && usize::from(body) + 20 == length && cookie == STUN_COOKIE
    })
}

/// RFC 5905, 7.3, on its port only: version 1 to 4, a mode that tells time, a stratum there is, a length there is: 2^-7 of
/// what else may run on port 123.
fn ntp(datagram: &[u8], length: usize) -> bool {
    let [first, stratum, ..] = datagram else { return false };
    let (version, mode) = ((first >> 3) & 7, first & 7);
    (1..=4).contains(&version) && (1..=5).contains(&mode) && *stratum <= 16 && length >= 48 && length.is_multiple_of(4)
}

/// RFC 2131, 2, on its ports only: operation, and the cookie before the options: 2^-39.
fn dhcp(datagram: &[u8]) -> bool {
    let cookie = datagram.get(236..).and_then(|rest| Reader::new(rest).u32());
    matches!(datagram.first(), Some(1 | 2)) && cookie == Some(DHCP_COOKIE)
}

/// RFC 8415, 8 and 9, on its ports only: a message type, and options whose lengths end where the datagram does: 2^-20.
fn dhcp6(datagram: &[u8]) -> bool {
    let mut reader = Reader::new(datagram);
    let header = match reader.u8() {
        Some(1..=11) => 3,
        // Relayed: hop count, link and peer.
        Some(12 | 13) => 1 + 16 + 16,
        _ => return false,
    };
    if reader.take(header).is_none() || reader.is_empty() {
        return false;
    }
    while !reader.is_empty() {
        let option = reader.u16().filter(|code| (1..=255).contains(code)).and_then(|_| reader.vec16());
        if option.is_none() {
            return false;
        }
    }
    true
}
