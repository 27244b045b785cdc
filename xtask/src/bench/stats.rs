//! The arithmetic of repeated measurements: medians, and ratios of runs that stood side by side.

/// The middle value (the mean of the two middle ones); NaN of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// One measurement with watcher and one without, made one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// With watcher.
    pub with: f64,
    /// Without it.
    pub without: f64,
}

/// What pairs of runs say together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Median of the runs with watcher.
    pub with: f64,
    /// Median of the runs without.
    pub without: f64,
    /// Median of the pairs' ratios with / without: a drift of the machine meets both halves of a pair.
    pub ratio: f64,
    /// The smallest and the largest of those ratios.
    pub spread: (f64, f64),
}

impl Comparison {
    /// Sums pairs up.
    pub fn of(pairs: &[Pair]) -> Self {
        let column = |pick: fn(&Pair) -> f64| pairs.iter().map(pick).collect::<Vec<_>>();
        let ratios = column(|pair| pair.with / pair.without);
        Self {
            with: median(&column(|pair| pair.with)),
            without: median(&column(|pair| pair.without)),
            ratio: median(&ratios),
            spread: (
                ratios.iter().copied().fold(f64::INFINITY, f64::min),
                ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "these halves are exact")]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        // The machine slows down tenfold half-way: the medians of the columns would say nothing, the pairs do.
        let pairs = [(100.0, 200.0), (100.0, 200.0), (10.0, 20.0)].map(|(with, without)| Pair { with, without });
        let comparison = Comparison::of(&pairs);
        assert_eq!(comparison, Comparison { with: 100.0, without: 200.0, ratio: 0.5, spread: (0.5, 0.5) });
    }
}
