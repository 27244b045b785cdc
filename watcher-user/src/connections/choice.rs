//! Which connections are shown.

use watcher_core::{FlowState, Scope};

use super::Lifecycle;
use crate::{filter::Filter, wording};

/// Conditions; a connection meets all of them.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Processes; empty for all.
    pub pids: Vec<u32>,
    /// The name of the process.
    pub app: Filter,
    /// The remote's address or port.
    pub remote: Filter,
    /// Where it is in its life.
    pub stage: Option<Stage>,
    /// Also what stays within the host.
    pub include_loopback: bool,
}

impl Choice {
    /// Whether a connection is shown.
    pub fn has(&self, row: &Lifecycle) -> bool {
        let sample = &row.flow.sample;
        (self.include_loopback || sample.scope != Scope::Loopback)
            && (self.pids.is_empty() || self.pids.contains(&sample.id.process.tgid))
            && self.app.matches(&row.process.name)
            && (self.remote.is_empty() || row.flow.remote().is_some_and(|remote| self.remote.matches_end(remote)))
            && self.stage.as_ref().is_none_or(|stage| stage.is_of(sample.state))
    }
}

/// States by name.
const STATES: [&str; 11] = [
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait_1",
    "fin_wait_2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
];
/// Reasons by name.
const REASONS: [&str; 8] =
    ["fin", "reset_by_peer", "reset_locally", "refused", "timed_out", "unreachable", "disconnected", "released"];

/// Where a connection is in its life: `open`, `closed`, a TCP state, or the reason of its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It has not ended.
    Open,
    /// It has.
    Closed,
    /// It is in this TCP state.
    In(String),
    /// It ended for this reason.
    Because(String),
}

impl Stage {
    /// From its name.
    ///
    /// # Errors
    /// There is none of that name; tells those that there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.to_ascii_lowercase().replace('-', "_");
        match name.as_str() {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            state if STATES.contains(&state) => Ok(Self::In(name)),
            reason if REASONS.contains(&reason) => Ok(Self::Because(name)),
            _ => Err(format!(
                "expected open, closed, a TCP state ({}) or the reason of an end ({})",
                STATES.join(", "),
                REASONS.join(", ")
            )),
        }
    }

    fn is_of(&self, state: FlowState) -> bool {
        match (self, state) {
            (Self::Open, FlowState::Open | FlowState::Tcp(_)) | (Self::Closed, FlowState::Closed { .. }) => true,
            (Self::In(name), FlowState::Tcp(_)) => wording::state(state) == name,
            (Self::Because(name), FlowState::Closed { reason, .. }) => wording::reason(reason) == name.as_str(),
            _ => false,
        }
    }
}
