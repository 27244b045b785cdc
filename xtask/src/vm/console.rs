//! What a virtual machine's console tells: read line by line, from the machine or from the file of an earlier boot.

use std::collections::BTreeMap;

use serde_json::Value;

/// What became of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It began.
    Running,
    /// It held.
    Passed,
    /// It did not.
    Failed,
    /// It cannot be shown there.
    Ignored,
}

/// One boot.
#[derive(Debug, Default)]
pub struct Console {
    /// What was booted: the sources' commit.
    pub tree: String,
    /// Only some tests were asked for.
    pub filtered: bool,
    /// `uname -r`.
    pub release: Option<String>,
    /// What `doctor --json` said.
    pub doctor: Value,
    /// What `top --json` counted by when nobody said by what.
    pub left: Option<String>,
    /// How many tests the suite was to run, ignored ones too.
    pub announced: Option<usize>,
    /// By name: group, and what became of it.
    pub tests: BTreeMap<String, (String, Verdict)>,
    /// The suite's exit code.
    pub status: Option<i32>,
    /// What the kernel complained about.
    pub trouble: Vec<String>,
    /// The script came to its end.
    pub ended: bool,
    /// The machine was stopped after so many seconds.
    pub overdue: Option<u64>,
    /// How long the suite took, as it says.
    pub seconds: Option<f64>,
    running: Option<String>,
}

impl Console {
    /// What a file has of it.
    pub fn of(text: &str) -> Self {
        let mut this = Self::default();
        text.lines().for_each(|line| this.read(line));
        this
    }

    /// One line.
    pub fn read(&mut self, line: &str) {
        if let Some(line) = line.strip_prefix("@@") {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            self.told(word, rest);
        } else if let Some(rest) = line.strip_prefix("test result: ") {
            let seconds = rest.rsplit("finished in ").next().and_then(|s| s.trim_end_matches('s').parse().ok());
            self.seconds = seconds;
            self.running = None;
        } else if let Some(test) = line.strip_prefix("test ") {
            self.test(test);
        } else if let Some((count, "test" | "tests")) = line.strip_prefix("running ").and_then(|l| l.split_once(' ')) {
            self.announced = count.parse().ok();
        } else if let Some(verdict) = verdict(line) {
            // Something was printed between the name and the verdict.
            if let Some(running) = self.running.take().and_then(|name| self.tests.get_mut(&name)) {
                running.1 = verdict;
            }
        }
    }

    fn told(&mut self, word: &str, rest: &str) {
        match word {
            "tree" => rest.clone_into(&mut self.tree),
            "filtered" => self.filtered = true,
            "kernel" => self.release = Some(rest.to_owned()),
            "doctor" => self.doctor = serde_json::from_str(rest).unwrap_or_default(),
            "left" => {
                let object: Value = serde_json::from_str(rest).unwrap_or_default();
                self.left = object["backend"].as_str().map(str::to_owned);
            }
            "suite" => self.status = rest.parse().ok(),
            "trouble" => self.trouble.push(rest.to_owned()),
            "end" => self.ended = true,
            "overdue" => self.overdue = rest.parse().ok(),
            _ => {}
        }
    }

    /// `[group] name   ... ok`, or the part of it before the verdict.
    fn test(&mut self, line: &str) {
        let Some((name, rest)) = line.split_once(" ...") else { return };
        let (group, name) = match name.trim().strip_prefix('[').and_then(|n| n.split_once("] ")) {
            Some((group, name)) => (group, name.trim()),
            None => ("", name.trim()),
        };
        let verdict = verdict(rest);
        if verdict.is_none() {
            self.running = Some(name.to_owned());
        }
        self.tests.insert(name.to_owned(), (group.to_owned(), verdict.unwrap_or(Verdict::Running)));
    }

    /// How many tests there were of a verdict.
    pub fn count(&self, which: Verdict) -> usize {
        self.tests.values().filter(|(_, verdict)| *verdict == which).count()
    }

    /// A capability's way in use, as doctor has it.
    pub fn way(&self, capability: &str) -> Option<&str> {
        self.capabilities().find(|c| c["name"] == capability)?["way"].as_str()
    }

    /// The most instructions that the verifier processed for one program.
    pub fn most_instructions(&self) -> Option<u64> {
        let programs = self.capabilities().flat_map(|c| c["programs"].as_array().into_iter().flatten());
        programs.filter_map(|program| program["verified_instructions"].as_u64()).max()
    }

    fn capabilities(&self) -> impl Iterator<Item = &Value> {
        self.doctor["capabilities"].as_array().into_iter().flatten()
    }

    /// What doctor complains about.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.doctor["problems"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }
}

fn verdict(text: &str) -> Option<Verdict> {
    match text.trim() {
        "ok" => Some(Verdict::Passed),
        "FAILED" => Some(Verdict::Failed),
        "ignored" => Some(Verdict::Ignored),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_is_read() {
        let console = Console::of(
            "@@tree abc\n@@kernel 6.1.0\n@@doctor {\"capabilities\":[{\"name\":\"sends\",\"way\":\"w\",\
             \"programs\":[{\"verified_instructions\":7}]}],\"problems\":[\"p\"]}\nrunning 4 tests\n\
             test [raw]     one   ... ok\ntest [streams] two ... FAILED\n\
             test [streams] three ...   mapped 7 bytes\nok\ntest [raw] four ... ignored\n\
             test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.50s\n\
             @@suite 101\n@@trouble BUG: x\n@@end\n",
        );
        assert_eq!(console.release.as_deref(), Some("6.1.0"));
        assert_eq!(console.way("sends"), Some("w"));
        assert_eq!(console.most_instructions(), Some(7));
        assert_eq!(console.problems().collect::<Vec<_>>(), ["p"]);
        assert_eq!(console.announced, Some(4));
        let counts = [Verdict::Passed, Verdict::Failed, Verdict::Ignored, Verdict::Running].map(|v| console.count(v));
        assert_eq!(counts, [2, 1, 1, 0]);
        assert_eq!(console.tests["three"], ("streams".to_owned(), Verdict::Passed));
        assert_eq!((console.status, console.seconds, console.ended), (Some(101), Some(1.5), true));
        assert_eq!(console.trouble, ["BUG: x"]);
    }

    #[test]
    fn a_test_that_never_ended_is_running() {
        let console = Console::of("test [a] b ... \nsomething\n");
        assert_eq!(console.count(Verdict::Running), 1);
    }
}
