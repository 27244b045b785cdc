//! A store in a real file: sums at every step, whatever the clock does.

mod versions;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::prelude::*;
use watcher_core::{
    Application, BootTime, NamedBy, ProcessId, Scope,
    history::{Amount, By, Choice, Entry, Kind, Level, Program, Query, Report, Series, Sort, Span, Step, Subject},
};

use super::{FILE, History, HistoryError, Store, Upkeep, open_or_set_aside, rows};

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn open(folder: &Path) -> Store {
    let opened = open_or_set_aside(&folder.join(FILE), "boot", berlin()).unwrap();
    assert_eq!(opened.set_aside, None);
    opened.store
}

fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap()
}

fn application(name: &str) -> Arc<Application> {
    Arc::new(Application { name: name.into(), rule: NamedBy::Unit, evidence: format!("{name}.service").into() })
}

/// The rows that one reading makes: of an application, its remote, its process, and all.
fn moved(at: Timestamp, app: &str, remote: &str, rx: u64, tx: u64) -> Vec<Entry> {
    let application = application(app);
    let id = ProcessId { tgid: 1_000 + app.len() as u32, start: BootTime(7) };
    let program = Program { id, name: app.into(), uid: 1000, application: Arc::clone(&application) };
    let subjects = [
        Subject::Total,
        Subject::Ip,
        Subject::Application(Arc::clone(&application)),
        Subject::Process(Arc::new(program)),
        Subject::Remote { application, remote: remote.into() },
        Subject::User(1000),
    ];
    let entry = |subject: Subject| {
        let peaks = if subject.kind().has_peaks() { (rx, tx) } else { (0, 0) };
        Entry {
            minute: minute(at),
            series: Arc::new(Series { scope: Scope::Network, estimated: false, subject }),
            amount: Amount { rx_bytes: rx, tx_bytes: tx, rx_peak: peaks.0, tx_peak: peaks.1 },
        }
    };
    subjects.into_iter().map(entry).collect()
}

fn query(by: By) -> Query {
    Query {
        from: None,
        until: None,
        by,
        choice: Choice::default(),
        sort: Sort::default(),
        limit: 1_000,
        step: None,
        zone: None,
    }
}

fn report(folder: &Path, query: &Query) -> Report {
    History::open(&folder.join(FILE), berlin()).unwrap().report(query).unwrap()
}

fn sum(report: &Report) -> (u64, u64) {
    (report.total.rx_bytes, report.total.tx_bytes)
}

/// What rows of a level and line come to.
fn stored(store: &Store, level: Level, of: Kind) -> (u64, u64) {
    let ever = Span { from: Timestamp::MIN, until: Timestamp::MAX };
    let sums = rows::sums(&store.db, level, of, ever).unwrap();
    sums.values().fold((0, 0), |(rx, tx), amount| (rx + amount.rx_bytes, tx + amount.tx_bytes))
}

fn upkeep(store: &mut Store, now: Timestamp) {
    while store.maintain(now, true).unwrap() == Upkeep::Stepped {}
}

#[test]
fn the_same_sum_whether_asked_by_application_process_domain_or_user() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let now: Timestamp = "2026-11-21T10:00:30Z".parse().unwrap();
    store.add(&moved(now, "nginx", "example.com", 100, 5), now).unwrap();
    store.add(&moved(now, "curl", "example.com", 30, 50), now).unwrap();
    for by in [By::Application, By::Process, By::Domain, By::User] {
        assert_eq!(sum(&report(folder.path(), &query(by))), (130, 55), "{by:?}");
    }
    let apps = report(folder.path(), &query(By::Application));
    let rows: Vec<_> =
        apps.rows.iter().map(|row| (row.name.as_str(), row.amount.rx_bytes, row.amount.tx_peak)).collect();
    assert_eq!(rows, [("nginx", 100, 5), ("curl", 30, 50)]);
    assert_eq!((apps.total.rx_peak, apps.total.tx_peak), (100, 50));
    assert_eq!(apps.rows[0].explained[0].evidence, "nginx.service");
    let domains = report(folder.path(), &query(By::Domain));
    assert_eq!((domains.rows.len(), domains.rows[0].name.as_str()), (1, "example.com"));
    let mut of_curl = query(By::Domain);
    of_curl.choice.application = Some("curl".to_owned());
    assert_eq!(sum(&report(folder.path(), &of_curl)), (30, 50));
}

#[test]
fn fewer_rows_are_the_first_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let now: Timestamp = "2026-11-21T10:00:30Z".parse().unwrap();
    for at in 0..40 {
        store
            .add(&moved(now, &"x".repeat(1 + at), "example.com", 1 + at as u64 * 7 % 40, 50 - at as u64), now)
            .unwrap();
    }
    for by in [By::Process, By::Application] {
        for sort in [Sort::Downloaded, Sort::Uploaded, Sort::Name] {
            let mut asked = Query { sort, ..query(by) };
            let all = report(folder.path(), &asked);
            asked.limit = 7;
            let some = report(folder.path(), &asked);
            assert_eq!((&some.rows[..], some.more, some.total), (&all.rows[..7], 33, all.total), "{by:?} {sort:?}");
        }
    }
}

