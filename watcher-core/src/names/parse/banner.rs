//! Protocols that are known by their first bytes. Only the label is learnt.
//!
//! Each signature says how likely random bytes are to have it; a flow is labelled by what it showed, so a wrong label is
//! worse than none.

mod bittorrent;
mod databases;
mod tcp;
mod udp;

pub use tcp::tcp;
pub use udp::udp;

#[cfg(test)]
mod tests;
