//! What is asked of the history, and what it answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Amount, Kind, Level, Span, Subject};
use crate::NamedBy;

/// What rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// One per application.
    #[default]
    Application,
    /// One per process.
    Process,
    /// One per registrable domain, or address without a name.
    Domain,
    /// One per user.
    User,
    /// One per interface: what the kernel counted, and how much of it processes explain.
    Interface,
}

/// Which bytes are meant. Names are whole ones, compared exactly.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Choice {
    /// Of this application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// With this registrable domain or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
    /// Also what stays within the machine.
    #[serde(default)]
    pub include_loopback: bool,
}

/// What a graph is divided into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Of the last hour only, and only while a daemon runs.
    Second,
    /// Of the last seven days only.
    Minute,
    /// Of the last 90 days only.
    Hour,
    /// Local days.
    Day,
}

impl Step {
    /// The coarsest rows that can be divided so.
    #[must_use]
    pub fn coarsest(self) -> Level {
        match self {
            Self::Second | Self::Minute => Level::Minute,
            Self::Hour => Level::Hour,
            Self::Day => Level::Day,
        }
    }
}

/// By what rows are sorted, the largest first; names from a to z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the columns")]
pub enum Sort {
    #[default]
    Total,
    Downloaded,
    Uploaded,
    PeakDown,
    PeakUp,
    Name,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// From; the beginning of the history where there is none.
    pub from: Option<Timestamp>,
    /// Up to, exclusive; all there is where there is none.
    pub until: Option<Timestamp>,
    /// What rows are.
    pub by: By,
    /// Which bytes.
    #[serde(default)]
    pub choice: Choice,
    /// Their order.
    #[serde(default)]
    pub sort: Sort,
    /// So many rows; the others are counted in [`Report::more`].
    pub limit: usize,
    /// Divided into these, where a graph is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// The time zone of the steps, by its IANA name; that of whoever answers where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A choice that the history has no line for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchLine {
    /// Remotes are kept by application.
    #[error("remotes are kept by application, not by process or user: ask by application or domain")]
    RemoteOfProcess,
    /// An interface's counters do not know whose bytes they are.
    #[error("an interface's counters do not tell whose bytes they are: ask without an application, domain or user")]
    InterfaceOfSomebody,
}

impl Query {
    /// The line that knows all that is asked for.
    ///
    /// # Errors
    /// None does.
    pub fn kind(&self) -> Result<Kind, NoSuchLine> {
        let Choice { application, domain, user, .. } = &self.choice;
        let by_process = self.by == By::Process || user.is_some() && (self.by != By::User || application.is_some());
        match self.by {
            By::Interface if application.is_some() || domain.is_some() || user.is_some() => {
                Err(NoSuchLine::InterfaceOfSomebody)
            }
            By::Interface => Ok(Kind::Interface),
            _ if self.by == By::Domain || domain.is_some() => {
                if by_process || self.by == By::User {
                    Err(NoSuchLine::RemoteOfProcess)
                } else {
                    Ok(Kind::Remote)
                }
            }
            By::User if !by_process && application.is_none() => Ok(Kind::User),
            By::Application if !by_process => Ok(Kind::Application),
            _ => Ok(Kind::Process),
        }
    }
}

impl Query {
    /// The line of a graph: all bytes have one of their own.
    ///
    /// # Errors
    /// No line has what is asked for.
    pub fn line(&self) -> Result<Kind, NoSuchLine> {
        let kind = self.kind()?;
        Ok(if self.choice.is_everything() && self.by != By::Interface { Kind::Total } else { kind })
    }
}

impl Choice {
    /// Whether no application, domain or user is meant in particular.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.application.is_none() && self.domain.is_none() && self.user.is_none()
    }

    /// Whether a subject is meant. Interfaces that are apart are none of the total.
    #[must_use]
    pub fn means(&self, subject: &Subject) -> bool {
        let (application, domain, user) = match subject {
            Subject::Application(app) => (Some(&*app.name), None, None),
            Subject::Process(program) => (Some(&*program.application.name), None, Some(program.uid)),
            Subject::Remote { application, remote } => (Some(&*application.name), Some(&**remote), None),
            Subject::User(uid) => (None, None, Some(*uid)),
            Subject::Interface { apart, .. } => return !apart,
            Subject::Total | Subject::Ip | Subject::Explained { .. } => (None, None, None),
        };
        let same = |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|it| Some(it) == found);
        same(&self.application, application)
            && same(&self.domain, domain)
            && self.user.is_none_or(|uid| Some(uid) == user)
    }
}

/// How an application was named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Explanation {
    /// By which rule.
    pub rule: NamedBy,
    /// From what.
    pub evidence: String,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Row {
    /// The application, process, domain or interface, or the number of the user.
    pub name: String,
    /// Bytes, and peaks where they are kept for one such row.
    pub amount: Amount,
    /// A part of it was estimated.
    #[serde(default)]
    pub estimated: bool,
    /// How it got its name, for applications; more than one where several go by that name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explained: Vec<Explanation>,
    /// For processes: pid, application, and user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessColumns>,
    /// For interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceColumns>,
}

/// What a row of a process tells besides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcessColumns {
    /// In the first PID namespace; 0 for the kernel, and for the rest of an application.
    pub pid: u32,
    /// Its application.
    pub application: String,
    /// Its user.
    pub uid: u32,
}

/// What a row of an interface tells besides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InterfaceColumns {
    /// Not part of the total: its bytes travel over another interface as well, or never leave the machine.
    pub apart: bool,
    /// Payload that processes received over it.
    pub explained_rx_bytes: u64,
    /// Payload that processes sent over it.
    pub explained_tx_bytes: u64,
}

/// A part of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bin {
    /// From.
    pub from: Timestamp,
    /// Up to, exclusive.
    pub until: Timestamp,
    /// Received.
    pub rx_bytes: u64,
    /// Sent.
    pub tx_bytes: u64,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The time that was asked for, cut to what there is; `None` when nothing was ever collected.
    pub span: Option<Span>,
    /// What was asked.
    pub by: By,
    /// The heaviest rows.
    pub rows: Vec<Row>,
    /// Rows beyond the limit.
    pub more: u64,
    /// Of all rows, beyond the limit too. Peaks are those of all bytes together: 0 where they are not kept for what was asked.
    pub total: Amount,
    /// A part was estimated: from packets, or imported.
    pub estimated: bool,
    /// The coarsest rows that an edge of the time falls into: it was moved to the beginning of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coarse: Option<Level>,
    /// For a graph.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bins: Vec<Bin>,
}
