//! Hellos without a name, and hellos that come in pieces.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use anyhow::Result;
use rustls::ClientConnection;

use super::{Case, tls::server};
use crate::{
    certificate::Certificate,
    row::{Known, Tls},
    scene::{SERVER, Scene},
};

pub const CASES: &[Case] = &[
    Case::new("a_hello_without_a_name_is_tls_all_the_same", nameless),
    Case::new("a_hello_over_several_packets_is_read", large),
    Case::new("a_hello_written_in_three_pieces_is_read", |scene| pieces(scene, 200)),
    // Some programs do that so that nobody on the way can read it.
    Case::new("a_hello_whose_first_piece_is_a_few_bytes_is_read", |scene| pieces(scene, 3)),
    Case::new("a_hello_whose_first_piece_is_one_byte_is_read", |scene| pieces(scene, 1)),
];

const PORT: u16 = 4433;

fn nameless(scene: &mut Scene<'_>) -> Result<()> {
    let certificate = Certificate::of(scene, &[scene.domain("www")])?;
    let server = server(scene, &certificate, SERVER, PORT, &["-www"])?;
    let (pid, _) = scene.client(&["openssl", "s_client", "-noservername", "-connect", &format!("{SERVER}:{PORT}")])?;
    let known = Known::default().speaks("TLS").tls(&Tls::new("TLS 1.3", "TLS 1.3", &[]));
    assert_eq!(scene.row_of(pid, PORT)?.known(), known);
    let served = scene.served_on(PORT)?;
    assert_eq!((served.pid, served.known()), (server.pid(), known));
    Ok(())
}

/// More than two packets of protocols; the first are kept.
fn many_protocols() -> (Vec<String>, Tls) {
    let names: Vec<String> = (0..200).map(|n| format!("a-protocol-{n:03}")).collect();
    let first: Vec<&str> = names.iter().take(8).map(String::as_str).collect();
    let tls = Tls::new("TLS 1.3", "TLS 1.3", &first);
    (names, tls)
}

fn large(scene: &mut Scene<'_>) -> Result<()> {
    // Packets leave as they will be on the wire.
    for place in [&scene.here, &scene.there] {
        place.ip("link set veth0 gso_max_segs 1")?;
    }
    let name = scene.domain("large");
    let certificate = Certificate::of(scene, std::slice::from_ref(&name))?;
    let server = server(scene, &certificate, SERVER, PORT, &["-www"])?;
    let (names, tls) = many_protocols();
    // One that the server has, last.
    let names = names.join(",") + ",http/1.1";
    let at = format!("{SERVER}:{PORT}");
    let words = ["openssl", "s_client", "-connect", &at, "-servername", &name, "-alpn", &names];
    let (pid, _) = scene.client(&words)?;
    assert_eq!(scene.row_of(pid, PORT)?.known(), Known::asked(&name, "sni").speaks("TLS").tls(&tls));
    let served = scene.served_on(PORT)?;
    assert_eq!((served.pid, served.known()), (server.pid(), Known::served(&name).speaks("TLS").tls(&tls)));
    Ok(())
}

/// Each piece is on a packet of its own: the next is written when the one before has arrived.
fn pieces(scene: &mut Scene<'_>, first: usize) -> Result<()> {
    let name = scene.domain("pieces");
    let certificate = Certificate::of(scene, std::slice::from_ref(&name))?;
    let (names, tls) = many_protocols();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let config = certificate.client(rustls::ALL_VERSIONS, &names)?;
    let mut hello = Vec::new();
    ClientConnection::new(Arc::new(config), name.clone().try_into()?)?.write_tls(&mut hello)?;
    let listener = scene.there.within(|| Ok(TcpListener::bind((SERVER, 0))?))?;
    let at = listener.local_addr()?;
    let mut client = scene.here.within(|| Ok(TcpStream::connect(at)?))?;
    client.set_nodelay(true)?;
    let (mut server, _) = listener.accept()?;
    let (first, rest) = hello.split_at(first);
    let (second, third) = rest.split_at(rest.len() / 2);
    for piece in [first, second, third] {
        client.write_all(piece)?;
        server.read_exact(&mut vec![0; piece.len()])?;
    }
    let from = client.local_addr()?;
    let tls = Tls { chosen: None, ..tls };
    let asked = scene.own(&scene.here, from.port(), at)?;
    assert_eq!(asked.known(), Known::asked(&name, "sni").speaks("TLS").tls(&tls));
    assert_eq!(asked.tx_bytes, hello.len() as u64);
    let served = scene.own(&scene.there, at.port(), from)?;
    assert_eq!(served.known(), Known::served(&name).speaks("TLS").tls(&tls));
    assert_eq!(served.rx_bytes, hello.len() as u64);
    Ok(())
}
