//! Which addresses are anybody's on the internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, c: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

/// IANA's registry of special-purpose IPv4 addresses (RFC 6890), and multicast.
const SPECIAL_V4: &[Ipv4Net] = &[
    v4(0, 0, 0, 0, 8),       // this network: RFC 791, 3.2
    v4(10, 0, 0, 0, 8),      // private: RFC 1918
    v4(100, 64, 0, 0, 10),   // carrier-grade NAT: RFC 6598
    v4(127, 0, 0, 0, 8),     // loopback: RFC 1122, 3.2.1.3
    v4(169, 254, 0, 0, 16),  // link-local: RFC 3927
    v4(172, 16, 0, 0, 12),   // private: RFC 1918
    v4(192, 0, 0, 0, 24),    // protocol assignments: RFC 6890, 2.1
    v4(192, 0, 2, 0, 24),    // documentation: RFC 5737
    v4(192, 31, 196, 0, 24), // AS112: RFC 7535
    v4(192, 52, 193, 0, 24), // AMT relays: RFC 7450
    v4(192, 88, 99, 0, 24),  // 6to4 relays: RFC 7526
    v4(192, 168, 0, 0, 16),  // private: RFC 1918
    v4(192, 175, 48, 0, 24), // AS112: RFC 7534
    v4(198, 18, 0, 0, 15),   // benchmarks: RFC 2544
    v4(198, 51, 100, 0, 24), // documentation: RFC 5737
    v4(203, 0, 113, 0, 24),  // documentation: RFC 5737
    v4(224, 0, 0, 0, 4),     // multicast: RFC 5771
    v4(240, 0, 0, 0, 4),     // reserved: RFC 1112, 4; with broadcast: RFC 919, 7
];

/// All that is given out for use on the internet (RFC 4291, 2.4). Loopback, link-local (RFC 4291), unique local (RFC 4193),
/// multicast (RFC 4291, 2.7), NAT64 (RFC 6052, RFC 8215), discard (RFC 6666) and SRv6 (RFC 9602) lie outside.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// The 6to4 prefix (RFC 3056): the next 32 bits are an IPv4 address.
const SIX_TO_FOUR: u16 = 0x2002;

/// What of it is not: IANA's registry of special-purpose IPv6 addresses (RFC 6890).
const SPECIAL_V6: &[Ipv6Net] = &[
    v6(0x2001, 0, 0, 23), // protocol assignments: RFC 2928; Teredo (RFC 4380), ORCHIDv2 (RFC 7343) among them
    v6(0x2001, 0xdb8, 0, 32), // documentation: RFC 3849
    v6(0x2620, 0x4f, 0x8000, 48), // AS112: RFC 7534
    v6(0x3fff, 0, 0, 20), // documentation: RFC 9637
];

/// Whether an address is one of the public internet.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => {
            let [first, high, low, ..] = ip.segments();
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            GLOBAL_V6.contains(&ip)
                && !SPECIAL_V6.iter().any(|net| net.contains(&ip))
                && (first != SIX_TO_FOUR || is_public_v4(Ipv4Addr::new(a, b, c, d)))
        }
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|net| net.contains(&ip))
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn what_is_local_or_special_is_not_public() {
        let cases = "0.0.0.0 0.1.2.3 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.53 169.254.1.1 172.16.0.1 172.31.255.255 \
            192.0.0.8 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.1.1 192.175.48.1 198.18.0.1 198.19.255.255 \
            198.51.100.7 203.0.113.9 224.0.0.251 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1 ::ffff:10.0.0.1 fe80::1 \
            fc00::1 fd12:3456::1 ff02::fb 2001:db8::1 3fff::1 2001::1 2001:10::1 2002:0a00:0001::1 2002:c0a8:0101::1 \
            2002:7f00:1::1 64:ff9b::1.1.1.1 64:ff9b:1::1 100::1 5f00::1 2620:4f:8000::1 ::1.2.3.4";
        for ip in cases.split_whitespace() {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn the_rest_is() {
        let cases = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 198.20.0.1 \
            223.255.255.255 ::ffff:8.8.8.8 2606:4700::1111 2a00:1450::1 2001:4860:4860::8888 2002:808:808::1 2620:fe::fe";
        for ip in cases.split_whitespace() {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
