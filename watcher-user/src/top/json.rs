//! `--json`: one object per interval and line. The names of its fields are a promise: docs/json.md has them all,
//! fields may be added and never renamed. Names of processes are as the processes set them, escaped as JSON demands.

mod connection;
mod object;

use std::{io::Write, sync::Arc};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use watcher_core::Snapshot;

pub(crate) use self::connection::Connection;
use self::object::Object;
use super::{Origin, Report, select};
use crate::{cli::Rows, clock::WallClock, names::Geo, users::Users};

/// Writes snapshots as lines.
#[derive(Debug)]
pub(super) struct Writer<W> {
    out: W,
    context: Context,
    /// When this is `None`, the clocks are read for each object.
    pub(super) fixed: Option<WallClock>,
}

/// What every object needs.
#[derive(Debug)]
struct Context {
    rows: Rows,
    users: Users,
    /// Measured once: the times of processes and connections do not move when the wall clock is set.
    clock: WallClock,
    geo: Arc<Geo>,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W, rows: Rows, users: Users, clock: WallClock, geo: Arc<Geo>) -> Self {
        Self { out, context: Context { rows, users, clock, geo }, fixed: None }
    }

    fn now(&self) -> anyhow::Result<WallClock> {
        self.fixed.map_or_else(WallClock::measure, Ok).context("reading the clocks")
    }
}

impl<W: Write> Report for Writer<W> {
    fn write(&mut self, snapshot: &Snapshot, origin: &Origin) -> anyhow::Result<()> {
        let time = Time(self.now()?.at(snapshot.at));
        let selected = select(snapshot, &self.context.rows, &self.context.users);
        let object = Object::new(time, snapshot, origin, &selected, &self.context);
        let written = watcher_core::json::to_writer(&mut self.out, &object).map_err(std::io::Error::from);
        written.and_then(|()| self.out.write_all(b"\n")).and_then(|()| self.out.flush()).context("writing JSON")
    }
}

/// RFC 3339, UTC, milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}

/// Rows that become objects one by one, while they are written.
struct List<'a, R, F>(&'a [R], F);

impl<'a, R, T: Serialize, F: Fn(&'a R) -> T> List<'a, R, F> {
    fn new(rows: &'a [R], object: F) -> Self {
        Self(rows, object)
    }
}

impl<'a, R, T: Serialize, F: Fn(&'a R) -> T> Serialize for List<'a, R, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}
