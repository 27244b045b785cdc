//! One netlink socket that lists things. Each list is asked for and read in one go: the kernel writes the next part
//! whenever one is taken, so nothing is ever waited for.

use std::{collections::HashMap, io, net::IpAddr};

use macos_pcap::netlink::{BUFFER, DONE, ERROR, done, next, receive, refusal, request};
use netlink_packet_core::NLM_F_DUMP_INTR;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};
use watcher_core::interfaces::Link;

use super::{Error, Indexes, TRIES, address, link, route};

#[derive(Debug)]
pub struct Dump {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

/// How one list ended.
enum End {
    Done,
    Interrupted,
}

impl Dump {
    pub fn open() -> Result<Self, Error> {
        let mut socket = Socket::new(NETLINK_ROUTE).map_err(Error::Open)?;
        socket.bind_auto().map_err(Error::Open)?;
        socket.set_non_blocking(true).map_err(Error::Open)?;
        // Linux before 4.20 knows no strict checks: it takes no filters, and lists what is then filtered here.
        socket.set_netlink_get_strict_chk(true).ok();
        Ok(Self { socket, sequence: 0, buffer: Vec::with_capacity(BUFFER) })
    }

    pub fn links(&mut self) -> Result<Vec<Link>, Error> {
        self.list(link::WHAT, &link::request(), |links: &mut Vec<Link>, payload| {
            links.extend(link::parse(payload)?);
            Ok(())
        })
    }

    pub fn addresses(&mut self) -> Result<HashMap<u32, Vec<IpAddr>>, Error> {
        self.list(address::WHAT, &address::request(), |addresses: &mut HashMap<u32, Vec<IpAddr>>, payload| {
            if let Some((index, address)) = address::parse(payload)? {
                addresses.entry(index).or_default().push(address);
            }
            Ok(())
        })
    }

    pub fn default_routes(&mut self) -> Result<Indexes, Error> {
        let mut indexes = Indexes::new();
        for request in route::requests() {
            let listed = self.list(route::WHAT, &request, |indexes: &mut Indexes, payload| {
                indexes.extend(route::parse(payload)?);
                Ok(())
            });
            match listed {
                Ok(more) => indexes.extend(more),
                // A namespace in which nothing was ever up has no main table.
                Err(Error::Ask { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                // No IPv6 in this kernel.
                Err(Error::Ask { source, .. }) if source.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(indexes)
    }

    /// A list that was not changed while it was read.
    fn list<T: Default>(
        &mut self,
        what: &'static str,
        request: &RouteNetlinkMessage,
        take: impl Fn(&mut T, &[u8]) -> Result<(), String>,
    ) -> Result<T, Error> {
        for _ in 0..TRIES {
            let mut listed = T::default();
            self.ask(request).map_err(|source| Error::Ask { what, source })?;
            if let End::Done = self.answer(what, |payload| take(&mut listed, payload))? {
                return Ok(listed);
            }
        }
        Err(Error::Unsteady { what, tries: TRIES })
    }

    fn ask(&mut self, what: &RouteNetlinkMessage) -> io::Result<()> {
        // What an error left unread would be taken for the answer; its sequence number tells it apart.
        self.sequence = self.sequence.wrapping_add(1);
        self.socket.send(&request(self.sequence, what.clone()), 0).map(drop)
    }

    fn answer(&mut self, what: &'static str, mut take: impl FnMut(&[u8]) -> Result<(), String>) -> Result<End, Error> {
        let malformed = |why: String| Error::Malformed { what, why };
        let mut end = End::Done;
        loop {
            receive(&self.socket, &mut self.buffer).map_err(|source| Error::Ask { what, source })?;
            let mut rest = self.buffer.as_slice();
            while !rest.is_empty() {
                let (message, after) = next(rest).map_err(malformed)?;
                rest = after;
                if message.sequence_number() != self.sequence {
                    continue;
                }
                if message.flags() & NLM_F_DUMP_INTR != 0 {
                    end = End::Interrupted;
                }
                match message.message_type() {
                    DONE => {
                        done(message.payload()).map_err(|source| Error::Ask { what, source })?;
                        return Ok(end);
                    }
                    ERROR => return Err(Error::Ask { what, source: refusal(message.payload()) }),
                    _ => take(message.payload()).map_err(malformed)?,
                }
            }
        }
    }
}
