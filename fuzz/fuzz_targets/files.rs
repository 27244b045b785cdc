//! Files of captures, pcap and pcapng: no frame is longer than the file, nor are there more than bytes in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use macos_pcap::files::{FileError, read};

fuzz_target!(|bytes: &[u8]| {
    let mut frames = 0_usize;
    let done = read(bytes, |frame| {
        frames += 1;
        assert!(frame.bytes.len() <= bytes.len());
    });
    assert!(frames <= bytes.len());
    match done {
        Ok(skipped) => assert_eq!(skipped.frames > 0, skipped.link.is_some()),
        Err(FileError::Cut(at) | FileError::Damaged(at) | FileError::Interface(at, _)) => {
            assert!(at <= bytes.len() as u64);
        }
        Err(FileError::Empty) => assert!(bytes.is_empty()),
        Err(FileError::Read) => panic!("memory can always be read"),
        Err(FileError::Unknown | FileError::Link(_)) => {}
    }
});
