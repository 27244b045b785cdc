//! Streams read and written in unusual ways.

use std::{io::ErrorKind, os::fd::AsFd as _, time::Duration};

use super::{
    Actor, Args, Play,
    calls::{BYTES, MOST},
    conversation::Conversation,
    socket::{Host, Transport, accept, local},
};
use crate::sys;
use anyhow::{Result, bail, ensure};

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("nonblocking-client", nonblocking_client),
    ("slow-server", slow_server),
    ("interrupted-client", interrupted),
    ("urgent-client", urgent_client),
    ("urgent-server", urgent_server),
    ("splice-late", splice_late),
    ("splice-proxy", proxy),
    ("bulk-server", bulk_server),
    ("bulk-client", bulk_client),
];

/// `host in out`: starts to read when told, without ever blocking.
fn slow_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    let (n_in, n_out): (u64, u64) = (args.next("in")?, args.next("out")?);
    actor.announce(local(&listener)?)?;
    let socket = accept(&listener)?;
    socket.set_nonblocking(true)?;
    let mut talk = Conversation::new("tcp", socket.try_clone()?, "send")?;
    actor.await_go()?;
    let (mut left, mut again) = (n_in, 0);
    while left > 0 {
        match sys::recv(talk.as_fd(), &mut vec![0; MOST], 0) {
            Ok(0) => bail!("ended with {left} bytes left"),
            Ok(n) => {
                talk.count(0, n as u64);
                left -= n as u64;
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                again += 1;
                sys::poll(talk.as_fd(), libc::POLLIN, Duration::from_secs(10))?;
            }
            Err(e) => return Err(e.into()),
        }
    }
    socket.set_nonblocking(false)?;
    actor.note("again", again);
    talk.send(n_out)?;
    talk.expect_end()?;
    talk.finish(actor)
}

/// `address out in`: writes without blocking until nothing more fits, says so, and goes on as room comes.
fn nonblocking_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket = Transport::Tcp.connect(args.next("address")?)?;
    let (mut left, n_in): (usize, u64) = (args.next("out")?, args.next("in")?);
    socket.set_nonblocking(true)?;
    let mut talk = Conversation::new("tcp", socket.try_clone()?, "send")?;
    let (mut partial, mut again) = (0, 0);
    while left > 0 {
        let asked = left.min(300_001);
        match sys::send(talk.as_fd(), &BYTES[..asked], 0) {
            Ok(n) => {
                talk.count(n as u64, 0);
                left -= n;
                partial += u64::from(n < asked);
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                if again == 0 {
                    actor.announce("full")?;
                }
                again += 1;
                sys::poll(talk.as_fd(), libc::POLLOUT, Duration::from_secs(10))?;
            }
            Err(e) => return Err(e.into()),
        }
    }
    socket.set_nonblocking(false)?;
    actor.note("partial", partial);
    actor.note("again", again);
    talk.recv(n_in)?;
    talk.finish(actor)
}

/// `address out`: a signals cut blocking sends short, which return what was taken until then, until one finds nothing taken and
/// gives EINTR.
fn interrupted(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket = Transport::Tcp.connect(args.next("address")?)?;
    // Fixed, so that it does not grow from call to call.
    socket.set_send_buffer_size(100_000)?;
    let mut talk = Conversation::new("tcp", socket, "send")?;
    let mut left: usize = args.next("out")?;
    let bytes = vec![b'x'; left];
    sys::ignore_alarm()?;
    let mut partial = 0;
    loop {
        sys::alarm_in(Duration::from_millis(100))?;
        match sys::send(talk.as_fd(), &bytes[..left], 0) {
            Ok(n) => {
                talk.count(n as u64, 0);
                left -= n;
                partial += 1;
                ensure!(left > 0, "everything fitted, no signal cut anything short");
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => break,
            Err(e) => return Err(e.into()),
        }
    }
    ensure!(partial > 0, "no call was cut short");
    actor.announce("full")?;
    talk.send(left as u64)?;
    talk.recv(10)?;
    talk.finish(actor)
}

/// How much ordinary data there is before an urgent byte.
const BEFORE: u64 = 1_000;

/// `address after`: ordinary data, an urgent byte, and `after` more bytes.
fn urgent_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    talk.send(BEFORE)?;
    talk.count(sys::send(talk.as_fd(), b"!", libc::MSG_OOB)? as u64, 0);
    talk.send(args.next("after")?)?;
    talk.shutdown()?;
    talk.expect_end()?;
    talk.finish(actor)
}

