//! The collector for machines without eBPF: packets from PKTAP or libpcap, owners from `proc_pidinfo`
//! (macOS) or procfs (Linux), delivered as the same `watcher_core::Source` that the eBPF collector is.
//!
//! Empty until the issue that fills it; it stands here so that the layout is whole. It will never
//! depend on aya, and its parsers will be plain functions over bytes that every platform tests.
