//! Equal applications share their memory.

use std::{collections::HashSet, sync::Arc};

use watcher_core::Application;

/// So many are shared. Beyond it, those that nobody holds any more are forgotten; if all are held, new ones are not shared.
const MOST: usize = 4_096;

/// Applications that were found so far.
#[derive(Debug, Default)]
pub struct Interned {
    known: HashSet<Arc<Application>>,
}

impl Interned {
    /// The one that is equal to this.
    pub fn share(&mut self, application: Application) -> Arc<Application> {
        if let Some(known) = self.known.get(&application) {
            return Arc::clone(known);
        }
        let application = Arc::new(application);
        if self.known.len() >= MOST {
            self.known.retain(|known| Arc::strong_count(known) > 1);
        }
        if self.known.len() < MOST {
            self.known.insert(Arc::clone(&application));
        }
        application
    }
}
