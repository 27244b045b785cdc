//! Flags worth a person's look: what an application does that stands out, with the numbers that say so.
//!
//! [`Insights`] listens to an aggregator and remembers, in bounded memory, what each application did with each remote.
//! [`Insights::report`] says what of it passed a threshold. Every threshold is a named constant whose comment argues for it;
//! none is a verdict. There is no clock here and no IO, nothing is formatted, and whatever was forgotten for want of room
//! makes numbers smaller, never larger.

mod apps;
mod dns;
mod insight;
mod pair;
mod regular;
mod report;
mod resolvers;
mod rhythm;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use insight::{Evidence, How, Insight, Kind};

use self::{
    apps::Apps,
    dns::Dns,
    pair::{Activity, HEAVIEST, Pair, Remote},
};
use crate::{Delta, Direction, Losses, Observer, Scope, Truth, aggregate::FastMap};

/// Applications that are remembered.
const APPS: usize = 896;
/// Pairs of application and remote that are remembered. A pair takes some 800 bytes with the longest name, so this is what
/// keeps all of it under 2 MiB, whatever happens on the network.
const PAIRS: usize = 1_792;
/// When a table is full, so large a part of it goes at once: room for a newcomer must not cost a look at all of it each time.
const FOLDED_PART: usize = 8;

/// Listens, and knows what stands out. Traffic with other hosts only.
#[derive(Debug, Default)]
pub struct Insights {
    apps: Apps,
    /// Boxed: a table that forgets keeps twice as many slots as it has entries.
    pairs: FastMap<Key, Box<Pair>>,
    /// Which reading this is: what one reading brings has no order.
    reading: u32,
}

/// An application by its number, and a remote.
type Key = (u32, Remote);

impl Observer for Insights {
    fn flow(&mut self, delta: &Delta<'_>) {
        if delta.scope != Scope::Network {
            return;
        }
        let Some(activity) = Activity::of(delta) else { return };
        let key = (self.app(delta, &activity), Remote::of(delta, activity.address.ip()));
        self.make_room(&key);
        let Some(pair) = self.pairs.get_mut(&key) else { return };
        pair.add(&activity, Dns::of(delta, &activity), self.reading);
        let is_reached = key.1.is_registrable() && activity.direction != Direction::Incoming;
        if let (true, Some(at), Some(app)) = (is_reached, activity.at, self.apps.get_mut(key.0)) {
            app.reached(&mut pair.hours, at);
        }
    }

    /// Comes once in each reading, last.
    fn losses(&mut self, _: &Losses, _: &Truth) {
        self.reading = self.reading.wrapping_add(1);
    }
}

impl Insights {
    /// The number of the delta's application.
    fn app(&mut self, delta: &Delta<'_>, activity: &Activity) -> u32 {
        if let Some(known) = self.apps.note(delta, activity.at) {
            return known;
        }
        if self.apps.len() >= APPS {
            let weighty = self.pairs.iter().filter(|(_, pair)| pair.weight() >= HEAVIEST);
            let weighty: HashSet<u32> = weighty.map(|((app, _), _)| *app).collect();
            let gone = self.apps.fold(APPS / FOLDED_PART, &weighty);
            self.pairs.retain(|(app, _), _| !gone.contains(app));
        }
        self.apps.enter(delta, activity.at)
    }

    /// There is such a pair after this.
    fn make_room(&mut self, key: &Key) {
        if self.pairs.contains_key(key) {
            return;
        }
        if self.pairs.len() >= PAIRS {
            self.fold();
        }
        if let Some(app) = self.apps.get_mut(key.0) {
            app.pairs += 1;
        }
        self.pairs.insert((key.0, key.1.kept()), Box::default());
    }
}
