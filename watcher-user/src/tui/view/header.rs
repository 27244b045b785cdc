//! The accounting lines: what moves, what has moved, how much of it is explained, and what got lost.

use ratatui::{
    style::Modifier,
    text::{Line, Span},
};
use watcher_core::{RemoteId, Snapshot, Totals, Traffic};

use super::{Ink, spark, words};
use crate::{
    tui::{
        labels::count,
        state::{Focus, HISTORY_LENGTH, Moment, State, TABS, title},
    },
    wording,
};

type Spans = Vec<Span<'static>>;

/// Columns that the rates take, and the gaps around the sparkline behind them.
const RATES: usize = 38;

/// The lines above the tabs; fewer on a low screen.
pub fn lines(state: &State, width: usize, height: u16, ink: Ink) -> Vec<Line<'static>> {
    let Some(moment) = state.shown() else {
        let waiting = Line::styled(" waiting for the first numbers", ink.theme.faint());
        return std::iter::once(waiting).chain(lost(state, width, ink)).collect();
    };
    let snapshot = &moment.snapshot;
    let totals = &snapshot.totals;
    let shown = state.zero.totals(snapshot);
    let traffic = shown.shown(state.settings.loopback);
    let promises = promises(state, snapshot, ink);
    let longest = promises.first().map_or(0, length);
    let mut lines = vec![
        between(rates(state, moment, &traffic, width.saturating_sub(longest), ink), promises, width),
        between(sums(state, snapshot, &traffic, width, ink), shares(state, totals, ink), width),
    ];
    if height >= 12 {
        lines.push(between(Vec::new(), checks(totals, ink), width));
    }
    if shown.packet.rx_bytes + shown.packet.tx_bytes > 0 {
        lines.push(between(Vec::new(), frames(state, &shown.packet, ink), width));
    }
    lines.extend(lost(state, width, ink));
    lines
}

/// Why the numbers stand still.
fn lost(state: &State, width: usize, ink: Ink) -> Option<Line<'static>> {
    let why = words::clip(state.lost.as_ref()?, u16::try_from(width.saturating_sub(2)).unwrap_or(80), ink.glyphs.cut);
    Some(Line::styled(format!(" {why}"), ink.theme.bad()))
}

fn length(spans: &Spans) -> usize {
    spans.iter().map(Span::width).sum()
}

/// `left`, and at the right edge the first of `choices` that fits. Nothing at the left: the choice stands there.
fn between(left: Spans, choices: Vec<Spans>, width: usize) -> Line<'static> {
    let used = length(&left);
    let room = width.saturating_sub(used + if left.is_empty() { 1 } else { 3 });
    let mut spans = left;
    if let Some(right) = choices.into_iter().find(|choice| length(choice) <= room) {
        let gap = if spans.is_empty() { 1 } else { width - 1 - used - length(&right) };
        spans.push(Span::raw(" ".repeat(gap)));
        spans.extend(right);
    }
    Line::from(spans)
}

fn rates(state: &State, moment: &Moment, traffic: &Traffic, width: usize, ink: Ink) -> Spans {
    let (units, theme) = (state.settings.units, ink.theme);
    let mut spans = vec![
        Span::styled(" rx ", theme.faint()),
        Span::styled(format!("{:>11}", units.rate(traffic.rx_rate) + "/s"), theme.rx().add_modifier(Modifier::BOLD)),
        Span::styled("  tx ", theme.faint()),
        Span::styled(format!("{:>11}", units.rate(traffic.tx_rate) + "/s"), theme.tx().add_modifier(Modifier::BOLD)),
    ];
    let room = width.saturating_sub(RATES).min(HISTORY_LENGTH);
    if let Ok(room @ 8..) = u16::try_from(room) {
        let line = spark::line(moment.history.total(state.settings.loopback), room, ink.glyphs);
        spans.push(Span::raw("  "));
        spans.push(Span::styled(line, theme.spark()));
    }
    spans
}

