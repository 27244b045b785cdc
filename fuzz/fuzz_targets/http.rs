//! HTTP/1 heads and the preface of HTTP/2.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watcher_core::names::parse::http::{preface, request, request_partial, response};

fuzz_target!(|bytes: &[u8]| {
    let _ = (preface(bytes), response(bytes));
    for request in [request(bytes).complete(), request_partial(bytes)].into_iter().flatten() {
        let host = request.host.unwrap_or_default();
        assert!(
            host.len() <= 253 && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)),
            "{host:?}"
        );
    }
});
