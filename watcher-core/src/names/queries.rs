//! The query log: which questions went out, to whom, and what came back when.
//!
//! Only what this machine asks: answers that it gives to others are theirs. Multicast DNS and LLMNR are not logged.

mod pending;
mod query;

use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use self::pending::{Key, Pending};
pub use self::query::{Carrier, NoAnswer, Query};
use super::{Transport, Way, parse::dns::Message};
use crate::{BootTime, ProcessId, SocketId};

/// Entries that are kept.
const MAX_ENTRIES: usize = 4_096;
/// Multicast DNS (RFC 6762) and LLMNR (RFC 4795).
const MULTICAST_PORTS: [u16; 2] = [5_353, 5_355];

/// What carried a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// When it passed.
    pub at: BootTime,
    /// Whose socket.
    pub process: ProcessId,
    /// Which.
    pub socket: SocketId,
    /// Which way.
    pub way: Way,
    /// On what.
    pub transport: Transport,
    /// The other end.
    pub remote: SocketAddr,
}

/// Pairs queries with their answers. Bounded: 4,096 entries, and as many that wait.
#[derive(Debug, Default)]
pub struct Queries {
    pending: Pending,
    /// Numbers without a gap, rising.
    log: VecDeque<Arc<Query>>,
    /// Entries that there ever were.
    last: u64,
}

impl Queries {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A message passed. `true` says that it is the answer to a query that waited: only from such may names be learnt, for
    /// anybody may send a datagram that looks like an answer.
    pub fn observe(&mut self, carried: &Carried, message: &Message) -> bool {
        if MULTICAST_PORTS.contains(&carried.remote.port()) {
            return false;
        }
        let key = || Key {
            socket: carried.socket,
            id: message.id,
            question: message.question.clone(),
            server: carried.remote,
        };
        match (carried.way, message.response) {
            (Way::Sent, false) => {
                if let Some(lost) = self.pending.ask(key(), carried) {
                    self.push(lost);
                }
                false
            }
            (Way::Received, true) => {
                let query = self.pending.answer(&key(), message, carried.at);
                query.map(|query| self.push(query)).is_some()
            }
            // What this machine serves.
            (Way::Received, false) | (Way::Sent, true) => false,
        }
    }

    /// Gives up queries that have waited for more than five seconds since they were last sent.
    pub fn expire(&mut self, at: BootTime) {
        while let Some(query) = self.pending.expire(at) {
            self.push(query);
        }
    }

    /// Entries with higher numbers than this, oldest first; 0 for all that are kept.
    pub fn after(&self, number: u64) -> impl Iterator<Item = &Arc<Query>> {
        let first = self.log.front().map_or(0, |query| query.number);
        let seen = (number.saturating_add(1)).saturating_sub(first);
        self.log.iter().skip(usize::try_from(seen).unwrap_or(usize::MAX))
    }

    fn push(&mut self, query: Query) {
        self.last += 1;
        if self.log.len() == MAX_ENTRIES {
            self.log.pop_front();
        }
        self.log.push_back(Arc::new(Query { number: self.last, ..query }));
    }
}

#[cfg(test)]
mod tests;