#[test]
fn days_of_23_and_25_hours_hold_what_came_between_two_midnights() {
    for (day, hours) in [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let midnight = day.parse::<jiff::civil::Date>().unwrap().to_zoned(berlin()).unwrap().timestamp();
        let hour = SignedDuration::from_hours(1);
        // One byte in each hour, from an hour before the day to an hour after it.
        let mut now = midnight - hour;
        for _ in 0..hours + 2 {
            store.add(&moved(now, "a", "b", 1, 0), now).unwrap();
            upkeep(&mut store, now);
            now += hour;
        }
        upkeep(&mut store, now + SignedDuration::from_hours(48));
        let until = midnight + SignedDuration::from_hours(hours);
        let mut asked = query(By::Application);
        (asked.from, asked.until, asked.step) = (Some(midnight), Some(until), Some(Step::Hour));
        let found = report(folder.path(), &asked);
        assert_eq!((sum(&found), found.bins.len()), ((hours as u64, 0), hours as usize), "{day}");
        assert_eq!(found.coarse, None);
        asked.step = Some(Step::Day);
        let found = report(folder.path(), &asked);
        assert_eq!(found.bins.len(), 1);
        assert_eq!((found.bins[0].from, found.bins[0].until, found.bins[0].rx_bytes), (midnight, until, hours as u64));
    }
}

#[test]
fn a_graph_from_another_zone_has_that_zones_days() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let start: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    let hour = SignedDuration::from_hours(1);
    for at in 0..24 * 120 {
        let now = start + hour * at;
        store.add(&moved(now, "a", "b", 1, 0), now).unwrap();
        upkeep(&mut store, now);
    }
    let days = |zone: &str, from: &str, until: &str| {
        let mut asked = query(By::Application);
        (asked.from, asked.until) = (Some(from.parse().unwrap()), Some(until.parse().unwrap()));
        (asked.step, asked.zone) = (Some(Step::Day), Some(zone.to_owned()));
        let bins = report(folder.path(), &asked).bins;
        bins.iter().map(|bin| bin.rx_bytes).collect::<Vec<_>>()
    };
    // Days were added up in Berlin; hours are still there.
    assert_eq!(days("UTC", "2026-09-01T00:00:00Z", "2026-09-08T00:00:00Z"), [24; 7]);
    // Half an hour off, and minutes are gone: an hour over midnight is in one of the two days.
    let kolkata = days("Asia/Kolkata", "2026-09-01T00:00:00+05:30", "2026-09-08T00:00:00+05:30");
    assert_eq!(kolkata, [23, 24, 24, 24, 24, 24, 25]);
    // Only days are left, and those that begin in this time are Berlin's.
    assert_eq!(days("UTC", "2026-06-02T00:00:00Z", "2026-06-05T00:00:00Z").iter().sum::<u64>(), 72);
}

#[test]
fn a_minute_under_way_counts_though_its_day_has_been_added_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let now: Timestamp = "2026-11-21T10:00:30Z".parse().unwrap();
    store.add(&moved(now, "a", "b", 1, 0), now).unwrap();
    // The clock runs two days ahead, and is set back.
    let ahead = now + SignedDuration::from_hours(48);
    store.add(&[], ahead).unwrap();
    upkeep(&mut store, ahead);
    store.add(&moved(now, "a", "b", 10, 0), now).unwrap();
    let mut asked = query(By::Application);
    for step in [Step::Day, Step::Hour, Step::Minute] {
        asked.step = Some(step);
        let found = report(folder.path(), &asked);
        assert_eq!((sum(&found).0, found.bins.iter().map(|bin| bin.rx_bytes).sum::<u64>()), (11, 11), "{step:?}");
    }
}

#[test]
fn what_leaves_a_level_is_in_the_one_above() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut now = start;
    let end = start + SignedDuration::from_hours(24 * 200);
    let mut sums = 0;
    while now < end {
        store.add(&moved(now, "a", "b", 1, 2), now).unwrap();
        sums += 1;
        upkeep(&mut store, now);
        now += SignedDuration::from_mins(187);
    }
    upkeep(&mut store, now);
    assert_eq!(sum(&report(folder.path(), &query(By::Application))), (sums, 2 * sums));
    let level = |level| stored(&store, level, Kind::Total).0;
    let per_day = 24 * 60 / 187;
    assert!((7 * per_day..=9 * (per_day + 1)).contains(&level(Level::Minute)), "{}", level(Level::Minute));
    assert!((90 * per_day..=92 * (per_day + 1)).contains(&level(Level::Hour)), "{}", level(Level::Hour));
    assert!(level(Level::Day) + per_day + 1 >= sums);
    // A time that begins in the middle of a day of which only the day is left.
    let mut asked = query(By::Application);
    asked.from = Some("2026-01-10T12:00:00+01:00".parse().unwrap());
    let found = report(folder.path(), &asked);
    assert_eq!(found.coarse, Some(Level::Day));
    asked.from = Some("2026-01-11T00:00:00+01:00".parse().unwrap());
    let exact = report(folder.path(), &asked);
    assert_eq!((sum(&found), exact.coarse), (sum(&exact), None));
}

