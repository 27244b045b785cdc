//! One direction of a connection: nine bytes are a segment or an acknowledgement.
#![no_main]

use libfuzzer_sys::fuzz_target;
use macos_pcap::packet::{Flags, Segment};
use macos_pcap::stream::Stream;

fuzz_target!(|bytes: &[u8]| {
    let mut stream = Stream::default();
    let mut most = 0;
    for event in bytes.chunks_exact(9) {
        let (Some(seq), Some(len)) = (event.first_chunk::<4>(), event[4..].first_chunk::<4>()) else { return };
        let seq = u32::from_be_bytes(*seq);
        let len = u64::from(u32::from_be_bytes(*len));
        let before = stream.bytes();
        let new = if event[8] & 0x80 == 0 {
            most += len;
            stream.segment(&Segment { seq, flags: Flags(event[8]), ..Segment::default() }, len)
        } else {
            stream.acknowledge(seq)
        };
        assert_eq!(stream.bytes(), before + new);
        assert!(stream.bytes() - stream.missed_by_capture() <= most, "more was seen than there was");
    }
});
