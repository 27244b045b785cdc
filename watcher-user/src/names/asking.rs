//! Between the directory, which knows what it would like to know, and the resolver.

use watcher_core::{Aggregator, BootTime};

use super::{Resolvers, Reverse, Unavailable};
use crate::config;

/// Asks for reverse names where that is wanted and can be done. Its thread begins with the first question: many machines
/// talk to public addresses by name only.
#[derive(Debug, Default)]
pub struct Asking {
    wanted: bool,
    reverse: Option<Reverse>,
}

impl Asking {
    /// Nobody is asked.
    #[must_use]
    pub fn nobody() -> Self {
        Self::default()
    }

    /// As the configuration says.
    ///
    /// # Errors
    /// Nobody can be asked, and why: addresses then go by themselves.
    pub fn start(names: &config::Names) -> Result<Self, Unavailable> {
        if names.ptr {
            // Said at once, not at the first question.
            Resolvers::default().servers()?;
        }
        Ok(Self { wanted: names.ptr, reverse: None })
    }

    /// Passes on what was answered and what is to be asked. Never waits.
    pub fn exchange(&mut self, sums: &mut Aggregator, at: BootTime) {
        if !self.wanted {
            return;
        }
        let directory = sums.directory_mut();
        directory.ask_reverse(true);
        let questions = directory.questions(at);
        if self.reverse.is_none() && !questions.is_empty() {
            // What cannot be started now is tried again: the policy lets the questions be asked again.
            self.reverse = Reverse::start(Resolvers::default()).ok();
        }
        let Some(reverse) = &self.reverse else { return };
        for answer in reverse.answers() {
            directory.learnt(answer.ip, answer.said(), answer.ttl, at);
        }
        reverse.ask(questions);
    }
}
