use std::fs;

use rusqlite::Connection;
use watcher_core::history::By;

use super::{Bench, NETMON, at};
use crate::{
    history::FILE,
    transfer::import::{NetmonError, Reason},
};

const NOW: &str = "2026-11-21T10:00:00Z";

#[test]
fn rows_that_cannot_be_are_counted_and_left_out_and_the_others_taken() {
    let bench = Bench::new();
    let good = at("2026-11-01T10:00:00Z").as_second();
    let row = |values: &str| {
        // The columns take anything; so does SQLite.
        let sql = format!("INSERT INTO app_traffic_logs (timestamp, app_name, bytes_in, bytes_out) VALUES ({values})");
        bench.netmon.execute(&sql, []).unwrap();
    };
    let named = format!("{good}, 'a'");
    row("0, 'a', 1, 1");
    row(&format!("{named}, 10, 1"));
    row("-5, 'a', 1, 1");
    row("'yesterday', 'a', 1, 1");
    row("9223372036854775807, 'a', 1, 1");
    row(&format!("{named}, -1, 1"));
    row(&format!("{named}, 1.5, 1"));
    row(&format!("{named}, x'00', 1"));
    row(&format!("{named}, 9223372036854775807, 1"));
    row(&format!("{good}, x'ff', 1, 1"));
    row(&format!("{good}, CAST(x'ff' AS TEXT), 1, 1"));
    row(&format!("{good}, '', 1, 1"));
    row(&format!("{good}, printf('%5000s', 'a'), 1, 1"));
    row(&format!("{good}, 'b\u{1b}]0;x\u{7}', 5, 0"));
    row(&format!("{named}, 0, 0"));
    let outcome = bench.import(at(NOW));
    let left_out: Vec<_> = outcome.applications.left_out.into_iter().collect();
    let expected = [(Reason::Time, 3), (Reason::Future, 1), (Reason::Bytes, 3), (Reason::Huge, 1), (Reason::Name, 4)];
    assert_eq!(left_out, expected);
    assert_eq!((outcome.applications.idle, outcome.applications.taken), (1, 2));
    assert_eq!(bench.sum(By::Application), (15, 1));
}

#[test]
fn names_beyond_those_there_is_room_for_keep_their_bytes() {
    let bench = Bench::new();
    let start = at("2026-11-01T10:00:00Z");
    bench.netmon.execute_batch("BEGIN").unwrap();
    for n in 0..20_000 {
        bench.app(start, &format!("app {n}"), 1, 0);
    }
    bench.netmon.execute_batch("COMMIT").unwrap();
    bench.import(at(NOW));
    let report = bench.report(By::Application, None, None);
    assert_eq!((report.total.rx_bytes, report.rows.len()), (20_000, 16_385));
    assert_eq!((report.rows[0].name.as_str(), report.rows[0].amount.rx_bytes), ("(others)", 20_000 - 16_384));
}

#[test]
fn what_is_not_netmons_is_refused_and_no_history_is_begun() {
    let bench = Bench::new();
    let made = |name: &str, sql: &str| Connection::open(bench.path(name)).unwrap().execute_batch(sql).unwrap();
    fs::write(bench.path("text.db"), "not a database ".repeat(100)).unwrap();
    fs::write(bench.path("nothing.db"), "").unwrap();
    made("other.db", "CREATE TABLE traffic_logs (id, when_ INTEGER); CREATE TABLE app_traffic_logs (id)");
    made("view.db", "CREATE VIEW traffic_logs AS SELECT 1 AS id; CREATE VIEW app_traffic_logs AS SELECT 1 AS id");
    made("tables.db", "CREATE TABLE letters (id)");
    made(
        "half.db",
        &NETMON.replace("CREATE TABLE IF NOT EXISTS app_", "CREATE TABLE not_app_").replace("ON app_", "ON not_app_"),
    );
    bench.app(at("2026-11-01T10:00:00Z"), "a", 1, 1);
    let mut torn = fs::read(bench.path("netmon.db")).unwrap();
    let middle = torn.len() / 2;
    torn[4_096..middle].fill(0xa5);
    fs::write(bench.path("torn.db"), &torn).unwrap();
    bench.netmon.execute("DELETE FROM app_traffic_logs", []).unwrap();

    let refused = |name: &str| match bench.import_of(name, false, at(NOW)) {
        Err(error) => error.downcast::<NetmonError>().unwrap(),
        Ok(outcome) => panic!("{name}: {outcome:?}"),
    };
    assert!(matches!(refused("absent.db"), NetmonError::Missing(_)));
    assert!(matches!(refused("text.db"), NetmonError::NotADatabase(_)));
    assert!(matches!(refused("nothing.db"), NetmonError::NotADatabase(_)));
    assert!(matches!(refused("netmon.db"), NetmonError::Empty(_)));
    let lacks = |name: &str| match refused(name) {
        NetmonError::Foreign { lacks, .. } => lacks,
        other => panic!("{name}: {other}"),
    };
    assert_eq!(lacks("other.db"), "column timestamp in its table app_traffic_logs");
    for name in ["view.db", "tables.db", "half.db"] {
        assert_eq!(lacks(name), "table app_traffic_logs", "{name}");
    }
    assert!(!bench.path(FILE).exists());
    // What of it can be read may have been taken over by then.
    assert!(matches!(refused("torn.db"), NetmonError::Damaged { .. }));
}

#[test]
fn columns_of_a_later_netmon_are_no_hindrance() {
    let bench = Bench::new();
    bench.netmon.execute_batch("ALTER TABLE app_traffic_logs ADD COLUMN pid INTEGER DEFAULT 7").unwrap();
    bench.app(at("2026-11-01T10:00:00Z"), "a", 1, 1);
    assert_eq!(bench.import(at(NOW)).applications.taken, 1);
}
