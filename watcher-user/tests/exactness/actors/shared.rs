//! One socket in several processes or threads: whoever makes the call owns the byte.

use std::{
    io::IoSlice,
    io::IoSliceMut,
    net::SocketAddr,
    os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
    os::linux::net::SocketAddrExt as _,
    os::unix::net::{SocketAddr as UnixAddr, UnixListener, UnixStream},
};

use anyhow::{Context as _, Result};
use nix::{
    sched::CloneFlags,
    sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr as NixUnixAddr, recvmsg, sendmsg},
};

use super::{Actor, Args, Play, conversation::Conversation, fork, socket::Transport, stream::request};
use crate::{
    report::{Line, Report},
    sys,
};

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("threads-client", threads),
    ("forking-client", forking),
    ("fd-giver", giver),
    ("fd-taker", taker),
    ("fd-holder", holder),
    ("fd-thief", thief),
    ("pidns-client", pidns),
    ("unix-chatter", unix_chatter),
    ("late-parent", late_parent),
    ("late-taker", late_taker),
    ("late-giver", late_giver),
];

/// `address threads`: every thread has connections of its own.
fn threads(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let (address, threads): (SocketAddr, u64) = (args.next("address")?, args.next("threads")?);
    let one = |i: u64| {
        let mut part = Actor::new();
        request(&mut part, address, 10_000 + i)?;
        request(&mut part, address, 20_000 + i)?;
        Ok::<_, anyhow::Error>(part)
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|i| scope.spawn(move || one(i))).collect();
        for thread in running {
            let part = thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
            part.into_flows().for_each(|f| actor.add(f));
        }
        Ok(())
    })
}

/// `address children each`: parent and children send `each` on the same connection, all at once, then all read from it
/// until it ends.
fn forking(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket: OwnedFd = Transport::Tcp.connect(args.next("address")?)?.into();
    let (children, each): (u64, u64) = (args.next("children")?, args.next("each")?);
    let part = |actor: &mut Actor, extra: u64| {
        let mut talk = Conversation::new("tcp", socket.try_clone()?, "send")?;
        talk.send(each + extra)?;
        while talk.recv_once(1_000)? > 0 {}
        talk.leave(actor);
        Ok(())
    };
    let forked = (1..=children).map(|i| fork(|actor| part(actor, i))).collect::<Result<Vec<_>>>()?;
    part(actor, 0)?;
    forked.into_iter().try_for_each(|f| Ok(f.join()?))
}

fn abstract_name(name: &str) -> Result<UnixAddr> {
    Ok(UnixAddr::from_abstract_name(name)?)
}

/// `address name`: uses a connection, hands it over a Unix socket to another process, and goes on using it.
fn giver(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    let unix = UnixStream::connect_addr(&abstract_name(&args.next::<String>("name")?)?)?;
    talk.send(1_000)?;
    let fds = [talk.as_fd().as_raw_fd()];
    let data = [IoSlice::new(b"x")];
    sendmsg::<NixUnixAddr>(unix.as_raw_fd(), &data, &[ControlMessage::ScmRights(&fds)], MsgFlags::empty(), None)?;
    talk.send(500)?;
    talk.leave(actor);
    Ok(())
}

/// `name`: takes a connection over, sends 2000 on it and receives 4000.
fn taker(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let name: String = args.next("name")?;
    let listener = UnixListener::bind_addr(&abstract_name(&name)?)?;
    actor.announce(name)?;
    let (unix, _) = listener.accept()?;
    let mut talk = Conversation::new("tcp", receive_fd(&unix)?, "send")?;
    talk.send(2_000)?;
    talk.recv(4_000)?;
    talk.leave(actor);
    Ok(())
}

fn receive_fd(unix: &UnixStream) -> Result<OwnedFd> {
    let mut byte = [0; 1];
    let mut data = [IoSliceMut::new(&mut byte)];
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let message = recvmsg::<NixUnixAddr>(unix.as_raw_fd(), &mut data, Some(&mut space), MsgFlags::empty())?;
    let fd = message.cmsgs()?.find_map(|c| match c {
        ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
        _ => None,
    });
    // SAFETY: the kernel has just made this descriptor for this process.
    Ok(unsafe { OwnedFd::from_raw_fd(fd.context("no descriptor came")?) })
}

