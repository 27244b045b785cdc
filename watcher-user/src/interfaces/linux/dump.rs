//! One netlink socket that lists things. Each list is asked for and read in one go: the kernel writes the next part
//! whenever one is taken, so nothing is ever waited for.

use std::{collections::HashMap, io, net::IpAddr};

use netlink_packet_core::{
    ErrorBuffer, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};
use watcher_core::interfaces::Link;

use super::{Error, Indexes, TRIES, address, link, route};

/// The kernel writes at most 32 KiB at once; one interface with all its attributes is far less.
const BUFFER: usize = 64 << 10;
const DONE: u16 = 3;
const ERROR: u16 = 2;

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

    fn ask(&mut self, request: &RouteNetlinkMessage) -> io::Result<()> {
        // What an error left unread would be taken for the answer; its sequence number tells it apart.
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request.clone()));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map(|_| ())
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
                        check_done(message.payload()).map_err(|source| Error::Ask { what, source })?;
                        return Ok(end);
                    }
                    ERROR => return Err(Error::Ask { what, source: refusal(message.payload()) }),
                    _ => take(message.payload()).map_err(malformed)?,
                }
            }
        }
    }
}

/// Takes one datagram of the kernel's.
pub fn receive(socket: &Socket, buffer: &mut Vec<u8>) -> io::Result<()> {
    loop {
        buffer.clear();
        buffer.reserve(BUFFER);
        let (length, from) = socket.recv_from(buffer, libc::MSG_TRUNC)?;
        if length > buffer.len() {
            return Err(io::Error::other(format!("a message of {length} bytes")));
        }
        // Only the kernel has the port 0.
        if from.port_number() == 0 {
            return Ok(());
        }
    }
}

/// The first message of a datagram, and what follows it.
pub fn next(datagram: &[u8]) -> Result<(NetlinkBuffer<&[u8]>, &[u8]), String> {
    let message = NetlinkBuffer::new_checked(datagram).map_err(|error| error.to_string())?;
    let length = (message.length() as usize).next_multiple_of(4).min(datagram.len());
    Ok((message, &datagram[length..]))
}

/// A list that breaks off ends with an errno.
fn check_done(payload: &[u8]) -> io::Result<()> {
    match payload.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code)) {
        0.. => Ok(()),
        code => Err(io::Error::from_raw_os_error(-code)),
    }
}

fn refusal(payload: &[u8]) -> io::Error {
    match ErrorBuffer::new_checked(&payload) {
        Ok(error) => io::Error::from_raw_os_error(error.code().map_or(0, |code| code.get().saturating_neg())),
        Err(error) => io::Error::other(error.to_string()),
    }
}
