//! From a snapshot to the rows of a view: what is shown, with which numbers, in which order.

use std::rc::Rc;

use watcher_core::{AppRow, FlowRow, FlowState, PerScope, ProcessId, ProcessRow, RemoteId, RemoteRow, Traffic};

use super::{
    Moment, Names, Narrow, Settings,
    list::{Entry, List, RowId},
    sort,
    tree::{self, Parents},
    zero::Zero,
};
use crate::{
    by::By,
    sort::{Key, Sight, Sortable, Value},
    top::{Choice, Conditions},
};

/// One thing whose parts are shown, instead of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Focus {
    /// Connections of a process.
    Process(ProcessId),
    /// Processes of an application.
    App(Rc<str>),
    /// Connections with a remote.
    Remote(RemoteId),
}

/// Everything that decides about the rows.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The moment to show.
    pub moment: &'a Moment,
    /// Switches.
    pub settings: &'a Settings,
    /// Filter, user, pids.
    pub narrow: &'a Narrow,
    /// What is subtracted.
    pub zero: &'a Zero,
    /// Names for numbers.
    pub names: &'a Names,
    /// What to show the parts of.
    pub focus: Option<&'a Focus>,
}

impl Asked<'_> {
    /// The rows of `view`, in the order of `list`.
    pub fn rows(&self, view: By, list: &mut List) -> Vec<Entry> {
        let choice = Choice::new(&self.moment.snapshot, self.conditions());
        let mut rows = match view {
            By::Process if self.settings.tree => self.tree(&choice, list),
            By::Process => self.processes(&choice),
            By::Connection => self.flows(&choice),
            By::Remote => self.remotes(&choice),
            By::App => self.apps(&choice),
        };
        if !(view == By::Process && self.settings.tree) {
            self.sort(view, list, &mut rows);
        }
        rows.truncate(self.narrow.limit.unwrap_or(usize::MAX));
        rows
    }

    /// How many rows `view` has when nothing narrows it.
    pub fn held(&self, view: By) -> usize {
        let (snapshot, conditions) = (&self.moment.snapshot, self.conditions());
        match view {
            By::Process => snapshot.processes.iter().filter(|row| conditions.see_process(row)).count(),
            By::Connection => snapshot.flows.iter().filter(|row| conditions.see_flow(row)).count(),
            By::Remote => snapshot.remotes.iter().filter(|row| conditions.see_remote(row)).count(),
            By::App => snapshot.apps.iter().filter(|row| conditions.see_app(row)).count(),
        }
    }

    fn conditions(&self) -> Conditions<'_> {
        Conditions {
            filter: &self.narrow.filter,
            pids: &self.narrow.pids,
            user: self.narrow.user,
            include_loopback: self.settings.loopback,
            users: self.names.users(self.settings.names),
            services: self.names.services(self.settings.names),
        }
    }

    fn processes(&self, choice: &Choice<'_>) -> Vec<Entry> {
        let rows = self.moment.snapshot.processes.iter().enumerate().filter(|(_, row)| choice.process(row));
        let rows = rows.filter(|(_, row)| match self.focus {
            Some(Focus::App(name)) => *row.info.application_name() == **name,
            _ => true,
        });
        let entry = |(index, row): (usize, &ProcessRow)| {
            let connections = self.count(&row.connections);
            self.entry(RowId::Process(row.id), index, &self.zero.process(row), connections)
        };
        rows.map(entry).collect()
    }

    /// What is above a row that is left is there for its place only: it adds nothing of its own. Descendants that have
    /// ended and aged out have no name to match, and count only where everything is shown.
    fn tree(&self, choice: &Choice<'_>, list: &mut List) -> Vec<Entry> {
        let snapshot = &self.moment.snapshot;
        let all = snapshot.processes.iter().chain(&snapshot.ancestors);
        let known: Parents = all.clone().filter_map(|row| Some((row.id, row.info.parent?))).collect();
        let mut rows = self.processes(choice);
        let named = rows.iter().map(|entry| entry.process(snapshot).id).collect();
        let above = tree::above(&named, &known);
        for (index, row) in all.enumerate().filter(|(_, row)| above.contains(&row.id)) {
            rows.push(self.entry(RowId::Process(row.id), index, &PerScope::default(), 0));
        }
        if self.narrow.is_empty() && self.focus.is_none() {
            let ended = self.zero.ended(snapshot);
            for entry in &mut rows {
                let traffic = ended.of(entry.process(snapshot));
                entry.traffic = entry.traffic + traffic.shown(self.settings.loopback);
                entry.frames += traffic.packet.rx_bytes + traffic.packet.tx_bytes;
            }
        }
        tree::grow(rows, &known, |rows| self.sort(By::Process, list, rows))
    }

    fn flows(&self, choice: &Choice<'_>) -> Vec<Entry> {
        let rows = self.moment.snapshot.flows.iter().enumerate().filter(|(_, row)| choice.flow(row));
        let rows = rows.filter(|(_, row)| match self.focus {
            Some(Focus::Process(id)) => row.sample.id.process == *id,
            Some(Focus::Remote(remote)) => row.remote_id() == *remote,
            _ => true,
        });
        let entry = |(index, row): (usize, &FlowRow)| Entry {
            id: RowId::Flow(row.id()),
            index,
            traffic: self.zero.flow(row),
            frames: 0,
            connections: u32::from(!matches!(row.sample.state, FlowState::Closed { .. })),
            branch: None,
        };
        rows.map(entry).collect()
    }

    fn remotes(&self, choice: &Choice<'_>) -> Vec<Entry> {
        let rows = self.moment.snapshot.remotes.iter().enumerate().filter(|(_, row)| choice.remote(row));
        let entry = |(index, row): (usize, &RemoteRow)| {
            self.entry(RowId::Remote(row.id()), index, &self.zero.remote(row), row.connections)
        };
        rows.map(entry).collect()
    }

    fn apps(&self, choice: &Choice<'_>) -> Vec<Entry> {
        let rows = self.moment.snapshot.apps.iter().enumerate().filter(|(_, row)| choice.app(row));
        let entry = |(index, row): (usize, &AppRow)| {
            let connections = self.count(&row.connections);
            self.entry(RowId::App(row.name.as_str().into()), index, &self.zero.app(row), connections)
        };
        rows.map(entry).collect()
    }

    fn entry(&self, id: RowId, index: usize, traffic: &PerScope<Traffic>, connections: u32) -> Entry {
        let frames = traffic.packet.rx_bytes + traffic.packet.tx_bytes;
        Entry { id, index, traffic: traffic.shown(self.settings.loopback), frames, connections, branch: None }
    }

    fn count(&self, connections: &PerScope<u32>) -> u32 {
        connections.ip(self.settings.loopback) + connections.packet
    }

    /// Equal rows: more bytes first, then by identity, so that idle rows stand still.
    fn sort(&self, view: By, list: &mut List, rows: &mut Vec<Entry>) {
        let key = list.sort.key;
        let hold = self.settings.hold && sort::wobbles(key);
        let value = |entry: &Entry| match self.value(view, key, entry) {
            Value::Number(number, bytes) if hold => Value::Number(list.hold.settle(&entry.id, number), bytes),
            value => value,
        };
        let values: Vec<Value> = rows.iter().map(value).collect();
        let descending = list.sort.is_descending();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_unstable_by(|a, b| {
            let order = values[*a].compare(&values[*b]);
            let (a, b) = (&rows[*a], &rows[*b]);
            if descending { order.reverse() } else { order }
                .then_with(|| total(&b.traffic).cmp(&total(&a.traffic)))
                .then_with(|| a.id.cmp(&b.id))
        });
        let mut slots: Vec<Option<Entry>> = std::mem::take(rows).into_iter().map(Some).collect();
        rows.extend(order.into_iter().filter_map(|at| slots[at].take()));
    }

    /// What is worked out here (zero subtracted, children added) goes by the entry, the rest by the row.
    fn value(&self, view: By, key: Key, entry: &Entry) -> Value {
        let (traffic, bytes) = (&entry.traffic, total(&entry.traffic));
        match key {
            Key::Rate => return Value::Number(traffic.rx_rate + traffic.tx_rate, bytes),
            Key::RxRate => return Value::Number(traffic.rx_rate, bytes),
            Key::TxRate => return Value::Number(traffic.tx_rate, bytes),
            Key::Bytes => return Value::Number(0.0, bytes),
            Key::Rx => return Value::Number(0.0, traffic.rx_bytes),
            Key::Tx => return Value::Number(0.0, traffic.tx_bytes),
            Key::Connections => return Value::Number(0.0, entry.connections.into()),
            _ => {}
        }
        let snapshot = &self.moment.snapshot;
        let users = self.names.users(self.settings.names);
        let sight = Sight { include_loopback: self.settings.loopback, now: snapshot.at, users };
        match view {
            By::Process => entry.process(snapshot).value(key, &sight),
            By::Connection => {
                let row = &snapshot.flows[entry.index];
                let process = snapshot.process(row.sample.id.process);
                (row, process.map_or("", |process| &*process.info.name)).value(key, &sight)
            }
            By::Remote => (&snapshot.remotes[entry.index]).value(key, &sight),
            By::App => (&snapshot.apps[entry.index]).value(key, &sight),
        }
    }
}

fn total(traffic: &Traffic) -> u64 {
    traffic.rx_bytes + traffic.tx_bytes
}
