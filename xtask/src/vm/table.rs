//! What was found out, as tables in Markdown: on the screen, and in docs/kernels.md.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::console::{Console, Verdict};
use super::outcome;
use super::variants::{Expected, VARIANTS, Variant};

/// One boot of a machine.
pub type Row = (&'static Variant, Console);

/// Capabilities of doctor's that have a rung, and what their columns are called.
const RUNGS: &[(&str, &str)] = &[
    ("sends", "sends"),
    ("other receives", "other receives"),
    ("tcp receives", "TCP receives"),
    ("reading sockets", "sockets"),
    ("datagram remotes", "remotes"),
    ("lifecycles", "lifecycles"),
    ("processes", "processes"),
];

/// The short one.
pub fn summary(rows: &[Row]) -> String {
    let mut text =
        "| machine | kernel | passed | failed | ignored | sends | other receives | most instructions verified | \
                    suite | good |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for (variant, console) in rows {
        let kernel = console.release.as_deref().unwrap_or("did not start");
        let [passed, failed, ignored] = counts(console);
        let rung = |capability| way(console, capability);
        let most = console.most_instructions().map_or_else(|| "-".to_owned(), |n| n.to_string());
        let seconds = console.seconds.map_or_else(|| "-".to_owned(), |s| format!("{s:.0} s"));
        let good = if outcome::objections(console, variant.expected).is_empty() { "yes" } else { "NO" };
        let (sends, receives) = (rung("sends"), rung("other receives"));
        let name = variant.name;
        writeln!(
            text,
            "| {name} | {kernel} | {passed} | {failed} | {ignored} | {sends} | {receives} | {most} | {seconds} | {good} |"
        )
        .expect("a String takes everything");
    }
    text
}

fn counts(console: &Console) -> [usize; 3] {
    // What began and never ended failed.
    let failed = console.count(Verdict::Failed) + console.count(Verdict::Running);
    [console.count(Verdict::Passed), failed, console.count(Verdict::Ignored)]
}

/// The rung in use; where eBPF does not start, packets.
fn way<'a>(console: &'a Console, capability: &str) -> &'a str {
    let refused = console.doctor["backend"].as_str() != Some("ebpf");
    console.way(capability).unwrap_or(if refused { "packets" } else { "none" })
}

/// How sure one can be of a byte's process.
fn grade(variant: &Variant, console: &Console) -> String {
    match variant.expected {
        Expected::Calls => console.doctor["grade"].as_str().unwrap_or("none").to_owned(),
        Expected::Packets(_) => "by socket".to_owned(),
    }
}

/// docs/kernels.md.
pub fn page(rows: &[Row]) -> String {
    let mut text = HEAD.to_owned();
    for (variant, console) in rows {
        let [passed, failed, ignored] = counts(console);
        let instructions = console.most_instructions().map_or_else(|| "-".to_owned(), |n| n.to_string());
        let release = console.release.as_deref().unwrap_or("did not start");
        let (name, about, grade) = (variant.name, variant.about, grade(variant, console));
        text += &format!(
            "| {name} | {about} | {release} | {grade} | {passed} | {failed} | {ignored} | {instructions} | {} |\n",
            console.tree
        );
    }
    text +=
        "\n## Rungs\n\nWhat `watcher doctor` says is in use. `packets` stands where eBPF is refused.\n\n| machine |";
    text += &RUNGS.iter().map(|(_, column)| format!(" {column} |")).collect::<String>();
    text += &format!("\n| --- |{}\n", " --- |".repeat(RUNGS.len()));
    for (variant, console) in rows {
        let ways: String = RUNGS.iter().map(|(capability, _)| format!(" {} |", way(console, capability))).collect();
        text += &format!("| {} |{ways}\n", variant.name);
    }
    text += &scenarios(rows);
    text += &reasons(rows);
    text
}

