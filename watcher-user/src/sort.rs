//! What rows are sorted by, and their order. The order of equals is that of the snapshot, so that it never changes.

use std::{cmp::Ordering, net::SocketAddr, rc::Rc, sync::Arc};

use watcher_core::{AppRow, BootTime, FlowRow, ProcessRow, RemoteRow, Traffic, names::Name};

use crate::{by::By, users::Users, wording};

/// A property of a row that gives an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "the names are those of the columns")]
pub enum Key {
    /// Received and sent per second, together; equal ones by all bytes.
    #[default]
    Rate,
    RxRate,
    TxRate,
    /// Received and sent, together.
    Bytes,
    Rx,
    Tx,
    Pid,
    User,
    Name,
    Connections,
    Processes,
    Local,
    Remote,
    Protocol,
    State,
    Age,
}

/// A sort key that a table does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown sort key '{key}' for --by {by}; the keys are: {}", keys.join(", "))]
pub struct UnknownKey {
    key: String,
    by: &'static str,
    keys: Vec<&'static str>,
}

impl Key {
    /// What a table can be sorted by.
    #[must_use]
    pub fn of(by: By) -> &'static [Self] {
        use Key::{
            Age, Bytes, Connections, Local, Name, Pid, Processes, Protocol, Rate, Remote, Rx, RxRate, State, Tx,
            TxRate, User,
        };
        match by {
            By::Process => &[Rate, RxRate, TxRate, Bytes, Rx, Tx, Pid, User, Name, Connections],
            By::App => &[Rate, RxRate, TxRate, Bytes, Rx, Tx, Name, Processes, Connections],
            By::Connection => &[Rate, RxRate, TxRate, Bytes, Rx, Tx, Pid, Name, Local, Remote, Protocol, State, Age],
            By::Remote => &[Rate, RxRate, TxRate, Bytes, Rx, Tx, Remote, Processes, Connections],
        }
    }

    /// As the command line writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::RxRate => "rx-rate",
            Self::TxRate => "tx-rate",
            Self::Bytes => "bytes",
            Self::Rx => "rx",
            Self::Tx => "tx",
            Self::Pid => "pid",
            Self::User => "user",
            Self::Name => "name",
            Self::Connections => "connections",
            Self::Processes => "processes",
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Protocol => "protocol",
            Self::State => "state",
            Self::Age => "age",
        }
    }

    /// The key of that name in that table.
    ///
    /// # Errors
    /// There is none; names those that there are.
    pub fn parse(by: By, name: &str) -> Result<Self, UnknownKey> {
        let wanted = name.to_ascii_lowercase().replace('_', "-");
        let found = Self::of(by).iter().copied().find(|key| key.name() == wanted);
        found.ok_or_else(|| UnknownKey {
            key: crate::text::printable(name).into_owned(),
            by: by.name(),
            keys: Self::of(by).iter().map(|key| key.name()).collect(),
        })
    }

    /// Whether the biggest comes first; text, addresses and pids begin with the smallest.
    #[must_use]
    pub fn is_descending(self) -> bool {
        !matches!(self, Self::Pid | Self::User | Self::Name | Self::Local | Self::Remote | Self::Protocol | Self::State)
    }
}

/// The value of one row under a [`Key`]. Values of one key are of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, and another one for those that are equal.
    Number(f64, u64),
    /// Text.
    Text(Rc<str>),
    /// An address; rows without one come first.
    Address(Option<SocketAddr>),
    /// A remote: those without a name first, by their address.
    Remote(Option<Arc<Name>>, Option<SocketAddr>),
}

impl Value {
    /// Smallest first.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a, x), Self::Number(b, y)) => a.total_cmp(b).then(x.cmp(y)),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Address(a), Self::Address(b)) => a.cmp(b),
            (Self::Remote(a, x), Self::Remote(b, y)) => a.cmp(b).then(x.cmp(y)),
            _ => Ordering::Equal,
        }
    }
}

