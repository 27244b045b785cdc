//! Requests as clients send them, and what is none.

use super::{Request, preface, request, request_partial, response};
use crate::names::parse::Parsed;
use proptest::prelude::*;

fn host(text: &str) -> Option<Option<String>> {
    request(text.as_bytes()).complete().map(|request| request.host.map(Into::into))
}

#[test]
fn the_host_is_the_targets_else_the_fields() {
    for (text, wanted) in [
        ("GET / HTTP/1.1\r\nHost: Example.com\r\n\r\n", Some("example.com")),
        ("GET / HTTP/1.1\r\nAccept: */*\r\nhOsT:example.com:8080 \r\n", Some("example.com")),
        ("GET http://a.example/x?y HTTP/1.1\r\nHost: b.example\r\n\r\n", Some("a.example")),
        ("GET http://a.example:80?http://c.example/ HTTP/1.0\r\n", Some("a.example")),
        ("GET /?u=http://c.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", Some("b.example")),
        ("CONNECT c.example:443 HTTP/1.1\r\nHost: proxy.example\r\n\r\n", Some("c.example")),
        ("POST / HTTP/1.1\nHost: lf.example\n\n", Some("lf.example")),
        ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: bad host\r\n\r\n", None),
        ("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", None),
        ("M-SEARCH * HTTP/1.1\r\n\r\nHost: body.example\r\n", None),
    ] {
        assert_eq!(host(text), Some(wanted.map(str::to_owned)), "{text}");
    }
}

#[test]
fn what_is_no_request_is_other() {
    for text in
        ["EHLO mail.example\r\n", "GET / HTTP/2.0\r\n", "get / HTTP/1.1\r\n", "GET  HTTP/1.1\r\n", "\r\n", "GET \x07"]
    {
        assert_eq!(request(text.as_bytes()), Parsed::Other, "{text}");
    }
    assert_eq!(request(&b"A".repeat(10_000)), Parsed::Other);
    let endless = [&b"GET / HTTP/1.1\r\n"[..], &b"X: y\r\n".repeat(5_000)].concat();
    assert_eq!(request(&endless), Parsed::Complete(Request { host: None, is_connect: false }), "it is not waited for");
}

#[test]
fn every_beginning_is_incomplete() {
    let text = b"CONNECT c.example:443 HTTP/1.1\r\n";
    for end in 0..text.len() {
        assert_eq!(request(&text[..end]), Parsed::Incomplete, "{end}");
    }
    assert!(request(text).complete().is_some_and(|request| request.is_connect));
    let part = request_partial(b"GET / HTTP/1.1\r\nHost: cut.exam");
    assert_eq!(part, Some(Request { host: None, is_connect: false }), "half a name is none");
}

#[test]
fn status_lines_and_prefaces_are_known_by_their_beginning() {
    assert_eq!(response(b"HTTP/1.1 200 OK\r\n"), Parsed::Complete(()));
    assert_eq!(response(b"HTTP/1.0 404"), Parsed::Complete(()));
    assert_eq!(response(b"HTTP/1.1 999"), Parsed::Other);
    assert_eq!(preface(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"), Parsed::Complete(()));
    for end in 0..12 {
        assert_eq!(response(&b"HTTP/1.1 200"[..end]), Parsed::Incomplete);
        assert_eq!(preface(&b"PRI * HTTP/2.0"[..end]), Parsed::Incomplete);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let line = [&b"GET / HTTP/1.1\r\n"[..], &bytes].concat();
        for stream in [&bytes, &line] {
            let _ = (request(stream), request_partial(stream), response(stream), preface(stream));
        }
    }

    #[test]
    fn a_host_is_a_host_name_or_nothing(text in "\\PC{0,40}") {
        if let Some(Some(name)) = host(&format!("GET / HTTP/1.1\r\nHost: {text}\r\n\r\n")) {
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
        }
    }
}
