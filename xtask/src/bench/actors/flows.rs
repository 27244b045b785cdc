//! Many connections that each carry something once a second.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::libc;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Linger;

use super::{allow_files, number, say, wait};

/// `flows CONNECTIONS SECONDS`: both ends are in this process, so that is twice as many flows.
pub fn main(args: &[String]) -> Result<()> {
    let (connections, seconds) = (number::<usize>(args, 0)?, number::<u64>(args, 1)?);
    allow_files(2 * connections as u64 + 100)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut pairs = Vec::with_capacity(connections);
    for _ in 0..connections {
        let client = TcpStream::connect(listener.local_addr()?)?;
        // Nothing of so many connections is to wait for a minute once they are over.
        setsockopt(&client, Linger, &libc::linger { l_onoff: 1, l_linger: 0 })?;
        pairs.push((client, listener.accept()?.0));
    }
    say("ready")?;
    wait()?;
    let begun = Instant::now();
    for second in 1..=seconds {
        for (client, server) in &mut pairs {
            client.write_all(b"0123456789")?;
            server.read_exact(&mut [0; 10])?;
        }
        thread::sleep((begun + Duration::from_secs(second)).saturating_duration_since(Instant::now()));
    }
    say("done")?;
    wait()
}
