//! Links: RTM_GETLINK, and of its many attributes the few that matter.
//!
//! The rest is not decoded: an attribute of a driver that nobody here knows must not cost the counters of all others.

use std::path::Path;

use netlink_packet_core::{NlaBuffer, NlasIterator};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    link::{LinkHeader, LinkMessage, Stats64},
};
use watcher_core::interfaces::{Bytes, Kind, Link, Since};

pub const WHAT: &str = "links";
/// Of `ifinfomsg`.
const HEADER: usize = 16;

pub fn request() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(LinkMessage::default())
}

/// `None` for what a bridge says of its ports, which goes by the same type.
pub fn parse(payload: &[u8]) -> Result<Option<Link>, String> {
    let header = LinkHeader::parse(payload).map_err(|error| error.to_string())?;
    if header.interface_family != AddressFamily::Unspec {
        return Ok(None);
    }
    let mut said = Said::default();
    for attribute in NlasIterator::new(&payload[HEADER..]) {
        said.take(&attribute.map_err(|error| error.to_string())?)?;
    }
    let name = said.name.ok_or_else(|| format!("link {} has no name", header.index))?;
    let bytes = said.bytes.ok_or_else(|| format!("{name} has no 64-bit counters"))?;
    // Linux before 5.14 does not say whose parent it is; its sysfs does.
    let device = said.has_parent || (said.info.is_none() && has_device(&name));
    Ok(Some(Link {
        index: header.index,
        kind: Kind::of(said.info.as_deref(), header.link_layer_type.into(), device),
        name: name.into(),
        lower: said.lower.filter(|lower| !said.is_lower_elsewhere && *lower != 0 && *lower != header.index),
        controller: said.controller.filter(|controller| *controller != 0),
        default_route: false,
        addresses: Vec::new(),
        since: Since::Unknown,
        bytes,
    }))
}

#[derive(Default)]
struct Said {
    name: Option<String>,
    info: Option<String>,
    lower: Option<u32>,
    is_lower_elsewhere: bool,
    controller: Option<u32>,
    has_parent: bool,
    bytes: Option<Bytes>,
}

impl Said {
    fn take(&mut self, attribute: &NlaBuffer<&[u8]>) -> Result<(), String> {
        let value = attribute.value();
        match attribute.kind() {
            libc::IFLA_IFNAME => self.name = Some(text(value)),
            libc::IFLA_LINK => self.lower = Some(number(value)?),
            libc::IFLA_MASTER => self.controller = Some(number(value)?),
            libc::IFLA_LINK_NETNSID => self.is_lower_elsewhere = true,
            libc::IFLA_PARENT_DEV_NAME => self.has_parent = true,
            libc::IFLA_STATS64 => {
                let stats = Stats64::parse(value).map_err(|error| error.to_string())?;
                self.bytes = Some(Bytes { rx: stats.rx_bytes, tx: stats.tx_bytes });
            }
            libc::IFLA_LINKINFO => {
                for nested in NlasIterator::new(value) {
                    let nested = nested.map_err(|error| error.to_string())?;
                    if nested.kind() == libc::IFLA_INFO_KIND {
                        self.info = Some(text(nested.value()));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Names are bytes to the kernel.
fn text(value: &[u8]) -> String {
    let value = value.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

fn number(value: &[u8]) -> Result<u32, String> {
    let bytes = value.try_into().map_err(|_| format!("{} bytes where a number of 4 belongs", value.len()))?;
    Ok(u32::from_ne_bytes(bytes))
}

/// The kernel allows neither `/` nor `..` in a name.
fn has_device(name: &str) -> bool {
    Path::new("/sys/class/net").join(name).join("device").exists()
}
