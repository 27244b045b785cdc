//! That first bytes are seen, on every kernel: what they are taken to mean is for `tests/names`.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket},
    thread,
};

use anyhow::{Context as _, Result};

use super::Case;
use crate::stage::Stage;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../watcher-core/fixtures/", $name)).as_slice()
    };
}

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a_connection_goes_by_the_name_in_its_hello", |stage| stream(&stage)),
        Case::new("a_datagram_socket_goes_by_the_names_in_its_hellos", |stage| datagrams(&stage)),
    ]
}

/// A real hello over TCP: the client's end goes by its name, the server's end was asked for it.
fn stream(stage: &Stage<'_>) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let at = listener.local_addr()?;
    let server = thread::spawn(move || -> std::io::Result<usize> {
        let mut bytes = Vec::new();
        listener.accept()?.0.read_to_end(&mut bytes)
    });
    let mut client = TcpStream::connect(at)?;
    client.write_all(fixture!("tls/client-tls13.bin"))?;
    client.shutdown(Shutdown::Write)?;
    client.read_to_end(&mut Vec::new())?;
    let taken = server.join().ok().context("the server panicked")??;
    anyhow::ensure!(taken == fixture!("tls/client-tls13.bin").len(), "{taken} bytes arrived");
    named(stage, &at.to_string(), "www.example.com", "sni")
}

/// Real QUIC Initials from one unconnected socket: each remote goes by its own.
fn datagrams(stage: &Stage<'_>) -> Result<()> {
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let servers = [fixture!("quic/rfc9001-client.bin"), fixture!("quic/rfc9369-client.bin")].map(|initial| {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        client.send_to(initial, server.local_addr()?)?;
        let (length, _) = server.recv_from(&mut [0; 2_048])?;
        anyhow::ensure!(length == initial.len(), "{length} bytes arrived");
        Ok(server)
    });
    for server in servers {
        named(stage, &server?.local_addr()?.to_string(), "example.com", "quic")?;
    }
    Ok(())
}

fn named(stage: &Stage<'_>, remote: &str, name: &str, source: &str) -> Result<()> {
    let Some(watcher) = stage.suite().watcher() else { return Ok(()) };
    let this = std::process::id();
    watcher.wait(&format!("{remote} by the name of {name}"), |state| {
        // By packets it may be nobody's: it is over at once.
        let mut rows = state
            .connections
            .values()
            .filter(|row| [this, 0].contains(&row.pid) && row.remote.as_deref() == Some(remote));
        rows.any(|row| row.remote_name.as_deref() == Some(name) && row.name_source.as_deref() == Some(source))
            .then_some(())
    })
}
