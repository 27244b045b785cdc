//! Interfaces that show what another one shows as well.
//!
//! The `any` device of Linux has a packet of a bridge twice (on the bridge and on its port), and so those of a bond, and
//! of a VLAN once more with its tag on the interface below. What this machine's stack sends or takes is on the upper one
//! each time: so ports of bridges and bonds are left out, and what is tagged, while there are VLAN interfaces.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::link::Frame;

/// Where the kernel lists its interfaces.
const LIST: &str = "/sys/class/net";

/// Which they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    /// By index: whether it is a port.
    known: HashMap<u32, bool>,
    has_vlans: bool,
}

impl Ports {
    /// As they are now; of a system without such a list, none.
    #[must_use]
    pub fn read() -> Self {
        let mut ports = Self::default();
        for entry in fs::read_dir(LIST).into_iter().flatten().flatten() {
            let folder = entry.path();
            let index = fs::read_to_string(folder.join("ifindex")).ok().and_then(|text| text.trim().parse().ok());
            let Some(index) = index else { continue };
            // Of a VRF the member shows what arrives, and the VRF itself does not.
            let is_port = matches!(kind(&folder.join("master")).as_deref(), Some("bridge" | "bond"));
            ports.known.insert(index, is_port);
            ports.has_vlans |= kind(&folder).as_deref() == Some("vlan");
        }
        ports
    }

    /// The same, after news of an interface: one that is gone again is none.
    #[must_use]
    pub(super) fn read_knowing(index: Option<u32>) -> Self {
        let mut ports = Self::read();
        index.map(|index| ports.known.entry(index).or_insert(false));
        ports
    }

    /// Whether an interface has come that was not there.
    #[must_use]
    pub fn is_news(&self, index: u32) -> bool {
        !self.known.is_empty() && !self.known.contains_key(&index)
    }

    /// Whether a frame is counted where it was seen.
    #[must_use]
    pub fn counts(&self, frame: &Frame<'_>) -> bool {
        let is_port = frame.interface_index.is_some_and(|index| self.known.get(&index).copied().unwrap_or_default());
        let is_of_vlan = frame.is_tagged && self.has_vlans;
        !is_port && !is_of_vlan
    }
}

/// DEVTYPE of an interface, by its folder.
fn kind(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("uevent")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("DEVTYPE=")).map(str::to_owned)
}
