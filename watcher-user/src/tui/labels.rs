//! Short words for the narrow places of the screen.

use std::borrow::Cow;

use watcher_core::FlowState;

pub use crate::units::count;
use crate::wording;

/// Where a flow is in its life; where it has ended, why.
#[must_use]
pub fn state(state: FlowState, room: u16) -> Cow<'static, str> {
    match state {
        FlowState::Closed { reason, .. } => wording::reason(reason),
        // By far the most frequent word: cut, it would fill the screen with marks of cutting.
        _ if room < 11 && wording::state(state) == "established" => Cow::Borrowed("estab"),
        _ => Cow::Borrowed(wording::state(state)),
    }
}
