//! What rows are sorted by.

use std::{cmp::Ordering, net::SocketAddr};

use super::View;

/// A property of a row that gives an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the columns")]
pub enum SortKey {
    Pid,
    User,
    Name,
    /// Received and sent per second, together.
    Rate,
    RxRate,
    TxRate,
    /// Received and sent, together.
    Total,
    Rx,
    Tx,
    Connections,
    Local,
    Remote,
    Protocol,
    State,
    Age,
    Processes,
}

impl SortKey {
    /// Whether its values go up and down by themselves, so that rows are held in place.
    #[must_use]
    pub fn wobbles(self) -> bool {
        matches!(self, Self::Rate | Self::RxRate | Self::TxRate)
    }

    /// Whether the biggest comes first; text and addresses begin with the smallest.
    #[must_use]
    pub fn is_descending(self) -> bool {
        use SortKey as K;
        !matches!(self, K::Pid | K::User | K::Name | K::Local | K::Remote | K::Protocol | K::State)
    }

    /// As the screen names it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Pid => "pid",
            Self::User => "user",
            Self::Name => "name",
            Self::Rate => "rx/s + tx/s",
            Self::RxRate => "rx/s",
            Self::TxRate => "tx/s",
            Self::Total => "rx + tx",
            Self::Rx => "rx",
            Self::Tx => "tx",
            Self::Connections => "connections",
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Protocol => "protocol",
            Self::State => "state",
            Self::Age => "age",
            Self::Processes => "processes",
        }
    }

    /// What a view can be sorted by, in the order of its columns.
    #[must_use]
    pub fn of(view: View) -> &'static [Self] {
        use SortKey as K;
        match view {
            View::Processes => {
                &[K::Pid, K::User, K::Name, K::Rate, K::RxRate, K::TxRate, K::Total, K::Rx, K::Tx, K::Connections]
            }
            View::Connections => &[
                K::Name,
                K::Local,
                K::Remote,
                K::Protocol,
                K::State,
                K::Age,
                K::Rate,
                K::RxRate,
                K::TxRate,
                K::Total,
                K::Rx,
                K::Tx,
            ],
            View::Remotes => {
                &[K::Remote, K::Processes, K::Connections, K::Rate, K::RxRate, K::TxRate, K::Total, K::Rx, K::Tx]
            }
            View::Applications => {
                &[K::Name, K::Processes, K::Connections, K::Rate, K::RxRate, K::TxRate, K::Total, K::Rx, K::Tx]
            }
        }
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// Against its natural direction.
    pub inverted: bool,
}

impl Sort {
    /// In the natural direction.
    #[must_use]
    pub fn by(key: SortKey) -> Self {
        Self { key, inverted: false }
    }
    /// Whether the biggest comes first.
    #[must_use]
    pub fn is_descending(self) -> bool {
        self.key.is_descending() != self.inverted
    }
    /// The next or previous key of a view.
    #[must_use]
    pub fn step(self, view: View, forward: bool) -> Self {
        let keys = SortKey::of(view);
        let at = keys.iter().position(|key| *key == self.key).unwrap_or(0);
        let next = if forward { at + 1 } else { at + keys.len() - 1 };
        Self::by(keys[next % keys.len()])
    }
}

/// The value of one row under a [`SortKey`].
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// A number.
    Number(f64),
    /// Text.
    Text(std::borrow::Cow<'a, str>),
    /// An address; rows without one come first.
    Address(Option<SocketAddr>),
}

impl Value<'_> {
    /// Smallest first. Values of one key are of one kind.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Address(a), Self::Address(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }
}
