use std::time::Duration;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn dropped(bench: &Bench) -> Vec<(Timestamp, u64)> {
    let notices = bench.heard().into_iter();
    notices
        .map(|notice| match notice {
            Notice::Dropped { started_at, total } => (started_at, total),
            other => panic!("{other}"),
        })
        .collect()
}

/// Room for three windows and a half.
fn three_windows() -> Limits {
    let bytes = record::encode(&window(1, "")).len() as u64;
    Limits { max_bytes: bytes * 7 / 2, max_age: DAY }
}

#[test]
fn a_full_spool_gives_up_the_oldest_and_counts_them_for_good() {
    let bench = Bench::new();
    let mut spool = bench.open_with(three_windows(), Disk::default()).unwrap();
    for number in 1..=5 {
        spool.put(window(number, "")).unwrap();
    }
    assert_eq!(dropped(&bench), [(time(1), 1), (time(2), 2)]);
    drop(spool);
    let mut spool = bench.open_with(three_windows(), Disk::default()).unwrap();
    assert_eq!(spool.status().dropped, 2);
    assert_eq!(ids(&mut spool), [3, 4, 5]);
}

#[test]
fn a_window_on_its_way_is_not_given_up() {
    let bench = Bench::new();
    let mut spool = bench.open_with(three_windows(), Disk::default()).unwrap();
    for number in 1..=3 {
        spool.put(window(number, "")).unwrap();
    }
    assert_eq!(spool.oldest().unwrap().unwrap().upload_id(), id(1));
    spool.put(window(4, "")).unwrap();
    assert_eq!(dropped(&bench), [(time(2), 1)]);
    spool.failed(Some(id(1)), "no");
    spool.put(window(5, "")).unwrap();
    assert_eq!(dropped(&bench), [(time(1), 2)]);
    assert_eq!(ids(&mut spool), [3, 4, 5]);
}

#[test]
fn old_windows_are_given_up_when_the_spool_is_opened_and_when_one_is_put() {
    let bench = Bench::new();
    let limits = Limits { max_age: DAY, ..Limits::default() };
    let mut spool = bench.open_with(limits, Disk::default()).unwrap();
    for number in 1..=3 {
        spool.put(window(number, "")).unwrap();
    }
    spool.park(id(1), "no").unwrap();
    *bench.now.lock().unwrap() = time(86_400 + 2);
    spool.put(window(90_000, "")).unwrap();
    assert_eq!(dropped(&bench), [(time(1), 1)]);
    assert_eq!(spool.status().parked, 0);
    drop(spool);
    *bench.now.lock().unwrap() = time(86_400 + 3);
    let mut spool = bench.open_with(limits, Disk::default()).unwrap();
    assert_eq!(dropped(&bench), [(time(2), 2)]);
    assert_eq!(ids(&mut spool), [3, 90_000]);
}

#[test]
fn a_window_longer_than_the_spool_is_kept_all_the_same() {
    let bench = Bench::new();
    let mut spool = bench.open_with(Limits { max_bytes: 10, max_age: DAY }, Disk::default()).unwrap();
    spool.put(window(1, "")).unwrap();
    spool.put(window(2, "")).unwrap();
    assert_eq!(dropped(&bench), [(time(1), 1)]);
    assert_eq!(ids(&mut spool), [2]);
}
