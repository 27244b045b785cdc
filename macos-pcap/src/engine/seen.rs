//! What a capture had in it, whether it counted or not.

use watcher_core::BootTime;

use super::Captured;
use crate::link::LinkType;

/// Frames by what became of them, since the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// All.
    pub frames: u64,
    /// On the wire, link headers included: bytes.
    pub wire_bytes: u64,
    /// ARP, LLDP and the like.
    pub not_ip: u64,
    /// Cut off within a header, or in a way that is not read here: what they carried is missing.
    pub unreadable: u64,
    /// Headers that contradict themselves: whoever receives these drops them.
    pub malformed: u64,
    /// Left out, because another interface shows them as well.
    pub elsewhere: u64,
    /// With PKTAP's header.
    pub tapped: u64,
    /// When the first was captured.
    pub first: Option<BootTime>,
    /// The latest time of any: captures are not always in order.
    pub last: Option<BootTime>,
}

impl Seen {
    #[inline]
    pub(super) fn frame(&mut self, frame: &Captured<'_>) {
        self.frames += 1;
        self.wire_bytes += frame.wire_len.max(frame.bytes.len() as u64);
        self.tapped += u64::from(frame.link == LinkType::Pktap);
        self.first = Some(self.first.map_or(frame.at, |first| first.min(frame.at)));
        self.last = self.last.max(Some(frame.at));
    }
}
