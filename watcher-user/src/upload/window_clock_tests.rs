use super::*;
use proptest::prelude::*;

const QUARTER: Duration = Duration::from_secs(900);
const NOON: &str = "2026-01-02T12:00:00Z";

/// Clocks that tests move.
#[derive(Clone, Copy)]
struct Clocks(Reading);

impl Clocks {
    fn at(wall: &str) -> Self {
        Self(Reading { wall: wall.parse().unwrap(), boot: BootTime(77_000_000_000) })
    }

    fn pass(&mut self, seconds: f64) -> Reading {
        let passed = Duration::from_secs_f64(seconds);
        self.0.boot.0 += u64::try_from(passed.as_nanos()).unwrap();
        self.set(seconds)
    }

    fn set(&mut self, seconds: f64) -> Reading {
        self.0.wall += SignedDuration::from_secs_f64(seconds);
        self.0
    }
}

fn shown(span: WindowSpan) -> String {
    let step = span.clock_step.map_or(String::new(), |step| format!(" step {}", step.as_secs()));
    format!("{:.0} {:.0} {}{step}", span.started_at, span.ended_at, span.duration_seconds())
}

#[test]
fn windows_end_at_the_machines_own_minute_of_each_quarter() {
    let mut clocks = Clocks::at(NOON);
    let mut windows = WindowClock::start(clocks.0, QUARTER, Duration::from_secs(61));
    assert_eq!(windows.until_due(clocks.0), Duration::from_secs(61));
    assert_eq!(windows.observe(clocks.pass(60.0)), None);
    let first = windows.observe(clocks.pass(2.0)).unwrap();
    assert_eq!(shown(first), "2026-01-02T12:00:00Z 2026-01-02T12:01:02Z 62");
    assert_eq!(windows.until_due(clocks.0), Duration::from_secs(899));
    let second = windows.observe(clocks.pass(899.0)).unwrap();
    assert_eq!(shown(second), "2026-01-02T12:01:02Z 2026-01-02T12:16:01Z 899");
}

#[test]
fn a_night_asleep_is_one_long_window() {
    let mut clocks = Clocks::at(NOON);
    let mut windows = WindowClock::start(clocks.0, QUARTER, Duration::ZERO);
    let span = windows.observe(clocks.pass(8.0 * 3600.0 + 5.0)).unwrap();
    assert_eq!(shown(span), "2026-01-02T12:00:00Z 2026-01-02T20:00:05Z 28805");
    assert_eq!(windows.observe(clocks.0), None);
    assert_eq!(windows.until_due(clocks.0), Duration::from_secs(895));
}

#[test]
fn a_clock_set_forward_leaves_a_gap_in_the_stamps_and_none_in_the_durations() {
    let mut clocks = Clocks::at("1970-01-01T00:00:10Z");
    let mut windows = WindowClock::start(clocks.0, QUARTER, Duration::ZERO);
    clocks.pass(5.0);
    let span = windows.observe(clocks.set(1_767_355_185.0)).unwrap();
    assert_eq!(shown(span), "1970-01-01T00:00:10Z 1970-01-01T00:00:15Z 5 step 1767355185");
    let span = windows.close(clocks.pass(30.0));
    assert_eq!(shown(span), "2026-01-02T12:00:00Z 2026-01-02T12:00:30Z 30");
}

#[test]
fn a_clock_set_back_takes_the_stamps_back() {
    let mut clocks = Clocks::at(NOON);
    let mut windows = WindowClock::start(clocks.0, QUARTER, Duration::ZERO);
    clocks.pass(600.0);
    let span = windows.observe(clocks.set(-3600.0)).unwrap();
    assert_eq!(shown(span), "2026-01-02T12:00:00Z 2026-01-02T12:10:00Z 600 step -3600");
    let span = windows.observe(clocks.pass(300.0)).unwrap();
    assert_eq!(shown(span), "2026-01-02T11:10:00Z 2026-01-02T11:15:00Z 300");
}

#[test]
fn a_clock_set_back_by_a_second_changes_nothing() {
    let mut clocks = Clocks::at(NOON);
    let mut windows = WindowClock::start(clocks.0, QUARTER, Duration::ZERO);
    let first = windows.observe(clocks.pass(900.0)).unwrap();
    clocks.set(-1.0);
    assert_eq!(windows.observe(clocks.0), None);
    assert_eq!(windows.observe(clocks.pass(0.5)), None);
    // Closed before the clock has caught up: an empty stretch of stamps, never a negative one.
    assert_eq!(shown(windows.close(clocks.0)), "2026-01-02T12:15:00Z 2026-01-02T12:15:00Z 1");
    // The clock says 12:14:59.5, but the next window begins where the last one ended.
    assert_eq!(shown(windows.close(clocks.pass(10.0))), "2026-01-02T12:15:00Z 2026-01-02T12:15:09Z 10");
    assert_eq!(shown(first), "2026-01-02T12:00:00Z 2026-01-02T12:15:00Z 900");
}

#[test]
fn this_machines_clocks_can_be_read() {
    let now = Reading::now().unwrap();
    assert!(now.boot > BootTime(0) && Reading::now().unwrap().boot >= now.boot);
}

/// One thing that happens to the clocks before they are read again.
#[derive(Debug, Clone)]
enum Event {
    Pass(Duration),
    Set(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0_u64..20_000).prop_map(|ms| Event::Pass(Duration::from_millis(ms))),
        1 => (0_u64..100_000).prop_map(|s| Event::Pass(Duration::from_secs(s))),
        1 => (-3000_i64..3000).prop_map(Event::Set),
        1 => (-4_000_000_000_i64..4_000_000_000).prop_map(Event::Set),
    ]
}

proptest! {
    #[test]
    fn every_instant_is_in_one_window_whatever_happens_to_the_clock(
        events in proptest::collection::vec(event(), 1..200),
        interval in 1_u64..5000,
        offset in 0_u64..5000,
    ) {
        let mut clocks = Clocks::at(NOON);
        let begin = clocks.0;
        let interval = Duration::from_secs(interval);
        let mut windows = WindowClock::start(begin, interval, Duration::from_secs(offset));
        let (mut spans, mut begun_anew) = (Vec::new(), Vec::new());
        for event in events {
            let now = match event {
                Event::Pass(passed) => clocks.pass(passed.as_secs_f64()),
                Event::Set(ms) => clocks.set(SignedDuration::from_millis(ms).as_secs_f64()),
            };
            let empty = windows.as_of(now).duration.is_zero();
            let before = spans.len();
            spans.extend(windows.observe(now));
            if empty {
                prop_assert_eq!(spans.len(), before);
                begun_anew.push(before);
            }
            let left = windows.until_due(now);
            prop_assert!(left <= interval + Duration::from_secs(2), "{left:?}");
        }
        spans.push(windows.close(clocks.0));
        // Durations tile the boot clock.
        let total: Duration = spans.iter().map(|span| span.duration).sum();
        prop_assert_eq!(total, clocks.0.boot.since(begin.boot));
        for span in &spans {
            prop_assert!(span.started_at <= span.ended_at);
            let stamped = span.ended_at.duration_since(span.started_at);
            prop_assert!((stamped - SignedDuration::try_from(span.duration).unwrap()).abs() <= STEP);
        }
        for (index, pair) in spans.windows(2).enumerate() {
            // A clock that is set while the window is still empty moves its beginning.
            if !begun_anew.contains(&(index + 1)) {
                let gap = pair[1].started_at.duration_since(pair[0].ended_at);
                prop_assert_eq!(gap, pair[0].clock_step.unwrap_or_default());
            }
        }
    }
}
