//! Link layers: from a captured frame to the IP packet in it, and what the frame says of its way.

mod cooked;
mod ethernet;
mod loopback;
pub mod pktap;
#[cfg(test)]
mod tests;

use pktap::Tap;

/// What begins a frame, by libpcap's DLT_ and LINKTYPE_ numbers (<https://www.tcpdump.org/linktypes.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// DLT_NULL: an address family, four bytes in the order of the capturing machine, which need not be this one.
    Null,
    /// DLT_LOOP: the same in network order.
    Loop,
    /// DLT_EN10MB: Ethernet, with any number of 802.1Q and 802.1ad tags up to a bound.
    Ethernet,
    /// DLT_RAW: an IP packet whose first four bits are its version.
    Raw,
    /// LINKTYPE_IPV4.
    Ipv4,
    /// LINKTYPE_IPV6.
    Ipv6,
    /// DLT_LINUX_SLL: the `any` device of Linux.
    LinuxSll,
    /// DLT_LINUX_SLL2: the same with the interface's index.
    LinuxSll2,
    /// DLT_PKTAP: Apple's frame around a frame, with the owner.
    Pktap,
}

impl LinkType {
    /// By the number that `pcap_datalink` or a file's header gives; `None` for what is not read here.
    ///
    /// DLT_RAW is 12 on most systems and 14 on OpenBSD; in files it is 101. DLT_PKTAP is DLT_USER2 (149) on macOS and
    /// 258 in files.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Null,
            1 => Self::Ethernet,
            12 | 14 | 101 => Self::Raw,
            108 => Self::Loop,
            113 => Self::LinuxSll,
            149 | 258 => Self::Pktap,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            276 => Self::LinuxSll2,
            _ => return None,
        })
    }
}

/// The version of an IP packet, as the link layer or the packet states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Where a packet was going when it was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// Into this machine.
    In,
    /// Out of it.
    Out,
}

/// An IP packet as its link layer hands it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Which IP.
    pub network: Network,
    /// Captured bytes from the IP header on; behind the packet there may be padding.
    pub bytes: &'a [u8],
    /// Bytes from the IP header on that were on the wire, padding included. Never fewer than `bytes`.
    pub wire_len: u64,
    /// Known of PKTAP and SLL.
    pub way: Option<Way>,
    /// Behind 802.1Q or 802.1ad tags.
    pub is_tagged: bool,
    /// Index of the interface, of SLL2 alone; PKTAP has a name instead.
    pub interface_index: Option<u32>,
    /// What PKTAP said, with the owner.
    pub tap: Option<Tap<'a>>,
}

/// Why a frame has no IP packet to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// ARP, LLDP, 802.3 frames: not a fault.
    #[error("not IP: the link layer says protocol {0:#06x}")]
    NotIp(u32),
    /// The capture has fewer bytes than the header.
    #[error("the {0} header is cut off")]
    Short(&'static str),
    /// More stacked tags than anybody uses.
    #[error("more than {} VLAN tags", ethernet::MOST_TAGS)]
    Tags,
    /// PKTAP holds a link type that is not read here, or itself.
    #[error("PKTAP holds link type {0}, which is not read")]
    Inner(u32),
    /// A length or an offset in a PKTAP header points outside of it.
    #[error("the PKTAP header contradicts itself")]
    Pktap,
    /// PKTAP without a packet.
    #[error("PKTAP block of type {0}, which is no packet")]
    NoPacket(u32),
}

/// Opens one frame. `captured` is what the capture kept of it, `wire_len` how long it was.
///
/// A `wire_len` below what was captured counts as equal to it: some sources leave it 0.
///
/// # Errors
/// When there is no IP packet in the frame, or its headers are cut off or contradict themselves.
#[inline]
pub fn open(link: LinkType, captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    match link {
        LinkType::Pktap => pktap::open(captured, wire_len),
        link => open_plain(link, captured, wire_len),
    }
}

/// Every link type that holds no other.
fn open_plain(link: LinkType, captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    match link {
        LinkType::Null => loopback::null(captured, wire_len),
        LinkType::Loop => loopback::network_order(captured, wire_len),
        LinkType::Ethernet => ethernet::open(captured, wire_len),
        LinkType::Raw => raw(captured, wire_len),
        LinkType::Ipv4 => Ok(Frame::at(0, Network::V4, captured, wire_len)),
        LinkType::Ipv6 => Ok(Frame::at(0, Network::V6, captured, wire_len)),
        LinkType::LinuxSll => cooked::v1(captured, wire_len),
        LinkType::LinuxSll2 => cooked::v2(captured, wire_len),
        LinkType::Pktap => Err(LinkError::Inner(258)),
    }
}

fn raw(captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    let first = *captured.first().ok_or(LinkError::Short("IP"))?;
    let network = match first >> 4 {
        4 => Network::V4,
        6 => Network::V6,
        other => return Err(LinkError::NotIp(other.into())),
    };
    Ok(Frame::at(0, network, captured, wire_len))
}

impl<'a> Frame<'a> {
    /// The packet behind `header` bytes, which are captured.
    fn at(header: usize, network: Network, captured: &'a [u8], wire_len: u64) -> Self {
        let bytes = captured.get(header..).unwrap_or_default();
        let wire_len = wire_len.saturating_sub(header as u64).max(bytes.len() as u64);
        Self { network, bytes, wire_len, way: None, is_tagged: false, interface_index: None, tap: None }
    }
}

/// The packet behind a two-byte ethertype at `at`, behind tags if there are any.
fn by_ethertype(at: usize, captured: &[u8], wire_len: u64) -> Result<Frame<'_>, LinkError> {
    let (kind, header) = ethernet::behind_tags(captured, at)?;
    let network = match kind {
        0x0800 => Network::V4,
        0x86dd => Network::V6,
        other => return Err(LinkError::NotIp(other.into())),
    };
    Ok(Frame { is_tagged: header > at + 2, ..Frame::at(header, network, captured, wire_len) })
}
