//! Short requests, each over a connection of its own: by one process, or each by a process of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::{VERB, named, number, say, wait};

const REQUEST: [u8; 100] = [b'?'; 100];
const ANSWER: [u8; 1_000] = [b'!'; 1_000];

/// `request-server COUNT`: says its port, answers as many, says what it received and sent. It is who closes: the client's ports
/// are free again at once.
pub fn server(args: &[String]) -> Result<()> {
    named("bench-server")?;
    let count = number::<usize>(args, 0)?;
    let listener = TcpListener::bind("0.0.0.0:0")?;
    say(&format!("{}", listener.local_addr()?.port()))?;
    let (mut received, mut sent) = (0, 0);
    for _ in 0..count {
        let (mut stream, _) = listener.accept().context("cannot accept")?;
        let mut request = [0; REQUEST.len()];
        stream.read_exact(&mut request).context("cannot read a request")?;
        stream.write_all(&ANSWER).context("cannot answer")?;
        (received, sent) = (received + REQUEST.len(), sent + ANSWER.len());
    }
    say(&format!("{received} {sent}"))?;
    wait()
}

/// `request-client ADDRESS COUNT`: says what it received and sent, and in how many microseconds.
pub fn client(args: &[String]) -> Result<()> {
    named("bench-client")?;
    let (to, count) = (number::<SocketAddr>(args, 0)?, number::<usize>(args, 1)?);
    say("ready")?;
    wait()?;
    let begun = Instant::now();
    let (mut received, mut sent) = (0, 0);
    for _ in 0..count {
        let moved = ask(to)?;
        (received, sent) = (received + moved.0, sent + moved.1);
    }
    say(&format!("{received} {sent} {}", begun.elapsed().as_micros()))?;
    wait()
}

/// `request-crowd ADDRESS COUNT`: starts as many processes, one after the other. Each says which it is, what it received and what
/// it sent; then this says microseconds.
pub fn crowd(args: &[String]) -> Result<()> {
    named("bench-crowd")?;
    let (to, count) = (number::<SocketAddr>(args, 0)?, number::<usize>(args, 1)?);
    let program = std::env::current_exe().context("cannot tell where xtask itself lies")?;
    say("ready")?;
    wait()?;
    let begun = Instant::now();
    for _ in 0..count {
        let mut one = Command::new(&program);
        let status = one.args([VERB, "request-one", &to.to_string()]).stdin(Stdio::null()).status();
        ensure!(status.context("cannot start a process")?.success(), "a request failed");
    }
    say(&format!("{}", begun.elapsed().as_micros()))?;
    wait()
}

/// `request-one ADDRESS`: one request, and the end.
pub fn one(args: &[String]) -> Result<()> {
    named("bench-one")?;
    let (received, sent) = ask(number(args, 0)?)?;
    say(&format!("{} {received} {sent}", std::process::id()))
}

/// Bytes received, and sent.
fn ask(to: SocketAddr) -> Result<(usize, usize)> {
    let mut stream = TcpStream::connect(to).context("cannot connect")?;
    stream.write_all(&REQUEST).context("cannot ask")?;
    let mut buffer = [0; 2 * ANSWER.len()];
    let mut received = 0;
    loop {
        match stream.read(&mut buffer).context("cannot read")? {
            0 => return Ok((received, REQUEST.len())),
            bytes => received += bytes,
        }
    }
}
