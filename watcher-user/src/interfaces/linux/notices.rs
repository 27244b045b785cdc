//! What comes and goes: RTM_NEWLINK and RTM_DELLINK as they are announced, each with the counters of that moment.
//!
//! So an interface that appears counts from what it said then (0, unless it came from another namespace), and one that
//! goes leaves its last bytes. When notices are lost, what is there counts from its next reading on, as if it had been
//! there always: bytes may be missing, none is invented.

use std::{collections::HashMap, io};

use macos_pcap::netlink;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use watcher_core::interfaces::{Link, Since};

use super::{Error, Known, link};

/// Room for some hundred notices between two readings. More than the system's bound needs CAP_NET_ADMIN.
pub const ROOM: usize = 1 << 20;
/// What went and was not yet taken, at most: more than that between two readings is an attack, not a machine.
const MAX_ENDED: usize = 4_096;

/// Whether interfaces came or went.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    None,
    Some,
}

#[derive(Debug)]
pub struct Notices {
    socket: Socket,
    buffer: Vec<u8>,
    /// Those that are there.
    known: Known,
    /// Those of them that were seen to appear.
    appeared: HashMap<u32, Since>,
    count: u64,
    ended: Vec<Link>,
    /// Notices were lost since the last listing.
    lost: bool,
}

impl Notices {
    pub fn open(room: usize) -> Result<Self, Error> {
        let mut socket = Socket::new(NETLINK_ROUTE).map_err(Error::Open)?;
        setsockopt(&socket, RcvBufForce, &room).ok();
        socket.bind(&SocketAddr::new(0, libc::RTMGRP_LINK.cast_unsigned())).map_err(Error::Open)?;
        socket.set_non_blocking(true).map_err(Error::Open)?;
        Ok(Self {
            socket,
            buffer: Vec::new(),
            known: Known::new(),
            appeared: HashMap::new(),
            count: 0,
            ended: Vec::new(),
            lost: false,
        })
    }

    /// What is there is there: nobody saw it appear.
    pub fn begin(&mut self, links: &[Link]) {
        self.appeared.clear();
        self.known = links.iter().map(|link| link.index).collect();
    }

    /// Takes in what was announced.
    pub fn drain(&mut self) -> Result<Change, Error> {
        let mut change = Change::None;
        loop {
            match netlink::receive(&self.socket, &mut self.buffer) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(change),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    self.lost = true;
                    change = Change::Some;
                    continue;
                }
                Err(source) => return Err(Error::Ask { what: link::WHAT, source }),
            }
            let datagram = std::mem::take(&mut self.buffer);
            let taken = self.take(&datagram);
            self.buffer = datagram;
            if taken.map_err(|why| Error::Malformed { what: link::WHAT, why })? == Change::Some {
                change = Change::Some;
            }
        }
    }

    fn take(&mut self, mut rest: &[u8]) -> Result<Change, String> {
        let mut change = Change::None;
        while !rest.is_empty() {
            let (message, after) = netlink::next(rest)?;
            rest = after;
            let is_end = match message.message_type() {
                libc::RTM_NEWLINK => false,
                libc::RTM_DELLINK => true,
                _ => continue,
            };
            let Some(link) = link::parse(message.payload())? else { continue };
            let happened = if is_end { self.end(link) } else { self.appear(&link) };
            if happened {
                change = Change::Some;
            }
        }
        Ok(change)
    }

    /// Most notices are of changes to what is there.
    fn appear(&mut self, link: &Link) -> bool {
        let is_new = self.known.insert(link.index);
        if is_new {
            self.count += 1;
            self.appeared.insert(link.index, Since::Seen { nth: self.count, bytes: link.bytes });
        }
        is_new
    }

    fn end(&mut self, mut link: Link) -> bool {
        let was_known = self.known.remove(&link.index);
        link.since = self.appeared.remove(&link.index).unwrap_or(Since::Unknown);
        if was_known && self.ended.len() < MAX_ENDED {
            self.ended.push(link);
        }
        was_known
    }

    /// Tells each listed interface since when it is there.
    pub fn settle(&mut self, links: &mut [Link]) {
        if std::mem::take(&mut self.lost) {
            self.begin(links);
        }
        for link in links {
            link.since = self.appeared.get(&link.index).copied().unwrap_or(Since::Unknown);
        }
    }

    /// What went since the last call, in order.
    pub fn take_ended(&mut self) -> Vec<Link> {
        std::mem::take(&mut self.ended)
    }
}
