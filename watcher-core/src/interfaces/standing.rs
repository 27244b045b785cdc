//! Which interfaces are in the total.
//!
//! The total is what entered and left the machine, each byte once. Where there is hardware, everything that does passes
//! it, so hardware is the total: under a bond, a bridge or a VPN it still is. A container or a sandbox has none: there,
//! what its default routes lead over is the total, followed down to what carries it. Where nothing says which of two
//! interfaces carries a byte, the total lacks it rather than having it twice, and the interface says that it is apart.

use std::{collections::BTreeSet, collections::HashMap, fmt};

use serde::Serialize;

use super::{Kind, Link, Reading};

/// Why an interface is not in the total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", content = "interface", rename_all = "snake_case")]
pub enum Why {
    /// What is on it never leaves the machine.
    Internal,
    /// It shows again what other interfaces carry.
    Copies,
    /// The driver of this one counts its bytes too (SR-IOV under a synthetic card).
    CountedIn(Box<str>),
    /// A member of this one, which leads to something on this machine.
    MemberOf(Box<str>),
    /// A cable within this namespace; this is its other end.
    CableTo(Box<str>),
    /// Its bytes travel over this one.
    Over(Box<str>),
    /// Its bytes pass one of its members, or do not leave.
    Members,
    /// Its packets travel again inside others.
    Tunnel,
    /// It leads to containers or guests: what leaves the machine passes hardware.
    Guests,
    /// There is no hardware, and no default route leads over it.
    NoDefaultRoute,
    /// It came and went between two readings.
    Brief,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal => f.write_str("never leaves this machine"),
            Self::Copies => f.write_str("shows again what other interfaces carry"),
            Self::CountedIn(name) => write!(f, "is counted in {name}"),
            Self::MemberOf(name) => write!(f, "is a member of {name}"),
            Self::CableTo(name) => write!(f, "is one end of a cable, {name} the other"),
            Self::Over(name) => write!(f, "travels over {name}"),
            Self::Members => f.write_str("passes its members as well"),
            Self::Tunnel => f.write_str("travels again inside other interfaces' packets"),
            Self::Guests => f.write_str("leads to containers or guests; what leaves passes hardware"),
            Self::NoDefaultRoute => f.write_str("no default route leads over it"),
            Self::Brief => f.write_str("came and went between two readings"),
        }
    }
}

/// Sorts the interfaces of one namespace: in the total, or apart and why. In the order given.
#[must_use]
pub fn standing(links: Vec<Link>) -> Vec<Reading> {
    let map = Map { by_index: links.iter().map(|link| (link.index, link)).collect() };
    let alone: Vec<Option<Why>> = links.iter().map(|link| map.alone(link)).collect();
    let total = if links.iter().zip(&alone).any(|(link, why)| is_hardware(link, why.as_ref())) {
        links.iter().zip(&alone).filter(|(link, why)| is_hardware(link, why.as_ref())).map(|(l, _)| l.index).collect()
    } else {
        map.ways_out(&links, &alone)
    };
    let hardware = links.iter().any(|link| link.kind == Kind::Physical && total.contains(&link.index));
    let apart = |link: &Link, alone: Option<Why>| {
        if total.contains(&link.index) {
            return None;
        }
        Some(alone.unwrap_or(if hardware { Why::Guests } else { Why::NoDefaultRoute }))
    };
    let apart: Vec<_> = links.iter().zip(alone).map(|(link, why)| apart(link, why)).collect();
    links.into_iter().zip(apart).map(|(link, apart)| reading(link, apart)).collect()
}

fn is_hardware(link: &Link, why: Option<&Why>) -> bool {
    link.kind == Kind::Physical && why.is_none()
}

fn reading(link: Link, apart: Option<Why>) -> Reading {
    let Link { index, name, kind, addresses, since, bytes, .. } = link;
    Reading { index, name, kind, apart, addresses, since, bytes }
}

struct Map<'a> {
    by_index: HashMap<u32, &'a Link>,
}

impl<'a> Map<'a> {
    fn get(&self, index: Option<u32>) -> Option<&'a Link> {
        self.by_index.get(&index?).copied()
    }

    /// What speaks against it, whatever the routes say.
    fn alone(&self, link: &Link) -> Option<Why> {
        if link.kind.is_internal() {
            return Some(Why::Internal);
        }
        if let Kind::Copy(_) = link.kind {
            return Some(Why::Copies);
        }
        if let Some(controller) = self.get(link.controller) {
            // netvsc and net_failover have no kind of their own, and add the counters of the card under them to theirs.
            if controller.kind == Kind::Physical {
                return Some(Why::CountedIn(controller.name.clone()));
            }
            if link.kind != Kind::Physical {
                return Some(Why::MemberOf(controller.name.clone()));
            }
        }
        if let Some(lower) = self.get(link.lower).filter(|lower| lower.index != link.index) {
            let name = lower.name.clone();
            return Some(if link.kind == Kind::Veth { Why::CableTo(name) } else { Why::Over(name) });
        }
        if link.kind.has_members() {
            return Some(Why::Members);
        }
        link.kind.is_tunnel().then_some(Why::Tunnel)
    }

    /// Without hardware: what carries the default routes; else the only interface that leads anywhere; else tunnels.
    fn ways_out(&self, links: &[Link], alone: &[Option<Why>]) -> BTreeSet<u32> {
        let carriers: BTreeSet<u32> =
            links.iter().filter(|link| link.default_route).filter_map(|link| self.carrier(link)).collect();
        let (tunnels, carriers): (BTreeSet<u32>, BTreeSet<u32>) =
            carriers.into_iter().partition(|index| self.by_index[index].kind.is_tunnel());
        if !carriers.is_empty() {
            return self.without_members(&carriers);
        }
        let mut edges = links.iter().zip(alone).filter(|(_, why)| why.is_none()).map(|(link, _)| link.index);
        match (edges.next(), edges.next()) {
            (Some(only), None) => BTreeSet::from([only]),
            _ => tunnels,
        }
    }

    /// Down to what lies on nothing else here; `None` for what never leaves.
    fn carrier(&self, link: &'a Link) -> Option<u32> {
        let mut at = link;
        // A chain is no longer than there are interfaces; longer, it is a ring (a veth pair).
        for _ in 0..=self.by_index.len() {
            match self.get(at.lower).filter(|lower| lower.index != at.index) {
                Some(lower) => at = lower,
                None => return (!at.kind.is_internal()).then_some(at.index),
            }
        }
        None
    }

    /// The bytes of a member are its controller's too.
    fn without_members(&self, carriers: &BTreeSet<u32>) -> BTreeSet<u32> {
        let is_covered = |index: u32| {
            let mut at = self.by_index[&index];
            for _ in 0..self.by_index.len() {
                match self.get(at.controller) {
                    Some(controller) if carriers.contains(&controller.index) => return true,
                    Some(controller) => at = controller,
                    None => return false,
                }
            }
            true
        };
        carriers.iter().copied().filter(|index| !is_covered(*index)).collect()
    }
}
