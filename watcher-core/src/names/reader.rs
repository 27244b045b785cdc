//! From the heads of all flows to what they told, as they come: heads are many and large, and what they say is little.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use super::{Carried, Conversation, Head, Shown, parse::dns::Message};
use crate::{SocketId, aggregate::FastMap};

/// Flows that are followed at once. Beyond it the oldest are forgotten: what they told stays told.
const MAX_CONVERSATIONS: usize = 2_048;
/// Of those, the newest, so many may hold pieces that are not whole yet: about 12 KiB each at worst (the collector's bound).
const MAX_UNDECIDED: usize = 512;

/// One socket with one remote.
pub(crate) type Key = (SocketId, SocketAddr);

/// What heads told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A flow has shown something of itself, or more than before.
    Shown {
        /// Its socket.
        socket: SocketId,
        /// Its remote; IPv4-mapped addresses appear as IPv4.
        remote: SocketAddr,
        /// All that it has shown.
        shown: Arc<Shown>,
    },
    /// A DNS message passed.
    Dns(Carried, Box<Message>),
}

/// Puts the heads of each flow together.
#[derive(Debug, Default)]
pub struct Reader {
    conversations: FastMap<Key, Conversation>,
    /// In the order they began.
    order: VecDeque<Key>,
    /// The newest of them.
    undecided: VecDeque<Key>,
    messages: Vec<(super::Way, Message)>,
}

impl Reader {
    /// One that has read nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one more head, and appends what it told.
    pub fn read(&mut self, head: &Head, heard: &mut Vec<Heard>) {
        let remote = canonical(head.remote);
        let key = (head.socket, remote);
        let conversation = self.conversations.entry(key).or_insert_with(|| {
            self.order.push_back(key);
            self.undecided.push_back(key);
            Conversation::new()
        });
        if conversation.read(head, &mut self.messages) {
            heard.push(Heard::Shown { socket: head.socket, remote, shown: Arc::new(conversation.shown().clone()) });
        }
        for (way, message) in self.messages.drain(..) {
            let carried = Carried {
                at: head.at,
                process: head.owner,
                socket: head.socket,
                way,
                transport: head.transport,
                remote: head.remote,
            };
            heard.push(Heard::Dns(carried, Box::new(message)));
        }
        self.forget();
    }

    fn forget(&mut self) {
        if self.undecided.len() > MAX_UNDECIDED
            && let Some(oldest) = self.undecided.pop_front().and_then(|key| self.conversations.get_mut(&key))
        {
            oldest.close();
        }
        if self.order.len() > MAX_CONVERSATIONS
            && let Some(key) = self.order.pop_front()
        {
            self.conversations.remove(&key);
        }
    }
}

pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{MAX_CONVERSATIONS, Reader};
    use crate::{
        BootTime, ProcessId, SocketId,
        names::{Head, Transport, Way},
    };

    #[test]
    fn however_many_flows_begin_it_holds_a_bounded_number() {
        let (mut reader, mut heard) = (Reader::new(), Vec::new());
        for cookie in 0..3 * MAX_CONVERSATIONS as u64 {
            // The beginning of a hello that never goes on.
            let bytes: Box<[u8]> = [22, 3, 1, 31, 255, 1, 0, 31, 251].into_iter().chain([0; 200]).collect();
            let head = Head {
                at: BootTime(cookie),
                socket: SocketId { cookie, epoch: 0 },
                owner: ProcessId { tgid: 1, start: BootTime(1) },
                way: Way::Sent,
                transport: Transport::Tcp { seq: 1 },
                local: SocketAddr::from(([192, 0, 2, 1], 40_000)),
                remote: SocketAddr::from(([192, 0, 2, 2], 443)),
                length: bytes.len() as u32,
                bytes,
            };
            reader.read(&head, &mut heard);
        }
        assert_eq!(reader.conversations.len(), MAX_CONVERSATIONS);
        let undecided = reader.conversations.values().filter(|conversation| !conversation.is_done()).count();
        assert!(undecided <= super::MAX_UNDECIDED, "{undecided}");
    }
}