#[test]
fn a_damaged_file_is_set_aside_and_another_one_begun() {
    for damage in [&b"this is no database at all, and long enough to be looked at"[..], &[0xff; 8_192][..]] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, damage).unwrap();
        let opened = open_or_set_aside(&path, "boot", berlin()).unwrap();
        let (place, why) = opened.set_aside.unwrap();
        assert_eq!(std::fs::read(&place).unwrap(), damage);
        assert!(why.contains("damaged"), "{why}");
        let mut store = opened.store;
        let now: Timestamp = "2026-11-21T10:00:30Z".parse().unwrap();
        store.add(&moved(now, "a", "b", 1, 2), now).unwrap();
        assert_eq!(sum(&report(folder.path(), &query(By::Application))), (1, 2));
    }
}

#[test]
fn a_database_of_something_else_is_neither_read_nor_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE traffic_logs (id INTEGER PRIMARY KEY)").unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(open_or_set_aside(&path, "boot", berlin()).unwrap_err(), HistoryError::Foreign(_)));
    assert!(matches!(History::open(&path, berlin()).unwrap_err(), HistoryError::Foreign(_)));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
    drop(store);
}

#[test]
fn remotes_that_have_no_room_are_still_in_the_sum() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let start: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    let mut entries = Vec::new();
    for at in 0..3_000_u64 {
        entries.extend(moved(start, ["a", "b"][at as usize % 2], &format!("host-{at}.example"), 1 + at, 1));
    }
    store.add(&entries, start).unwrap();
    let expected = (3_000 * 3_001 / 2, 3_000);
    for hours in [0, 2, 48] {
        let now = start + SignedDuration::from_hours(hours);
        store.add(&[], now).unwrap();
        upkeep(&mut store, now);
        let mut asked = query(By::Domain);
        asked.limit = usize::MAX;
        let found = report(folder.path(), &asked);
        assert_eq!(sum(&found), expected, "after {hours} hours");
        assert_eq!(found.rows.len(), if hours == 0 { 3_000 } else { Level::Minute.room() + 1 });
        // Each application keeps its own.
        let of = |name: &str| {
            let mut asked = asked.clone();
            asked.choice.application = Some(name.to_owned());
            sum(&report(folder.path(), &asked)).0
        };
        assert_eq!((of("a"), of("b")), (1_500 * 1_500, 1_500 * 1_501), "after {hours} hours");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn sums_never_change_whatever_the_clock_does(
        steps in proptest::collection::vec((0_usize..4, 0_usize..5, 0_u64..1_000_000, -200_000_i64..400_000, any::<bool>()), 1..120),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let mut now: Timestamp = "2026-03-27T22:59:50Z".parse().unwrap();
        let mut by_app: BTreeMap<&str, u64> = BTreeMap::new();
        let mut peak = 0;
        for (app, remote, rx, jump, again) in steps {
            let app = ["a", "bb", "ccc", "dddd"][app];
            store.add(&moved(now, app, ["w", "x", "y", "z", "v"][remote], rx, 3), now).unwrap();
            *by_app.entry(app).or_default() += rx;
            peak = peak.max(rx);
            if again {
                // A restart.
                drop(store);
                store = open(folder.path());
            }
            // Mostly forward, sometimes far back.
            now += SignedDuration::from_secs(jump);
            for _ in 0..3 {
                store.maintain(now, true).unwrap();
            }
            store.add(&[], now).unwrap();
        }
        let expected: u64 = by_app.values().sum();
        for _ in 0..2 {
            let mut asked = query(By::Application);
            asked.until = Some(Timestamp::from_second(4_000_000_000).unwrap());
            asked.from = Some(Timestamp::from_second(0).unwrap());
            let found = report(folder.path(), &asked);
            prop_assert_eq!((found.total.rx_bytes, found.total.rx_peak), (expected, peak));
            for row in &found.rows {
                prop_assert_eq!(row.amount.rx_bytes, by_app[row.name.as_str()]);
            }
            for by in [By::Process, By::Domain, By::User] {
                asked.by = by;
                prop_assert_eq!(report(folder.path(), &asked).total.rx_bytes, expected);
            }
            asked.step = Some(Step::Day);
            let bins = report(folder.path(), &asked).bins;
            prop_assert_eq!(bins.iter().map(|bin| bin.rx_bytes).sum::<u64>(), expected);
            // Long after.
            upkeep(&mut store, now + SignedDuration::from_hours(24 * 400));
        }
        let total = |level| stored(&store, level, Kind::Total).0;
        prop_assert_eq!((total(Level::Open), total(Level::Day)), (0, expected));
    }
}
