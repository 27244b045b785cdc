//! Both sides' hellos. The first byte says where the stream was cut before the rest came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watcher_core::names::parse::Parsed;
use watcher_core::names::parse::tls::{
    client_hello, client_hello_partial, hello_message, server_flight, server_flight_partial, server_hello_message,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, stream)) = bytes.split_first() else { return };
    let _ = (hello_message(stream), server_hello_message(stream));
    let early = &stream[..stream.len() * usize::from(*cut) / 256];
    match (client_hello(early), client_hello(stream)) {
        (Parsed::Complete(early), Parsed::Complete(whole)) => assert_eq!(early, whole, "more bytes change nothing"),
        (Parsed::Complete(_) | Parsed::Other, Parsed::Incomplete) => panic!("less was known than before"),
        (Parsed::Other, Parsed::Complete(_)) | (Parsed::Complete(_), Parsed::Other) => panic!("the verdict turned"),
        _ => {}
    }
    if let Some(hello) = client_hello_partial(stream) {
        assert!(hello.alpn.iter().all(|name| name.bytes().all(|b| b.is_ascii_graphic())));
    }
    let _ = server_flight(early);
    let issuers = [server_flight_partial(stream), server_flight(stream).complete()];
    for issuer in issuers.into_iter().flatten().filter_map(|flight| flight.issuer) {
        assert!(issuer.chars().count() <= 128 && !issuer.chars().any(char::is_control), "{issuer:?}");
    }
});
