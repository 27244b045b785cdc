//! The applications, and how many names each has reached within one hour.

use std::{cmp::Reverse, collections::HashSet, sync::Arc, time::Duration};

use crate::{BootTime, Delta, ProcessId, aggregate::FastMap};

/// Within an hour of its life an updater, a chat client or a mail program reaches fewer than 20 registrable names. One page
/// that carries advertising reaches 10 to 40, so somebody who reads a few passes 50: that is a browser at work, and the words
/// say so.
pub(super) const MANY: u32 = 50;
/// And so many times what the application in the middle of the others reached: where all reach many, none stands out.
pub(super) const ABOVE_OTHERS: u32 = 4;
/// Names are counted by the hour.
pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// The first bytes of a name are its key: no process may fill memory by calling itself long.
const NAME_BYTES: usize = 64;

#[derive(Debug)]
pub(super) struct App {
    pub name: Arc<str>,
    pub newest: ProcessId,
    /// How many pairs it has.
    pub pairs: u32,
    last: BootTime,
    hours: Counts,
    /// The best hour so far, and its count.
    best: (u32, u32),
}

/// Distinct names of an hour, and of the one before it: what one reading brings may lie on both sides of the boundary.
#[derive(Debug, Default)]
struct Counts {
    hour: u32,
    now: u32,
    before: u32,
}

/// In which hours a pair was counted: in this one, and whether in the one before it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counted {
    hour: Option<u32>,
    before: bool,
}

#[derive(Debug, Default)]
pub(super) struct Apps {
    numbers: FastMap<Arc<str>, u32>,
    apps: FastMap<u32, App>,
    next: u32,
}

impl Apps {
    pub fn len(&self) -> usize {
        self.apps.len()
    }

    pub fn get(&self, number: u32) -> Option<&App> {
        self.apps.get(&number)
    }

    pub fn get_mut(&mut self, number: u32) -> Option<&mut App> {
        self.apps.get_mut(&number)
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &App)> {
        self.apps.iter().map(|(number, app)| (*number, app))
    }

    /// The number of an application that is known; it lives.
    pub fn note(&mut self, delta: &Delta<'_>, at: Option<BootTime>) -> Option<u32> {
        let number = *self.numbers.get(key(delta.info.application_name()))?;
        let app = self.apps.get_mut(&number)?;
        let process = delta.sample.id.process;
        if (process.start, process.tgid) > (app.newest.start, app.newest.tgid) {
            app.newest = process;
        }
        app.last = app.last.max(at.unwrap_or_default());
        Some(number)
    }

    /// Takes in one that is not known.
    pub fn enter(&mut self, delta: &Delta<'_>, at: Option<BootTime>) -> u32 {
        let (number, name) = (self.next, Arc::<str>::from(key(delta.info.application_name())));
        self.next = self.next.wrapping_add(1);
        let app = App {
            name: Arc::clone(&name),
            newest: delta.sample.id.process,
            pairs: 0,
            last: at.unwrap_or_default(),
            hours: Counts::default(),
            best: (0, 0),
        };
        self.numbers.insert(name, number);
        self.apps.insert(number, app);
        number
    }

    /// Forgets so many: those that were silent the longest, and last of all those that are `weighty` or reached many names.
    pub fn fold(&mut self, how_many: usize, weighty: &HashSet<u32>) -> HashSet<u32> {
        let notable = |number: &u32, app: &App| app.best.1 >= MANY || weighty.contains(number);
        let mut order: Vec<_> =
            self.apps.iter().map(|(number, app)| (notable(number, app), app.last, *number)).collect();
        order.sort_unstable();
        let gone: HashSet<u32> = order.into_iter().take(how_many).map(|(_, _, number)| number).collect();
        for number in &gone {
            if let Some(app) = self.apps.remove(number) {
                self.numbers.remove(&app.name);
            }
        }
        gone
    }

    /// The middle of what the others reached, each in its own best hour. Those that reached no name are not among them.
    pub fn median_without(&self, number: u32) -> Option<u32> {
        let others = self.apps.iter().filter(|(other, app)| **other != number && app.best.1 > 0);
        let mut counts: Vec<u32> = others.map(|(_, app)| app.best.1).collect();
        counts.sort_unstable_by_key(|count| Reverse(*count));
        counts.get(counts.len() / 2).copied()
    }
}

impl App {
    /// A name was reached then. It counts once in an hour.
    pub fn reached(&mut self, counted: &mut Counted, at: BootTime) {
        let hour = hour(at);
        if !counted.begin(hour) {
            return;
        }
        let count = match hour.checked_sub(self.hours.hour) {
            Some(0) => &mut self.hours.now,
            Some(ahead) => {
                let before = if ahead == 1 { self.hours.now } else { 0 };
                self.hours = Counts { hour, now: 0, before };
                &mut self.hours.now
            }
            None if hour + 1 == self.hours.hour => &mut self.hours.before,
            None => return,
        };
        *count += 1;
        // Of two hours that are equally good, the earlier: it does not matter which was read first.
        let found = (hour, *count);
        if found.1 > self.best.1 || (found.1 == self.best.1 && found.0 < self.best.0) {
            self.best = found;
        }
    }

    /// A name is forgotten. If it comes again it is counted again, so its count goes now.
    pub fn forget(&mut self, counted: Counted) {
        self.pairs = self.pairs.saturating_sub(1);
        let Some(hour) = counted.hour else { return };
        for (hour, is_counted) in [(Some(hour), true), (hour.checked_sub(1), counted.before)] {
            let Some(hour) = hour.filter(|_| is_counted) else { continue };
            if hour == self.hours.hour {
                self.hours.now = self.hours.now.saturating_sub(1);
            } else if hour + 1 == self.hours.hour {
                self.hours.before = self.hours.before.saturating_sub(1);
            }
        }
    }

    /// Most names in one hour, and when that hour began and ended.
    pub fn best_hour(&self) -> (u32, BootTime, BootTime) {
        let (hour, count) = self.best;
        let start = |hour: u32| BootTime(u64::from(hour).saturating_mul(nanoseconds(HOUR)));
        (count, start(hour), start(hour.saturating_add(1)))
    }
}

impl Counted {
    /// Whether it was not counted in that hour yet; now it is.
    fn begin(&mut self, hour: u32) -> bool {
        match self.hour {
            Some(known) if known == hour => false,
            Some(known) if hour + 1 == known => !std::mem::replace(&mut self.before, true),
            Some(known) if hour < known => false,
            known => {
                *self = Self { hour: Some(hour), before: known.is_some_and(|known| known + 1 == hour) };
                true
            }
        }
    }
}

fn key(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES)).unwrap_or_default()
}

fn hour(at: BootTime) -> u32 {
    u32::try_from(at.0 / nanoseconds(HOUR)).unwrap_or(u32::MAX - 1).min(u32::MAX - 1)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
