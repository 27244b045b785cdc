//! Many small processes that each carry something once a second.

use std::net::UdpSocket;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};

use super::{number, say, wait};

/// `crowd PROCESSES SECONDS`: each process has a UDP socket that sends a byte to itself every second: one flow.
pub fn main(args: &[String]) -> Result<()> {
    let (processes, seconds) = (number::<u32>(args, 0)?, number::<u64>(args, 1)?);
    let parent = getpid();
    let mut children = Vec::new();
    for _ in 0..processes {
        // SAFETY: this process has one thread, so its copy may do whatever it might do itself.
        match unsafe { fork() }.context("cannot make another process")? {
            ForkResult::Child => return one(parent),
            // All of them do not begin at once.
            ForkResult::Parent { child } => {
                children.push(child);
                sleep(Duration::from_micros(100));
            }
        }
    }
    // The last one's first byte, too.
    sleep(Duration::from_secs(1));
    say("ready")?;
    wait()?;
    sleep(Duration::from_secs(seconds));
    say("done")?;
    wait()?;
    for child in children {
        kill(child, Signal::SIGKILL)?;
        waitpid(child, None)?;
    }
    Ok(())
}

fn one(parent: Pid) -> Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != parent {
        bail!("its parent is gone");
    }
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(socket.local_addr()?)?;
    loop {
        socket.send(b"0")?;
        socket.recv(&mut [0])?;
        sleep(Duration::from_secs(1));
    }
}
