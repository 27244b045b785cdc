//! One byte there and one byte back, over TCP on loopback, both ends on one processor.
//!
//! On two, a virtual machine spends most of a round trip waking the other processor: slower, unsteady, and kind to
//! whatever is measured. On one, every nanosecond of a call is in the rate.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{number, pin, say, wait};

/// `pong`: says its port, then answers one client until it closes.
pub fn server(_: &[String]) -> Result<()> {
    pin(0)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    say(&format!("{}", listener.local_addr()?.port()))?;
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut byte = [0];
    while stream.read(&mut byte).context("cannot read")? == 1 {
        stream.write_all(&byte).context("cannot answer")?;
    }
    Ok(())
}

/// `ping PORT MILLISECONDS`: says how many round trips fitted, and into how many microseconds.
pub fn client(args: &[String]) -> Result<()> {
    let (port, milliseconds) = (number::<u16>(args, 0)?, number::<u64>(args, 1)?);
    pin(0)?;
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    say("ready")?;
    wait()?;
    let begun = Instant::now();
    let mut round_trips = 0_u64;
    while begun.elapsed() < Duration::from_millis(milliseconds) {
        // The clock is read once a hundred, so that it is not what is measured.
        for _ in 0..100 {
            stream.write_all(b"x")?;
            stream.read_exact(&mut [0])?;
        }
        round_trips += 100;
    }
    say(&format!("{round_trips} {}", begun.elapsed().as_micros()))
}
