use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use watcher_core::{
    Application, NamedBy, Scope,
    history::{Amount, By, Entry, Series, Subject},
};

use super::{Bench, at, berlin};
use crate::{
    history::{FILE, Store, Upkeep},
    transfer::import::{Import, Reason, run},
};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Watcher's own row.
fn own(minute: Timestamp, rx_bytes: u64) -> [Entry; 1] {
    let application = Application { name: "curl".into(), rule: NamedBy::Executable, evidence: "".into() };
    let subject = Subject::Application(Arc::new(application));
    let series = Arc::new(Series { scope: Scope::Network, estimated: false, subject });
    [Entry { minute, series, amount: Amount { rx_bytes, ..Amount::default() } }]
}

fn count(bench: &Bench, minute: Timestamp, now: Timestamp, rx_bytes: u64) {
    let mut store = Store::open_or_make(&bench.path(FILE), berlin()).unwrap();
    store.add(&own(minute, rx_bytes), now).unwrap();
    while store.maintain(now, true).unwrap() == Upkeep::Stepped {}
}

#[test]
fn every_byte_is_there_whole_and_marked_and_the_total_leaves_out_what_travels_twice() {
    let bench = Bench::new();
    let now = at("2026-11-21T10:00:30Z");
    // A hundred days ago, ten days ago, yesterday: a day, an hour, minutes.
    for (start, seconds) in [("2026-08-13T21:58:00Z", 300), ("2026-11-11T10:00:00Z", 90), ("2026-11-20T10:00:00Z", 70)]
    {
        for n in 0..seconds {
            let second = at(start) + SECOND * n;
            bench.app(second, "Firefox", 10, 1);
            bench.app(second, "Ssh", i64::from(n), 0);
            bench.interface(second, "en0", 100 + i64::from(n), 7);
            bench.interface(second, "en1", 5, 0);
            bench.interface(second, "lo0", 1_000, 1_000);
            bench.interface(second, "utun3", 90, 6);
        }
    }
    let outcome = bench.import(now);
    let ssh = [300_u64, 90, 70].iter().map(|n| n * (n - 1) / 2).sum::<u64>();
    assert_eq!(outcome.applications.sum(), (460 * 10 + ssh, 460));
    assert_eq!(bench.sum(By::Application), (460 * 10 + ssh, 460));
    let on_interfaces = (460 * 105 + ssh, 460 * 7);
    assert_eq!((outcome.total, bench.sum(By::Interface)), (on_interfaces, on_interfaces));

    let apps = bench.report(By::Application, None, None);
    assert!(apps.estimated && apps.rows.iter().all(|row| row.estimated));
    assert_eq!((apps.rows[0].explained[0].rule, &*apps.rows[0].explained[0].evidence), (NamedBy::Imported, "netmon"));
    // The largest second of en0 and en1 together.
    assert_eq!((apps.total.rx_peak, apps.total.tx_peak), (100 + 299 + 5, 7));
    let interfaces = bench.report(By::Interface, None, None);
    let apart: Vec<_> = interfaces
        .rows
        .iter()
        .filter(|row| row.interface.as_ref().unwrap().apart)
        .map(|row| (row.name.as_str(), row.amount.rx_bytes))
        .collect();
    assert_eq!(apart, [("lo0", 460_000), ("utun3", 460 * 90)]);
    // Of the first, 120 seconds were before Berlin's midnight.
    let midnight = at("2026-08-13T22:00:00Z");
    let day = bench.report(By::Application, None, Some(midnight));
    assert_eq!(day.total.tx_bytes, 120);
}

#[test]
fn days_of_23_and_25_hours_hold_what_netmon_wrote_between_two_midnights() {
    let bench = Bench::new();
    let days = [("2026-03-28T23:00:00Z", 23), ("2026-10-24T22:00:00Z", 25)];
    for (midnight, hours) in days {
        for hour in -1..=hours {
            bench.app(at(midnight) + SignedDuration::from_hours(hour), "Mail", 1, 0);
        }
    }
    bench.import(at("2027-06-01T00:00:00Z"));
    for (midnight, hours) in days {
        let until = at(midnight) + SignedDuration::from_hours(hours);
        let day = bench.report(By::Application, Some(at(midnight)), Some(until));
        assert_eq!((day.total.rx_bytes, day.coarse), (hours.cast_unsigned(), None), "{midnight}");
    }
}

#[test]
fn what_was_taken_over_once_is_not_again_and_what_is_new_is() {
    let bench = Bench::new();
    let start = at("2026-11-01T10:00:00Z");
    bench.app(start, "Mail", 5, 0);
    bench.interface(start, "en0", 9, 0);
    let now = at("2026-11-21T10:00:00Z");
    bench.import(now);
    let again = bench.import(now);
    assert_eq!((again.applications.rows, bench.sum(By::Application)), (0, (5, 0)));
    assert!(again.to_string().contains("Nothing is new"), "{again}");

    // A copy is the same file; it has more rows by now.
    bench.app(start + SECOND, "Mail", 7, 1);
    std::fs::copy(bench.path("netmon.db"), bench.path("copy.db")).unwrap();
    let more = bench.import_of("copy.db", false, now).unwrap();
    assert_eq!((more.applications.rows, bench.sum(By::Application)), (1, (12, 1)));
    assert_eq!(bench.import(now).applications.rows, 0);

    // The first rows were deleted: it looks like another file, of a time that is taken.
    bench.netmon.execute("DELETE FROM app_traffic_logs WHERE id = 1", []).unwrap();
    let other = bench.import(now);
    assert_eq!(other.applications.left_out.get(&Reason::Taken), Some(&1));
    assert_eq!(bench.sum(By::Application), (12, 1));
}

