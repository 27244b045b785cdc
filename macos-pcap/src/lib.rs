//! The collector for machines without eBPF: packets from PKTAP or libpcap, owners from `proc_pidinfo`
//! (macOS) or procfs (Linux), delivered as the same `watcher_core::Source` that the eBPF collector is.
//!
//! Its pure half, which every platform tests: frames ([`link`]) hold packets ([`packet`]), packets are parts of
//! streams ([`stream`]), streams belong to flows ([`flows`]). All of it works on borrowed bytes that anybody may have
//! sent: bounded time and memory for each packet, whatever it says. It does no IO, has no clock, and never depends on aya.
//! [`engine`] joins them: captured frames in, batches out. [`files`] are read by all, `capture` is behind the feature of that
//! name, and needs libpcap.

mod bytes;
#[cfg(feature = "capture")]
pub mod capture;
pub mod engine;
pub mod files;
pub mod flows;
pub mod link;
#[cfg(target_os = "linux")]
pub mod netlink;
pub mod owners;
pub mod packet;
pub mod stream;