/// `host how after`: reads to the end. The urgent byte is read `inline`, `aside` by MSG_OOB, or left `unread`; in every case it
/// leaves the queue exactly once, when the reader passes it, as bytes discarded by MSG_TRUNC do.
fn urgent_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    let (how, after): (String, u64) = (args.next("how")?, args.next("after")?);
    actor.announce(local(&listener)?)?;
    let socket = accept(&listener)?;
    socket.set_out_of_band_inline(how == "inline")?;
    let mut talk = Conversation::new("tcp", socket, "send")?;
    if how == "aside" {
        sys::poll(talk.as_fd(), libc::POLLPRI, Duration::from_secs(10))?;
        let mut byte = [0];
        ensure!(sys::recv(talk.as_fd(), &mut byte, libc::MSG_OOB)? == 1 && byte == *b"!", "not the urgent byte");
    }
    // The end is known to have come, so that nothing depends on which segments had arrived at which call.
    sys::poll(talk.as_fd(), libc::POLLRDHUP, Duration::from_secs(10))?;
    talk.recv_to_end()?;
    let returned = talk.flow().rx;
    let inline = u64::from(how == "inline");
    ensure!(returned == BEFORE + after + inline, "recv returned {returned} bytes");
    talk.count(0, 1 - inline);
    talk.finish(actor)
}

/// `host`: splices only when everything and the FIN are there: the FIN is then taken by the same call as data.
fn splice_late(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new("tcp", accept(&listener)?, "send/splice")?;
    sys::poll(talk.as_fd(), libc::POLLRDHUP, Duration::from_secs(10))?;
    talk.recv_to_end()?;
    let rx = talk.flow().rx;
    talk.send(rx)?;
    talk.finish(actor)
}

/// `host address`: joins a connection to another by splicing each way to its end.
fn proxy(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    let server = Transport::Tcp.connect(args.next("address")?)?;
    actor.announce(local(&listener)?)?;
    let mut server = Conversation::new("tcp", server, "send")?;
    let mut client = Conversation::new("tcp", accept(&listener)?, "send")?;
    relay(&mut client, &mut server)?;
    relay(&mut server, &mut client)?;
    client.finish(actor)?;
    server.finish(actor)
}

fn relay(from: &mut Conversation, to: &mut Conversation) -> Result<()> {
    let (read, write) = nix::unistd::pipe()?;
    loop {
        let mut left = sys::splice(from.as_fd(), write.as_fd(), 1 << 16, libc::SPLICE_F_MOVE)?;
        if left == 0 {
            from.at_end();
            return to.shutdown();
        }
        from.count(0, left as u64);
        while left > 0 {
            let moved = sys::splice(read.as_fd(), to.as_fd(), left, libc::SPLICE_F_MOVE)?;
            to.count(moved as u64, 0);
            left -= moved;
        }
    }
}

/// `host bytes`: discards everything in calls as large as they can be.
fn bulk_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new("tcp", accept(&listener)?, "send/trunc")?;
    talk.recv(args.next("bytes")?)?;
    talk.expect_end()?;
    talk.finish(actor)
}

/// `address bytes`: sends by sendfile in calls as large as they can be.
fn bulk_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "sendfile")?;
    talk.send_bulk(args.next("bytes")?)?;
    talk.finish(actor)
}
