//! Addresses: RTM_GETADDR.

use std::net::IpAddr;

use netlink_packet_core::Parseable as _;
use netlink_packet_route::{
    RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
};

pub const WHAT: &str = "addresses";

pub fn request() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetAddress(AddressMessage::default())
}

/// The index of the interface, and its own address.
pub fn parse(payload: &[u8]) -> Result<Option<(u32, IpAddr)>, String> {
    let message = AddressMessage::parse(payload).map_err(|error| error.to_string())?;
    let (mut local, mut address) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => address = Some(*ip),
            _ => {}
        }
    }
    // Where there are both, the other is the far end's.
    Ok(local.or(address).map(|ip| (message.header.index, ip)))
}
