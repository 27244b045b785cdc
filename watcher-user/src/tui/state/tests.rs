//! What keys and snapshots do to the state.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use watcher_core::PerScope;

use super::{Focus, Mode, Outcome, RowId, State, TABS, keys, place};
use crate::{
    by::By,
    sort::Key,
    tui::{
        scene::scene,
        testing::{at, flow, id, process, snapshot, state, traffic},
    },
    units::Units,
};

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn press(state: &mut State, keys: &str) {
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{1b}' => KeyCode::Esc,
            c => KeyCode::Char(c),
        };
        assert_eq!(state.on_key(key(code)), Outcome::Draw, "{c:?}");
    }
}

/// The rows by pid, port or text, in order.
fn rows(state: &State) -> Vec<String> {
    let name = |id: &RowId| match id {
        RowId::Process(id) => id.tgid.to_string(),
        RowId::Flow(id) => (id.socket.cookie & 0xffff).to_string(),
        RowId::Remote(id) => id.address.map_or_else(String::new, |address| address.to_string()),
        RowId::App(name) => name.to_string(),
    };
    state.list().entries().iter().map(|entry| name(&entry.id)).collect()
}

fn selected(state: &State) -> Option<RowId> {
    state.list().selected().map(|entry| entry.id.clone())
}

fn with(rates: &[(u32, u64)]) -> State {
    let mut state = state();
    state.list_mut().fit(20);
    state.on_snapshot(moment(1, rates));
    state
}

fn moment(seconds: u64, rates: &[(u32, u64)]) -> watcher_core::Snapshot {
    snapshot(seconds, rates.iter().map(|(pid, rx)| process(*pid, &format!("p{pid}"), *rx, 0)), [])
}

#[test]
fn keys_that_quit_do_so_from_everywhere_and_q_from_the_table() {
    for keys in ["", "/", "?", "u"] {
        let mut state = with(&[(1, 1)]);
        press(&mut state, keys);
        assert_eq!(state.on_key(key(KeyCode::F(10))), Outcome::Quit);
        assert_eq!(state.on_key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Outcome::Quit);
    }
    let mut state = with(&[(1, 1)]);
    press(&mut state, "/q\u{1b}?qhqu");
    press(&mut state, "q");
    assert_eq!(state.on_key(key(KeyCode::Char('q'))), Outcome::Quit);
}

#[test]
fn a_key_right_after_escape_is_not_typed_into_the_filter() {
    let mut state = with(&[(11, 3), (12, 2)]);
    press(&mut state, "/12");
    state.on_key(KeyEvent::new(KeyCode::Char('j'), KeyModifiers::ALT));
    assert!(matches!(state.mode, Mode::Browse));
    assert_eq!((rows(&state).len(), selected(&state)), (2, Some(RowId::Process(id(11)))));
}

#[test]
fn a_key_that_is_let_go_is_no_key() {
    let mut state = with(&[(1, 1)]);
    assert_eq!(
        state.on_key(KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release)),
        Outcome::Draw
    );
}

#[test]
fn wobbling_rows_keep_their_place_unless_told_otherwise() {
    let mut state = with(&[(1, 100), (2, 95)]);
    state.on_snapshot(moment(2, &[(1, 95), (2, 105)]));
    assert_eq!(rows(&state), ["1", "2"]);
    press(&mut state, "H");
    assert_eq!(rows(&state), ["2", "1"]);
    state.on_snapshot(moment(3, &[(1, 101), (2, 100)]));
    assert_eq!(rows(&state), ["1", "2"]);
}

#[test]
fn the_selection_follows_the_process_and_not_the_row() {
    let mut state = with(&[(1, 300), (2, 200), (3, 100)]);
    press(&mut state, "jj");
    assert_eq!(selected(&state), Some(RowId::Process(id(2))));
    state.on_snapshot(moment(2, &[(1, 300), (2, 900), (3, 100)]));
    assert_eq!(rows(&state), ["2", "1", "3"]);
    assert_eq!(selected(&state), Some(RowId::Process(id(2))));
    press(&mut state, "G");
    assert_eq!(selected(&state), Some(RowId::Process(id(3))));
    press(&mut state, "g");
    assert_eq!(selected(&state), Some(RowId::Process(id(2))));
}

#[test]
fn a_paused_screen_stands_still_and_loses_nothing() {
    let mut state = with(&[(1, 100)]);
    press(&mut state, " ");
    for seconds in 2..10 {
        state.on_snapshot(moment(seconds, &[(1, 100), (2, 500 * seconds)]));
    }
    assert_eq!(rows(&state), ["1"]);
    assert_eq!(state.paused().map(|time| time.as_secs()), Some(8));
    press(&mut state, "Z");
    assert_eq!(rows(&state), ["2", "1"]);
    assert_eq!(state.list().entries()[0].traffic, traffic(4500, 0));
    assert_eq!(state.shown().map(|moment| moment.history.of(id(1), false).count()), Some(9));
}

