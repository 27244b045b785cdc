//! Seconds to minutes: bytes add up, of whole seconds the highest is the peak.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use watcher_core::{
    Application, NamedBy, Scope,
    history::{Amount, Entry, Level, OTHERS, Series, Subject},
};

use super::{
    interfaces::is_apart,
    netmon::{Line, Log},
};

/// What the rule of an application that netmon named has read.
const EVIDENCE: &str = "netmon";

/// Minutes of one table that are not written yet.
#[derive(Debug)]
pub struct Minutes {
    log: Log,
    series: HashMap<Box<str>, Subjects>,
    /// The second that rows are of.
    second: i64,
    sums: HashMap<*const Series, (Arc<Series>, u64, u64)>,
    minutes: BTreeMap<(i64, *const Series), (Arc<Series>, Amount)>,
}

/// What the bytes of a name are of.
#[derive(Debug, Clone)]
struct Subjects {
    own: Arc<Series>,
    total: Option<Arc<Series>>,
}

impl Minutes {
    /// None.
    pub fn new(log: Log) -> Self {
        let (series, sums, minutes) = (HashMap::new(), HashMap::new(), BTreeMap::new());
        Self { log, series, second: 0, sums, minutes }
    }

    /// Adds a row. Whether its name has room is told, and whether it is part of the total.
    pub fn add(&mut self, line: &Line<'_>) -> (bool, bool) {
        if line.second != self.second {
            self.end_second();
            self.second = line.second;
        }
        let has_room = self.series.contains_key(line.name) || self.series.len() < Level::Open.room();
        let name = if has_room { line.name } else { OTHERS };
        let subjects = match self.series.get(name) {
            Some(subjects) => subjects.clone(),
            None => {
                let subjects = self.subjects(name);
                self.series.insert(name.into(), subjects.clone());
                subjects
            }
        };
        let is_in_total = subjects.total.is_some();
        for series in [Some(subjects.own), subjects.total].into_iter().flatten() {
            let (_, rx, tx) = self.sums.entry(Arc::as_ptr(&series)).or_insert((series, 0, 0));
            (*rx, *tx) = (rx.saturating_add(line.rx), tx.saturating_add(line.tx));
        }
        (has_room, is_in_total)
    }

    /// How many entries there are so far.
    pub fn len(&self) -> usize {
        self.minutes.len()
    }

    /// All of them; the second that is under way is over.
    pub fn take(&mut self) -> Vec<Entry> {
        self.end_second();
        let minutes = std::mem::take(&mut self.minutes);
        let entry = |((minute, _), (series, amount))| {
            let minute = Timestamp::from_second(minute).unwrap_or(Timestamp::MAX);
            Entry { minute, series, amount }
        };
        minutes.into_iter().map(entry).collect()
    }

    fn end_second(&mut self) {
        let minute = self.second - self.second.rem_euclid(60);
        for (of, (series, rx_bytes, tx_bytes)) in self.sums.drain() {
            let second = Amount { rx_bytes, tx_bytes, rx_peak: rx_bytes, tx_peak: tx_bytes };
            let (_, amount) = self.minutes.entry((minute, of)).or_insert((series, Amount::default()));
            *amount += second;
        }
    }

    fn subjects(&self, name: &str) -> Subjects {
        let estimated = |subject| Arc::new(Series { scope: Scope::Network, estimated: true, subject });
        match self.log {
            Log::Applications => {
                let application = Application { name: name.into(), rule: NamedBy::Imported, evidence: EVIDENCE.into() };
                Subjects { own: estimated(Subject::Application(Arc::new(application))), total: None }
            }
            Log::Interfaces => {
                let apart = is_apart(name);
                let of_all = self.series.values().find_map(|subjects| subjects.total.clone());
                let total = (!apart).then(|| of_all.unwrap_or_else(|| estimated(Subject::Total)));
                Subjects { own: estimated(Subject::Interface { name: name.into(), apart }), total }
            }
        }
    }
}
