//! Interfaces in few words.

use crate::interfaces::{Bytes, Kind, Link, Reading, Since, Survey, Why, standing};

/// An interface by index, name and the kernel's kind; `card` is hardware.
pub fn link(index: u32, name: &str, kind: &str) -> Link {
    let kind = match kind {
        "card" => Kind::of(None, 1, true),
        "lo" => Kind::of(None, 772, false),
        "virtual" => Kind::of(None, 1, false),
        kind => Kind::of(Some(kind), 1, false),
    };
    Link {
        index,
        name: name.into(),
        kind,
        lower: None,
        controller: None,
        default_route: false,
        addresses: Vec::new(),
        since: Since::Unknown,
        bytes: Bytes::default(),
    }
}

impl Link {
    pub(super) fn over(mut self, lower: u32) -> Self {
        self.lower = Some(lower);
        self
    }

    pub(super) fn member_of(mut self, controller: u32) -> Self {
        self.controller = Some(controller);
        self
    }

    pub(super) fn with_default_route(mut self) -> Self {
        self.default_route = true;
        self
    }

    pub(super) fn at(mut self, address: &str) -> Self {
        self.addresses.push(address.parse().unwrap());
        self
    }
}

pub fn bytes(rx: u64, tx: u64) -> Bytes {
    Bytes { rx, tx }
}

/// A card `eth0` that counted this much.
pub fn reading(index: u32, rx: u64, tx: u64) -> Reading {
    let mut readings = standing(vec![Link { bytes: bytes(rx, tx), ..link(index, "eth0", "card") }]);
    readings.remove(0)
}

pub fn survey(interfaces: Vec<Reading>) -> Survey {
    Survey { netns: 1, interfaces, ended: Vec::new() }
}

/// The names of those in the total, and the others with why not.
pub fn sorted(links: Vec<Link>) -> (Vec<String>, Vec<(String, Why)>) {
    let (mut total, mut apart) = (Vec::new(), Vec::new());
    for Reading { name, apart: why, .. } in standing(links) {
        match why {
            None => total.push(name.to_string()),
            Some(why) => apart.push((name.to_string(), why)),
        }
    }
    (total, apart)
}
