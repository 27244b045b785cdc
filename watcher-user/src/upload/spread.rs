//! When in an interval a machine has its turn, so that a fleet does not arrive at once.

use std::time::Duration;

use uuid::Uuid;

/// A machine's own offset in `interval`: always the same for the same machine and interval, evenly spread over machines, in
/// whole milliseconds. Zero for an interval of less than a millisecond.
#[must_use]
pub fn offset(machine_id: Uuid, interval: Duration) -> Duration {
    let (high, low) = machine_id.as_u64_pair();
    let milliseconds = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(mix(mix(high) ^ low).checked_rem(milliseconds).unwrap_or(0))
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): ids that were not drawn at random spread as well as those that were.
/// Written out because the standard library's hashers may differ between versions.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: Duration = Duration::from_secs(900);

    #[test]
    fn twenty_thousand_machines_come_about_22_a_second() {
        for first in [0_u128, u128::MAX / 3] {
            let mut seconds = vec![0_u32; 900];
            for machine in 0..20_000 {
                let offset = offset(Uuid::from_u128(first + machine), QUARTER);
                seconds[usize::try_from(offset.as_secs()).unwrap()] += 1;
            }
            // Poisson with mean 22.2: more than 50 in any of 900 seconds has a chance of one in ten thousand.
            let most = *seconds.iter().max().unwrap();
            assert!(most <= 50, "{most} in one second");
        }
    }

    #[test]
    fn a_machine_keeps_its_offset_over_versions() {
        let machine = Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
        assert_eq!(offset(machine, QUARTER), Duration::from_millis(219_690));
        assert_eq!(offset(machine, Duration::ZERO), Duration::ZERO);
    }
}
