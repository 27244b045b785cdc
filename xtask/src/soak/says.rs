//! What programs say of themselves, added up.

use std::collections::BTreeMap;

/// Sums by program.
#[derive(Debug, Default)]
pub struct Said {
    programs: BTreeMap<&'static str, Program>,
}

/// One program's.
#[derive(Debug, Default, Clone)]
pub struct Program {
    /// How often it ran.
    pub runs: u64,
    /// Bytes that it says it received, by the name of that figure.
    pub rx: Option<Figure>,
    /// Bytes that it says it sent.
    pub tx: Option<Figure>,
    /// Work that it says it did: requests, transactions, queries.
    pub work: BTreeMap<&'static str, u64>,
}

/// Bytes, and what they are of all that it moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// How many.
    pub bytes: u64,
    /// Whether that is everything.
    pub part: Part,
}

/// What a figure is of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of the payload of its sockets: equality is demanded.
    All,
    /// All but what the named thing is: at least so many are demanded.
    But(&'static str),
}

impl Said {
    /// That of one program, to add to.
    pub fn of(&mut self, program: &'static str) -> &mut Program {
        self.programs.entry(program).or_default()
    }

    /// Each program.
    pub fn programs(&self) -> impl Iterator<Item = (&'static str, &Program)> {
        self.programs.iter().map(|(name, program)| (*name, program))
    }

    /// Adds what others said.
    pub fn add(&mut self, other: Self) {
        for (name, more) in other.programs {
            let sum = self.of(name);
            sum.runs += more.runs;
            for (sum, more) in [(&mut sum.rx, more.rx), (&mut sum.tx, more.tx)] {
                if let Some(more) = more {
                    add(sum, more.bytes, more.part);
                }
            }
            for (what, n) in more.work {
                *sum.work.entry(what).or_default() += n;
            }
        }
    }
}

impl Program {
    /// It says that it received these, too.
    pub fn received(&mut self, bytes: u64, part: Part) {
        add(&mut self.rx, bytes, part);
    }

    /// It says that it sent these, too.
    pub fn sent(&mut self, bytes: u64, part: Part) {
        add(&mut self.tx, bytes, part);
    }

    /// It says that it did this much.
    pub fn did(&mut self, what: &'static str, n: u64) {
        *self.work.entry(what).or_default() += n;
    }
}

/// What is a part once stays one.
fn add(sum: &mut Option<Figure>, bytes: u64, part: Part) {
    let before = sum.unwrap_or(Figure { bytes: 0, part: Part::All });
    let part = if before.part == Part::All { part } else { before.part };
    *sum = Some(Figure { bytes: before.bytes + bytes, part });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_threads_heard_adds_up() {
        let (mut a, mut b) = (Said::default(), Said::default());
        a.of("curl").received(3, Part::All);
        b.of("curl").received(4, Part::But("headers"));
        b.of("curl").did("requests", 2);
        b.of("dig").runs = 1;
        a.add(b);
        let curl = a.of("curl").clone();
        assert_eq!(curl.rx, Some(Figure { bytes: 7, part: Part::But("headers") }));
        assert_eq!((curl.tx, curl.work["requests"]), (None, 2));
        assert_eq!(a.programs().map(|(name, _)| name).collect::<Vec<_>>(), ["curl", "dig"]);
    }
}
