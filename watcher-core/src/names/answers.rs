//! What DNS answers said: which names stand behind an address, for the process that asked and for the machine.
//!
//! Tell it only of answers that somebody waited for ([`Queries`](super::Queries) says which): anybody may send a datagram that
//! looks like one. Within an answer only what the question leads to is believed.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use super::{
    Name, NameSource,
    book::{Book, after},
    parse::dns::{Answer, Data, Message},
};
use crate::{BootTime, ProcessId, aggregate::FastMap};

/// Addresses with names, over all processes; and, apart from them, of the machine and of reverse zones.
const MAX_ENTRIES: usize = 16_384;
/// Addresses with names of one process.
const MAX_PER_PROCESS: usize = 2_048;
/// Addresses of one message.
const MAX_ADDRESSES: usize = 64;
/// However short the TTL: clients connect a while after they asked, and keep addresses longer than they should.
const SHORTEST: Duration = Duration::from_secs(60);
/// However long it is.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

const PTR: u16 = 12;
const SVCB: u16 = 64;
const HTTPS: u16 = 65;

/// Names by address. Memory is bounded: 16,384 entries of processes (2,048 of each one), as many of the machine, as many of
/// reverse zones; when it is full, what was learnt longest ago is forgotten, by the process that has most.
///
/// What a flow uses stays: it keeps the [`Arc`] that it was given, whatever is forgotten here.
#[derive(Debug)]
pub struct Answers {
    own: FastMap<ProcessId, Book<Arc<Name>>>,
    /// How many entries each process has, most last.
    sizes: BTreeSet<(usize, ProcessId)>,
    /// Their sum.
    total: usize,
    machine: Book<Arc<Name>>,
    reverse: Book<Arc<Name>>,
}

impl Default for Answers {
    fn default() -> Self {
        Self::new()
    }
}

impl Answers {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        let machine = || Book::new(MAX_ENTRIES);
        Self { own: FastMap::default(), sizes: BTreeSet::new(), total: 0, machine: machine(), reverse: machine() }
    }

    /// An answer that `process` had asked for. Each address in it that the question leads to, through aliases and service
    /// targets, goes by the name that was asked for: for its TTL, but at least a minute and at most a day.
    pub fn learn(&mut self, process: ProcessId, message: &Message, at: BootTime) {
        if !message.response || message.rcode != 0 {
            return;
        }
        let reached = Reached::by(message);
        if message.question.kind == PTR {
            return self.learn_reverse(&reached, message, at);
        }
        let asked = asked_name(message);
        let (Some(own), Some(shared)) = (Name::new(asked, NameSource::Dns), Name::new(asked, NameSource::HostDns))
        else {
            return;
        };
        let (own, shared) = (Arc::new(own), Arc::new(shared));
        for (ip, ttl) in reached.addresses(message).filter(|(ip, _)| is_somewhere(*ip)).take(MAX_ADDRESSES) {
            let until = after(at, life(ttl));
            self.learn_own(process, ip, Arc::clone(&own), until, at);
            self.machine.insert(ip, Arc::clone(&shared), until);
        }
        self.machine.prune(at);
    }

    /// The name by which `process` knows an address: the one it asked for last, else the one that anybody on this machine
    /// asked for last.
    #[must_use]
    pub fn name_of(&self, process: ProcessId, ip: IpAddr, at: BootTime) -> Option<Arc<Name>> {
        let ip = ip.to_canonical();
        let own = self.own.get(&process).and_then(|book| book.get(ip, at));
        own.or_else(|| self.machine.get(ip, at)).cloned()
    }

    /// The name of an address in its reverse zone, where some process asked for it.
    #[must_use]
    pub fn reverse_of(&self, ip: IpAddr, at: BootTime) -> Option<Arc<Name>> {
        self.reverse.get(ip.to_canonical(), at).cloned()
    }

    /// A process is gone, and what it alone knew.
    pub fn ended(&mut self, process: ProcessId) {
        if let Some(book) = self.own.remove(&process) {
            self.sizes.remove(&(book.len(), process));
            self.total -= book.len();
        }
    }

    fn learn_own(&mut self, process: ProcessId, ip: IpAddr, name: Arc<Name>, until: BootTime, at: BootTime) {
        self.change(process, |book| {
            book.prune(at);
            book.insert(ip, name, until);
        });
        if self.total > MAX_ENTRIES
            && let Some(&(_, fullest)) = self.sizes.last()
        {
            self.change(fullest, Book::evict);
        }
    }

    /// Changes what is known of one process, and keeps the sums.
    fn change(&mut self, process: ProcessId, change: impl FnOnce(&mut Book<Arc<Name>>)) {
        let book = self.own.entry(process).or_insert_with(|| Book::new(MAX_PER_PROCESS));
        let before = book.len();
        change(book);
        let now = book.len();
        self.sizes.remove(&(before, process));
        self.total = self.total - before + now;
        if now == 0 {
            self.own.remove(&process);
        } else {
            self.sizes.insert((now, process));
        }
    }

    fn learn_reverse(&mut self, reached: &Reached<'_>, message: &Message, at: BootTime) {
        let Some(ip) = reverse_address(&message.question.name) else { return };
        let pointer = reached.records(message).find_map(|answer| match &answer.data {
            Data::Pointer(name) => Name::new(name, NameSource::Ptr).map(|name| (name, answer.ttl)),
            _ => None,
        });
        if let Some((name, ttl)) = pointer {
            self.reverse.insert(ip, Arc::new(name), after(at, life(ttl)));
        }
    }
}

