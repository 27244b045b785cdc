//! Linux: links, addresses and routes by rtnetlink(7), and notices of what comes and goes between two readings.

mod address;
mod dump;
mod link;
mod notices;
mod route;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    os::unix::fs::MetadataExt as _,
};

use watcher_core::interfaces::{Kind, Link, Reading, Since, Survey, Why, standing};

use self::{dump::Dump, notices::Notices};
use super::Error;

/// Listings in one reading until nothing comes or goes meanwhile.
const TRIES: u32 = 8;

/// Reads the interfaces of the network namespace in which it was opened. Keeps two sockets.
#[derive(Debug)]
pub struct Reader {
    dump: Dump,
    notices: Notices,
    netns: u32,
    /// Of the survey before.
    apart: HashMap<u32, (Since, Option<Why>)>,
}

impl Reader {
    /// Begins to listen for what comes and goes.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn open() -> Result<Self, Error> {
        Self::open_with(notices::ROOM)
    }

    /// `room`: bytes of notices that may wait between two surveys.
    fn open_with(room: usize) -> Result<Self, Error> {
        let netns = std::fs::metadata("/proc/thread-self/ns/net").map(|ns| ns.ino() as u32);
        // Before the first listing: what comes after it is noticed.
        let mut notices = Notices::open(room)?;
        let mut dump = Dump::open()?;
        notices.begin(&dump.links()?);
        Ok(Self { dump, notices, netns: netns.unwrap_or(0), apart: HashMap::new() })
    }

    /// What the kernel says now, and what went since the last call.
    ///
    /// # Errors
    /// When the kernel does not answer, or changes faster than it can be read.
    pub fn survey(&mut self) -> Result<Survey, Error> {
        let mut links = self.links()?;
        let mut addresses = self.dump.addresses()?;
        for link in &mut links {
            link.addresses = addresses.remove(&link.index).unwrap_or_default();
        }
        // Where there is hardware, no route changes what is in the total; a router's may be a million.
        if !links.iter().any(|link| link.kind == Kind::Physical) {
            let defaults = self.dump.default_routes()?;
            links.iter_mut().for_each(|link| link.default_route = defaults.contains(&link.index));
        }
        let ended = self.notices.take_ended().into_iter().map(|link| self.ended(link)).collect();
        let mut interfaces = standing(links);
        interfaces.sort_unstable_by_key(|reading| reading.index);
        self.apart = interfaces.iter().map(|i| (i.index, (i.since, i.apart.clone()))).collect();
        Ok(Survey { netns: self.netns, interfaces, ended })
    }

    /// A listing during which nothing came or went, so each entry is the interface that the notices know.
    fn links(&mut self) -> Result<Vec<Link>, Error> {
        self.notices.drain()?;
        for _ in 0..TRIES {
            let mut links = self.dump.links()?;
            if self.notices.drain()? == notices::Change::None {
                self.notices.settle(&mut links);
                return Ok(links);
            }
        }
        Err(Error::Unsteady { what: link::WHAT, tries: TRIES })
    }

    fn ended(&self, link: Link) -> Reading {
        let known = self.apart.get(&link.index).filter(|(since, _)| *since == link.since);
        let apart = known.map_or(Some(Why::Brief), |(_, apart)| apart.clone());
        let Link { index, name, kind, addresses, since, bytes, .. } = link;
        Reading { index, name, kind, apart, addresses, since, bytes }
    }
}

/// Indexes of interfaces.
type Indexes = BTreeSet<u32>;
/// The same, to look up only.
type Known = HashSet<u32>;
