//! Runs with and without watcher, one after the other, so that both meet the same machine.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::stats::{Comparison, Pair};
use super::subject::{Subject, Watcher};

/// Before each run, with watcher or without: a (virtual) processor that has just been busy is up to a third faster than one that
/// comes from rest, as it does while watcher starts.
const REST: Duration = Duration::from_secs(1);

/// Measures `pairs` times with and without watcher. Which comes first changes from pair to pair.
pub fn compare(subject: &Subject, pairs: usize, mut measure: impl FnMut() -> Result<f64>) -> Result<Comparison> {
    let mut results = Vec::with_capacity(pairs);
    for number in 0..pairs {
        let pair = if number % 2 == 0 {
            let with = beside_watcher(subject, &mut measure)?;
            Pair { with, without: rested(&mut measure)? }
        } else {
            let without = rested(&mut measure)?;
            Pair { without, with: beside_watcher(subject, &mut measure)? }
        };
        let ratio = pair.with / pair.without;
        eprintln!("  pair {}: {:.4e} with, {:.4e} without: {ratio:.3}", number + 1, pair.with, pair.without);
        results.push(pair);
    }
    Ok(Comparison::of(&results))
}

fn beside_watcher(subject: &Subject, measure: &mut impl FnMut() -> Result<f64>) -> Result<f64> {
    let watcher = Watcher::start_unheard(subject, &[])?;
    let value = rested(measure)?;
    watcher.stop()?;
    Ok(value)
}

/// What is measured, after a rest.
pub fn rested(measure: &mut impl FnMut() -> Result<f64>) -> Result<f64> {
    thread::sleep(REST);
    measure()
}
