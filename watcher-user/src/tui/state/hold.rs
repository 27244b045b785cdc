//! Rows that keep their place while values wobble.
//!
//! Every row is sorted by a held value, not by the newest one. A row rises as soon as its value is a fifth above what
//! is held; it falls only after [`PATIENCE`] intervals below. The held values are plain numbers, so the order they
//! give is a total one, which comparing neighbours with a tolerance would not be.

use std::{collections::HashMap, hash::Hash};

/// A value within this factor of the held one moves nothing.
const BAND: f64 = 1.2;
/// So many intervals on one side of the held value move a row after all.
const PATIENCE: u8 = 3;

#[derive(Debug, Clone, Copy)]
struct Held {
    value: f64,
    /// Intervals in a row below the held value.
    below: u8,
    /// Intervals in a row above it, within the band.
    above: u8,
    /// The biggest value of those below: a row falls no deeper than it has been lately.
    peak: f64,
    /// When last seen.
    round: u32,
}

/// The held values of one list under one sort order.
#[derive(Debug, Clone)]
pub struct Hold<K> {
    rows: HashMap<K, Held>,
    round: u32,
}

impl<K> Default for Hold<K> {
    fn default() -> Self {
        Self { rows: HashMap::new(), round: 0 }
    }
}

impl<K: Eq + Hash + Clone> Hold<K> {
    /// Forgets everything: the next order is that of the newest values.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Another interval begins.
    pub fn next_interval(&mut self) {
        let round = self.round;
        self.rows.retain(|_, held| held.round == round);
        self.round = self.round.wrapping_add(1);
    }

    /// What to sort `id` by, its newest value being `value`. Asking again within an interval changes nothing.
    pub fn settle(&mut self, id: &K, value: f64) -> f64 {
        let round = self.round;
        match self.rows.get_mut(id) {
            Some(held) => {
                if held.round != round {
                    held.round = round;
                    held.take_in(value);
                }
                held.value
            }
            None => {
                self.rows.insert(id.clone(), Held { value, below: 0, above: 0, peak: 0.0, round });
                value
            }
        }
    }
}

impl Held {
    fn take_in(&mut self, value: f64) {
        if value > self.value * BAND {
            self.hold(value);
        } else if value > self.value {
            self.below = 0;
            self.above += 1;
            if self.above >= PATIENCE {
                self.hold(value);
            }
        } else if value < self.value {
            self.peak = if self.below == 0 { value } else { self.peak.max(value) };
            self.above = 0;
            self.below += 1;
            if self.below >= PATIENCE {
                self.hold(self.peak);
            }
        } else {
            self.hold(value);
        }
    }

    fn hold(&mut self, value: f64) {
        (self.value, self.below, self.above, self.peak) = (value, 0, 0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(hold: &mut Hold<&'static str>, values: &[(&'static str, f64)]) -> Vec<&'static str> {
        hold.next_interval();
        let mut rows: Vec<_> = values.iter().map(|(id, value)| (*id, hold.settle(id, *value))).collect();
        rows.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        rows.into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn wobbling_values_keep_their_order() {
        let mut hold = Hold::default();
        assert_eq!(order(&mut hold, &[("a", 105.0), ("b", 100.0)]), ["a", "b"]);
        for wobble in [95.0, 108.0, 99.0, 110.0, 90.0] {
            assert_eq!(order(&mut hold, &[("a", wobble), ("b", 102.0)]), ["a", "b"]);
        }
    }

    #[test]
    fn a_row_a_fifth_ahead_overtakes_at_once() {
        let mut hold = Hold::default();
        order(&mut hold, &[("a", 105.0), ("b", 100.0)]);
        assert_eq!(order(&mut hold, &[("a", 105.0), ("b", 130.0)]), ["b", "a"]);
    }

    #[test]
    fn a_row_slightly_ahead_overtakes_after_some_intervals() {
        let mut hold = Hold::default();
        order(&mut hold, &[("a", 105.0), ("b", 100.0)]);
        assert_eq!(order(&mut hold, &[("a", 105.0), ("b", 110.0)]), ["a", "b"]);
        assert_eq!(order(&mut hold, &[("a", 105.0), ("b", 110.0)]), ["a", "b"]);
        assert_eq!(order(&mut hold, &[("a", 105.0), ("b", 110.0)]), ["b", "a"]);
    }

    #[test]
    fn a_row_falls_only_after_some_intervals() {
        let mut hold = Hold::default();
        order(&mut hold, &[("a", 500.0), ("b", 100.0)]);
        assert_eq!(order(&mut hold, &[("a", 0.0), ("b", 100.0)]), ["a", "b"]);
        assert_eq!(order(&mut hold, &[("a", 0.0), ("b", 100.0)]), ["a", "b"]);
        assert_eq!(order(&mut hold, &[("a", 0.0), ("b", 100.0)]), ["b", "a"]);
    }

    #[test]
    fn asking_twice_in_an_interval_is_no_second_interval() {
        let mut hold = Hold::default();
        order(&mut hold, &[("a", 500.0)]);
        hold.next_interval();
        for _ in 0..10 {
            assert_eq!(hold.settle(&"a", 0.0), 500.0);
        }
    }

    #[test]
    fn rows_that_are_gone_are_forgotten() {
        let mut hold = Hold::default();
        order(&mut hold, &[("a", 500.0), ("b", 1.0)]);
        order(&mut hold, &[("b", 1.0)]);
        order(&mut hold, &[("b", 1.0)]);
        assert_eq!(hold.rows.len(), 1);
    }
}