/// What a value depends on beside the row.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// Whether loopback is shown.
    pub include_loopback: bool,
    /// The time of the snapshot.
    pub now: BootTime,
    /// Names of users.
    pub users: &'a Users,
}

/// A row that can be sorted.
pub trait Sortable {
    /// Its value; what the row does not have is 0.
    fn value(&self, key: Key, sight: &Sight<'_>) -> Value;
}

/// Sorts in the natural direction of the key.
pub fn sort<R: Sortable>(rows: &mut Vec<R>, key: Key, sight: &Sight<'_>) {
    let mut valued: Vec<(Value, R)> = rows.drain(..).map(|row| (row.value(key, sight), row)).collect();
    if key.is_descending() {
        valued.sort_by(|(a, _), (b, _)| b.compare(a));
    } else {
        valued.sort_by(|(a, _), (b, _)| a.compare(b));
    }
    rows.extend(valued.into_iter().map(|(_, row)| row));
}

impl Sortable for &ProcessRow {
    fn value(&self, key: Key, sight: &Sight<'_>) -> Value {
        match key {
            Key::Pid => count(u64::from(self.id.tgid)),
            Key::User => Value::Text(sight.users.name(self.info.uid)),
            Key::Name => Value::Text(self.info.name.as_str().into()),
            Key::Connections => count(u64::from(connections(self.connections, sight))),
            _ => traffic(key, self.traffic.ip(sight.include_loopback)),
        }
    }
}

impl Sortable for &AppRow {
    fn value(&self, key: Key, sight: &Sight<'_>) -> Value {
        match key {
            Key::Name => Value::Text(self.name.as_str().into()),
            Key::Processes => count(u64::from(self.processes)),
            Key::Connections => count(u64::from(connections(self.connections, sight))),
            _ => traffic(key, self.traffic.ip(sight.include_loopback)),
        }
    }
}

impl Sortable for &RemoteRow {
    fn value(&self, key: Key, sight: &Sight<'_>) -> Value {
        match key {
            Key::Remote => Value::Remote(self.name.clone(), self.address.map(|ip| SocketAddr::new(ip, 0))),
            Key::Processes => count(u64::from(self.processes)),
            Key::Connections => count(u64::from(self.connections)),
            _ => traffic(key, self.traffic.ip(sight.include_loopback)),
        }
    }
}

/// A connection, with the name of its process.
impl Sortable for (&FlowRow, &str) {
    fn value(&self, key: Key, sight: &Sight<'_>) -> Value {
        let (row, name) = self;
        let socket = &row.sample.socket;
        match key {
            Key::Pid => count(u64::from(row.sample.id.process.tgid)),
            Key::Name => Value::Text((*name).into()),
            Key::Local => Value::Address(Some(socket.local)),
            Key::Remote => Value::Remote(row.known.name.clone(), row.remote()),
            Key::Protocol => Value::Text(wording::service(row).into()),
            Key::State => Value::Text(wording::state(row.sample.state).into()),
            Key::Age => Value::Number(crate::top::age(row, sight.now).map_or(-1.0, |age| age.as_secs_f64()), 0),
            _ => traffic(key, row.traffic),
        }
    }
}

fn connections(open: watcher_core::PerScope<u32>, sight: &Sight<'_>) -> u32 {
    open.ip(sight.include_loopback) + open.packet
}

fn count(n: u64) -> Value {
    Value::Number(0.0, n)
}

fn traffic(key: Key, traffic: Traffic) -> Value {
    let bytes = traffic.rx_bytes.saturating_add(traffic.tx_bytes);
    match key {
        Key::Rate => Value::Number(traffic.rx_rate + traffic.tx_rate, bytes),
        Key::RxRate => Value::Number(traffic.rx_rate, bytes),
        Key::TxRate => Value::Number(traffic.tx_rate, bytes),
        Key::Rx => count(traffic.rx_bytes),
        Key::Tx => count(traffic.tx_bytes),
        Key::Bytes => count(bytes),
        _ => count(0),
    }
}
