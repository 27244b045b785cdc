//! How often sockets may be listed: by what it cost the last time.

use std::time::Duration;

use watcher_core::BootTime;

/// So many times what a look took is waited after it: 5 % of a core.
const REST: u32 = 20;
/// Two looks begin at least so long after each other.
const LEAST: Duration = Duration::from_millis(20);

/// When the next look may begin.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace(Option<BootTime>);

impl Pace {
    /// Whether a look may begin now.
    #[must_use]
    pub fn may(&self, now: BootTime) -> bool {
        self.0.is_none_or(|next| now >= next)
    }

    /// A look began then and took so long.
    pub fn looked(&mut self, began: BootTime, took: Duration) {
        let rest = (took * REST).max(LEAST).as_nanos();
        self.0 = Some(BootTime(began.0.saturating_add(u64::try_from(rest).unwrap_or(u64::MAX))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> BootTime {
        BootTime(ms * 1_000_000)
    }

    #[test]
    fn a_look_is_paid_for_by_a_rest_of_twenty_times_its_length() {
        let mut pace = Pace::default();
        assert!(pace.may(ms(0)));
        pace.looked(ms(1_000), Duration::from_millis(10));
        assert!(!pace.may(ms(1_199)));
        assert!(pace.may(ms(1_200)));
        pace.looked(ms(1_200), Duration::from_micros(1));
        assert!(!pace.may(ms(1_219)));
        assert!(pace.may(ms(1_220)));
    }
}
