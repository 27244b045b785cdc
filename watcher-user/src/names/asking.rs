//! Between the directory, which knows what it would like to know, and the resolver.

use watcher_core::{Aggregator, BootTime};

use super::{Resolvers, Reverse, Unavailable};
use crate::config;

/// Asks for reverse names where that is wanted and can be done.
#[derive(Debug, Default)]
pub struct Asking(Option<Reverse>);

impl Asking {
    /// Nobody is asked.
    #[must_use]
    pub fn nobody() -> Self {
        Self(None)
    }

    /// As the configuration says.
    ///
    /// # Errors
    /// Nobody can be asked, and why: addresses then go by themselves.
    pub fn start(names: &config::Names) -> Result<Self, Unavailable> {
        if !names.ptr {
            return Ok(Self(None));
        }
        Ok(Self(Some(Reverse::start(Resolvers::default())?)))
    }

    /// Passes on what was answered and what is to be asked. Never waits.
    pub fn exchange(&self, sums: &mut Aggregator, at: BootTime) {
        let Some(reverse) = &self.0 else { return };
        let directory = sums.directory_mut();
        directory.ask_reverse(true);
        for answer in reverse.answers() {
            directory.learnt(answer.ip, answer.said(), answer.ttl, at);
        }
        reverse.ask(directory.questions(at));
    }
}
