//! Files of other versions.

use jiff::Timestamp;
use watcher_core::history::{Amount, By, Row, Step};

use super::{
    super::{FILE, History, HistoryError, migrations, open_or_set_aside},
    berlin, moved, open, query, report, sum,
};

#[test]
fn a_newer_file_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let path = folder.path().join(FILE);
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", migrations::VERSION + 1).unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    let refused = open_or_set_aside(&path, "boot", berlin()).unwrap_err();
    assert!(matches!(refused, HistoryError::Newer { .. }), "{refused}");
    assert!(matches!(History::open(&path, berlin()).unwrap_err(), HistoryError::Newer { .. }));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn every_earlier_version_is_brought_up() {
    for version in 0..migrations::VERSION {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        migrations::made_as(&path, version);
        let mut store = open(folder.path());
        let now: Timestamp = "2026-11-21T10:00:30Z".parse().unwrap();
        store.add(&moved(now, "a", "b", 1, 2), now).unwrap();
        assert_eq!(sum(&report(folder.path(), &query(By::Domain))), (1, 2), "from version {version}");
    }
}

/// Rows of every level as versions 1 and 2 wrote them: of two applications, two boots' processes, and all.
const OLD_ROWS: &str = "
INSERT INTO application VALUES (1, 'a', 'unit', 'a.service'), (2, 'b', 'executable', '');
INSERT INTO process VALUES (1, 'boot-1', 10, 5, 'a', 1000, 1), (2, 'boot-2', 10, 5, 'a', 0, 1), (3, '', 0, 0, '(others)', 0, 2);
INSERT INTO series VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 253402207200), (2, 2, 0, 0, 1, 0, 0, 0, 0, 0, 253402207200),
    (3, 2, 0, 0, 2, 0, 0, 0, 0, 0, 253402207200), (4, 3, 0, 0, 1, 1, 0, 0, 0, 0, 253402207200),
    (5, 3, 0, 0, 1, 2, 0, 0, 0, 0, 253402207200), (6, 3, 0, 0, 2, 3, 0, 0, 0, 0, 253402207200);
WITH level (level, at) AS (VALUES (0, 1767268800), (1, 1767265200), (1, 1767265260), (2, 1767258000), (3, 1767135600), (3, 1767049200)),
     part (series, kind, rx, peak) AS (VALUES (1, 0, 7, 3), (2, 2, 5, 3), (3, 2, 2, 1), (4, 3, 4, 0), (5, 3, 1, 0), (6, 3, 2, 0))
INSERT INTO traffic SELECT level, kind, at, series, rx * (1 + level), rx, peak, peak FROM level, part;
INSERT INTO bucket VALUES (2, 1767258000, 1767261600), (3, 1767135600, 1767222000), (3, 1767049200, 1767135600);
INSERT INTO mark VALUES ('hours', 1767261600), ('days', 1767222000), ('minutes since', 1767261600), ('hours since', 1767222000);
";

#[test]
fn what_earlier_versions_wrote_is_what_it_was() {
    for version in 1..migrations::VERSION {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        migrations::made_as(&path, version);
        rusqlite::Connection::open(&path).unwrap().execute_batch(OLD_ROWS).unwrap();
        let before = std::fs::read(&path).unwrap();
        let shown = || {
            let mut shown = Vec::new();
            for by in [By::Application, By::Process, By::User] {
                let mut asked = query(by);
                asked.step = Some(Step::Hour);
                let found = report(folder.path(), &asked);
                let row = |row: &Row| (row.name.clone(), row.process.as_ref().map(|p| p.uid), row.amount);
                shown.push((found.total, found.rows.iter().map(row).collect::<Vec<_>>(), found.bins));
            }
            shown
        };
        // Levels 0, 1, 1, 2, 3, 3: times 1, 2, 2, 3, 4, 4.
        let read = shown();
        assert_eq!((read[0].0.rx_bytes, read[0].0.tx_bytes, read[0].0.rx_peak), (7 * 16, 7 * 6, 3), "{read:?}");
        assert_eq!(read[0].1[0], ("a".to_owned(), None, Amount { rx_bytes: 80, tx_bytes: 30, rx_peak: 3, tx_peak: 3 }));
        let processes: Vec<_> = read[1].1.iter().map(|(name, uid, amount)| (&**name, *uid, amount.rx_bytes)).collect();
        assert_eq!(processes, [("a", Some(1000), 64), ("(others)", Some(0), 32), ("a", Some(0), 16)]);
        assert_eq!(read[0].2.iter().map(|bin| bin.rx_bytes).sum::<u64>(), 7 * 16);
        // To read it changes nothing; to write brings it up.
        assert_eq!(std::fs::read(&path).unwrap(), before, "version {version}");
        drop(open(folder.path()));
        assert_ne!(std::fs::read(&path).unwrap(), before);
        assert_eq!(shown(), read, "version {version}");
    }
}
