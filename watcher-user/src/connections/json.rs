//! `--json`: one object per connection and line. docs/connections.md names every field.

use std::rc::Rc;

use serde::Serialize;
use watcher_core::BootTime;

use super::{Lifecycle, kind::Kind};
use crate::{clock::WallClock, top::json::Connection, users::Users};

#[derive(Serialize)]
struct Object<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(flatten)]
    connection: Connection<'a>,
    command: &'a str,
    uid: u32,
    user: Rc<str>,
    kind: Option<&'static str>,
}

/// One line, of an event where something has just happened.
pub fn line(row: &Lifecycle, event: Option<&'static str>, users: &Users, now: BootTime, clock: WallClock) -> String {
    let object = Object {
        event,
        connection: Connection::without_rates(&row.flow, &row.process.name, now, clock),
        command: &row.process.command,
        uid: row.process.uid,
        user: users.name(row.process.uid),
        kind: Kind::of(row, now).map(Kind::name),
    };
    let mut line = watcher_core::json::to_string(&object).expect("numbers and text can be written as JSON");
    line.push('\n');
    line
}
