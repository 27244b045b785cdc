//! One connected socket, how it is used, and how much went through it.

use std::{
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use anyhow::{Context as _, Result, bail, ensure};

use socket2::SockRef;

use super::{
    Actor,
    calls::{self, RecvCall, SendCall},
    socket,
};
use crate::{
    report::{Flow, canonical},
    sys::{self, TcpInfo},
};

/// Sizes that streams are cut into: below, at and above what fits a segment, a page, a pipe.
const CHUNKS: [usize; 7] = [1, 7, 1_460, 65_536, 100, 16_384, 40_001];

/// One connected socket in use.
pub struct Conversation {
    socket: OwnedFd,
    protocol: &'static str,
    ends: (SocketAddr, SocketAddr),
    send: Box<dyn SendCall>,
    recv: Box<dyn RecvCall>,
    tx: u64,
    rx: u64,
    /// What TCP carries is not what the calls moved.
    encrypted: bool,
    /// The other side's FIN was seen.
    at_end: bool,
    /// This side's FIN was sent.
    ended: bool,
}

impl AsFd for Conversation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Conversation {
    /// Starts counting on a connected socket.
    pub fn new(protocol: &'static str, socket: impl Into<OwnedFd>, calls: &str) -> Result<Self> {
        let socket = socket.into();
        let ends = (canonical(socket::local(&socket)?), canonical(socket::remote(&socket)?));
        let (send, recv) = calls::pair(calls)?;
        Ok(Self {
            socket,
            protocol,
            ends,
            send,
            recv,
            tx: 0,
            rx: 0,
            encrypted: calls.split('/').any(|call| call == "tls"),
            at_end: false,
            ended: false,
        })
    }

    /// Sends exactly `n` bytes in calls of many sizes.
    pub fn send(&mut self, n: u64) -> Result<()> {
        let mut left = n;
        for chunk in CHUNKS.into_iter().cycle() {
            if left == 0 {
                break;
            }
            let chunk = usize::try_from(left)?.min(chunk);
            left -= self.send_once(chunk).with_context(|| format!("sending: {left} of {n} bytes left"))?;
        }
        Ok(())
    }

    /// Sends exactly `n` bytes in calls as large as they can be.
    pub fn send_bulk(&mut self, n: u64) -> Result<()> {
        let mut left = n;
        while left > 0 {
            left -= self.send_once(usize::try_from(left)?)?;
        }
        Ok(())
    }

    /// One sending call.
    pub fn send_once(&mut self, len: usize) -> Result<u64> {
        let sent = self.send.send(self.socket.as_fd(), len)? as u64;
        self.tx += sent;
        Ok(sent)
    }

    /// Receives exactly `n` bytes.
    pub fn recv(&mut self, n: u64) -> Result<()> {
        let mut left = n;
        while left > 0 {
            let got = self.recv_once(usize::try_from(left)?).with_context(|| format!("{left} of {n} bytes left"))?;
            ensure!(got > 0, "the other side ended with {left} of {n} bytes left");
            left = left.checked_sub(got).context("more came than was asked for")?;
        }
        Ok(())
    }

    /// One receiving call.
    pub fn recv_once(&mut self, len: usize) -> Result<u64> {
        let got = self.recv.recv(self.socket.as_fd(), len).context("receiving")? as u64;
        self.rx += got;
        self.at_end |= got == 0;
        Ok(got)
    }

    /// Receives until the other side ends, however much comes.
    pub fn recv_to_end(&mut self) -> Result<()> {
        while self.recv_once(calls::MOST)? > 0 {}
        Ok(())
    }

    /// Waits until `n` bytes are there to be read, and reads none.
    pub fn await_unread(&self, n: u64) -> Result<()> {
        while sys::unread(self.as_fd())? < n {
            // No event says "so much": each look is a system call, and the alarm of every actor bounds them.
            std::thread::yield_now();
        }
        Ok(())
    }

    /// The other side must end, without another byte.
    pub fn expect_end(&mut self) -> Result<()> {
        match self.recv_once(calls::MOST)? {
            0 => Ok(()),
            n => bail!("{n} bytes more than expected"),
        }
    }

    /// No more will be sent.
    pub fn shutdown(&mut self) -> Result<()> {
        self.ended = true;
        SockRef::from(&self.socket).shutdown(std::net::Shutdown::Write).context("shutdown")
    }

    /// Bytes moved by other means on this socket.
    pub fn count(&mut self, tx: u64, rx: u64) {
        self.tx += tx;
        self.rx += rx;
    }

    /// The end was seen by other means.
    pub fn at_end(&mut self) {
        self.at_end = true;
    }

    /// Checks this count against the kernel's of the same socket. Only where no other process used it.
    pub fn check(&self) -> Result<()> {
        if self.protocol != "tcp" || self.encrypted {
            return Ok(());
        }
        let unread = sys::unread(self.as_fd())?;
        let (info, queued) = self.at_one_moment()?;
        // The FIN counts as a received byte (include/linux/tcp.h says nothing of it; tcp_fin advances rcv_nxt).
        let received = info.bytes_received - unread - u64::from(self.at_end);
        let (sent, acknowledged) = (info.sent(self.ended), info.acknowledged(queued, self.ended));
        let syn = acknowledged.wrapping_sub(self.tx);
        ensure!(
            received == self.rx && syn <= 1 && sent >= self.tx,
            "TCP_INFO says tx {sent} (acknowledged {acknowledged}) rx {received}, the calls returned tx {} rx {}",
            self.tx,
            self.rx
        );
        Ok(())
    }

    /// TCP_INFO and the send queue, which are two calls: again, if an acknowledgement came between them.
    fn at_one_moment(&self) -> Result<(TcpInfo, u64)> {
        for _ in 0..1_000 {
            let before = TcpInfo::of(self.as_fd())?;
            let queued = sys::unacknowledged(self.as_fd())?;
            let info = TcpInfo::of(self.as_fd())?;
            if info.bytes_acked == before.bytes_acked {
                return Ok((info, queued));
            }
        }
        bail!("acknowledgements never stop coming")
    }

    /// The count so far as a flow.
    pub fn flow(&self) -> Flow {
        let (local, remote) = self.ends;
        Flow { protocol: self.protocol.to_owned(), local, remote, tx: self.tx, rx: self.rx }
    }

    /// Checks, adds the count to the actor's, and closes.
    pub fn finish(self, actor: &mut Actor) -> Result<()> {
        self.check()?;
        if self.protocol == "tcp" {
            actor.add_to_note("retransmitted", TcpInfo::of(self.as_fd())?.bytes_retrans);
        }
        actor.add(self.flow());
        Ok(())
    }

    /// Adds the count to the actor's and hands the socket out, still open.
    pub fn leave(self, actor: &mut Actor) -> OwnedFd {
        actor.add(self.flow());
        self.socket
    }
}
