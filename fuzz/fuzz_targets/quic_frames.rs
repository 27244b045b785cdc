//! The payloads of Initial packets, each after two bytes with its length, sealed with the client's keys of RFC 9001, A.1.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use watcher_core::names::parse::quic::{Datagram, Initials};

const KEY: [u8; 16] = 0x1f36_9613_dd76_d546_7730_efcb_e3b1_a22d_u128.to_be_bytes();
const IV: [u8; 12] = [0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c];
const HEADER_KEY: [u8; 16] = 0x9f50_449e_04a0_e810_283a_1e99_33ad_edd2_u128.to_be_bytes();

/// Version 1, the connection IDs, no token; a length of two bytes and the packet number 0 follow.
const HEADER: [u8; 16] = [0xc0, 0, 0, 0, 1, 8, 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08, 0, 0];

fn sealed(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(1 + payload.len() + 16).expect("at most 8 KiB") | 0x4000;
    let header = [&HEADER[..], &length.to_be_bytes(), &[0]].concat();
    let mut body = payload.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &KEY).expect("16 bytes"));
    let nonce = Nonce::assume_unique_for_key(IV);
    key.seal_in_place_append_tag(nonce, Aad::from(&header), &mut body).expect("it is short");
    let mut packet = [header, body].concat();
    let mask_key = quic::HeaderProtectionKey::new(&quic::AES_128, &HEADER_KEY).expect("16 bytes");
    let mask = mask_key.new_mask(&packet[22..38]).expect("16 bytes");
    packet[0] ^= mask[0] & 0x0f;
    packet[18] ^= mask[1];
    packet
}

fuzz_target!(|bytes: &[u8]| {
    let mut initials = Initials::new();
    let mut left = bytes;
    for _ in 0..16 {
        let Some(([high, low], rest)) = left.split_first_chunk::<2>() else { break };
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (payload, after) = rest.split_at(length);
        left = after;
        // Shorter ones have nothing to sample.
        if payload.len() >= 4 {
            assert_eq!(initials.read(&sealed(payload)), Datagram::Opened);
        }
    }
    let _ = (initials.client_hello(), initials.client_hello_partial(), initials.chosen());
});
