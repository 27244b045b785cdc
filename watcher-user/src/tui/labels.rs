//! Short words for the narrow places of the screen.

use std::borrow::Cow;

use watcher_core::FlowState;

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

/// A number with its thousands apart.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }
}