#[test]
fn a_pause_before_the_first_snapshot_is_none() {
    let mut state = state();
    press(&mut state, " \nFzu/x\ntG");
    state.on_snapshot(moment(1, &[(1, 1)]));
    assert!(state.paused().is_none());
}

#[test]
fn zero_subtracts_from_totals_and_leaves_rates() {
    let mut state = with(&[(1, 100)]);
    press(&mut state, "z");
    state.on_snapshot(moment(2, &[(1, 150), (2, 10)]));
    let totals: Vec<_> =
        state.list().entries().iter().map(|entry| (entry.traffic.rx_bytes, entry.traffic.rx_rate)).collect();
    assert_eq!(totals, [(5_000, 150.0), (1_000, 10.0)]);
    let snapshot = state.shown().map(|moment| moment.snapshot.clone()).unwrap();
    assert_eq!(state.zero.totals(&snapshot).network.rx_bytes, 6_000);
}

#[test]
fn zero_goes_up_the_tree_with_those_that_age_out() {
    let mut state = state();
    let (parent, mut child) = (process(1, "parent", 100, 0), process(2, "child", 50, 0));
    child.info.parent = Some(parent.id);
    state.on_snapshot(snapshot(1, [parent.clone(), child], []));
    press(&mut state, "tz");
    let mut later = parent;
    later.ended_descendants.network.rx_bytes = 5_000 + 7;
    state.on_snapshot(snapshot(2, [later], []));
    assert_eq!(state.list().entries()[0].traffic.rx_bytes, 7);
}

#[test]
fn a_filter_takes_effect_while_it_is_typed_and_a_broken_one_not_at_all() {
    let mut state = with(&[(11, 3), (12, 2), (23, 1)]);
    press(&mut state, "/!p1");
    assert_eq!(rows(&state), ["11", "12"]);
    press(&mut state, "(");
    assert_eq!(rows(&state), ["11", "12"], "the old one stays");
    press(&mut state, "\n");
    assert!(matches!(&state.mode, Mode::Filter(_, Some(_))), "and the line stays open");
    state.on_key(key(KeyCode::Backspace));
    press(&mut state, "\n");
    assert!(matches!(state.mode, Mode::Browse));
    assert_eq!(state.narrow.filter.text(), "!p1");
    press(&mut state, "/\u{1b}");
    assert_eq!(rows(&state).len(), 3);
}

#[test]
fn a_filter_finds_processes_by_everything_they_are_and_do() {
    for (filter, expected) in [
        ("firefox", &["4242"][..]),
        ("4300", &["4300"]),
        ("www-data", &["810", "811"]),
        ("198.51.100.23", &["810"]),
        ("ssh", &["4300"]),
        ("53122", &["810"]),
        ("nothing at all", &[]),
    ] {
        let mut state = state();
        state.on_snapshot(scene(1));
        press(&mut state, &format!("/{filter}\n"));
        let mut found = rows(&state);
        found.sort();
        assert_eq!(found, expected, "{filter}");
    }
}

#[test]
fn a_filter_narrows_every_view() {
    let mut state = state();
    state.on_snapshot(scene(1));
    press(&mut state, "/firefox\n2");
    assert_eq!(rows(&state).len(), 1);
    press(&mut state, "3");
    assert_eq!(rows(&state), ["2001:db8:85a3:1234:5678:8a2e:370:7334"]);
    press(&mut state, "4");
    assert_eq!(rows(&state), ["firefox"]);
    press(&mut state, "\u{1b}");
    assert!(rows(&state).len() > 3);
}

#[test]
fn enter_opens_what_a_row_is_made_of_and_escape_goes_back() {
    let mut state = state();
    state.on_snapshot(scene(1));
    press(&mut state, "4");
    while selected(&state) != Some(RowId::App("nginx".into())) {
        press(&mut state, "j");
    }
    press(&mut state, "\n");
    assert_eq!((state.view, rows(&state)), (By::Process, vec!["810".to_owned(), "811".to_owned()]));
    press(&mut state, "\n");
    assert_eq!((state.view, rows(&state)), (By::Connection, vec!["53122".to_owned()]));
    assert_eq!(state.focus, Some(Focus::Process(id(810))));
    press(&mut state, "\u{1b}\u{1b}");
    assert_eq!((state.view, &state.focus), (By::App, &None));
    assert_eq!(selected(&state), Some(RowId::App("nginx".into())));
}

#[test]
fn tab_goes_round_and_back() {
    let mut state = with(&[(1, 1)]);
    press(&mut state, "\t\t\t");
    assert_eq!(state.view, By::App);
    press(&mut state, "\t");
    assert_eq!(state.view, By::Process);
    state.on_key(key(KeyCode::BackTab));
    assert_eq!(state.view, By::App);
    press(&mut state, "2");
    assert_eq!(state.view, By::Connection);
}

