//! As many bytes as are asked for over TCP, both ways at the same time.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::{VERB, named, number, say, wait};

/// What one call moves.
const CHUNK: usize = 128 * 1024;

/// What this process received and sent.
type Moved = (u64, u64);

/// `stream-server BYTES CONNECTIONS`: says its port, serves as many connections, says what it received and sent.
pub fn server(args: &[String]) -> Result<()> {
    named("bench-server")?;
    let (bytes, connections) = (number(args, 0)?, number(args, 1)?);
    let listener = listening()?;
    let accepted = (0..connections).map(|_| Ok(listener.accept().context("cannot accept")?.0));
    let (received, sent) = all(accepted, bytes)?;
    say(&format!("{received} {sent}"))?;
    wait()
}

/// `stream-client ADDRESS BYTES CONNECTIONS`: says what it received and sent, and in how many microseconds.
pub fn client(args: &[String]) -> Result<()> {
    named("bench-client")?;
    let (to, bytes, connections) = (number::<SocketAddr>(args, 0)?, number(args, 1)?, number(args, 2)?);
    say("ready")?;
    wait()?;
    let begun = Instant::now();
    let connected = (0..connections).map(|_| TcpStream::connect(to).context("cannot connect"));
    let (received, sent) = all(connected, bytes)?;
    say(&format!("{received} {sent} {}", begun.elapsed().as_micros()))?;
    wait()
}

/// `stream-parent BYTES CONNECTIONS`: says its port and accepts; a child of its own serves each connection, and says which process
/// it is and what it received and sent. Then this says 0.
pub fn parent(args: &[String]) -> Result<()> {
    named("bench-parent")?;
    let (bytes, connections) = (number::<u64>(args, 0)?, number::<usize>(args, 1)?);
    let program = std::env::current_exe().context("cannot tell where xtask itself lies")?;
    let listener = listening()?;
    let mut children = Vec::new();
    for _ in 0..connections {
        let stream = OwnedFd::from(listener.accept().context("cannot accept")?.0);
        let mut child = Command::new(&program);
        child.args([VERB, "stream-child", &bytes.to_string()]).stdin(Stdio::from(stream));
        children.push(child.spawn().context("cannot start a child")?);
    }
    for mut child in children {
        child.wait().context("cannot wait for a child")?;
    }
    say("0")?;
    wait()
}

/// `stream-child BYTES`: its standard input is the connection.
pub fn child(args: &[String]) -> Result<()> {
    named("bench-child")?;
    let stream = std::io::stdin().as_fd().try_clone_to_owned().context("no connection")?;
    let (received, sent) = both_ways(&TcpStream::from(stream), number(args, 0)?)?;
    say(&format!("{} {received} {sent}", std::process::id()))
}

fn listening() -> Result<TcpListener> {
    let listener = TcpListener::bind("0.0.0.0:0")?;
    say(&format!("{}", listener.local_addr()?.port()))?;
    Ok(listener)
}

/// All at the same time.
fn all(streams: impl Iterator<Item = Result<TcpStream>>, bytes: u64) -> Result<Moved> {
    let mut threads = Vec::new();
    for stream in streams {
        let stream = stream?;
        threads.push(thread::spawn(move || both_ways(&stream, bytes)));
    }
    let (mut received, mut sent) = (0, 0);
    for thread in threads {
        let moved = thread.join().ok().context("a thread panicked")??;
        (received, sent) = (received + moved.0, sent + moved.1);
    }
    Ok((received, sent))
}

fn both_ways(stream: &TcpStream, bytes: u64) -> Result<Moved> {
    thread::scope(|scope| {
        let sending = scope.spawn(|| send(stream, bytes));
        let received = receive(stream, bytes)?;
        Ok((received, sending.join().ok().context("a thread panicked")??))
    })
}

fn send(mut stream: &TcpStream, bytes: u64) -> Result<u64> {
    let chunk = [b'x'; CHUNK];
    let mut sent = 0;
    while sent < bytes {
        let most = CHUNK.min(usize::try_from(bytes - sent)?);
        sent += stream.write(&chunk[..most]).context("cannot write")? as u64;
    }
    Ok(sent)
}

fn receive(mut stream: &TcpStream, bytes: u64) -> Result<u64> {
    let mut chunk = [0; CHUNK];
    let mut received = 0;
    while received < bytes {
        match stream.read(&mut chunk).context("cannot read")? {
            0 => break,
            some => received += some as u64,
        }
    }
    Ok(received)
}
