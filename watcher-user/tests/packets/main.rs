//! Packets: captures made by tcpdump of real sockets, replayed; and the same sockets captured live. What was counted must be
//! what they moved. Needs root; all of it happens on loopback and in network namespaces made here.

mod files;
#[cfg(feature = "pcap")]
mod live;
mod namespace;
mod replay;
mod tcpdump;
mod traffic;
