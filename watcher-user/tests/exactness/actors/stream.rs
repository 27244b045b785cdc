//! Streams between two processes: one connects, one accepts.

use std::net::SocketAddr;

use anyhow::Result;

use super::{
    Actor, Args, Play,
    conversation::Conversation,
    socket::{Host, Transport, accept, local},
};

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[("stream-server", server), ("stream-client", client)];

/// `transport host calls in out`: accepts one connection, receives `in`, sends `out`, sees the other side end.
fn server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let transport: Transport = args.next("transport")?;
    let listener = transport.bind(args.next::<Host>("host")?.port(0))?;
    let (calls, n_in, n_out): (String, _, _) = (args.next("calls")?, args.next("in")?, args.next("out")?);
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new(transport.name(), accept(&listener)?, &calls)?;
    talk.recv(n_in)?;
    talk.send(n_out)?;
    talk.expect_end()?;
    talk.finish(actor)
}

/// `transport address calls out in`: connects, sends `out`, receives `in`, closes.
fn client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let transport: Transport = args.next("transport")?;
    let address: SocketAddr = args.next("address")?;
    let (calls, n_out, n_in): (String, _, _) = (args.next("calls")?, args.next("out")?, args.next("in")?);
    let mut talk = Conversation::new(transport.name(), transport.connect(address)?, &calls)?;
    talk.send(n_out)?;
    talk.recv(n_in)?;
    talk.finish(actor)
}
