//! The keys of Initial packets (RFC 9001, 5.2; RFC 9369, 3.3), and what they open.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey, quic};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use super::header::{ConnectionId, Packet, Version};

/// Who sealed a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// What is asked of HKDF-Expand-Label (RFC 8446, 7.1): how much, and its `info`.
struct Label {
    length: usize,
    info: &'static [u8],
}

impl KeyType for Label {
    fn len(&self) -> usize {
        self.length
    }
}

/// Length (2 bytes), the label with its length, an empty context.
const CLIENT: Label = Label { length: 32, info: b"\0\x20\x0ftls13 client in\0" };
const SERVER: Label = Label { length: 32, info: b"\0\x20\x0ftls13 server in\0" };

struct Constants {
    salt: [u8; 20],
    key: Label,
    iv: Label,
    header: Label,
}

const ONE: Constants = Constants {
    salt: [
        0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb,
        0x7f, 0x0a,
    ],
    key: Label { length: 16, info: b"\0\x10\x0etls13 quic key\0" },
    iv: Label { length: 12, info: b"\0\x0c\x0dtls13 quic iv\0" },
    header: Label { length: 16, info: b"\0\x10\x0dtls13 quic hp\0" },
};

const TWO: Constants = Constants {
    salt: [
        0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd,
        0x2e, 0xd9,
    ],
    key: Label { length: 16, info: b"\0\x10\x10tls13 quicv2 key\0" },
    iv: Label { length: 12, info: b"\0\x0c\x0ftls13 quicv2 iv\0" },
    header: Label { length: 16, info: b"\0\x10\x0ftls13 quicv2 hp\0" },
};

/// The keys of one side of a connection that began with a destination connection ID.
pub(super) struct Keys {
    key: [u8; 16],
    iv: [u8; NONCE_LEN],
    header: [u8; 16],
}

impl Keys {
    pub fn new(version: Version, destination: &ConnectionId, side: Side) -> Self {
        let constants = match version {
            Version::One => &ONE,
            Version::Two => &TWO,
        };
        let initial = Salt::new(HKDF_SHA256, &constants.salt).extract(destination.as_bytes());
        let label = match side {
            Side::Client => &CLIENT,
            Side::Server => &SERVER,
        };
        let secret = Prk::new_less_safe(HKDF_SHA256, &expand::<32>(&initial, label));
        Self {
            key: expand(&secret, &constants.key),
            iv: expand(&secret, &constants.iv),
            header: expand(&secret, &constants.header),
        }
    }

    /// The payload of a packet that was sealed with these keys (RFC 9001, 5.3 and 5.4).
    pub fn open(&self, packet: &Packet<'_>) -> Option<Vec<u8>> {
        let (header, sealed, number) = self.unmasked(packet)?;
        let mut nonce = self.iv;
        // Initials count from 0, so that the whole packet number is in the header (RFC 9000, 17.1).
        for (byte, of_number) in nonce.iter_mut().rev().zip(number.to_be_bytes().iter().rev()) {
            *byte ^= of_number;
        }
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &self.key).ok()?);
        let mut payload = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = key.open_in_place(nonce, Aad::from(header), &mut payload).ok()?.len();
        payload.truncate(length);
        Some(payload)
    }

    /// The header without its protection, what is sealed, and the packet number.
    fn unmasked<'a>(&self, packet: &Packet<'a>) -> Option<(Vec<u8>, &'a [u8], u32)> {
        let sample = packet.bytes.get(packet.number_at + 4..)?.get(..16)?;
        let mask = quic::HeaderProtectionKey::new(&quic::AES_128, &self.header).ok()?.new_mask(sample).ok()?;
        let [of_first, of_number @ ..] = mask;
        let first = packet.bytes.first()? ^ (of_first & 0x0f);
        let number_length = usize::from(first & 3) + 1;
        let (header, sealed) = packet.bytes.split_at_checked(packet.number_at + number_length)?;
        if sealed.len() < MAX_TAG_LEN {
            return None;
        }
        let mut header = header.to_vec();
        *header.first_mut()? = first;
        let mut number = 0;
        for (byte, mask) in header.get_mut(packet.number_at..)?.iter_mut().zip(of_number) {
            *byte ^= mask;
            number = (number << 8) | u32::from(*byte);
        }
        Some((header, sealed, number))
    }

    /// Seals a packet, whose header ends with its packet number: the tests' other side of [`Self::open`].
    #[cfg(test)]
    pub fn seal(&self, header: &[u8], number_at: usize, payload: &[u8]) -> Vec<u8> {
        let number = header[number_at..].iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        let mut nonce = self.iv;
        for (byte, of_number) in nonce.iter_mut().rev().zip(number.to_be_bytes().iter().rev()) {
            *byte ^= of_number;
        }
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &self.key).unwrap());
        let mut sealed = payload.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header), &mut sealed).unwrap();
        let mut packet = [header, &sealed].concat();
        let sample = &packet[number_at + 4..number_at + 20];
        let mask = quic::HeaderProtectionKey::new(&quic::AES_128, &self.header).unwrap().new_mask(sample).unwrap();
        packet[0] ^= mask[0] & 0x0f;
        for (byte, mask) in packet[number_at..header.len()].iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
        }
        packet
    }
}

fn expand<const N: usize>(secret: &Prk, label: &'static Label) -> [u8; N] {
    let mut key = [0; N];
    let info = [label.info];
    let expanded = secret.expand(&info, Label { length: N, info: label.info });
    // Fails for more than 255 hashes' worth only.
    if let Ok(okm) = expanded {
        let _ = okm.fill(&mut key);
    }
    key
}
