//! Sparklines.

use crate::tui::appearance::Glyphs;

/// The newest of `rates` (oldest first), as many as fit into `width`, right-aligned, each against the highest of them.
/// A rate above zero is never shown as nothing.
#[must_use]
pub fn line(rates: impl DoubleEndedIterator<Item = f32>, width: u16, glyphs: &Glyphs) -> String {
    let newest: Vec<f32> = rates.rev().take(width.into()).collect();
    let peak = newest.iter().copied().fold(0.0, f32::max);
    let mut line = " ".repeat(usize::from(width) - newest.len());
    for rate in newest.iter().rev() {
        line.push_str(if *rate <= 0.0 { " " } else { glyphs.spark[height(*rate, peak)] });
    }
    line
}

fn height(rate: f32, peak: f32) -> usize {
    // Truncation is meant: eight equal steps, the peak itself in the highest.
    ((rate / peak * 8.0) as usize).min(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::appearance::Appearance;

    #[test]
    fn the_newest_rates_stand_at_the_right() {
        let draw = |rates: &[f32], width, unicode| {
            line(rates.iter().copied(), width, Appearance { colour: false, unicode }.glyphs())
        };
        assert_eq!(draw(&[0.0, 1.0, 4.0, 8.0], 6, true), "   ▂▅█");
        assert_eq!(draw(&[9.0, 0.0, 0.1, 8.0], 3, true), " ▁█");
        assert_eq!(draw(&[1.0, 8.0], 2, false), ".#");
        assert_eq!(draw(&[0.0, 0.0], 4, true), "    ");
        assert_eq!(draw(&[], 2, true), "  ");
        assert_eq!(draw(&[1.0], 0, true), "");
    }
}
