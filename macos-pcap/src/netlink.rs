//! Lists by netlink(7): what listing sockets has in common with listing anything else, interfaces for one.

use std::fmt::Debug;
use std::io;

use netlink_packet_core::{
    ErrorBuffer, NLM_F_DUMP, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload,
    NetlinkSerializable,
};
use netlink_sys::Socket;

/// The kernel writes at most 32 KiB at once; one thing with all its attributes is far less.
pub const BUFFER: usize = 64 << 10;
/// The type of a message that ends a list (NLMSG_DONE).
pub const DONE: u16 = 3;
/// The type of a refusal (NLMSG_ERROR).
pub const ERROR: u16 = 2;

/// Asks for a list. Answers have the same number, which tells them from what an error left unread.
#[must_use]
pub fn request<T: NetlinkSerializable + Debug>(sequence: u32, what: T) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(what));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// Takes one datagram of the kernel's.
///
/// # Errors
/// The socket's, and of a datagram that does not fit.
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
///
/// # Errors
/// It is none.
pub fn next(datagram: &[u8]) -> Result<(NetlinkBuffer<&[u8]>, &[u8]), String> {
    let message = NetlinkBuffer::new_checked(datagram).map_err(|error| error.to_string())?;
    let length = (message.length() as usize).next_multiple_of(4).min(datagram.len());
    Ok((message, &datagram[length..]))
}

/// A list that breaks off ends with an errno.
///
/// # Errors
/// That one.
pub fn done(payload: &[u8]) -> io::Result<()> {
    match payload.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code)) {
        0.. => Ok(()),
        code => Err(io::Error::from_raw_os_error(-code)),
    }
}

/// Why the kernel does not list.
#[must_use]
pub fn refusal(payload: &[u8]) -> io::Error {
    match ErrorBuffer::new_checked(&payload) {
        Ok(error) => io::Error::from_raw_os_error(error.code().map_or(0, |code| code.get().saturating_neg())),
        Err(error) => io::Error::other(error.to_string()),
    }
}
