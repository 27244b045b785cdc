//! Whether a boot showed what it had to show.

use super::console::{Console, Verdict};
use super::variants::Expected;

/// What speaks against it; nothing does when this is empty.
pub fn objections(console: &Console, expected: Expected) -> Vec<String> {
    let mut against = Vec::new();
    let mut demand = |holds: bool, what: &str| {
        if !holds {
            against.push(what.to_owned());
        }
    };
    let backend = console.doctor["backend"].as_str();
    match expected {
        Expected::Calls => {
            demand(backend == Some("ebpf"), "doctor does not say that eBPF counts");
            demand(console.doctor["self_test"]["exact"] == true, "doctor's self-test is not exact");
        }
        Expected::Packets(why) => {
            demand(console.doctor["version"].is_string() && backend != Some("ebpf"), "doctor does not refuse eBPF");
            demand(console.problems().any(|problem| problem.contains(why)), &format!("doctor does not say '{why}'"));
            demand(console.left.as_deref() == Some("pcap"), "packets are not what is left");
        }
    }
    let passed = console.count(Verdict::Passed);
    demand(passed > 0, "no test passed");
    // Counted here and announced there: a console that lost lines is no proof.
    demand(console.announced == Some(console.tests.len()), "not every test that was announced began");
    demand(console.count(Verdict::Running) == 0, "a test did not end");
    demand(console.status == Some(0), "the suite did not end with 0");
    demand(console.ended, "the machine did not come to its end");
    if let Some(seconds) = console.overdue {
        against.push(format!("stopped after {seconds} s"));
    }
    let failed = console.tests.iter().filter(|(_, (_, verdict))| *verdict == Verdict::Failed);
    against.extend(failed.map(|(name, _)| format!("failed: {name}")));
    // A processor that others keep busy looks stuck to its kernel.
    let slow = |line: &&String| line.contains("soft lockup") || line.contains("workqueue lockup");
    against.extend(console.trouble.iter().filter(|line| !slow(line)).map(|line| format!("kernel: {line}")));
    against
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "@@doctor {\"version\":\"1\",\"backend\":\"ebpf\",\"self_test\":{\"exact\":true}}\n\
                        running 1 tests\ntest [a] one ... ok\n@@suite 0\n@@end\n";

    fn of(text: &str, expected: Expected) -> Vec<String> {
        objections(&Console::of(text), expected)
    }

    #[test]
    fn a_suite_that_held_is_good() {
        assert_eq!(of(GOOD, Expected::Calls), [""; 0]);
    }

    #[test]
    fn nothing_that_is_missing_looks_good() {
        for line in GOOD.lines() {
            let without: String = GOOD.lines().filter(|l| *l != line).map(|l| format!("{l}\n")).collect();
            assert_ne!(of(&without, Expected::Calls), [""; 0], "without {line}");
        }
        assert_ne!(of("", Expected::Calls), [""; 0]);
        assert_ne!(of("", Expected::Packets("x")), [""; 0]);
    }

    #[test]
    fn what_goes_wrong_is_named() {
        let failed = GOOD.replace("... ok", "... FAILED").replace("suite 0", "suite 101");
        assert!(of(&failed, Expected::Calls).contains(&"failed: one".to_owned()));
        assert_eq!(of(&format!("{GOOD}@@trouble BUG: bad\n"), Expected::Calls), ["kernel: BUG: bad"]);
        assert_eq!(of(&format!("{GOOD}@@trouble watchdog: BUG: soft lockup\n"), Expected::Calls), [""; 0]);
        assert_eq!(of(&format!("{GOOD}@@overdue 5\n"), Expected::Calls), ["stopped after 5 s"]);
    }

    #[test]
    fn a_refusal_needs_its_reason_and_packets_in_its_place() {
        let refused = GOOD.replace("\"ebpf\"", "null").replace("\"self_test\"", "\"problems\":[\"no BTF at x\"],\"s\"");
        let left = format!("{refused}@@left {{\"backend\":\"pcap\"}}\n");
        assert_eq!(of(&left, Expected::Packets("no BTF at")), [""; 0]);
        assert_eq!(of(&left, Expected::Packets("no ring")), ["doctor does not say 'no ring'"]);
        assert_eq!(of(&refused, Expected::Packets("no BTF at")), ["packets are not what is left"]);
        assert_ne!(of(GOOD, Expected::Packets("no BTF at")), [""; 0]);
    }
}
