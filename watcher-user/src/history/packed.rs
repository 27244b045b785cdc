//! Minutes, hours and days that are over: one row of the file is all that a line moved in one of them.
//!
//! A blob is a byte that says how many columns there are (2: received, sent; 4: and the most of each in one second), then rows in
//! ascending order of series: what the series is above the one before, and the columns, as unsigned LEB128 numbers. A third of
//! what rows of SQLite's take.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use watcher_core::history::{Amount, Kind, Level};

use super::rows::{corrupt, kind, level};

/// What one period's series moved.
pub type Sums = BTreeMap<i64, Amount>;

/// Adds to a period that is over. Without rows, nothing is made.
pub fn add(db: &Connection, to: Level, of: Kind, at: Timestamp, rows: &[(i64, Amount)]) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let place = (level(to), kind(of), at.as_second());
    let sql = "SELECT rows FROM packed WHERE level = ?1 AND kind = ?2 AND at = ?3";
    let before: Option<Vec<u8>> = db.prepare_cached(sql)?.query_row(place, |row| row.get(0)).optional()?;
    let mut sums: Sums = before.map(|blob| unpack(&blob)).transpose()?.unwrap_or_default().into_iter().collect();
    for (series, amount) in rows {
        *sums.entry(*series).or_default() += *amount;
    }
    let sql = "INSERT INTO packed (level, kind, at, rows) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET rows = excluded.rows";
    db.prepare_cached(sql)?.execute(params![place.0, place.1, place.2, pack(&sums)])?;
    Ok(())
}

/// The blob of these rows.
pub fn pack(sums: &Sums) -> Vec<u8> {
    let peaks = sums.values().any(|amount| *amount != amount.without_peaks());
    let mut blob = Vec::with_capacity(1 + sums.len() * 10);
    blob.push(if peaks { 4 } else { 2 });
    let mut before = 0;
    for (series, amount) in sums {
        put(&mut blob, series.wrapping_sub(before).cast_unsigned());
        before = *series;
        put(&mut blob, amount.rx_bytes);
        put(&mut blob, amount.tx_bytes);
        if peaks {
            put(&mut blob, amount.rx_peak);
            put(&mut blob, amount.tx_peak);
        }
    }
    blob
}

/// The rows of a blob, in ascending order of series.
///
/// # Errors
/// SQLite's for a damaged file, when it is none of [`pack`]'s.
pub fn unpack(blob: &[u8]) -> rusqlite::Result<Vec<(i64, Amount)>> {
    read(blob).ok_or_else(|| corrupt("rows that were packed cannot be read".to_owned()))
}

fn read(blob: &[u8]) -> Option<Vec<(i64, Amount)>> {
    let (columns, mut rest) = blob.split_first()?;
    let peaks = match columns {
        2 => false,
        4 => true,
        _ => return None,
    };
    let mut rows = Vec::with_capacity(rest.len() / 8);
    let mut series = 0_i64;
    while !rest.is_empty() {
        series = series.checked_add_unsigned(take(&mut rest)?)?;
        let mut amount = Amount { rx_bytes: take(&mut rest)?, tx_bytes: take(&mut rest)?, ..Amount::default() };
        if peaks {
            (amount.rx_peak, amount.tx_peak) = (take(&mut rest)?, take(&mut rest)?);
        }
        rows.push((series, amount));
    }
    Some(rows)
}

fn put(blob: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        blob.push(number as u8 | 0x80);
        number >>= 7;
    }
    blob.push(number as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        let part = u64::from(byte & 0x7f);
        if part.checked_shl(shift)? >> shift != part {
            return None;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amounts() -> impl Strategy<Value = Amount> {
        let number = || prop_oneof![Just(0), 0..300_u64, any::<u64>()];
        (number(), number(), number(), number(), any::<bool>()).prop_map(
            |(rx_bytes, tx_bytes, rx_peak, tx_peak, peaks)| {
                let amount = Amount { rx_bytes, tx_bytes, rx_peak, tx_peak };
                if peaks { amount } else { amount.without_peaks() }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(sums in proptest::collection::btree_map(1..i64::MAX, amounts(), 0..200)) {
            let rows: Vec<_> = sums.clone().into_iter().collect();
            prop_assert_eq!(unpack(&pack(&sums)).unwrap(), rows);
        }

        #[test]
        fn bytes_of_anybody_do_no_harm(blob in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(rows) = unpack(&blob) {
                prop_assert!(rows.len() <= blob.len());
            }
        }
    }

    #[test]
    fn a_blob_that_was_cut_is_damage() {
        let sums = Sums::from([(7, Amount { rx_bytes: 1_000_000, tx_bytes: 2, ..Amount::default() })]);
        let blob = pack(&sums);
        assert_eq!(blob.len(), 1 + 1 + 3 + 1);
        for end in [0, 2, 4, 5] {
            assert!(unpack(&blob[..end]).is_err(), "{end}");
        }
        assert!(unpack(&[3, 1, 1]).is_err());
        assert!(unpack(&[2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1]).is_err());
    }
}
