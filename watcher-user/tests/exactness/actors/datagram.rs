//! Datagrams between processes, in lockstep so that no receive buffer ever overflows.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    os::fd::{AsFd as _, BorrowedFd},
};

use anyhow::{Context as _, Result, bail, ensure};
use socket2::Socket;

use super::{
    Actor, Args, Play,
    calls::{BYTES, MOST},
    conversation::Conversation,
    socket::{Host, Transport, local},
};
use crate::{
    report::{Flow, canonical},
    sys,
};

/// Actors of this file.
pub const CAST: &[(&str, Play)] =
    &[("datagram-server", server), ("datagram-client", client), ("datagram-echo", echo), ("datagram-hub", hub)];

/// Payloads: one byte, within a frame, just over one, and close to the largest.
const SIZES: [usize; 6] = [1, 100, 1_472, 1_473, 9_000, 60_000];

/// include/uapi/linux/udp.h
const UDP_SEGMENT: i32 = 103;
const UDP_GRO: i32 = 104;

/// `host calls option`: connects back to the address it is told, answers each burst.
fn server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let (mut talk, _) = connected(actor, args)?;
    for size in SIZES {
        take(&mut talk, size)?;
        talk.send_once(size.div_ceil(2))?;
    }
    talk.finish(actor)
}

/// `host calls option`: connects to the address it is told, sends bursts, takes the answers.
fn client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let (mut talk, _) = connected(actor, args)?;
    for size in SIZES {
        ensure!(talk.send_once(size)? == size as u64, "a datagram was cut");
        take(&mut talk, size.div_ceil(2))?;
    }
    talk.finish(actor)
}

fn connected(actor: &mut Actor, args: &mut Args) -> Result<(Conversation, SocketAddr)> {
    let socket = Transport::Udp.bind(args.next::<Host>("host")?.port(0))?;
    let (calls, option): (String, String) = (args.next("calls")?, args.next("option")?);
    segmentation(&socket, &option)?;
    actor.announce(local(&socket)?)?;
    let remote: SocketAddr = actor.await_go()?.parse()?;
    socket.connect(&remote.into())?;
    Ok((Conversation::new("udp", socket, &calls)?, remote))
}

fn segmentation(socket: &Socket, option: &str) -> Result<()> {
    let set = |name, value| sys::set_option(socket.as_fd(), libc::SOL_UDP, name, value).context("UDP segmentation");
    match option {
        "plain" => Ok(()),
        "gso" => set(UDP_SEGMENT, 1_000),
        "gso-gro" => set(UDP_SEGMENT, 1_000).and_then(|()| set(UDP_GRO, 1)),
        other => bail!("no option {other}"),
    }
}

/// Takes datagrams until `size` bytes came.
fn take(talk: &mut Conversation, size: usize) -> Result<()> {
    let mut left = size as u64;
    while left > 0 {
        left = left.checked_sub(talk.recv_once(MOST)?).context("more came than was sent")?;
    }
    Ok(())
}

/// Counts of one unconnected socket, per remote.
#[derive(Default)]
struct Book(BTreeMap<SocketAddr, (u64, u64)>);

impl Book {
    fn sent(&mut self, to: SocketAddr, n: usize) {
        self.0.entry(canonical(to)).or_default().0 += n as u64;
    }

    fn received(&mut self, from: SocketAddr, n: usize) {
        self.0.entry(canonical(from)).or_default().1 += n as u64;
    }

    fn close(self, actor: &mut Actor, local: SocketAddr) {
        let (protocol, local) = ("udp".to_owned(), canonical(local));
        for (remote, (tx, rx)) in self.0 {
            actor.add(Flow { protocol: protocol.clone(), local, remote, tx, rx });
        }
    }
}

/// `host calls rounds`: sends each datagram back to where it came from.
fn echo(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket = Transport::Udp.bind(args.next::<Host>("host")?.port(0))?;
    let (calls, rounds): (String, usize) = (args.next("calls")?, args.next("rounds")?);
    actor.announce(local(&socket)?)?;
    let mut book = Book::default();
    for _ in 0..rounds {
        for (n, from) in receive(socket.as_fd(), &calls)? {
            book.received(from, n);
            send(&mut book, socket.as_fd(), &calls, n, &[from])?;
        }
    }
    book.close(actor, local(&socket)?);
    Ok(())
}

/// `host calls address…`: one unconnected socket that talks with every address in turn, another amount with each.
fn hub(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket = Transport::Udp.bind(args.next::<Host>("host")?.port(0))?;
    let calls: String = args.next("calls")?;
    let remotes = args.rest().iter().map(|a| Ok(a.parse()?)).collect::<Result<Vec<SocketAddr>>>()?;
    let mut book = Book::default();
    let mut left = 0;
    for size in SIZES {
        if calls == "mmsg" {
            // One call, several remotes.
            left += send(&mut book, socket.as_fd(), &calls, size * remotes.len(), &remotes)?;
        } else {
            for (i, remote) in remotes.iter().enumerate() {
                left += send(&mut book, socket.as_fd(), &calls, size + i, &[*remote])?;
            }
        }
        while left > 0 {
            for (n, from) in receive(socket.as_fd(), &calls)? {
                book.received(from, n);
                left = left.checked_sub(n).context("more came back than was sent")?;
            }
        }
    }
    book.close(actor, local(&socket)?);
    Ok(())
}

fn send(book: &mut Book, fd: BorrowedFd<'_>, calls: &str, len: usize, to: &[SocketAddr]) -> Result<usize> {
    let buf = &BYTES[..len];
    let sent = match calls {
        "send" => vec![sys::sendto(fd, buf, to[0], 0)?],
        "msg" => vec![sys::sendmsg(fd, buf, Some(to[0]), 0)?],
        "mmsg" => sys::sendmmsg(fd, buf, to.len(), &to.iter().copied().map(Some).collect::<Vec<_>>())?,
        other => bail!("no addressed call {other}"),
    };
    ensure!(sent.len() == to.len(), "{} of {} datagrams were taken", sent.len(), to.len());
    for (to, n) in to.iter().zip(&sent) {
        book.sent(*to, *n);
    }
    Ok(sent.iter().sum())
}

fn receive(fd: BorrowedFd<'_>, calls: &str) -> Result<Vec<(usize, SocketAddr)>> {
    let mut buf = vec![0; 1 << 18];
    let got = match calls {
        "send" => vec![sys::recvfrom(fd, &mut buf, 0)?],
        "msg" => vec![sys::recvmsg(fd, &mut buf, 0).map(|m| (m.len, m.from))?],
        "mmsg" => sys::recvmmsg(fd, &mut buf, 4, true)?,
        other => bail!("no addressed call {other}"),
    };
    got.into_iter().map(|(n, from)| Ok((n, from.context("a datagram from nowhere")?))).collect()
}
