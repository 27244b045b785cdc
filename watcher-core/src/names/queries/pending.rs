//! Queries without an answer so far.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use super::{Carried, NoAnswer, Query};
use crate::{
    BootTime, SocketId,
    aggregate::FastMap,
    names::parse::dns::{Message, Question},
};

/// Queries that wait at once.
const MAX_PENDING: usize = 4_096;
/// How long an answer is waited for, from when the query was last sent.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a query and its answer have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub socket: SocketId,
    pub id: u16,
    pub question: Question,
    pub server: SocketAddr,
}

#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: FastMap<Arc<Key>, Waiting>,
    /// By when they were last sent, with a number: many are sent at once.
    order: BTreeMap<(BootTime, u64), Arc<Key>>,
    next: u64,
}

#[derive(Debug)]
struct Waiting {
    query: Query,
    place: (BootTime, u64),
}

impl Pending {
    /// A query was sent, for the first time or again. Returns one that had to make room.
    pub fn ask(&mut self, key: Key, carried: &Carried) -> Option<Query> {
        let again = self.waiting.remove(&key);
        let query = match again {
            Some(Waiting { query, place }) => {
                self.order.remove(&place);
                Query { tries: query.tries.saturating_add(1), ..query }
            }
            None => {
                let to = (carried.remote, carried.transport.into());
                Query::asked(&key.question, carried.at, carried.process, to)
            }
        };
        let lost = if self.waiting.len() >= MAX_PENDING { self.pop(NoAnswer::Untracked) } else { None };
        let place = (carried.at, self.next);
        self.next += 1;
        let key = Arc::new(key);
        self.order.insert(place, Arc::clone(&key));
        self.waiting.insert(key, Waiting { query, place });
        lost
    }

    /// The query that this answers.
    pub fn answer(&mut self, key: &Key, message: &Message, at: BootTime) -> Option<Query> {
        let Waiting { query, place } = self.waiting.remove(key)?;
        self.order.remove(&place);
        Some(query.answered(message, at))
    }

    /// One that has waited too long.
    pub fn expire(&mut self, at: BootTime) -> Option<Query> {
        let ((sent, _), _) = self.order.first_key_value()?;
        if at.since(*sent) > PATIENCE { self.pop(NoAnswer::Timeout) } else { None }
    }

    /// Gives up the one that was sent longest ago.
    fn pop(&mut self, failure: NoAnswer) -> Option<Query> {
        let (_, key) = self.order.pop_first()?;
        let Waiting { query, .. } = self.waiting.remove(&key)?;
        Some(Query { failure: Some(failure), ..query })
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        assert_eq!(self.waiting.len(), self.order.len());
        self.waiting.len()
    }
}
