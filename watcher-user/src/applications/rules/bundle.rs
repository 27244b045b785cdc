//! The outermost `.app` that the executable is in.

use watcher_core::Application;

use crate::applications::Facts;

/// See [`Application::of_bundle`].
pub fn name(facts: &Facts) -> Option<Application> {
    Application::of_bundle(facts.executable.as_deref()?)
}
