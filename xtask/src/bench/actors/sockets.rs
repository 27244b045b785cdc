//! Sockets that live for one datagram.

use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;

use anyhow::{Context as _, Result};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, sendto, socket};

use super::{number, say, wait};

/// `sockets ADDRESS COUNT`: makes, uses and closes as many, one after the other; says how many bytes it sent.
pub fn main(args: &[String]) -> Result<()> {
    let (to, count) = (number::<SocketAddr>(args, 0)?, number::<u64>(args, 1)?);
    let to = SockaddrStorage::from(to);
    say("ready")?;
    wait()?;
    let mut sent = 0;
    for _ in 0..count {
        let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        sent += sendto(socket.as_raw_fd(), b"hello", &to, MsgFlags::empty()).context("cannot send")?;
    }
    say(&format!("{sent}"))?;
    // Stays until the figures were read.
    wait()
}
