//! What an interface is.

use std::fmt;

use serde::{Serialize, Serializer};

/// ARPHRD_LOOPBACK of if_arp.h.
const LOOPBACK: u16 = 772;
/// ARPHRD_IEEE80211, _PRISM and _RADIOTAP: a wireless card that listens to everything.
const RADIO_MONITOR: std::ops::RangeInclusive<u16> = 801..=803;

/// What an interface is, as far as it matters for what its bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A network card, or what a hypervisor offers as one.
    Physical,
    /// `lo`.
    Loopback,
    /// Goes nowhere: an address to have.
    Dummy,
    /// A switch in software.
    Bridge,
    /// Several links as one: bond and team.
    Bond,
    /// A routing table of its own, with members.
    Vrf,
    /// A tag on another interface.
    Vlan,
    /// Another address on another interface's wire: macvlan, macvtap, ipvlan, ipvtap.
    Macvlan,
    /// One end of a cable in software; the other is often in a container.
    Veth,
    /// A program is at the other end: VPNs, virtual machines, rootless containers.
    Tun,
    /// WireGuard.
    Wireguard,
    /// A dialled or PPPoE connection.
    Ppp,
    /// Another tunnel, by the kernel's name.
    Tunnel(Box<str>),
    /// Shows packets that other interfaces carry, by the kernel's name.
    Copy(Box<str>),
    /// Anything else, by the kernel's name; `virtual` where it has none.
    Other(Box<str>),
}

impl Kind {
    /// From IFLA_INFO_KIND, the hardware type (ARPHRD_…), and whether there is a device behind it.
    #[must_use]
    pub fn of(info: Option<&str>, hardware_type: u16, device: bool) -> Self {
        if RADIO_MONITOR.contains(&hardware_type) {
            return Self::Copy("monitor".into());
        }
        let Some(info) = info else {
            return match (hardware_type, device) {
                (LOOPBACK, _) => Self::Loopback,
                (_, true) => Self::Physical,
                (_, false) => Self::Other("virtual".into()),
            };
        };
        match info {
            "dummy" => Self::Dummy,
            "bridge" => Self::Bridge,
            "bond" | "team" => Self::Bond,
            "vrf" => Self::Vrf,
            "vlan" => Self::Vlan,
            "macvlan" | "macvtap" | "ipvlan" | "ipvtap" => Self::Macvlan,
            "veth" => Self::Veth,
            "tun" => Self::Tun,
            "wireguard" => Self::Wireguard,
            "ppp" => Self::Ppp,
            // Modems and InfiniBand cards have a kind although they are hardware.
            "wwan" | "ipoib" if device => Self::Physical,
            "nlmon" | "ifb" | "vsockmon" => Self::Copy(info.into()),
            "vxlan" | "geneve" | "gre" | "gretap" | "erspan" | "ip6gre" | "ip6gretap" | "ip6erspan" | "ipip"
            | "ip6tnl" | "sit" | "vti" | "vti6" | "xfrm" | "gtp" | "pfcp" | "bareudp" | "amt" | "ovpn" | "batadv"
            | "l2tpeth" => Self::Tunnel(info.into()),
            _ => Self::Other(info.into()),
        }
    }

    /// The word for it.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Physical => "physical",
            Self::Loopback => "loopback",
            Self::Dummy => "dummy",
            Self::Bridge => "bridge",
            Self::Bond => "bond",
            Self::Vrf => "vrf",
            Self::Vlan => "vlan",
            Self::Macvlan => "macvlan",
            Self::Veth => "veth",
            Self::Tun => "tun",
            Self::Wireguard => "wireguard",
            Self::Ppp => "ppp",
            Self::Tunnel(name) | Self::Copy(name) | Self::Other(name) => name,
        }
    }

    /// Bytes on it never leave the machine.
    pub(super) fn is_internal(&self) -> bool {
        matches!(self, Self::Loopback | Self::Dummy)
    }

    /// Bytes on it pass a member as well.
    pub(super) fn has_members(&self) -> bool {
        match self {
            Self::Bridge | Self::Bond | Self::Vrf => true,
            Self::Other(name) => matches!(&**name, "hsr" | "openvswitch"),
            _ => false,
        }
    }

    /// Its packets are wrapped, and sent again through something else.
    pub(super) fn is_tunnel(&self) -> bool {
        matches!(self, Self::Tun | Self::Wireguard | Self::Ppp | Self::Tunnel(_))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
