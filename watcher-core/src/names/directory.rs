//! All that is known of names, at one moment.

use std::{collections::VecDeque, net::SocketAddr};

use super::{Head, Known, conversation::Conversation};
use crate::{BootTime, FlowSample, SocketId, aggregate::FastMap};

/// Flows whose first bytes are remembered at once. Beyond it the oldest are forgotten: what their flows were told stays.
const MAX_CONVERSATIONS: usize = 16_384;

/// One socket with one remote.
type Key = (SocketId, SocketAddr);

/// Reads the heads of flows, and tells each flow what is known of its other end.
#[derive(Debug, Default)]
pub struct Directory {
    conversations: FastMap<Key, Conversation>,
    /// In the order they began, those that ended meanwhile too.
    order: VecDeque<Key>,
    /// Of flows that have ended.
    over: Vec<Key>,
}

impl Directory {
    /// Takes in what was copied of flows.
    pub fn learn(&mut self, heads: &[Head], at: BootTime) {
        let _ = at;
        let mut messages = Vec::new();
        for head in heads {
            let key = (head.socket, canonical(head.remote));
            let conversation = self.conversations.entry(key).or_insert_with(|| {
                self.order.push_back(key);
                Conversation::new()
            });
            conversation.read(head, &mut messages);
        }
    }

    /// What is known of a flow that has just begun.
    #[must_use]
    pub(crate) fn introduce(&self, sample: &FlowSample) -> Known {
        let mut known = Known::default();
        self.tell(sample, &mut known);
        known
    }

    /// What a flow has shown since.
    pub(crate) fn tell(&self, sample: &FlowSample, known: &mut Known) {
        if let Some(conversation) = key(sample).and_then(|key| self.conversations.get(&key)) {
            known.show(conversation.shown(), sample.socket.direction);
        }
    }

    /// A flow has ended: what is known of it may go once the other processes on its socket have been told.
    pub(crate) fn end(&mut self, sample: &FlowSample) {
        self.over.extend(key(sample));
    }

    /// Forgets what is over, and the oldest.
    pub(crate) fn forget(&mut self) {
        for key in self.over.drain(..) {
            self.conversations.remove(&key);
        }
        while self.order.len() > MAX_CONVERSATIONS {
            if let Some(key) = self.order.pop_front() {
                self.conversations.remove(&key);
            }
        }
    }
}

fn key(sample: &FlowSample) -> Option<Key> {
    let remote = sample.id.remote.or(sample.socket.remote)?;
    Some((sample.id.socket, canonical(remote)))
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
