//! What a capture can promise.

use watcher_core::{DegradationReason, Grade, Losses, Quality};

use super::Seen;

/// [`Grade::Pid`] only while PKTAP named the process of every flow and nothing was dropped.
pub(super) fn of(seen: &Seen, losses: &Losses, unnamed: u64) -> Quality {
    let is_all_tapped = seen.frames > 0 && seen.tapped == seen.frames;
    if is_all_tapped && unnamed == 0 && losses.is_exact() {
        return Quality { backend: "pcap".into(), grade: Grade::Pid, degraded: Vec::new() };
    }
    estimated(seen, losses.frames, unnamed)
}

pub(super) fn estimated(seen: &Seen, lost: u64, unnamed: u64) -> Quality {
    let mut degraded = Vec::new();
    let mut say = |capability: &str, why: String| {
        degraded.push(DegradationReason { capability: capability.to_owned(), why });
    };
    if seen.tapped < seen.frames || seen.frames == 0 {
        say(
            "owners",
            "packets do not say whose they are: the sockets are listed instead, and some were gone by then".into(),
        );
    } else if unnamed > 0 {
        say("owners", format!("PKTAP named no process for {unnamed} flows"));
    }
    say("bytes", "what the wire carried, not what calls were given: what was sent and never read is in it".into());
    if lost > 0 {
        say("packets", format!("{lost} were dropped by the capture or could not be read: their bytes are missing"));
    }
    Quality { backend: "pcap".into(), grade: Grade::Estimated, degraded }
}
