//! Small datagrams, as many a second as are asked for or as the machine sends.

use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};
use std::{iter, thread};

use anyhow::{Context as _, Result};
use nix::sys::socket::{MsgFlags, MultiHeaders, sendmmsg};

use super::{named, number, say, wait};

/// Given to the kernel with one call.
const BURST: usize = 64;
/// How long one rests who is ahead of the rate.
const REST: Duration = Duration::from_micros(50);

/// `datagrams ADDRESS RATE SECONDS SIZE`: says bytes of payload, datagrams and microseconds.
pub fn main(args: &[String]) -> Result<()> {
    named("bench-client")?;
    let to: SocketAddr = number(args, 0)?;
    let (rate, seconds, size) = (number::<u64>(args, 1)?, number::<u64>(args, 2)?, number::<usize>(args, 3)?);
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(to).context("cannot connect")?;
    let payload = vec![b'x'; size];
    let slices: Vec<[IoSlice<'_>; 1]> = iter::repeat_n([IoSlice::new(&payload)], BURST).collect();
    let mut headers = MultiHeaders::<()>::preallocate(BURST, None);
    say("ready")?;
    wait()?;
    let (begun, until) = (Instant::now(), Duration::from_secs(seconds));
    let (mut bytes, mut datagrams) = (0_u64, 0_u64);
    let took = loop {
        let elapsed = begun.elapsed();
        if elapsed >= until {
            break elapsed;
        }
        if u128::from(datagrams) * 1_000_000 >= elapsed.as_micros() * u128::from(rate) {
            thread::sleep(REST);
            continue;
        }
        let sent = sendmmsg(socket.as_raw_fd(), &mut headers, &slices, [None; BURST], [], MsgFlags::empty())
            .context("cannot send")?;
        for one in sent {
            bytes += one.bytes as u64;
            datagrams += 1;
        }
    };
    say(&format!("{bytes} {datagrams} {}", took.as_micros()))?;
    wait()
}

/// `sink`: says its port, and lets the kernel drop what comes: nobody answers that there is no such port.
pub fn sink() -> Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    say(&format!("{}", socket.local_addr()?.port()))?;
    wait()
}
