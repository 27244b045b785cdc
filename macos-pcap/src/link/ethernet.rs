//! Ethernet II, and the tags that can stand before its type.

use super::{Frame, LinkError, by_ethertype};
use crate::bytes::be16;

/// Stacked tags that are looked through. Two are common (QinQ); nobody is known to use more than three.
pub(super) const MOST_TAGS: usize = 8;

/// 802.1Q, 802.1ad, and the number that QinQ had before it was standardised.
const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

pub(super) fn open(captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    by_ethertype(12, captured, wire_len)
}

/// The type that is no tag, from the one at `at` on, and where what it announces begins.
pub(super) fn behind_tags(captured: &[u8], mut at: usize) -> Result<(u16, usize), LinkError> {
    for _ in 0..=MOST_TAGS {
        let kind = be16(captured, at).ok_or(LinkError::Short("Ethernet"))?;
        if !TAGS.contains(&kind) {
            return Ok((kind, at + 2));
        }
        at += 4;
    }
    Err(LinkError::Tags)
}
