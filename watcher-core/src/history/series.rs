//! What a row of the history is about.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Application, ProcessId, Scope};

/// What goes by no name of its own.
pub const OTHERS: &str = "(others)";

/// The lines along which bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All of a scope.
    Total,
    /// All IP payload, within the machine too: for its peak.
    Ip,
    /// By application.
    Application,
    /// By process.
    Process,
    /// By application and remote.
    Remote,
    /// By user.
    User,
    /// What the kernel counted on an interface: bytes of frames.
    Interface,
    /// Payload that processes moved over an interface.
    Explained,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Total,
        Self::Ip,
        Self::Application,
        Self::Process,
        Self::Remote,
        Self::User,
        Self::Interface,
        Self::Explained,
    ];

    /// Whether the most in one second is kept. Not where there are many rows: it would be a fourth of the file.
    #[must_use]
    pub fn has_peaks(self) -> bool {
        matches!(self, Self::Total | Self::Ip | Self::Application | Self::Interface)
    }
}

/// A process as the history knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Program {
    /// Pid and start; start is only comparable within one boot. [`ProcessId::KERNEL`] for the rest of an application.
    pub id: ProcessId,
    /// Its own name; [`OTHERS`] for the rest.
    pub name: Box<str>,
    /// Its user.
    pub uid: u32,
    /// What it belongs to.
    pub application: Arc<Application>,
}

impl Program {
    /// What of an application goes by no process.
    #[must_use]
    pub fn others(application: &Arc<Application>) -> Self {
        Self { id: ProcessId::KERNEL, name: OTHERS.into(), uid: 0, application: Arc::clone(application) }
    }
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// See [`Kind::Total`].
    Total,
    /// See [`Kind::Ip`].
    Ip,
    /// An application.
    Application(Arc<Application>),
    /// A process.
    Process(Arc<Program>),
    /// A remote of an application.
    Remote {
        /// Whose.
        application: Arc<Application>,
        /// The registrable domain, else the address, else [`OTHERS`].
        remote: Arc<str>,
    },
    /// A user, by number.
    User(u32),
    /// An interface.
    Interface {
        /// Its name.
        name: Arc<str>,
        /// Its bytes travel on another interface as well: not part of any total.
        apart: bool,
    },
    /// An interface, as far as processes explain it.
    Explained {
        /// Its name.
        name: Arc<str>,
    },
}

impl Subject {
    /// Its line.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Total => Kind::Total,
            Self::Ip => Kind::Ip,
            Self::Application(_) => Kind::Application,
            Self::Process(_) => Kind::Process,
            Self::Remote { .. } => Kind::Remote,
            Self::User(_) => Kind::User,
            Self::Interface { .. } => Kind::Interface,
            Self::Explained { .. } => Kind::Explained,
        }
    }
}

/// One line's one subject: what rows add up to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Series {
    /// Which sum it belongs to.
    pub scope: Scope,
    /// From packets, or from somebody else's estimates: not what the applications counted.
    pub estimated: bool,
    /// Of what.
    pub subject: Subject,
}
