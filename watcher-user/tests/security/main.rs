//! docs/security.md as tests: what the daemon gives up, who may ask it, and what hostile names can do: nothing.

#[cfg(target_os = "linux")]
mod access;
#[cfg(target_os = "linux")]
mod attempts;
#[cfg(target_os = "linux")]
#[path = "../views/daemon.rs"]
#[expect(dead_code, reason = "the views' tests use more of it")]
mod daemon;
#[cfg(target_os = "linux")]
#[path = "../views/far.rs"]
mod far;
#[cfg(target_os = "linux")]
mod hostile;
#[cfg(target_os = "linux")]
mod injection;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "linux")]
#[path = "../views/screen.rs"]
mod screen;

#[cfg(target_os = "linux")]
fn main() {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    match words.get(1).map(String::as_str) {
        Some(attempts::ROLE) => return attempts::play(words[2].as_ref()),
        Some(hostile::ROLE) => return hostile::play(&words[2], &words[3]),
        _ => {}
    }
    let tests: [(&str, fn()); 7] = [
        ("a_daemon_that_counts_holds_three_capabilities_and_its_other_threads_none", sandbox::holds_what_it_needs),
        ("a_sealed_daemon_counts_names_and_reloads_as_before", sandbox::counts_as_before),
        ("what_was_given_up_cannot_be_done", sandbox::cannot_be_done),
        ("without_a_sandbox_nothing_is_given_up", sandbox::can_be_turned_off),
        ("a_member_of_the_group_may_look_and_give_no_orders", access::looks_and_orders),
        ("the_state_is_for_its_owner_alone", access::modes),
        ("hostile_names_reach_no_terminal_and_no_spreadsheet", injection::nothing_gets_through),
    ];
    let tests = tests.map(|(name, run)| {
        libtest_mimic::Trial::test(name, move || {
            run();
            Ok(())
        })
    });
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), tests.into()).exit();
}

#[cfg(not(target_os = "linux"))]
fn main() {}
