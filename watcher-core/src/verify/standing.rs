//! What the kernel says of one network namespace at one moment.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{Calls, Diag};
use crate::interfaces::Bytes;

/// Packets of IP in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Packets {
    /// Of version 4.
    pub v4: u64,
    /// Of version 6.
    pub v6: u64,
    /// Bytes of all, from the header of IP on.
    pub octets: u64,
    /// To or from groups and everybody.
    pub multicast: u64,
}

/// One interface's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Device {
    /// Bytes of frames.
    pub bytes: Bytes,
    /// Frames received.
    pub rx_packets: u64,
    /// Frames sent.
    pub tx_packets: u64,
}

/// The counters of one network namespace (`/proc/net/snmp`, `snmp6`, `netstat`, `dev`), absolute, both versions of IP together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Network {
    /// Received.
    pub received: Packets,
    /// Sent.
    pub sent: Packets,
    /// `ForwDatagrams`.
    pub forwarded: u64,
    /// `ReasmReqds` less `ReasmOKs`: fragments that are no packet of their own.
    pub fragments: u64,
    /// ICMP messages.
    pub icmp: Calls,
    /// UDP and UDP-Lite: `InDatagrams`, `OutDatagrams`.
    pub datagrams: Calls,
    /// `NoPorts` and `InErrors` (received, and nobody has them), `SndbufErrors` (refused by a queue).
    pub dropped_datagrams: Calls,
    /// `InSegs`, `OutSegs`.
    pub segments: Calls,
    /// `RetransSegs`.
    pub segments_again: u64,
    /// Segments that came and whose bytes no socket counts in order: duplicates, after the end, without room.
    pub segments_unused: u64,
    /// By name.
    pub devices: BTreeMap<String, Device>,
}

/// A namespace before and after a reading of the calls' counters.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Its counters.
    pub network: (Network, Network),
    /// Its TCP sockets by cookie.
    pub sockets: (HashMap<u64, Diag>, HashMap<u64, Diag>),
    /// Memory of datagrams that wait to be read, bytes: more than their payload.
    pub queued: u64,
}