/// Groups of tests × machines: how many held of how many.
fn scenarios(rows: &[Row]) -> String {
    let groups: BTreeSet<&str> =
        rows.iter().flat_map(|(_, c)| c.tests.values().map(|(group, _)| group.as_str())).collect();
    let mut text =
        "\n## Scenarios\n\nTests that held, of those that were run; `+ n` were ignored, because the kernel lacks \
                    what they are about or packets\ncannot show it. The groups are the files of \
                    `watcher-user/tests/exactness/cases/`.\n\n| machine |"
            .to_owned();
    text += &groups.iter().map(|group| format!(" {group} |")).collect::<String>();
    text += &format!("\n| --- |{}\n", " --- |".repeat(groups.len()));
    for (variant, console) in rows {
        text += &format!("| {} |", variant.name);
        for group in &groups {
            let of = |which| console.tests.values().filter(|(g, v)| g == group && *v == which).count();
            let (held, ignored) = (of(Verdict::Passed), of(Verdict::Ignored));
            let ran = held + of(Verdict::Failed) + of(Verdict::Running);
            let more = if ignored == 0 { String::new() } else { format!(" + {ignored}") };
            text += &format!(" {held}/{ran}{more} |");
        }
        text.push('\n');
    }
    text
}

/// Why eBPF was refused, and what did not hold.
fn reasons(rows: &[Row]) -> String {
    let mut text = String::new();
    for (variant, console) in rows.iter().filter(|(v, _)| v.expected != Expected::Calls) {
        let said: Vec<&str> = console.problems().collect();
        text += &format!("- **{}**: {}\n", variant.name, said.join("; "));
    }
    if !text.is_empty() {
        text.insert_str(0, "\n## Refusals\n\nWhat `watcher doctor` says there.\n\n");
    }
    let mut bad = String::new();
    for (variant, console) in rows {
        for objection in outcome::objections(console, variant.expected) {
            bad += &format!("- **{}**: {objection}\n", variant.name);
        }
    }
    if !bad.is_empty() {
        text += &format!("\n## What did not hold\n\n{bad}");
    }
    text
}

/// The order of [`VARIANTS`].
pub fn sort(rows: &mut [Row]) {
    rows.sort_by_key(|(variant, _)| VARIANTS.iter().position(|v| v.name == variant.name));
}

const HEAD: &str = "\
# Kernels

Written by `cargo xtask vm --write`, from the consoles of machines that it booted; not to be edited. Each machine is emulated
(QEMU, no KVM) and runs `watcher doctor` and the exactness suite without three tests that an emulated machine cannot show
(named in `xtask/src/vm.rs`). `cargo xtask vm --list` says what can be booted, `cargo xtask vm MACHINE` does it.

With grade `pid` the suite demands each process's bytes, to the byte. Where eBPF is refused it demands what packets can
show: each socket's bytes, to the byte ([packets.md](packets.md)). The budget for one program is 50,000 verified instructions.

| machine | what it is | kernel | grade | passed | failed | ignored | most instructions verified | sources |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_becomes_a_row_of_each_table() {
        let console = Console::of(
            "@@tree abc\n@@kernel 6.1.0\n@@doctor {\"backend\":\"ebpf\",\"grade\":\"pid\",\"capabilities\":[{\"name\":\
             \"sends\",\"way\":\"fexit\"}]}\nrunning 2 tests\ntest [raw] a ... ok\ntest [raw] b ... ignored\n@@suite 0\n@@end",
        );
        let rows = [(Variant::named("6.1").unwrap(), console)];
        assert!(summary(&rows).ends_with("| 6.1 | 6.1.0 | 1 | 0 | 1 | fexit | none | - | - | NO |\n"));
        let page = page(&rows);
        assert!(page.contains("| 6.1.0 | pid | 1 | 0 | 1 | - | abc |\n"), "{page}");
        assert!(page.contains("| 6.1 | fexit | none |"), "{page}");
        assert!(page.contains("| machine | raw |\n| --- | --- |\n| 6.1 | 1/1 + 1 |\n"), "{page}");
        assert!(page.contains("## What did not hold"), "{page}");
    }
}
