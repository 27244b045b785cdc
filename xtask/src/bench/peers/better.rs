//! Where another program does better than watcher, out of the figures.

use super::Shown;
use super::contestants::{ALL, Comes, Contestant};
use super::trial::{Measured, Times};

/// What is compared: what the sentence says, and whether the other one's figure is better by more than a rounding.
const MEASURES: &[(&str, IsBetter)] = &[
    ("has a larger share with the right process", |other, own| other.right_share() > own.right_share() + 0.001),
    ("takes less processor time", |other, own| timed(other, own, |other, own| other.cpu + 0.02 < own.cpu)),
    ("takes less memory", |other, own| other.resident + other.maps + MEBIBYTE < own.resident + own.maps),
    ("slows traffic less", |other, own| timed(other, own, |other, own| other.speed > own.speed + 0.02)),
];

/// The other one's figures first.
type IsBetter = fn(&Measured, &Measured) -> bool;

const MEBIBYTE: u64 = 1024 * 1024;

/// An item of a list for each program and measure with at least one such job.
pub fn than_watcher(all: &[Shown]) -> Vec<String> {
    let others = ALL.iter().filter(|one| !matches!(one.comes, Comes::Watcher | Comes::PacketsWatcher));
    let mut items = Vec::new();
    for other in others {
        for (says, is_better) in MEASURES {
            let wins: Vec<&str> =
                all.iter().filter(|shown| wins(shown, other, *is_better)).map(|shown| shown.job.name).collect();
            if wins.len() == all.len() {
                items.push(format!("{} {says} in every job.", other.name));
            } else if !wins.is_empty() {
                items.push(format!("{} {says}: {}.", other.name, wins.join(", ")));
            }
        }
    }
    items
}

fn timed(other: &Measured, own: &Measured, is_better: fn(&Times, &Times) -> bool) -> bool {
    other.times.as_ref().zip(own.times.as_ref()).is_some_and(|(other, own)| is_better(other, own))
}

fn wins(shown: &Shown, other: &Contestant, is_better: IsBetter) -> bool {
    let found = |wanted: &dyn Fn(&Contestant) -> bool| {
        let cell = shown.cells.iter().find(|(contestant, _)| wanted(contestant))?;
        cell.1.as_ref().ok()
    };
    let own = found(&|one| matches!(one.comes, Comes::Watcher));
    let theirs = found(&|one| one.name == other.name);
    own.zip(theirs).is_some_and(|(own, theirs)| is_better(theirs, own))
}