/// Uses another process's connection, pauses, and goes on with it: the other side must have taken 3000 by then, and
/// answered 500.
fn late(actor: &mut Actor, mut talk: Conversation) -> Result<()> {
    talk.send(2_000)?;
    talk.recv(500)?;
    super::life::pause(actor, &talk)?;
    talk.send(3_000)?;
    talk.recv(4_000)?;
    talk.leave(actor);
    Ok(())
}

/// `address`: opens a connection, sends 1000, and leaves the rest to a child.
fn late_parent(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    talk.send(1_000)?;
    let socket = talk.leave(actor);
    let (tx, rx) = (actor.count().tx, actor.count().rx);
    actor.note("tx_before", tx);
    actor.note("rx_before", rx);
    fork(|child| late(child, Conversation::new("tcp", socket.try_clone()?, "send")?))?.join().map_err(Into::into)
}

/// `address name`: as `fd-giver`, and everything before a pause.
fn late_giver(actor: &mut Actor, args: &mut Args) -> Result<()> {
    giver(actor, args)?;
    let (tx, rx) = (actor.count().tx, actor.count().rx);
    actor.note("tx_before", tx);
    actor.note("rx_before", rx);
    Ok(())
}

/// `name`: takes over a connection whose opener has sent 1000 and ends.
fn late_taker(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let name: String = args.next("name")?;
    let listener = UnixListener::bind_addr(&abstract_name(&name)?)?;
    actor.announce(name)?;
    let (unix, _) = listener.accept()?;
    late(actor, Conversation::new("tcp", receive_fd(&unix)?, "send")?)
}

/// `address`: connects, sends 1000, says which descriptor it is, and sends 500 more when told.
fn holder(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    talk.send(1_000)?;
    actor.announce(talk.as_fd().as_raw_fd())?;
    actor.await_go()?;
    talk.send(500)?;
    talk.leave(actor);
    Ok(())
}

/// `pid fd`: takes a copy of another process's descriptor, sends 2000 on it and receives 4000.
fn thief(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let pidfd = sys::pidfd_open(args.next("pid")?).context("pidfd_open")?;
    let stolen = sys::pidfd_getfd(&pidfd, args.next("fd")?).context("pidfd_getfd")?;
    let mut talk = Conversation::new("tcp", stolen, "send")?;
    actor.announce("stolen")?;
    talk.send(2_000)?;
    talk.recv(4_000)?;
    talk.leave(actor);
    Ok(())
}

/// `address`: talks much over a Unix socket, and little over the network.
fn unix_chatter(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let (here, there) = UnixStream::pair()?;
    let mut buf = [0; 10_000];
    for _ in 0..100 {
        sys::send(here.as_fd(), &buf, 0)?;
        sys::recv(there.as_fd(), &mut buf, libc::MSG_WAITALL)?;
    }
    request(actor, args.next("address")?, 77)
}

/// `address`: a request made by a process that believes to be pid 1.
fn pidns(_: &mut Actor, args: &mut Args) -> Result<()> {
    let address: SocketAddr = args.next("address")?;
    sys::unshare(CloneFlags::CLONE_NEWPID)?;
    let (read, write) = nix::unistd::pipe()?;
    let child = sys::fork(|| {
        let mut inner = Actor::new();
        let told = request(&mut inner, address, 12_345)
            .and_then(|()| Ok(serde_json::to_string(inner.count())?))
            .and_then(|text| Ok(sys::write(write.as_fd(), text.as_bytes())?));
        i32::from(told.is_err())
    })?;
    child.join()?;
    let mut text = vec![0; 1 << 16];
    let len = sys::read(read.as_fd(), &mut text)?;
    let mut report: Report = serde_json::from_slice(&text[..len])?;
    anyhow::ensure!(report.pid == 1, "the child is {} in its own namespace", report.pid);
    report.pid = u32::try_from(child.0.as_raw())?;
    super::say(&Line::Report(report))
}
