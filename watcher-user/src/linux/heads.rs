//! Copies of the first bytes of flows, out of their ring.

use watcher_common::HeadHeader;
use watcher_core::{
    BootTime, ProcessId, SocketId,
    names::{Head, Heard, Reader, Transport, Way},
};

use super::{convert::address, raw::record, ring::Sink};

/// What was told and not collected yet: beyond it the ring fills up, and heads get lost.
const MOST: usize = 1 << 14;
/// IPPROTO_TCP, as packets have it.
const TCP: u8 = 6;

/// Reads what lies in the ring, as it comes: it is large, and what it tells is little.
#[derive(Default)]
pub struct Heads {
    reader: Reader,
    heard: Vec<Heard>,
}

impl Sink for Heads {
    type Taken = Vec<Heard>;

    fn take(&mut self) -> Vec<Heard> {
        std::mem::take(&mut self.heard)
    }

    fn is_full(&self) -> bool {
        self.heard.len() >= MOST
    }

    fn take_in(&mut self, bytes: &[u8]) {
        if let Some(head) = head(bytes) {
            self.reader.read(&head, &mut self.heard);
        }
    }
}

/// `None` for bytes that are no record: a fault, never expected.
fn head(bytes: &[u8]) -> Option<Head> {
    let header: HeadHeader = record(bytes)?;
    let payload = bytes.get(size_of::<HeadHeader>()..)?.get(..header.copied as usize)?;
    // The family matters for addresses that are nobody's only, and packets have none of these.
    let at = |bytes, port| address(bytes, port, 0);
    Some(Head {
        at: BootTime(header.at),
        socket: SocketId { cookie: header.cookie, epoch: header.epoch },
        owner: ProcessId { tgid: header.owner_tgid, start: BootTime(header.owner_start) },
        way: if header.received == 0 { Way::Sent } else { Way::Received },
        transport: if header.protocol == TCP { Transport::Tcp { seq: header.seq } } else { Transport::Udp },
        local: at(header.local, header.local_port),
        remote: at(header.remote, header.remote_port),
        bytes: payload.into(),
        length: header.length,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_record_do_no_harm() {
        for length in [0, 1, size_of::<HeadHeader>() - 1] {
            assert_eq!(head(&vec![9; length]), None);
        }
        // Says that more follows than does.
        assert_eq!(head(&[9; size_of::<HeadHeader>() + 8]), None);
        assert_eq!(head(&[0; size_of::<HeadHeader>() + 8]).map(|head| head.bytes.len()), Some(0));
        let mut heads = Heads::default();
        heads.take_in(&[9; size_of::<HeadHeader>() + 8]);
        assert!(heads.take().is_empty());
    }
}
