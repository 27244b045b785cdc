//! What a virtual machine's console tells about a kernel.

use serde_json::Value;

use super::boot::Console;

/// One row of the table.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// `uname -r`.
    pub release: Option<String>,
    /// Passed, failed, ignored; `None` when the suite did not come to its end.
    pub tests: Option<[u32; 3]>,
    /// Tests that failed.
    pub failed: Vec<String>,
    /// The way in use for sends.
    pub sends: Option<String>,
    /// The way in use for receives other than TCP's.
    pub receives: Option<String>,
    /// The most instructions that the verifier processed for one program.
    pub instructions: Option<u64>,
    /// What `doctor` complains about.
    pub problems: Vec<String>,
}

impl Outcome {
    /// Reads the console.
    pub fn of(console: &Console) -> Self {
        let mut this = Self::default();
        for line in console.text.lines() {
            if let Some(release) = line.strip_prefix("@@kernel ") {
                this.release = Some(release.to_owned());
            } else if let Some(json) = line.strip_prefix("@@doctor ") {
                this.doctor(&serde_json::from_str(json).unwrap_or_default());
            } else if let Some(counts) = line.strip_prefix("test result: ") {
                this.tests = counted(counts);
            } else if let Some(name) = line.strip_prefix("test ").and_then(|l| l.strip_suffix("... FAILED")) {
                this.failed.push(name.trim().to_owned());
            }
        }
        if console.overdue {
            this.problems.push("the machine did not come to its end in time".to_owned());
        }
        this
    }

    fn doctor(&mut self, report: &Value) {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.problems.extend(list(&report["problems"]).iter().filter_map(text));
        for capability in list(&report["capabilities"]) {
            match capability["name"].as_str() {
                Some("sends") => self.sends = text(&capability["way"]),
                Some("other receives") => self.receives = text(&capability["way"]),
                _ => {}
            }
            let most = list(&capability["programs"]).iter().filter_map(|p| p["verified_instructions"].as_u64()).max();
            self.instructions = self.instructions.max(most);
        }
    }

    /// Whether the suite ran to its end and nothing failed.
    pub fn is_good(&self) -> bool {
        matches!(self.tests, Some([passed, 0, _]) if passed > 0)
    }
}

/// `ok. 100 passed; 2 failed; 3 ignored; …`
fn counted(line: &str) -> Option<[u32; 3]> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let before = |what: &str| words.iter().position(|w| w.trim_end_matches(';') == what)?.checked_sub(1);
    let number = |what: &str| words.get(before(what)?)?.parse().ok();
    Some([number("passed")?, number("failed")?, number("ignored")?])
}

/// The table, in Markdown.
pub fn table(rows: &[(&str, Outcome)]) -> String {
    let mut text = "| kernel | passed | failed | ignored | sends | other receives | most instructions verified |\n\
                    | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    for (version, row) in rows {
        let kernel = row.release.as_deref().unwrap_or(version);
        let [passed, failed, ignored] =
            row.tests.map_or(["-"; 3].map(str::to_owned), |counts| counts.map(|n| n.to_string()));
        let most = row.instructions.map_or_else(|| "not told".to_owned(), |n| n.to_string());
        let (sends, receives) = (or_none(&row.sends), or_none(&row.receives));
        text.push_str(&format!("| {kernel} | {passed} | {failed} | {ignored} | {sends} | {receives} | {most} |\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = r#"
@@kernel 6.1.0-50-cloud-amd64
@@doctor {"capabilities":[{"name":"sends","way":"fexit/*_sendmsg","programs":[{"verified_instructions":7}]}],"problems":["p"]}
@@suite
test one ... ok
test two ... FAILED
test result: FAILED. 1 passed; 1 failed; 3 ignored; 0 measured; 0 filtered out; finished in 1.00s
@@end"#;

    #[test]
    fn a_console_becomes_a_row() {
        let row = Outcome::of(&Console { text: CONSOLE.to_owned(), overdue: false });
        assert_eq!(row.tests, Some([1, 1, 3]));
        assert_eq!(row.failed, ["two"]);
        assert_eq!((row.sends.as_deref(), row.receives.as_deref()), (Some("fexit/*_sendmsg"), None));
        assert_eq!(row.instructions, Some(7));
        assert_eq!(row.problems, ["p"]);
        assert!(!row.is_good());
        let expected = "| 6.1.0-50-cloud-amd64 | 1 | 1 | 3 | fexit/*_sendmsg | none | 7 |\n";
        assert!(table(&[("6.1", row)]).ends_with(expected));
    }

    #[test]
    fn a_machine_that_says_nothing_is_no_success() {
        let row = Outcome::of(&Console { text: String::new(), overdue: true });
        assert_eq!(row.tests, None);
        assert_eq!(row.problems.len(), 1);
        assert!(!row.is_good());
    }
}
