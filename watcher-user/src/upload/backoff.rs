//! How long to wait after a failure: exponential with *full jitter*, that is, uniformly between nothing and a ceiling that
//! doubles. Ours, because `backon`'s jitter is added to the delay (`ExponentialBuilder::with_jitter`): a fleet that failed together
//! would leave the endpoint idle and then come back together.

use std::time::Duration;

use fastrand::Rng;

/// The ceiling doubles with each failure in a row.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    first: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    /// The ceiling begins at `first` and ends at `cap`.
    pub(super) fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, failures: 0 }
    }

    /// After one more failure.
    pub(super) fn next(&mut self, random: &mut Rng) -> Duration {
        let ceiling = self.ceiling();
        self.failures = self.failures.saturating_add(1);
        let nanoseconds = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(random.u64(0..=nanoseconds))
    }

    fn ceiling(&self) -> Duration {
        let doubled = 2_u32.checked_pow(self.failures).and_then(|factor| self.first.checked_mul(factor));
        doubled.map_or(self.cap, |delay| delay.min(self.cap))
    }

    /// After a success. How many failures in a row there were.
    pub(super) fn reset(&mut self) -> u32 {
        std::mem::take(&mut self.failures)
    }

    /// How many failures in a row there are.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_falls_back_on_success() {
        let mut backoff = Backoff::new(SECOND, 10 * SECOND);
        let mut random = Rng::with_seed(1);
        let mut ceilings = Vec::new();
        for _ in 0..6 {
            ceilings.push(backoff.ceiling().as_secs());
            backoff.next(&mut random);
        }
        assert_eq!(ceilings, [1, 2, 4, 8, 10, 10]);
        assert_eq!((backoff.reset(), backoff.ceiling()), (6, SECOND));
    }

    #[test]
    fn delays_are_uniform_from_nothing_to_the_ceiling() {
        let mut random = Rng::with_seed(2);
        let mut buckets = [0_u32; 10];
        for _ in 0..10_000 {
            let delay = Backoff::new(SECOND, SECOND).next(&mut random);
            assert!(delay <= SECOND);
            buckets[(delay.as_millis() / 100).min(9) as usize] += 1;
        }
        assert!(buckets.iter().all(|&count| (850..1150).contains(&count)), "{buckets:?}");
    }

    #[test]
    fn failing_for_ever_stays_at_the_cap() {
        let mut backoff = Backoff { failures: u32::MAX - 1, ..Backoff::new(SECOND, 10 * SECOND) };
        for _ in 0..3 {
            assert!(backoff.next(&mut Rng::with_seed(3)) <= 10 * SECOND);
        }
        assert_eq!(backoff.failures(), u32::MAX);
    }
}