#[test]
fn the_minute_under_way_is_left_for_the_next_time() {
    let bench = Bench::new();
    bench.app(at("2026-11-21T09:59:59Z"), "Mail", 5, 0);
    bench.app(at("2026-11-21T10:00:01Z"), "Mail", 7, 0);
    assert_eq!(bench.import(at("2026-11-21T10:00:02Z")).applications.rows, 1);
    assert_eq!(bench.import(at("2026-11-21T10:01:00Z")).applications.rows, 1);
    assert_eq!(bench.sum(By::Application), (12, 0));
}

#[test]
fn what_watcher_counted_itself_is_not_taken_over() {
    let bench = Bench::new();
    let own = at("2026-11-20T10:01:00Z");
    let now = at("2026-11-21T10:00:00Z");
    count(&bench, own, now, 1_000);
    bench.app(own - SECOND, "Mail", 5, 0);
    bench.app(own, "Mail", 70, 0);
    bench.app(own + SECOND * 86_000, "Mail", 700, 0);
    let outcome = bench.import(now);
    assert_eq!(outcome.applications.left_out.get(&Reason::Counted), Some(&2));
    assert_eq!(bench.sum(By::Application), (1_005, 0));
    let words = outcome.to_string();
    let said = "netmon rows after 2026-11-20 11:01 are left out: watcher has counted itself since";
    assert!(words.contains(said), "{words}");
    // What was taken over does not count as watcher's own.
    bench.app(own - SECOND * 120, "Mail", 1, 0);
    bench.import(now);
    assert_eq!(bench.sum(By::Application), (1_006, 0));
}

#[test]
fn old_rows_below_what_has_been_added_up_join_their_days() {
    let bench = Bench::new();
    let now = at("2026-11-21T10:00:00Z");
    // Watcher counted for a hundred days, so its marks stand at yesterday.
    for day in 0..100 {
        count(&bench, at("2026-08-13T10:00:00Z") + SignedDuration::from_hours(24 * day), now, 1);
    }
    for day in 0..50 {
        bench.app(at("2026-06-01T10:00:00Z") + SignedDuration::from_hours(24 * day), "Mail", 3, 2);
    }
    bench.app(at("2026-08-13T09:59:59Z"), "Mail", 3, 2);
    let outcome = bench.import(now);
    // Of watcher's first day only the day is left: netmon's part of it stays away.
    assert_eq!(outcome.applications.left_out.get(&Reason::Counted), Some(&1));
    assert_eq!(bench.sum(By::Application), (250, 100));
}

#[test]
fn a_dry_run_says_all_and_writes_nothing() {
    let bench = Bench::new();
    let start = at("2026-11-01T10:00:00Z");
    bench.app(start, "Mail\u{1b}[31m", 2_048, 0);
    bench.interface(start, "en0", 9, 0);
    let now = at("2026-11-21T10:00:00Z");
    let words = bench.import_of("netmon.db", true, now).unwrap().to_string();
    assert!(words.contains("1 of 1 rows by application would be taken over: 1 application"), "{words}");
    assert!(words.contains("from 2026-11-01 11:00 to 2026-11-01 11:01"), "{words}");
    assert!(words.contains("Mail\\u{1b}[31m") && words.contains("en0"), "{words}");
    assert!(!bench.path(FILE).exists());
    bench.import(now);
    let before = std::fs::read(bench.path(FILE)).unwrap();
    bench.import_of("netmon.db", true, now).unwrap();
    assert_eq!(std::fs::read(bench.path(FILE)).unwrap(), before);
}

#[test]
fn a_daemon_writes_on_meanwhile() {
    let bench = Bench::new();
    let now = at("2026-11-21T10:00:30Z");
    bench.netmon.execute_batch("BEGIN").unwrap();
    for n in 0..10_000 {
        bench.app(at("2026-11-10T00:00:00Z") + SECOND * n * 60, ["Mail", "Music"][n as usize % 2], 3, 0);
    }
    bench.netmon.execute_batch("COMMIT").unwrap();
    // It has begun before, so that its first minute is known.
    count(&bench, at("2026-11-21T10:00:00Z"), now, 1);
    let import = Import { from: bench.path("netmon.db"), to: bench.path(FILE), dry: false };
    std::thread::scope(|scope| {
        let imported = scope.spawn(|| {
            run(&import, &berlin(), now).unwrap();
        });
        let mut store = Store::open_or_make(&bench.path(FILE), berlin()).unwrap();
        let mut later = now;
        let mut written = 1;
        while !imported.is_finished() {
            later += SECOND * 7;
            store.add(&own(at("2026-11-21T10:00:00Z"), 1), later).unwrap();
            while store.maintain(later, true).unwrap() == Upkeep::Stepped {}
            written += 1;
        }
        imported.join().unwrap();
        assert_eq!(bench.sum(By::Application), (written + 3 * 10_000, 0));
    });
}
