//! Short connections, as fast as they go: connect, send, close, read to the end, close.
//!
//! As two processes where it matters whose bytes they are, and as one thread, which is faster and steadier, for the rate.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::{number, pin, say, wait};

/// What each connection carries.
const REQUEST: [u8; 100] = [b'x'; 100];

/// Far fewer than there are ephemeral ports: a closed connection keeps its port for a minute, and the search for a free
/// one is not what is measured.
const CONNECTIONS_PER_ADDRESS: usize = 1_000;

/// `accept COUNT`: says its port, then accepts as many, then says what it received.
pub fn server(args: &[String]) -> Result<()> {
    let count = number::<usize>(args, 0)?;
    pin(0)?;
    let listener = TcpListener::bind("0.0.0.0:0")?;
    say(&format!("{}", listener.local_addr()?.port()))?;
    let mut received = 0;
    let mut buffer = [0; 256];
    for _ in 0..count {
        let (mut stream, _) = listener.accept().context("cannot accept")?;
        loop {
            match stream.read(&mut buffer).context("cannot read")? {
                0 => break,
                bytes => received += bytes,
            }
        }
    }
    say(&format!("{received}"))?;
    // Stays until the figures were read: its own end is not what is measured.
    wait()
}

/// `connect PORT COUNT`: says how many bytes it sent.
pub fn client(args: &[String]) -> Result<()> {
    let (port, count) = (number::<u16>(args, 0)?, number::<usize>(args, 1)?);
    pin(1)?;
    say("ready")?;
    wait()?;
    let mut sent = 0;
    for connection in 0..count {
        let mut stream = TcpStream::connect(server_address(connection, port)).context("cannot connect")?;
        sent += stream.write(&REQUEST).context("cannot write")?;
    }
    say(&format!("{sent}"))?;
    wait()
}

/// `churn COUNT`: says microseconds.
pub fn churn(args: &[String]) -> Result<()> {
    let count = number::<usize>(args, 0)?;
    pin(0)?;
    let listener = TcpListener::bind("0.0.0.0:0")?;
    let port = listener.local_addr()?.port();
    say("ready")?;
    wait()?;
    let begun = Instant::now();
    let mut buffer = [0; 256];
    for connection in 0..count {
        let mut client = TcpStream::connect(server_address(connection, port)).context("cannot connect")?;
        let (mut server, _) = listener.accept().context("cannot accept")?;
        client.write_all(&REQUEST).context("cannot write")?;
        drop(client);
        while server.read(&mut buffer).context("cannot read")? > 0 {}
    }
    say(&format!("{}", begun.elapsed().as_micros()))
}

/// Where the connection of this number goes: all addresses are this machine.
fn server_address(connection: usize, port: u16) -> SocketAddr {
    let [high, low] = u16::try_from(connection / CONNECTIONS_PER_ADDRESS).unwrap_or(u16::MAX).to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, 3, high, low), port))
}
