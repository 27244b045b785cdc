//! macOS: what an interface is follows from the name that its driver gives it; drivers do not tell more.

use watcher_core::interfaces::Kind;

/// The names are those of the system's own drivers (`networksetup`, ifconfig(8)).
fn kind(name: &str) -> Kind {
    match name.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "lo" => Kind::Loopback,
        // Ethernet, Wi-Fi, Thunderbolt, tethered telephones; modems.
        "en" | "pdp_ip" => Kind::Physical,
        "bridge" => Kind::Bridge,
        "bond" => Kind::Bond,
        "vlan" => Kind::Vlan,
        "utun" | "tun" | "tap" => Kind::Tun,
        "ppp" => Kind::Ppp,
        "vmenet" | "feth" => Kind::Veth,
        "gif" | "stf" | "ipsec" => Kind::Tunnel(name.trim_end_matches(|c: char| c.is_ascii_digit()).into()),
        "pktap" | "pflog" => Kind::Copy(name.trim_end_matches(|c: char| c.is_ascii_digit()).into()),
        other => Kind::Other(other.into()),
    }
}

#[cfg(target_os = "macos")]
pub use reader::Reader;

#[cfg(target_os = "macos")]
mod reader {
    use sysinfo::Networks;
    use watcher_core::interfaces::{Bytes, Link, Since, Survey, standing};

    use super::{super::Error, kind};

    /// Reads the interfaces of this machine.
    #[derive(Debug)]
    pub struct Reader(Networks);

    impl Reader {
        /// Nothing is read yet.
        ///
        /// # Errors
        /// When the system's list cannot be had.
        pub fn open() -> Result<Self, Error> {
            let networks = Networks::new().map_err(|error| Error::Open(std::io::Error::other(format!("{error:?}"))));
            networks.map(Self)
        }

        /// What the kernel says now. It does not tell when an interface came or went.
        ///
        /// # Errors
        /// None here.
        pub fn survey(&mut self) -> Result<Survey, Error> {
            self.0.refresh(true);
            let mut links: Vec<Link> =
                self.0.iter().filter_map(|(name, data)| link(&name.to_string_lossy(), data)).collect();
            links.sort_unstable_by_key(|link| link.index);
            Ok(Survey { netns: 0, interfaces: standing(links), ended: Vec::new() })
        }
    }

    /// `None` when it has gone meanwhile.
    fn link(name: &str, data: &sysinfo::NetworkData) -> Option<Link> {
        Some(Link {
            index: nix::net::if_::if_nametoindex(name).ok()?,
            name: name.into(),
            kind: kind(name),
            lower: None,
            controller: None,
            default_route: false,
            addresses: data.ip_networks().iter().map(|network| network.addr).collect(),
            since: Since::Unknown,
            bytes: Bytes { rx: data.total_received(), tx: data.total_transmitted() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn a_kind_follows_from_the_drivers_name() {
        for (name, word) in [
            ("lo0", "loopback"),
            ("en12", "physical"),
            ("utun4", "tun"),
            ("bridge100", "bridge"),
            ("gif0", "gif"),
            ("awdl0", "awdl"),
            ("vlan", "vlan"),
        ] {
            assert_eq!(kind(name).word(), word);
        }
    }
}