fn sums(state: &State, snapshot: &Snapshot, traffic: &Traffic, width: usize, ink: Ink) -> Spans {
    let units = state.settings.units;
    let since = match state.zero.at {
        _ if width < 64 => String::new(),
        None if daemon(state).is_some() => "  since daemon start".to_owned(),
        None => "  since start".to_owned(),
        Some(zero) => format!("  since zero, {}", wording::span(snapshot.at.since(zero))),
    };
    // Under the rates, their `/s` left out.
    vec![
        Span::raw(format!("    {:>9}  ", units.amount(traffic.rx_bytes))),
        Span::raw(format!("     {:>9}", units.amount(traffic.tx_bytes))),
        Span::styled(since, ink.theme.faint()),
    ]
}

/// The daemon that counts, if one does.
fn daemon(state: &State) -> Option<u32> {
    state.origin.as_ref()?.daemon
}

/// Who counts, and what the numbers are worth.
fn promises(state: &State, snapshot: &Snapshot, ink: Ink) -> Vec<Spans> {
    let (quality, theme, dot) = (&snapshot.quality, ink.theme, ink.glyphs.dot);
    let exact = if quality.is_exact() && snapshot.totals.losses.is_exact() {
        Span::styled("exact", theme.good())
    } else {
        Span::styled("not exact", theme.warn())
    };
    let mut short = Vec::new();
    if let Some(paused) = state.paused() {
        short.push(Span::styled(
            format!(" PAUSED {} ", wording::span(paused)),
            theme.warn().add_modifier(Modifier::REVERSED),
        ));
        short.push(Span::raw(" "));
    }
    let mut long = short.clone();
    if let Some(pid) = daemon(state) {
        long.push(Span::raw(format!("daemon {pid} {dot} ")));
    } else if state.origin.is_some() {
        long.push(Span::raw(format!("own probes {dot} ")));
    }
    let mut middle = long.clone();
    middle.push(exact.clone());
    long.push(Span::raw(format!("{} {dot} {} {dot} ", quality.backend, quality.grade)));
    long.push(exact.clone());
    short.push(exact);
    let mut longest = long.clone();
    if !quality.degraded.is_empty() {
        longest.push(Span::styled(format!(" {dot} {} degraded", quality.degraded.len()), theme.warn()));
    }
    vec![longest, long, middle, short]
}

/// How much of what was counted has an owner.
fn shares(state: &State, totals: &Totals, ink: Ink) -> Vec<Spans> {
    let theme = ink.theme;
    let lost = totals.truth.unattributed_rx + totals.truth.unattributed_tx;
    let all = totals.traffic.network + totals.traffic.loopback;
    let amount = format!("{} unattributed", state.settings.units.amount(lost));
    let share = format!("attributed {}", share(all.rx_bytes + all.tx_bytes, lost));
    let style = if lost == 0 { theme.plain() } else { theme.warn() };
    vec![
        vec![
            Span::raw(share),
            Span::styled(format!(" {} ", ink.glyphs.dot), theme.faint()),
            Span::styled(amount.clone(), style),
        ],
        vec![Span::styled(amount, style)],
    ]
}

/// Of all bytes, those with an owner; 100 % only when that is all of them.
fn share(owned: u64, lost: u64) -> String {
    if lost == 0 {
        return "100 %".to_owned();
    }
    let share = owned as f64 / (owned as f64 + lost as f64);
    format!("{:.2} %", (share * 1e4).floor().min(9999.0) / 100.0)
}

/// The truth equations, what got lost, and how connections went.
fn checks(totals: &Totals, ink: Ink) -> Vec<Spans> {
    let (truth, life, theme) = (&totals.truth, &totals.lifecycles, ink.theme);
    let style = |bad: bool| if bad { theme.warn() } else { theme.plain() };
    let dropped = totals.losses.dropped_events();
    let excess = truth.excess_rx + truth.excess_tx;
    let spans = |sockets: &str, lost: &str, failed: bool| {
        let dot = || Span::styled(format!(" {} ", ink.glyphs.dot), theme.faint());
        let mut spans = vec![
            Span::raw(format!("{} {sockets}checked, ", count(truth.checked))),
            Span::styled(format!("{} unbalanced", count(truth.unbalanced)), style(truth.unbalanced > 0)),
            dot(),
            Span::styled(format!("{} {lost}lost", count(dropped)), style(dropped > 0)),
            dot(),
            Span::raw(format!("{} opened, {} closed", count(life.opened), count(life.closed))),
        ];
        if failed {
            spans.push(Span::raw(format!(", {} failed", count(life.failed))));
        }
        if excess > 0 {
            spans.insert(2, Span::styled(format!(", {} B in excess", count(excess)), theme.bad()));
        }
        spans
    };
    vec![
        spans("sockets ", "events ", true),
        spans("sockets ", "events ", false),
        spans("", "", true),
        spans("", "", false),
        spans("", "", false).into_iter().take(4).collect(),
    ]
}

