//! A part of a whole, as a bar.

/// Eighths of a column, from none to all.
const EIGHTHS: [&str; 9] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// `part` of `whole` on so many columns; what is there at all is to be seen.
pub fn bar(part: u64, whole: u64, columns: usize, unicode: bool) -> String {
    let steps = if unicode { 8 } else { 1 };
    let filled = filled(part, whole, columns * steps);
    if !unicode {
        return "#".repeat(filled);
    }
    let rest = if filled.is_multiple_of(8) { "" } else { EIGHTHS[filled % 8] };
    format!("{}{rest}", EIGHTHS[8].repeat(filled / 8))
}

/// So many of `most`; at least one of what is not nothing.
pub fn filled(part: u64, whole: u64, most: usize) -> usize {
    if part == 0 || whole == 0 || most == 0 {
        return 0;
    }
    let (part, whole, most_wide) = (u128::from(part), u128::from(whole), most as u128);
    let rounded = (part * most_wide + whole / 2) / whole;
    usize::try_from(rounded).unwrap_or(most).clamp(1, most)
}

/// `75%`, `<1%`.
pub fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0%".to_owned();
    }
    match u128::from(part) * 100 / u128::from(whole) {
        0 => "<1%".to_owned(),
        // An interface that is apart may have more than the total.
        percent => format!("{}%", percent.min(100)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{bar, percent};

    #[test]
    fn what_is_there_is_to_be_seen() {
        assert_eq!((bar(1, 2, 5, true), bar(1, 2, 4, false)), ("██▌".to_owned(), "##".to_owned()));
        assert_eq!((bar(1, u64::MAX, 5, true), bar(1, u64::MAX, 5, false)), ("▏".to_owned(), "#".to_owned()));
        assert_eq!((bar(0, 10, 5, true), bar(10, 10, 5, true)), (String::new(), "█████".to_owned()));
        assert_eq!((percent(1, 1000), percent(999, 1000), percent(0, 0)), ("<1%".into(), "99%".into(), "0%".into()));
    }

    proptest! {
        #[test]
        fn no_bar_is_longer_than_its_room(part: u64, whole: u64, columns in 0..50_usize, unicode: bool) {
            prop_assert!(crate::text::width(&bar(part, whole, columns, unicode)) <= columns);
            prop_assert!(percent(part, whole).len() <= 4);
        }
    }
}
