//! The order of a list, and how keys change it.

use crate::{by::By, sort::Key};

/// What a table can be sorted by, in the order of its columns on the screen.
#[must_use]
pub fn keys(by: By) -> &'static [Key] {
    use Key as K;
    match by {
        By::Process => {
            &[K::Pid, K::User, K::Name, K::Rate, K::RxRate, K::TxRate, K::Bytes, K::Rx, K::Tx, K::Connections]
        }
        By::Connection => &[
            K::Pid,
            K::Name,
            K::Local,
            K::Remote,
            K::Protocol,
            K::State,
            K::Age,
            K::Rate,
            K::RxRate,
            K::TxRate,
            K::Bytes,
            K::Rx,
            K::Tx,
        ],
        By::Remote => &[K::Remote, K::Processes, K::Connections, K::Rate, K::RxRate, K::TxRate, K::Bytes, K::Rx, K::Tx],
        By::App => &[K::Name, K::Processes, K::Connections, K::Rate, K::RxRate, K::TxRate, K::Bytes, K::Rx, K::Tx],
    }
}

/// Whether its values go up and down by themselves, so that rows are held in place.
#[must_use]
pub fn wobbles(key: Key) -> bool {
    matches!(key, Key::Rate | Key::RxRate | Key::TxRate)
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: Key,
    /// Against its natural direction.
    pub inverted: bool,
}

impl Sort {
    /// In the natural direction.
    #[must_use]
    pub fn by(key: Key) -> Self {
        Self { key, inverted: false }
    }

    /// Whether the biggest comes first.
    #[must_use]
    pub fn is_descending(self) -> bool {
        self.key.is_descending() != self.inverted
    }

    /// The next or previous key of a table.
    #[must_use]
    pub fn step(self, by: By, forward: bool) -> Self {
        let keys = keys(by);
        let at = keys.iter().position(|key| *key == self.key).unwrap_or(0);
        let next = if forward { at + 1 } else { at + keys.len() - 1 };
        Self::by(keys[next % keys.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_table_has_its_place() {
        for by in [By::Process, By::App, By::Connection, By::Remote] {
            let (mut here, mut there) = (keys(by).to_vec(), Key::of(by).to_vec());
            here.sort_by_key(|key| key.name());
            there.sort_by_key(|key| key.name());
            assert_eq!(here, there);
        }
    }
}
