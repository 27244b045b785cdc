//! Interfaces as the kernel tells of them.

use std::net::IpAddr;

use serde::Serialize;

use super::{Kind, Why};

/// Bytes in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Bytes {
    /// Received.
    pub rx: u64,
    /// Sent.
    pub tx: u64,
}

impl Bytes {
    /// Adds `more`. 2⁶⁴ bytes are more than any machine has moved; counters that say otherwise stop there.
    pub fn add(&mut self, more: Self) {
        self.rx = self.rx.saturating_add(more.rx);
        self.tx = self.tx.saturating_add(more.tx);
    }

    /// What was counted after `before`. A counter that dropped began again: all it says is new.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        let since = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        Self { rx: since(self.rx, before.rx), tx: since(self.tx, before.tx) }
    }
}

/// Since when an interface is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Nobody saw it appear: its counters may tell of a time before.
    Unknown,
    /// It was seen to appear.
    Seen {
        /// Which appearance this is, of all that were seen: another one is another interface, whatever its index.
        nth: u64,
        /// What its counters said then: 0 when it was made, more when it came from another namespace.
        bytes: Bytes,
    },
}

/// One interface, as the kernel describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number in its namespace.
    pub index: u32,
    /// Its name. It can change.
    pub name: Box<str>,
    /// What it is.
    pub kind: Kind,
    /// IFLA_LINK: what it lies on, or the other end of a veth, where that is in this namespace.
    pub lower: Option<u32>,
    /// IFLA_MASTER: the bridge, bond or other interface that it is a member of.
    pub controller: Option<u32>,
    /// Whether a default route leads over it.
    pub default_route: bool,
    /// Its own addresses.
    pub addresses: Vec<IpAddr>,
    /// Since when it is there.
    pub since: Since,
    /// Absolute counters.
    pub bytes: Bytes,
}

/// One interface at one moment, sorted into the total or apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Its number in its namespace.
    pub index: u32,
    /// Its name.
    pub name: Box<str>,
    /// What it is.
    pub kind: Kind,
    /// Why it is not in the total; `None` when it is.
    pub apart: Option<Why>,
    /// Its own addresses.
    pub addresses: Vec<IpAddr>,
    /// Since when it is there.
    #[serde(skip)]
    pub since: Since,
    /// Absolute counters of the kernel: frames with their link-layer headers.
    #[serde(flatten)]
    pub bytes: Bytes,
}

/// All interfaces of one network namespace at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Inode number of the network namespace; 0 where there are none.
    pub netns: u32,
    /// Those that are there, by index.
    pub interfaces: Vec<Reading>,
    /// Those that went since the survey before, in the order in which they went, with what they counted last.
    pub ended: Vec<Reading>,
}
