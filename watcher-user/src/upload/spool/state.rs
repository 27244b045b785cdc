//! What the spool remembers beside the windows: counters, and how the last attempts went. `state.json` in its directory.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Name of the file.
pub(super) const STATE: &str = "state.json";

/// The longest state that is read, in bytes.
pub(super) const MAX_STATE_BYTES: u64 = 4 << 20;

/// The last window that the endpoint took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// When the answer came, UTC.
    pub at: Timestamp,
    /// The window.
    pub upload_id: Uuid,
}

/// The last attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When it failed, UTC.
    pub at: Timestamp,
    /// The window.
    pub upload_id: Option<Uuid>,
    /// What happened, in words. Never holds a token.
    pub message: String,
}

/// The content of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// Windows that the endpoint took.
    pub taken: u64,
    pub last_success: Option<Success>,
    pub last_error: Option<Failure>,
    /// Why windows were parked.
    pub parked: BTreeMap<Uuid, Failure>,
    /// Windows given up because the spool was full or they were too old.
    pub dropped: u64,
    /// Files set aside because they could not be read.
    pub damaged: u64,
    /// Files that `dropped` counts already and that may still be there: the count is written before the file is removed, so a
    /// crash in between neither loses the count nor counts twice.
    pub dropping: Vec<String>,
}