/// Link-layer bytes, never added to the others.
fn frames(state: &State, traffic: &Traffic, ink: Ink) -> Vec<Spans> {
    let units = state.settings.units;
    let label = || Span::styled("packet sockets, apart: ", ink.theme.faint());
    let (rx, tx) = (units.amount(traffic.rx_bytes), units.amount(traffic.tx_bytes));
    let (rx_rate, tx_rate) = (units.rate(traffic.rx_rate), units.rate(traffic.tx_rate));
    vec![
        vec![label(), Span::raw(format!("rx {rx_rate}/s, {rx}  tx {tx_rate}/s, {tx}"))],
        vec![label(), Span::raw(format!("rx {rx}  tx {tx}"))],
        vec![Span::raw(format!("packets rx {rx} tx {tx}"))],
    ]
}

/// The views with how much they hold, and what narrows the one that is shown.
pub fn tabs(state: &State, width: u16, ink: Ink) -> Line<'static> {
    let badges = badges(state, width / 2, ink);
    let length: usize = badges.iter().map(Span::width).sum();
    let room = usize::from(width).saturating_sub(length);
    let choices = [(usize::MAX, true), (usize::MAX, false), (4, false), (0, false)];
    let mut views = choices.into_iter().map(|(letters, counts)| views(state, letters, counts, ink));
    let fits = |views: &Spans| views.iter().map(Span::width).sum::<usize>() <= room;
    let mut spans = views.clone().find(fits).or_else(|| views.next_back()).unwrap_or_default();
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(" ".repeat(room.saturating_sub(used))));
    spans.extend(badges);
    Line::from(spans)
}

fn views(state: &State, letters: usize, counts: bool, ink: Ink) -> Spans {
    let mut spans = Vec::new();
    for (at, view) in TABS.into_iter().enumerate() {
        let title: String = title(view).chars().take(letters).collect();
        let mut tab = format!("{} {title}", at + 1);
        if counts && state.shown().is_some() {
            let all = state.held(view);
            tab = match state.list().entries().len() {
                shown if view == state.view && state.is_narrowed() => {
                    format!("{tab} {}/{}", count(shown as u64), count(all as u64))
                }
                _ => format!("{tab} {}", count(all as u64)),
            };
        }
        let current = ink.theme.strong().add_modifier(Modifier::UNDERLINED);
        spans.push(Span::raw(if at == 0 { " " } else { "  " }));
        spans.push(Span::styled(tab, if view == state.view { current } else { ink.theme.faint() }));
    }
    spans
}

/// Focus, user, filter, follow.
fn badges(state: &State, room: u16, ink: Ink) -> Spans {
    let mut words: Vec<String> = Vec::new();
    if let Some(focus) = &state.focus {
        let of = match focus {
            Focus::Process(id) => match state.shown().and_then(|moment| moment.snapshot.process(*id)) {
                Some(row) => format!("{} {}", row.info.name, id.tgid),
                None => id.tgid.to_string(),
            },
            Focus::App(name) => name.to_string(),
            Focus::Remote(RemoteId { name: Some(name), .. }) => name.domain().to_owned(),
            Focus::Remote(RemoteId { address: Some(address), .. }) => address.to_string(),
            Focus::Remote(_) => "remote not known".to_owned(),
        };
        words.push(format!("{} {of}", ink.glyphs.into));
    }
    if let Some(uid) = state.narrow.user {
        words.push(format!("user {}", super::processes::user(state, uid)));
    }
    if !state.narrow.filter.is_empty() {
        words.push(format!("/{}", state.narrow.filter.text()));
    }
    if state.list().follow {
        words.push("follow".to_owned());
    }
    if words.is_empty() {
        return Vec::new();
    }
    let text = words::clip(&words.join("  "), room.saturating_sub(3), ink.glyphs.cut);
    vec![Span::raw("  "), Span::styled(text, ink.theme.warn()), Span::raw(" ")]
}
