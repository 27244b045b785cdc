//! A picture of every screen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use ratatui::{Terminal, backend::TestBackend, style::Color};

use super::draw;
use crate::top::Origin;
use crate::tui::{
    appearance::Appearance,
    scene::{scene, trouble},
    state::State,
    testing::state,
};

const SIZES: [(u16, u16); 3] = [(80, 24), (300, 100), (60, 15)];
const PLAIN: Appearance = Appearance { colour: true, unicode: true };

fn press(state: &mut State, keys: &str) {
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{1b}' => KeyCode::Esc,
            '↓' => KeyCode::Down,
            c => KeyCode::Char(c),
        };
        state.on_key(KeyEvent::new(code, KeyModifiers::NONE));
    }
}

fn terminal(state: &mut State, (width, height): (u16, u16), appearance: Appearance) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, appearance)).unwrap();
    terminal
}

fn screen(state: &mut State, size: (u16, u16), appearance: Appearance) -> String {
    let terminal = terminal(state, size, appearance);
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..size.1 {
        let mut skip = 0;
        let mut line = String::new();
        for x in 0..size.0 {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                line.push_str(symbol);
                skip = super::words::width(symbol).max(1);
            }
            skip -= 1;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn watched() -> State {
    let mut state = state();
    for round in 0..12 {
        state.on_snapshot(scene(round));
    }
    state
}

#[test]
fn every_view_at_every_size() {
    for (view, keys) in
        [("processes", "1"), ("connections", "2"), ("remotes", "3"), ("applications", "4"), ("tree", "t")]
    {
        for size in SIZES {
            let mut state = watched();
            press(&mut state, keys);
            let name = format!("{view}_{}x{}", size.0, size.1);
            assert_snapshot!(name, screen(&mut state, size, PLAIN));
        }
    }
}

#[test]
fn help() {
    for size in SIZES {
        let mut state = watched();
        press(&mut state, "?");
        assert_snapshot!(format!("help_{}x{}", size.0, size.1), screen(&mut state, size, PLAIN));
    }
}

#[test]
fn help_at_its_end() {
    let mut state = watched();
    state.on_snapshot(trouble(13));
    press(&mut state, "?G");
    assert_snapshot!(screen(&mut state, (80, 24), PLAIN));
}

#[test]
fn before_the_first_numbers() {
    assert_snapshot!(screen(&mut state(), (80, 24), PLAIN));
}

#[test]
fn a_filter_being_typed() {
    let mut state = watched();
    press(&mut state, "/ngin");
    assert_snapshot!(screen(&mut state, (80, 24), PLAIN));
}

#[test]
fn a_filter_that_is_no_expression() {
    let mut state = watched();
    press(&mut state, "/!(ngin");
    assert_snapshot!(screen(&mut state, (80, 24), PLAIN));
}

#[test]
fn the_list_of_users() {
    let mut state = watched();
    press(&mut state, "u↓↓");
    assert_snapshot!(screen(&mut state, (80, 24), PLAIN));
}

#[test]
fn the_connections_of_a_process_while_paused() {
    let mut state = watched();
    press(&mut state, "↓↓\n ");
    state.on_snapshot(scene(30));
    assert_snapshot!(screen(&mut state, (80, 24), PLAIN));
}

#[test]
fn bits_loopback_numbers_and_totals_from_zero() {
    let mut state = watched();
    press(&mut state, "zlbn");
    state.on_snapshot(scene(13));
    press(&mut state, "z");
    assert_snapshot!(screen(&mut state, (120, 24), PLAIN));
}

#[test]
fn trouble_is_on_the_header() {
    let mut state = watched();
    state.on_snapshot(trouble(13));
    assert_snapshot!(screen(&mut state, (120, 24), PLAIN));
}

#[test]
fn without_unicode_the_frame_is_ascii() {
    let ascii = Appearance { colour: true, unicode: false };
    for keys in ["1", "2", "3", "4", "t", "?", "u", "/!("] {
        let mut state = watched();
        press(&mut state, keys);
        let mut shown = screen(&mut state, (120, 30), ascii);
        shown.retain(|c| !"名前の長いプロセス名".contains(c));
        assert!(shown.is_ascii(), "{keys}: {shown}");
    }
}

#[test]
fn no_color_means_no_colour() {
    let mono = Appearance { colour: false, unicode: true };
    for keys in ["1↓", "2", "3", "4", "t", "?", "u", "/!(", " "] {
        let mut state = watched();
        state.on_snapshot(trouble(13));
        press(&mut state, keys);
        let terminal = terminal(&mut state, (120, 30), mono);
        let is_plain = |cell: &ratatui::buffer::Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
        assert!(terminal.backend().buffer().content().iter().all(is_plain), "{keys}");
    }
}

#[test]
fn no_size_panics_and_a_small_terminal_says_so() {
    for keys in ["1", "2", "3", "4", "t", "?", "u", "/!(", "↓\n "] {
        let mut state = watched();
        press(&mut state, keys);
        for width in (0..130).step_by(3) {
            for height in 0..14 {
                let shown = screen(&mut state, (width, height), PLAIN);
                assert!(width < 40 || height == 0 || height >= 8 || shown.contains("too small"), "{shown}");
            }
        }
        let shown = screen(&mut state, (80, 24), PLAIN);
        assert!(shown.lines().count() == 24 && !shown.contains("too small"), "it recovers: {shown}");
    }
}

#[test]
fn hostile_names_are_never_drawn_raw() {
    for keys in ["1", "2", "3", "4", "t", "?", "u", "/\u{202e}\u{9b}", "2↓\n", "4↓↓↓↓↓↓\n"] {
        let mut state = watched();
        press(&mut state, keys);
        let terminal = terminal(&mut state, (200, 40), PLAIN);
        for cell in terminal.backend().buffer().content() {
            let raw = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!cell.symbol().chars().any(raw), "{keys}: {:?}", cell.symbol());
        }
    }
}

#[test]
fn attached_to_a_daemon_and_when_it_is_gone() {
    let mut state = state();
    let origin = Origin { daemon: Some(4_194_304), since: "2026-01-02T03:01:00Z".parse().unwrap() };
    for round in 0..12 {
        state.on_numbers(scene(round), origin.clone());
    }
    for size in SIZES {
        let header: String = screen(&mut state, size, PLAIN).lines().take(3).map(|line| format!("{line}\n")).collect();
        assert_snapshot!(format!("attached_{}x{}", size.0, size.1), header);
    }
    state.lost = Some("the daemon has ended; try: sudo watcher start".to_owned());
    assert_snapshot!("attached_to_a_daemon_that_has_ended", screen(&mut state, (80, 12), PLAIN));
    state.on_numbers(scene(13), Origin { daemon: Some(5), ..origin });
    assert_snapshot!("attached_to_another_daemon", screen(&mut state, (80, 12), PLAIN));
}

#[test]
fn own_probes_say_so() {
    let mut state = state();
    state.on_numbers(scene(0), Origin { daemon: None, since: "2026-01-02T03:01:00Z".parse().unwrap() });
    let header: String = screen(&mut state, (80, 24), PLAIN).lines().take(3).map(|line| format!("{line}\n")).collect();
    assert_snapshot!("own_probes", header);
}
