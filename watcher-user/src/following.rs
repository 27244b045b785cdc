//! What all `--follow` have in common: how often a daemon is asked, and when to end.

use std::{
    io::{self, Write as _},
    os::fd::AsFd as _,
    time::Duration,
};

use anyhow::Context as _;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::signal::unix::{SignalKind, signal};

use crate::text::printable;

/// The daemon reads every second.
pub const ASK_EVERY: Duration = Duration::from_millis(500);
/// Between two attempts to find a daemon.
pub const TRY_EVERY: Duration = Duration::from_millis(500);
/// It answers out of its memory.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Follows until told to end.
///
/// # Errors
/// Those of what follows, or signals cannot be listened for.
pub async fn until_signalled(follow: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let of = |kind| signal(kind).context("listening for signals");
    let (mut interrupt, mut terminate) = (of(SignalKind::interrupt())?, of(SignalKind::terminate())?);
    tokio::select! {
        failed = follow => failed,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

/// Notes the last number, and says when some before the first are forgotten already.
pub fn seen(last: &mut u64, new: Option<(u64, u64)>, what: &str) {
    let Some((first, newest)) = new else { return };
    let missed = first.saturating_sub(*last + 1);
    if *last > 0 && missed > 0 {
        say(&format!("{missed} {what} that the daemon does not remember"));
    }
    *last = newest;
}

/// Whether whoever read the output has gone: noticed without writing, which may not happen for hours.
#[must_use]
pub fn is_closed(out: &io::Stdout) -> bool {
    let mut ends = [PollFd::new(out.as_fd(), PollFlags::empty())];
    let seen = poll(&mut ends, PollTimeout::ZERO);
    let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
    seen.is_ok_and(|n| n > 0) && ends[0].revents().is_some_and(|events| events.intersects(gone))
}

/// A word beside the output.
pub fn say(what: &str) {
    // Nobody reads it: then there is nobody to tell.
    writeln!(io::stderr(), "watcher: {}", printable(what)).ok();
}
