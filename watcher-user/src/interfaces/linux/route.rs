//! Default routes of the main table: RTM_GETROUTE.

use netlink_packet_core::Parseable as _;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAttribute, RouteHeader, RouteMessage, RouteType},
};

pub const WHAT: &str = "routes";
const MAIN: u32 = RouteHeader::RT_TABLE_MAIN as u32;

/// One for IPv4, one for IPv6.
pub fn requests() -> [RouteNetlinkMessage; 2] {
    [AddressFamily::Inet, AddressFamily::Inet6].map(|family| {
        let mut message = RouteMessage::default();
        message.header.address_family = family;
        message.attributes.push(RouteAttribute::Table(MAIN));
        RouteNetlinkMessage::GetRoute(message)
    })
}

/// Where it leads: nothing for other routes than default ones.
pub fn parse(payload: &[u8]) -> Result<Vec<u32>, String> {
    let header = RouteHeader::parse(payload).map_err(|error| error.to_string())?;
    if header.destination_prefix_length != 0 || header.kind != RouteType::Unicast || header.table != MAIN as u8 {
        return Ok(Vec::new());
    }
    let message = RouteMessage::parse(payload).map_err(|error| error.to_string())?;
    let mut indexes = Vec::new();
    for attribute in message.attributes {
        match attribute {
            RouteAttribute::Oif(index) => indexes.push(index),
            RouteAttribute::MultiPath(hops) => indexes.extend(hops.iter().map(|hop| hop.interface_index)),
            _ => {}
        }
    }
    Ok(indexes)
}
