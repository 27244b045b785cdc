//! Copies of the first bytes of flows, out of their ring.

use watcher_common::HeadHeader;
use watcher_core::{
    BootTime, ProcessId, SocketId,
    names::{Head, Transport, Way},
};

use super::{convert::address, raw::record, ring::Sink};

/// Bytes of payload that wait to be collected. Beyond it the ring fills up, and heads get lost.
const MOST: usize = 4 << 20;
/// IPPROTO_TCP, as packets have it.
const TCP: u8 = 6;

/// What lay in the ring, in order.
#[derive(Default)]
pub struct Heads(pub Vec<Head>, usize);

impl Sink for Heads {
    fn is_full(&self) -> bool {
        self.1 >= MOST
    }

    fn take_in(&mut self, bytes: &[u8]) {
        if let Some(head) = head(bytes) {
            self.1 += head.bytes.len() + size_of::<Head>();
            self.0.push(head);
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
        let mut heads = Heads::default();
        for length in [0, 1, size_of::<HeadHeader>() - 1] {
            heads.take_in(&vec![9; length]);
        }
        // Says that more follows than does.
        heads.take_in(&[9; size_of::<HeadHeader>() + 8]);
        assert!(heads.0.is_empty());
        heads.take_in(&[0; size_of::<HeadHeader>() + 8]);
        assert_eq!((heads.0.len(), heads.0[0].bytes.len()), (1, 0));
    }
}
