//! The frames of Initial packets (RFC 9000, 12.4 and 19).

use crate::names::parse::reader::Reader;

const PADDING: u64 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const ACK_ECN: u64 = 0x03;
const CRYPTO: u64 = 0x06;

/// The CRYPTO frames of a payload, with their offsets; up to the first frame that is none of those an Initial may carry.
pub(super) fn crypto(payload: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut reader = Reader::new(payload);
    std::iter::from_fn(move || {
        loop {
            match reader.varint()? {
                PADDING | PING => {}
                kind @ (ACK | ACK_ECN) => skip_ack(&mut reader, kind == ACK_ECN)?,
                CRYPTO => {
                    let offset = reader.varint()?;
                    let length = usize::try_from(reader.varint()?).ok()?;
                    return Some((offset, reader.take(length)?));
                }
                // CONNECTION_CLOSE, or nothing that belongs here.
                _ => return None,
            }
        }
    })
}

/// RFC 9000, 19.3. The count of ranges may lie; the bytes end.
fn skip_ack(reader: &mut Reader<'_>, with_ecn: bool) -> Option<()> {
    let (_largest, _delay, ranges, _first) = (reader.varint()?, reader.varint()?, reader.varint()?, reader.varint()?);
    for _ in 0..ranges {
        reader.varint()?;
        reader.varint()?;
    }
    if with_ecn {
        for _ in 0..3 {
            reader.varint()?;
        }
    }
    Some(())
}