#[test]
fn every_column_sorts_both_ways() {
    for view in TABS {
        let mut state = state();
        state.on_snapshot(scene(1));
        press(&mut state, "l");
        press(&mut state, &(place(view) + 1).to_string());
        for _ in keys(view) {
            press(&mut state, ">");
            let mut one = rows(&state);
            press(&mut state, "I");
            let mut other = rows(&state);
            assert_eq!(one.first() == one.last(), other.first() == other.last());
            one.sort();
            other.sort();
            assert_eq!(one, other, "the same rows");
            press(&mut state, "I");
        }
        assert_eq!(state.list().sort.key, Key::Rate, "it goes round");
    }
}

#[test]
fn r_and_s_sort_by_rates_and_then_by_totals() {
    let mut state = with(&[(1, 1)]);
    let mut keys = Vec::new();
    for press_key in ["r", "r", "s", "s", "s"] {
        press(&mut state, press_key);
        keys.push(state.list().sort.key);
    }
    assert_eq!(keys, [Key::RxRate, Key::Rx, Key::TxRate, Key::Tx, Key::TxRate]);
}

#[test]
fn loopback_is_hidden_until_asked_for() {
    let mut state = state();
    state.on_snapshot(scene(1));
    assert!(!rows(&state).contains(&"900".to_owned()));
    press(&mut state, "l");
    assert!(rows(&state).contains(&"900".to_owned()));
    let database = state.list().entries().iter().find(|entry| entry.id == RowId::Process(id(900))).unwrap();
    assert_eq!((database.traffic, database.connections), (traffic(70_000, 90_000), 3));
}

#[test]
fn frames_are_never_part_of_ip_payload() {
    let mut state = state();
    state.on_snapshot(scene(1));
    let sniffer = state.list().entries().iter().find(|entry| entry.id == RowId::Process(id(7001))).unwrap();
    assert_eq!((sniffer.traffic.rx_bytes + sniffer.traffic.tx_bytes, sniffer.frames), (0, 8_800));
}

#[test]
fn a_tree_rolls_bytes_up_and_shows_ancestors_that_moved_nothing() {
    let mut state = state();
    state.on_snapshot(scene(0));
    press(&mut state, "t");
    let all: u64 = state.list().entries()[0].traffic.tx_bytes;
    assert_eq!(rows(&state)[0], "1");
    assert_eq!(all, 100 * (9_400_000 + 310_000 + 41_000 + 52_000_000 + 300) + 77);
    press(&mut state, "/rsync\n");
    assert_eq!(rows(&state), ["1", "2000", "4300"]);
    assert!(state.list().entries().iter().all(|entry| entry.traffic.tx_bytes == 5_200_000_000));
}

#[test]
fn one_user_can_be_picked_and_given_up() {
    let mut state = state();
    state.on_snapshot(scene(1));
    let all = rows(&state).len();
    press(&mut state, "ujj\n");
    assert_eq!(state.narrow.user, Some(33));
    assert_eq!(rows(&state), ["810", "811"]);
    press(&mut state, "u\u{1b}");
    assert_eq!(state.narrow.user, Some(33), "Esc changes nothing");
    press(&mut state, "\u{1b}");
    assert_eq!((state.narrow.user, rows(&state).len()), (None, all));
}

#[test]
fn following_ends_with_the_next_move() {
    let mut state = with(&[(1, 300), (2, 200)]);
    press(&mut state, "F");
    assert!(state.list().follow);
    assert_eq!(selected(&state), Some(RowId::Process(id(1))));
    press(&mut state, "j");
    assert!(!state.list().follow);
    press(&mut state, "FF");
    assert!(!state.list().follow);
}

#[test]
fn switches_turn_and_turn_back() {
    let mut state = with(&[(1, 1)]);
    let before = state.settings;
    press(&mut state, "bnlHt");
    let after = state.settings;
    assert_eq!(after.units, Units::Bits);
    assert_eq!((after.names, after.loopback, after.hold, after.tree), (false, true, false, true));
    press(&mut state, "bnlHt");
    assert_eq!(state.settings, before);
}

#[test]
fn an_ended_process_keeps_its_final_bytes() {
    let mut state = with(&[(1, 100), (2, 50)]);
    let mut ended = process(1, "p1", 100, 0);
    (ended.exited, ended.connections) = (Some(at(2)), PerScope::default());
    (ended.traffic.network.rx_rate, ended.traffic.network.tx_rate) = (0.0, 0.0);
    state.on_snapshot(snapshot(3, [ended, process(2, "p2", 50, 0)], [flow(2, "10.0.0.1:1", "10.0.0.2:2", 1, 1)]));
    let row = state.list().entries().iter().find(|entry| entry.id == RowId::Process(id(1))).unwrap();
    assert_eq!(row.traffic.rx_bytes, 10_000);
}
