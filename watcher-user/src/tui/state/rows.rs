//! From a snapshot to the rows of a view: what is shown, with which numbers, in which order.

use std::{borrow::Cow, net::IpAddr, rc::Rc};

use watcher_core::{AppRow, FlowRow, FlowState, PerScope, ProcessId, ProcessRow, RemoteRow, Scope, Traffic};

use super::{
    Moment, Settings, View,
    list::{Entry, List, RowId},
    matching::{Conditions, Matches, matches},
    sort::{SortKey, Value},
    tree::{self, Parents},
    zero::Zero,
};
use crate::{names::Names, tui::labels};

/// One thing whose parts are shown, instead of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Focus {
    /// Connections of a process.
    Process(ProcessId),
    /// Processes of an application.
    App(Rc<str>),
    /// Connections with a remote.
    Remote(Option<IpAddr>),
}

/// Everything that decides about the rows.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The moment to show.
    pub moment: &'a Moment,
    /// Switches.
    pub settings: &'a Settings,
    /// Filter, user, pids.
    pub conditions: &'a Conditions,
    /// What is subtracted.
    pub zero: &'a Zero,
    /// Names for numbers.
    pub names: &'a Names,
    /// What to show the parts of.
    pub focus: Option<&'a Focus>,
}

impl Asked<'_> {
    /// The rows of `view`, in the order of `list`.
    pub fn rows(&self, view: View, list: &mut List) -> Vec<Entry> {
        let found = matches(self.conditions, &self.moment.snapshot, self.names);
        let found = found.as_ref();
        let mut rows = match view {
            View::Processes if self.settings.tree => return self.tree(found, list),
            View::Processes => self.processes(|row| found.is_none_or(|found| found.processes.contains(&row.id))),
            View::Connections => self.flows(found),
            View::Remotes => self.remotes(found),
            View::Applications => self.apps(found),
        };
        self.sort(view, list, &mut rows);
        rows
    }

    /// How many rows `view` has when nothing narrows it.
    pub fn held(&self, view: View) -> usize {
        let snapshot = &self.moment.snapshot;
        match view {
            View::Processes => {
                snapshot.processes.iter().filter(|row| self.in_scope(&row.traffic, Some(&row.connections))).count()
            }
            View::Connections => snapshot.flows.iter().filter(|row| self.is_flow_shown(row)).count(),
            View::Remotes => snapshot.remotes.iter().filter(|row| self.is_remote_shown(row)).count(),
            View::Applications => {
                snapshot.apps.iter().filter(|row| self.in_scope(&row.traffic, Some(&row.connections))).count()
            }
        }
    }

    fn processes(&self, wanted: impl Fn(&ProcessRow) -> bool) -> Vec<Entry> {
        let rows = self.moment.snapshot.processes.iter().enumerate();
        let rows = rows.filter(|(_, row)| self.in_scope(&row.traffic, Some(&row.connections)) && wanted(row));
        let rows = rows.filter(|(_, row)| match self.focus {
            Some(Focus::App(name)) => *row.info.name == **name,
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
    fn tree(&self, found: Option<&Matches<'_>>, list: &mut List) -> Vec<Entry> {
        let snapshot = &self.moment.snapshot;
        let all = snapshot.processes.iter().chain(&snapshot.ancestors);
        let known: Parents = all.clone().filter_map(|row| Some((row.id, row.info.parent?))).collect();
        let mut rows = self.processes(|row| found.is_none_or(|found| found.processes.contains(&row.id)));
        let named = rows.iter().map(|entry| entry.process(snapshot).id).collect();
        let above = tree::above(&named, &known);
        for (index, row) in all.enumerate().filter(|(_, row)| above.contains(&row.id)) {
            rows.push(self.entry(RowId::Process(row.id), index, &PerScope::default(), 0));
        }
        if found.is_none() && self.focus.is_none() {
            let ended = self.zero.ended(snapshot);
            for entry in &mut rows {
                let traffic = ended.of(entry.process(snapshot));
                entry.traffic = entry.traffic + traffic.shown(self.settings.loopback);
                entry.frames += traffic.packet.rx_bytes + traffic.packet.tx_bytes;
            }
        }
        tree::grow(rows, &known, |rows| self.sort(View::Processes, list, rows))
    }

    fn flows(&self, found: Option<&Matches<'_>>) -> Vec<Entry> {
        let rows = self.moment.snapshot.flows.iter().enumerate();
        let rows = rows.filter(|(index, row)| {
            self.is_flow_shown(row)
                && found.is_none_or(|found| found.flows[*index])
                && match self.focus {
                    Some(Focus::Process(id)) => row.sample.id.process == *id,
                    Some(Focus::Remote(address)) => row.remote().map(|remote| remote.ip()) == *address,
                    _ => true,
                }
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

    fn remotes(&self, found: Option<&Matches<'_>>) -> Vec<Entry> {
        let rows = self.moment.snapshot.remotes.iter().enumerate();
        let rows = rows.filter(|(_, row)| self.is_remote_shown(row));
        let rows = rows.filter(|(_, row)| found.is_none_or(|found| found.remotes.contains(&row.address)));
        let entry = |(index, row): (usize, &RemoteRow)| {
            self.entry(RowId::Remote(row.address), index, &self.zero.remote(row), row.connections)
        };
        rows.map(entry).collect()
    }

    fn apps(&self, found: Option<&Matches<'_>>) -> Vec<Entry> {
        let rows = self.moment.snapshot.apps.iter().enumerate();
        let rows = rows.filter(|(_, row)| self.in_scope(&row.traffic, Some(&row.connections)));
        let rows = rows.filter(|(_, row)| found.is_none_or(|found| found.apps.contains(&*row.name)));
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
        let loopback = if self.settings.loopback { connections.loopback } else { 0 };
        connections.network + connections.packet + loopback
    }

    /// What moved bytes within the host only is hidden with loopback.
    fn in_scope(&self, traffic: &PerScope<Traffic>, connections: Option<&PerScope<u32>>) -> bool {
        let moved = |t: &Traffic| t.rx_bytes + t.tx_bytes > 0;
        let open = |scope: fn(&PerScope<u32>) -> u32| connections.is_some_and(|c| scope(c) > 0);
        self.settings.loopback
            || moved(&traffic.network)
            || moved(&traffic.packet)
            || open(|c| c.network + c.packet)
            || !(moved(&traffic.loopback) || open(|c| c.loopback))
    }

    fn is_flow_shown(&self, row: &FlowRow) -> bool {
        self.settings.loopback || row.sample.scope != Scope::Loopback
    }

    fn is_remote_shown(&self, row: &RemoteRow) -> bool {
        let elsewhere = !row.address.is_some_and(|address| address.to_canonical().is_loopback());
        (self.settings.loopback || elsewhere) && self.in_scope(&row.traffic, None)
    }

    /// Equal rows: more bytes first, then by identity, so that idle rows stand still.
    fn sort(&self, view: View, list: &mut List, rows: &mut Vec<Entry>) {
        let key = list.sort.key;
        let hold = self.settings.hold && key.wobbles();
        let value = |entry: &Entry| match self.value(view, key, entry) {
            Value::Number(number) if hold => Value::Number(list.hold.settle(&entry.id, number)),
            value => value,
        };
        let descending = list.sort.is_descending();
        let values: Vec<Value<'_>> = rows.iter().map(value).collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_unstable_by(|a, b| {
            let order = values[*a].compare(&values[*b]);
            let (a, b) = (&rows[*a], &rows[*b]);
            if descending { order.reverse() } else { order }
                .then_with(|| total(&b.traffic).cmp(&total(&a.traffic)))
                .then_with(|| a.id.cmp(&b.id))
        });
        drop(values);
        let mut slots: Vec<Option<Entry>> = std::mem::take(rows).into_iter().map(Some).collect();
        rows.extend(order.into_iter().filter_map(|at| slots[at].take()));
    }

    fn value(&self, view: View, key: SortKey, entry: &Entry) -> Value<'_> {
        let traffic = &entry.traffic;
        match key {
            SortKey::Rate => return Value::Number(traffic.rx_rate + traffic.tx_rate),
            SortKey::RxRate => return Value::Number(traffic.rx_rate),
            SortKey::TxRate => return Value::Number(traffic.tx_rate),
            SortKey::Total => return Value::Number(total(traffic) as f64),
            SortKey::Rx => return Value::Number(traffic.rx_bytes as f64),
            SortKey::Tx => return Value::Number(traffic.tx_bytes as f64),
            SortKey::Connections => return Value::Number(entry.connections.into()),
            _ => {}
        }
        let snapshot = &self.moment.snapshot;
        match view {
            View::Processes => self.process_value(key, entry.process(snapshot)),
            View::Connections => self.flow_value(key, &snapshot.flows[entry.index]),
            View::Remotes => {
                let row = &snapshot.remotes[entry.index];
                match key {
                    SortKey::Processes => Value::Number(row.processes.into()),
                    _ => Value::Address(row.address.map(|ip| (ip, 0).into())),
                }
            }
            View::Applications => {
                let row = &snapshot.apps[entry.index];
                match key {
                    SortKey::Processes => Value::Number(row.processes.into()),
                    _ => Value::Text(Cow::Borrowed(&row.name)),
                }
            }
        }
    }

    fn process_value<'a>(&'a self, key: SortKey, row: &'a ProcessRow) -> Value<'a> {
        match key {
            SortKey::Name => Value::Text(Cow::Borrowed(&row.info.name)),
            SortKey::User if self.settings.names => Value::Text(match self.names.user(row.info.uid) {
                Some(name) => Cow::Borrowed(name),
                None => Cow::Owned(row.info.uid.to_string()),
            }),
            SortKey::User => Value::Number(row.info.uid.into()),
            _ => Value::Number(row.id.tgid.into()),
        }
    }

    fn flow_value<'a>(&'a self, key: SortKey, row: &'a FlowRow) -> Value<'a> {
        let sample = &row.sample;
        match key {
            SortKey::Local => Value::Address(Some(sample.socket.local)),
            SortKey::Remote => Value::Address(row.remote()),
            SortKey::Protocol => Value::Text(Cow::Owned(labels::protocol(sample.socket.protocol))),
            SortKey::State => Value::Text(Cow::Borrowed(labels::state(sample.state))),
            SortKey::Age => {
                Value::Number(labels::age(row, self.moment.snapshot.at).map_or(f64::INFINITY, |age| age.as_secs_f64()))
            }
            _ => Value::Text(Cow::Borrowed(
                self.moment.snapshot.process(sample.id.process).map_or("", |row| &row.info.name),
            )),
        }
    }
}

fn total(traffic: &Traffic) -> u64 {
    traffic.rx_bytes + traffic.tx_bytes
}
