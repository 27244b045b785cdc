//! How long a process lives, beside how long its sockets do.

use std::{
    net::SocketAddr,
    os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd},
    os::unix::process::CommandExt as _,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::{
    Actor, Args, Play,
    calls::BYTES,
    conversation::Conversation,
    socket::{Host, Transport, accept, local},
};
use crate::sys;

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("exec-client", exec),
    ("exec-resumed", resumed),
    ("leaver", leaver),
    ("churn-server", churn_server),
    ("churn-client", churn_client),
    ("pausing-server", pausing_server),
    ("pausing-client", pausing_client),
    ("pausing-datagrams", pausing_datagrams),
    ("drip", drip),
    ("pour", pour),
];

/// `address program`: uses a connection, then becomes another program, which goes on with it.
fn exec(_: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    let program: String = args.next("program")?;
    talk.send(1_000)?;
    talk.recv(500)?;
    fcntl(talk.as_fd(), FcntlArg::F_SETFD(FdFlag::empty()))?;
    let (fd, flow) = (talk.as_fd().as_raw_fd().to_string(), talk.flow());
    let failed = Command::new(&program)
        .args(["--actor", "exec-resumed", &fd, &flow.tx.to_string(), &flow.rx.to_string()])
        .exec();
    Err(failed).context(program)
}

/// `fd tx rx`: what `exec-client` becomes; sends 2000 and receives 700 on the descriptor that it inherited.
fn resumed(actor: &mut Actor, args: &mut Args) -> Result<()> {
    // SAFETY: exec-client left this descriptor open for this process, which owns it alone.
    let socket = unsafe { OwnedFd::from_raw_fd(args.next("fd")?) };
    let mut talk = Conversation::new("tcp", socket, "send")?;
    talk.count(args.next("tx")?, args.next("rx")?);
    talk.send(2_000)?;
    talk.recv(700)?;
    talk.finish(actor)
}

/// `address out in unread`: sends, receives, and ends without closing anything when so much more has come.
fn leaver(_: &mut Actor, args: &mut Args) -> Result<()> {
    let mut actor = Actor::new();
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    talk.send(args.next("out")?)?;
    talk.recv(args.next("in")?)?;
    talk.await_unread(args.next("unread")?)?;
    actor.add(talk.flow());
    actor.report()?;
    // No destructor runs: the socket is open until the process is gone.
    std::process::exit(0)
}

/// `host connections`: accepts, takes 10 bytes, gives 20, closes, as fast as it can.
fn churn_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    let mut buf = [0; 20];
    for _ in 0..args.next::<u32>("connections")? {
        let (socket, _) = listener.accept()?;
        let got = sys::recv(socket.as_fd(), &mut buf, 0)?;
        ensure!(got == 10, "{got} of 10 bytes");
        actor.received(got);
        actor.sent(sys::send(socket.as_fd(), &BYTES[..20], 0)?);
    }
    Ok(())
}

/// `address connections`: connects, gives 10 bytes, takes 20, closes, as fast as it can.
fn churn_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let address: SocketAddr = args.next("address")?;
    let mut buf = [0; 20];
    for _ in 0..args.next::<u32>("connections")? {
        let socket = Transport::Tcp.connect(address)?;
        actor.sent(sys::send(socket.as_fd(), &BYTES[..10], 0)?);
        let got = sys::recv(socket.as_fd(), &mut buf, libc::MSG_WAITALL)?;
        ensure!(got == 20, "{got} of 20 bytes");
        actor.received(got);
    }
    Ok(())
}

/// Says that it pauses with so much counted, and waits.
pub fn pause(actor: &mut Actor, talk: &Conversation) -> Result<()> {
    let flow = talk.flow();
    actor.note("tx_before", flow.tx);
    actor.note("rx_before", flow.rx);
    actor.announce("paused")?;
    actor.await_go().map(|_| ())
}

/// `host`: the other side of `pausing-client`.
fn pausing_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new("tcp", accept(&listener)?, "send")?;
    talk.recv(10_000)?;
    talk.send(4_000)?;
    pause(actor, &talk)?;
    talk.recv(20_000)?;
    talk.send(8_000)?;
    talk.expect_end()?;
    talk.finish(actor)
}

/// `address`: at the pause it has read 1000 bytes of the 4000 that are there.
fn pausing_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    talk.send(10_000)?;
    talk.recv(1_000)?;
    pause(actor, &talk)?;
    talk.send(20_000)?;
    talk.recv(3_000 + 8_000)?;
    talk.finish(actor)
}

/// `host`: a connected UDP socket, used before and after the pause.
fn pausing_datagrams(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket = Transport::Udp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&socket)?)?;
    let remote: SocketAddr = actor.await_go()?.parse()?;
    socket.connect(&remote.into())?;
    let mut talk = Conversation::new("udp", socket, "send")?;
    talk.send_once(500)?;
    talk.recv_once(2_000)?;
    pause(actor, &talk)?;
    talk.send_once(700)?;
    talk.recv_once(2_000)?;
    talk.finish(actor)
}

/// `address`: sends as many bytes as each line says that it reads, until there are no more lines.
fn drip(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    for line in std::io::stdin().lines() {
        talk.send(line?.parse()?)?;
    }
    talk.finish(actor)
}

/// `address`: sends 10,000 bytes, takes one, and so on, until its standard input ends.
fn pour(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    let input = std::io::stdin();
    let (now, hung_up) = (std::time::Duration::ZERO, libc::POLLIN | libc::POLLHUP);
    while sys::poll(input.as_fd(), hung_up, now).is_err() {
        talk.send_bulk(10_000)?;
        talk.recv(1)?;
    }
    talk.finish(actor)
}
