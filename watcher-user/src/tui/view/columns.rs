//! Which columns a width has room for, and where they stand.

/// Between two columns.
const GAP: u16 = 1;

/// Where text stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// One column of a table; `C` says what it shows.
#[derive(Debug, Clone, Copy)]
pub struct Column<C> {
    /// What it shows.
    pub id: C,
    /// Its heading.
    pub title: &'static str,
    /// Where its text stands.
    pub align: Align,
    /// It is dropped rather than being narrower.
    pub min: u16,
    /// It gets no wider before every other column is as wide as it wants to be. Small wishes come first.
    pub want: u16,
    /// Columns with the smallest value are dropped first.
    pub keep: u8,
    /// It takes what nobody else wants, up to this: numbers far from their name belong to nobody. 0: it takes nothing.
    pub most: u16,
}

/// A column and its place.
#[derive(Debug, Clone, Copy)]
pub struct Place<C> {
    /// Which.
    pub column: Column<C>,
    /// From the left edge of the table.
    pub x: u16,
    /// At least [`Column::min`], unless it is the only one left.
    pub width: u16,
}

/// The columns that fit into `width`, in their order, small wishes served first.
#[must_use]
pub fn fit<C: Copy>(columns: &[Column<C>], width: u16) -> Vec<Place<C>> {
    let mut kept: Vec<Place<C>> =
        columns.iter().map(|column| Place { column: *column, x: 0, width: column.min }).collect();
    let needed = |kept: &[Place<C>]| kept.iter().map(|place| place.width + GAP).sum::<u16>().saturating_sub(GAP);
    while kept.len() > 1 && needed(&kept) > width {
        let least = kept.iter().enumerate().min_by_key(|(_, place)| place.column.keep).map_or(0, |(at, _)| at);
        kept.remove(least);
    }
    let mut spare = width.saturating_sub(needed(&kept));
    let mut by_wish: Vec<usize> = (0..kept.len()).collect();
    by_wish.sort_by_key(|at| kept[*at].column.want.saturating_sub(kept[*at].width));
    for at in by_wish {
        let more = kept[at].column.want.saturating_sub(kept[at].width).min(spare);
        kept[at].width += more;
        spare -= more;
    }
    let mut x = 0;
    for place in &mut kept {
        place.width += place.column.most.saturating_sub(place.width).min(spare);
        place.width = place.width.min(width);
        place.x = x;
        x += place.width + GAP;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn column(id: char, min: u16, want: u16, keep: u8, most: u16) -> Column<char> {
        Column { id, title: "", align: Align::Left, min, want, keep, most }
    }

    const COLUMNS: [Column<char>; 3] = [column('a', 4, 4, 1, 0), column('b', 10, 20, 3, 90), column('c', 5, 10, 2, 0)];

    fn places(width: u16) -> String {
        let place = |place: &Place<char>| format!("{}{}+{}", place.column.id, place.x, place.width);
        fit(&COLUMNS, width).iter().map(place).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_least_important_goes_first_and_the_rest_column_takes_what_is_over() {
        assert_eq!(places(100), "a0+4 b5+84 c90+10");
        assert_eq!(places(200), "a0+4 b5+90 c96+10", "there is an end to it");
        assert_eq!(places(30), "a0+4 b5+14 c20+10", "small wishes come first");
        assert_eq!(places(21), "a0+4 b5+10 c16+5");
        assert_eq!(places(20), "b0+10 c11+9");
        assert_eq!(places(15), "b0+15");
        assert_eq!(places(3), "b0+3");
        assert_eq!(places(0), "b0+0");
    }
}