/// The owners that a question leads to within one answer.
struct Reached<'a>(Vec<&'a str>);

impl<'a> Reached<'a> {
    fn by(message: &'a Message) -> Self {
        let mut owners = vec![&*message.question.name];
        let mut next = 0;
        // Each record adds at most one owner, and no owner comes twice: this ends.
        while let Some(owner) = owners.get(next).copied() {
            next += 1;
            for answer in message.answers.iter().filter(|answer| *answer.name == *owner) {
                let (Data::Alias(target) | Data::Service { target, .. }) = &answer.data else { continue };
                if !target.is_empty() && !owners.contains(&&**target) {
                    owners.push(target);
                }
            }
        }
        Self(owners)
    }

    fn records<'b>(&'b self, message: &'b Message) -> impl Iterator<Item = &'b Answer> {
        message.answers.iter().filter(|answer| self.0.contains(&&*answer.name))
    }

    fn addresses<'b>(&'b self, message: &'b Message) -> impl Iterator<Item = (IpAddr, u32)> {
        self.records(message).flat_map(|answer| {
            let (one, hints) = match &answer.data {
                Data::V4(ip) => (Some(IpAddr::V4(*ip)), &[][..]),
                Data::V6(ip) => (Some(IpAddr::V6(*ip)), &[][..]),
                Data::Service { hints, .. } => (None, &hints[..]),
                Data::Alias(_) | Data::Pointer(_) | Data::Other(_) => (None, &[][..]),
            };
            one.into_iter().chain(hints.iter().copied()).map(|ip| (ip.to_canonical(), answer.ttl))
        })
    }
}

/// The name that was asked for. Questions for services put `_8443._https` before it (RFC 9460, 2.3).
fn asked_name(message: &Message) -> &str {
    let mut name = &*message.question.name;
    if matches!(message.question.kind, SVCB | HTTPS) {
        while let Some((_, rest)) = name.split_once('.').filter(|_| name.starts_with('_')) {
            name = rest;
        }
    }
    name
}

/// Blockers answer with addresses that are nowhere: those have no name.
fn is_somewhere(ip: IpAddr) -> bool {
    !(ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || ip == IpAddr::V4(std::net::Ipv4Addr::BROADCAST))
}

/// How long a record is used.
fn life(ttl: u32) -> Duration {
    // The highest bit set means none at all (RFC 2181, 8).
    let ttl = if i32::try_from(ttl).is_ok() { ttl } else { 0 };
    Duration::from_secs(ttl.into()).clamp(SHORTEST, LONGEST)
}

/// The address of a name in `in-addr.arpa` (RFC 1035, 3.5) or `ip6.arpa` (RFC 3596, 2.5).
fn reverse_address(name: &str) -> Option<IpAddr> {
    if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
        let forward: Vec<_> = labels.split('.').rev().collect();
        return forward.join(".").parse().ok().map(IpAddr::V4);
    }
    let labels: Vec<_> = name.strip_suffix(".ip6.arpa")?.split('.').collect();
    let digits: String = labels.iter().rev().copied().collect();
    let is_whole = labels.len() == 32 && digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let bits = u128::from_str_radix(&digits, 16).ok().filter(|_| is_whole)?;
    Some(IpAddr::V6(bits.into()).to_canonical())
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
