//! The loop: when reports come, and that the last bytes are in one.

use std::{cell::RefCell, convert::Infallible, rc::Rc, time::Duration};

use tokio::time::{Instant, sleep};
use watcher_core::{Batch, BootTime, Quality, Snapshot, Source};

use super::make::{batches, quality};
use crate::top::{Local, Origin, Report, Timing, schedule::Stop, watch};

/// Moves a byte each millisecond, as far as it is asked.
struct Steady {
    began: Instant,
    quality: Quality,
    reads: Rc<RefCell<u32>>,
    /// How long a read takes.
    pause: Duration,
}

impl Source for Steady {
    type Error = Infallible;

    async fn collect(&mut self) -> Result<Batch, Infallible> {
        *self.reads.borrow_mut() += 1;
        sleep(self.pause).await;
        let mut batch = batches().remove(0);
        let elapsed = self.began.elapsed();
        batch.at = BootTime(u64::try_from(elapsed.as_nanos()).expect("a short test"));
        batch.flows.truncate(1);
        batch.flows[0].counters.rx_bytes = u64::try_from(elapsed.as_millis()).expect("a short test");
        Ok(batch)
    }

    fn quality(&self) -> &Quality {
        &self.quality
    }
}

/// (milliseconds, interval, bytes) of each report.
#[derive(Clone, Default)]
struct Log {
    lines: Rc<RefCell<Vec<(u64, u128, u64)>>>,
    /// Writing fails from here on.
    full: Option<usize>,
}

impl Report for Log {
    fn write(&mut self, snapshot: &Snapshot, _: &Origin) -> anyhow::Result<()> {
        if self.full.is_some_and(|full| self.lines.borrow().len() >= full) {
            Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe))?;
        }
        let bytes = snapshot.totals.traffic.network.rx_bytes;
        self.lines.borrow_mut().push((snapshot.at.0 / 1_000_000, snapshot.interval.as_millis(), bytes));
        Ok(())
    }
}

struct Run {
    log: Log,
    reads: u32,
    result: anyhow::Result<()>,
}

async fn run(timing: Timing, pause: u64, stop: Option<u64>, full: Option<usize>) -> Run {
    let reads = Rc::<RefCell<u32>>::default();
    let source = Steady {
        began: Instant::now(),
        quality: quality(),
        reads: Rc::clone(&reads),
        pause: Duration::from_millis(pause),
    };
    let log = Log { full, ..Log::default() };
    let stop = match stop {
        Some(at) => Stop::when(sleep(Duration::from_millis(at))),
        None => Stop::when(std::future::pending()),
    };
    let result = watch(Local::new(source), log.clone(), timing, stop).await;
    let reads = *reads.borrow();
    Run { log, reads, result }
}

fn timing(interval: u64, count: Option<u64>, announce: bool) -> Timing {
    Timing { interval: Duration::from_millis(interval), count, announce }
}

#[tokio::test(start_paused = true)]
async fn the_first_report_comes_at_once_and_the_others_do_not_drift() {
    let run = run(timing(500, Some(3), true), 30, None, None).await;
    assert_eq!(*run.log.lines.borrow(), [(30, 0, 30), (530, 500, 530), (1_030, 500, 1_030), (1_530, 500, 1_530)]);
}

#[tokio::test(start_paused = true)]
async fn once_is_one_whole_interval() {
    let run = run(timing(500, Some(1), false), 0, None, None).await;
    assert_eq!(*run.log.lines.borrow(), [(500, 500, 500)]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_reports_what_is_left() {
    let run = run(timing(1_000, None, true), 0, Some(1_300), None).await;
    assert!(run.result.is_ok());
    assert_eq!(*run.log.lines.borrow(), [(0, 0, 0), (1_000, 1_000, 1_000), (1_300, 300, 1_300)]);
}

#[tokio::test(start_paused = true)]
async fn buffers_are_read_within_a_long_interval() {
    let run = run(timing(10_000, Some(1), false), 0, None, None).await;
    assert_eq!((run.reads, run.log.lines.borrow().len()), (11, 1));
}

#[tokio::test(start_paused = true)]
async fn a_reading_slower_than_the_interval_skips_instead_of_queueing() {
    let run = run(timing(100, Some(2), true), 250, None, None).await;
    assert_eq!(*run.log.lines.borrow(), [(250, 0, 250), (500, 250, 500), (750, 250, 750)]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_has_gone_is_a_broken_pipe_in_the_error() {
    let run = run(timing(100, None, true), 0, None, Some(2)).await;
    let error = run.result.unwrap_err();
    let kinds: Vec<_> = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).collect();
    assert_eq!(kinds[0].kind(), std::io::ErrorKind::BrokenPipe);
    assert_eq!(run.log.lines.borrow().len(), 2);
}

#[tokio::test]
async fn a_signal_stops() {
    let stop = Stop::listen().unwrap();
    let began = Instant::now();
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGHUP).unwrap();
    let source = Steady { began, quality: quality(), reads: Rc::default(), pause: Duration::ZERO };
    let log = Log::default();
    watch(Local::new(source), log.clone(), timing(60_000, None, true), stop).await.unwrap();
    assert_eq!(log.lines.borrow().len(), 2);
    assert!(began.elapsed() < Duration::from_secs(10));
}
