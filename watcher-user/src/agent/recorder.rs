//! What the daemon writes down: the ledger between the aggregator and the file.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use jiff::SignedDuration;
use tokio::time::Instant;
use watcher_core::{
    Delta, Grade, Observer, ProcessEvent, Quality,
    history::{Ledger, Query, Report, Step},
    interfaces::{Attributed, Counters, Table},
};

use super::log::{Complaints, Log};
use crate::{
    history::{self, HistoryError, Writer},
    interfaces,
    upload::Reading,
};

/// A second may be so much shorter: ticks are not exact, and clients have the counters read in between.
const ALMOST_A_SECOND: Duration = Duration::from_millis(900);
/// The clock must have run so long without being set before anything is thrown away.
const SETTLED: Duration = Duration::from_secs(600);
/// The two clocks may drift so far apart between two seconds.
const STEP: SignedDuration = SignedDuration::from_secs(2);

/// What each interface moved.
struct Interfaces {
    reader: interfaces::Reader,
    counters: Counters,
    attributed: Attributed,
}

impl Interfaces {
    fn open() -> Result<Self, interfaces::Error> {
        let reader = interfaces::Reader::open()?;
        Ok(Self { reader, counters: Counters::default(), attributed: Attributed::default() })
    }

    /// Enters what moved since the last time.
    fn read(&mut self, ledger: &mut Ledger) -> Result<(), interfaces::Error> {
        let survey = self.reader.survey()?;
        self.attributed.refresh(&survey);
        let table = Table::of(self.counters.take(&survey), self.attributed.take());
        for row in table.rows {
            let name = row.name.into();
            ledger.interface(&name, row.apart.is_some(), row.kernel.rx, row.kernel.tx);
            ledger.explained(&name, row.attributed.rx, row.attributed.tx);
        }
        Ok(())
    }
}

/// Writes `history.db`.
pub struct Recorder {
    ledger: Ledger,
    /// `None` where they cannot be read.
    interfaces: Option<Interfaces>,
    writer: Writer,
    interval: Duration,
    second: Option<Reading>,
    written: Option<Instant>,
    clock_set: Instant,
}

impl Recorder {
    /// Opens the file in the state directory.
    ///
    /// # Errors
    /// A newer watcher wrote it, it is something else, or the disk does not let.
    pub fn start(state: &Path, interval: Duration, quality: &Quality, log: Log) -> Result<Self, HistoryError> {
        let writer = Writer::start(&state.join(history::FILE), &boot())?;
        let interfaces = Interfaces::open()
            .map_err(|why| log.warning(format_args!("the history goes without interfaces: {why}")))
            .ok();
        Ok(Self {
            ledger: Ledger::new(quality.grade == Grade::Estimated),
            interfaces,
            writer,
            interval,
            second: None,
            written: None,
            clock_set: Instant::now(),
        })
    }

    /// Between two writes.
    pub fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
    }

    /// The counters were read. Each second is closed, and each interval written.
    pub fn tick(&mut self, now: Reading, log: Log, complaints: &mut Complaints) {
        let second = self.second.get_or_insert(now);
        let span = now.boot.since(second.boot);
        if span >= ALMOST_A_SECOND {
            let expected = second.wall.checked_add(SignedDuration::try_from(span).unwrap_or_default());
            if expected.is_ok_and(|wall| now.wall.duration_since(wall).abs() > STEP) {
                self.clock_set = Instant::now();
            }
            self.second = Some(now);
            if let Some(interfaces) = &mut self.interfaces {
                let read = interfaces.read(&mut self.ledger).map_err(|e| e.to_string());
                complaints.note(log, "reading the interfaces", read);
            }
            self.ledger.end_second(now.wall, u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
        }
        if self.written.is_none_or(|at| at.elapsed() + Duration::from_millis(100) >= self.interval) {
            self.write(now, log, complaints);
        }
    }

    /// Has everything written that is known by now.
    fn write(&mut self, now: Reading, log: Log, complaints: &mut Complaints) {
        self.written = Some(Instant::now());
        self.hear(log, complaints);
        self.ledger.enter_now(now.wall);
        let settled = self.clock_set.elapsed() >= SETTLED;
        if let Err(entries) = self.writer.write(self.ledger.take(), now.wall, settled) {
            self.ledger.give_back(entries);
            complaints.note(log, "writing the history", Err("the disk is too slow".to_owned()));
        }
    }

    fn hear(&mut self, log: Log, complaints: &mut Complaints) {
        let news = self.writer.news();
        self.ledger.give_back(news.unwritten);
        if let Some((place, why)) = news.set_aside {
            log.warning(format_args!("{why}: it is now {}, and another one is begun", place.display()));
        }
        complaints.note(log, "writing the history", news.failure.map_or(Ok(()), Err));
    }

    /// Answers with everything that was counted up to now.
    pub fn answer(
        &mut self,
        query: Query,
        now: Reading,
        log: Log,
        complaints: &mut Complaints,
        reply: impl FnOnce(Result<Report, HistoryError>) + Send + 'static,
    ) {
        self.write(now, log, complaints);
        let seconds = (query.step == Some(Step::Second)).then(|| self.ledger.seconds().bins(&query));
        self.writer.answer(query, move |report| {
            reply(report.map(|report| match seconds {
                Some(bins) => Report { bins, ..report },
                None => report,
            }));
        });
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// It could not be written in time.
    pub fn end(mut self, now: Reading, patience: Duration, log: Log) -> anyhow::Result<()> {
        let mut complaints = Complaints::default();
        self.write(now, log, &mut complaints);
        anyhow::ensure!(self.writer.stop(patience), "the last seconds of the history were not written in time");
        Ok(())
    }
}

impl Observer for Recorder {
    fn process(&mut self, event: &ProcessEvent) {
        self.ledger.process(event);
    }

    fn flow(&mut self, delta: &Delta<'_>) {
        self.ledger.flow(delta);
        if let Some(interfaces) = &mut self.interfaces {
            interfaces.attributed.flow(delta);
        }
    }
}

/// Which boot this is: pids are only comparable within one.
fn boot() -> String {
    let linux = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").context("reading the boot id");
    linux.map_or_else(
        |_| {
            // Elsewhere the time of the boot, to the minute: clocks are slewed.
            let now = Reading::now().map_or(0, |now| now.wall.as_second() - (now.boot.0 / 1_000_000_000).cast_signed());
            format!("{}", now / 60)
        },
        |id| id.trim().to_owned(),
    )
}
