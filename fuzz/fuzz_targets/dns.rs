//! DNS messages, in a datagram and in a stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watcher_core::names::parse::dns::{MAX_ANSWERS, is_message, message, tcp_messages};

fuzz_target!(|bytes: &[u8]| {
    let _ = is_message(bytes);
    for message in tcp_messages(bytes).filter_map(message).chain(message(bytes)) {
        assert!(message.answers.len() <= MAX_ANSWERS);
        let names = message.answers.iter().map(|answer| &answer.name).chain([&message.question.name]);
        for name in names {
            assert!(name.len() <= 4 * 255 && name.bytes().all(|b| b.is_ascii_graphic()), "{name:?}");
        }
    }
});
