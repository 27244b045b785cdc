//! Streams between two processes: one connects, one accepts.

use std::{net::SocketAddr, os::fd::OwnedFd};

use anyhow::Result;

use super::{
    Actor, Args, Play,
    conversation::Conversation,
    socket::{Host, Transport, accept, local},
};

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("stream-server", server),
    ("stream-client", client),
    ("many-server", many),
    ("rounds-client", rounds),
    ("turns-server", turns),
    ("half-duplex-client", half_duplex),
];

/// `transport host calls in out [first]`: accepts one connection, receives `in`, sends `out`, sees the other side end. With
/// `first` it ends its own side before that.
fn server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let transport: Transport = args.next("transport")?;
    let listener = transport.bind(args.next::<Host>("host")?.port(0))?;
    let (calls, n_in, n_out): (String, _, _) = (args.next("calls")?, args.next("in")?, args.next("out")?);
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new(transport.name(), accept(&listener)?, &calls)?;
    talk.recv(n_in)?;
    talk.send(n_out)?;
    if args.flag("first") {
        talk.shutdown()?;
    }
    talk.expect_end()?;
    talk.finish(actor)
}

/// `transport address calls out in [end]`: connects, sends `out`, receives `in`, with `end` sees the other side end, closes.
fn client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let transport: Transport = args.next("transport")?;
    let address: SocketAddr = args.next("address")?;
    let (calls, n_out, n_in): (String, _, _) = (args.next("calls")?, args.next("out")?, args.next("in")?);
    let mut talk = Conversation::new(transport.name(), transport.connect(address)?, &calls)?;
    talk.send(n_out)?;
    talk.recv(n_in)?;
    if args.flag("end") {
        talk.expect_end()?;
    }
    talk.finish(actor)
}

/// `host connections`: serves so many connections one after the other, each until its end, and answers with as much.
fn many(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    let connections: usize = args.next("connections")?;
    actor.announce(local(&listener)?)?;
    for _ in 0..connections {
        answer(actor, accept(&listener)?)?;
    }
    Ok(())
}

/// One connection: everything there is, and as much back.
pub fn answer(actor: &mut Actor, socket: impl Into<OwnedFd>) -> Result<()> {
    let mut talk = Conversation::new("tcp", socket, "send")?;
    talk.recv_to_end()?;
    talk.send(talk.flow().rx)?;
    talk.finish(actor)
}

/// One request over its own connection, and the answer to its end.
pub fn request(actor: &mut Actor, address: SocketAddr, bytes: u64) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(address)?, "send")?;
    talk.send(bytes)?;
    talk.shutdown()?;
    talk.recv(bytes)?;
    talk.expect_end()?;
    talk.finish(actor)
}

/// `address connections`: so many requests, one after the other, each of another size.
fn rounds(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let address = args.next("address")?;
    for i in 0..args.next::<u64>("connections")? {
        request(actor, address, 100 + i)?;
    }
    Ok(())
}

/// `host (in out)…`: accepts one connection, receives and sends in turns, sees the other side end.
fn turns(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new("tcp", accept(&listener)?, "send")?;
    for turn in args.rest().chunks(2) {
        talk.recv(turn[0].parse()?)?;
        talk.send(turn[1].parse()?)?;
    }
    talk.expect_end()?;
    talk.finish(actor)
}

/// `address bytes`: one request of so many bytes, and the answer.
fn half_duplex(actor: &mut Actor, args: &mut Args) -> Result<()> {
    request(actor, args.next("address")?, args.next("bytes")?)
}
