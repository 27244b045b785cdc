//! DNS messages, true ones and lies.

use std::net::Ipv4Addr;

/// Answers with an error (RFC 1035, 4.1.1).
pub const NO_SUCH_NAME: u8 = 3;

/// Which address has this name?
pub fn query(id: u16, name: &str) -> Vec<u8> {
    message(id, [0x01, 0x00], name, &[])
}

/// An answer to that, with an address for each of these names.
pub fn answer(id: u16, code: u8, name: &str, records: &[(&str, Ipv4Addr)]) -> Vec<u8> {
    message(id, [0x81, 0x80 | code], name, records)
}

fn message(id: u16, flags: [u8; 2], name: &str, records: &[(&str, Ipv4Addr)]) -> Vec<u8> {
    let counts = [1, u16::try_from(records.len()).expect("few"), 0, 0];
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend(flags);
    bytes.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    push_name(&mut bytes, name);
    // An address, of the internet.
    bytes.extend([0, 1, 0, 1]);
    for (name, address) in records {
        push_name(&mut bytes, name);
        bytes.extend([0, 1, 0, 1, 0, 0, 1, 0, 0, 4]);
        bytes.extend(address.octets());
    }
    bytes
}

fn push_name(bytes: &mut Vec<u8>, name: &str) {
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).expect("short labels"));
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
}
