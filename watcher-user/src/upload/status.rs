//! How upload is doing, for people and for programs.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::spool::SpoolStatus;
use crate::units::Units;

/// How upload is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Where windows go; none when upload is off.
    pub endpoint: Option<String>,
    /// What lies in the spool.
    #[serde(flatten)]
    pub spool: SpoolStatus,
    /// When the next attempt is due, UTC: after a failure, while a daemon delivers.
    pub next_attempt: Option<Timestamp>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spool = &self.spool;
        writeln!(f, "endpoint      {}", self.endpoint.as_deref().unwrap_or("none: upload is off"))?;
        write!(f, "waiting       {}", windows(spool.waiting))?;
        if let Some(oldest) = spool.oldest_waiting {
            write!(f, ", the oldest of {oldest:.0}")?;
        }
        writeln!(f, "; {} on disk", Units::Bytes.amount(spool.bytes))?;
        if spool.in_memory > 0 {
            writeln!(f, "in memory     {}: the disk does not take them", windows(spool.in_memory))?;
        }
        match &spool.last_success {
            Some(success) => writeln!(f, "last success  {:.0}, {} taken in all", success.at, windows(spool.taken))?,
            None => writeln!(f, "last success  never")?,
        }
        if let Some(error) = &spool.last_error {
            writeln!(f, "last error    {:.0}, {}", error.at, error.message)?;
        }
        if let Some(next) = self.next_attempt {
            writeln!(f, "next attempt  {next:.0}")?;
        }
        if spool.parked > 0 {
            writeln!(f, "parked        {} that the endpoint refused", windows(spool.parked))?;
            for parked in &spool.parked_windows {
                let why = parked.why.as_deref().unwrap_or("reason not known");
                writeln!(f, "              {:.0}: {why}", parked.started_at)?;
            }
        }
        if spool.dropped > 0 {
            writeln!(f, "dropped       {}: the spool was full, or they were too old", windows(spool.dropped))?;
        }
        if spool.damaged > 0 {
            let files = if spool.damaged == 1 { "file" } else { "files" };
            writeln!(f, "set aside     {} damaged {files}", spool.damaged)?;
        }
        Ok(())
    }
}

fn windows(count: u64) -> String {
    if count == 1 { "1 window".to_owned() } else { format!("{count} windows") }
}
