//! What `--filter` and `/` mean: one condition on everything that a row shows.

use std::net::{IpAddr, SocketAddr};

use regex::{Regex, RegexBuilder};
use watcher_core::{FlowRow, ProcessRow};

/// A regular expression may not compile to more than this: the pattern is typed by a person, at a prompt.
const MAX_COMPILED: usize = 1 << 20;

/// A condition on rows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    text: String,
    matcher: Matcher,
}

#[derive(Debug, Clone, Default)]
enum Matcher {
    #[default]
    Everything,
    /// Lower case.
    Part(String),
    /// Also a pid or a port.
    Number(String),
    Pattern(Regex),
}

impl Filter {
    /// What was typed. Text passes where it occurs, case ignored. After `!` it is a regular expression. A number is a pid
    /// or a port when the whole of it is, and text in names.
    ///
    /// # Errors
    /// The expression is not one; says why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let matcher = match text.strip_prefix('!') {
            _ if text.is_empty() || text == "!" => Matcher::Everything,
            Some(pattern) => Matcher::Pattern(compile(pattern)?),
            None if text.bytes().all(|b| b.is_ascii_digit()) => Matcher::Number(text.to_owned()),
            None => Matcher::Part(text.to_lowercase()),
        };
        Ok(Self { text: text.to_owned(), matcher })
    }

    /// As typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether everything passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.matcher, Matcher::Everything)
    }

    /// Whether text passes: a name, a command line.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Everything => true,
            Matcher::Number(part) => text.contains(part),
            Matcher::Part(part) => text.to_lowercase().contains(part),
            Matcher::Pattern(pattern) => pattern.is_match(text),
        }
    }

    /// Whether a pid or a port passes.
    #[must_use]
    pub fn matches_number(&self, number: u32) -> bool {
        match &self.matcher {
            Matcher::Everything => true,
            Matcher::Number(wanted) => wanted.parse() == Ok(number),
            Matcher::Part(_) => false,
            Matcher::Pattern(pattern) => pattern.is_match(&number.to_string()),
        }
    }

    /// Whether an address passes. A bare number means no address.
    #[must_use]
    pub fn matches_address(&self, address: IpAddr) -> bool {
        !matches!(self.matcher, Matcher::Number(_)) && self.matches(&address.to_string())
    }

    /// Whether an address with a port passes.
    #[must_use]
    pub fn matches_end(&self, end: SocketAddr) -> bool {
        let is_whole = !matches!(self.matcher, Matcher::Number(_)) && self.matches(&end.to_string());
        is_whole || self.matches_number(u32::from(end.port())) || self.matches_address(end.ip())
    }

    /// Whether a process passes by itself: name, command line, pid, user.
    #[must_use]
    pub fn matches_process(&self, row: &ProcessRow, user: &str) -> bool {
        self.matches(&row.info.name)
            || self.matches(&row.info.command)
            || self.matches_number(row.id.tgid)
            || self.matches(user)
    }

    /// Whether a connection passes by itself: its remote, a name, its protocol, or one of its ports.
    #[must_use]
    pub fn matches_flow(&self, row: &FlowRow) -> bool {
        row.remote().is_some_and(|remote| self.matches_end(remote))
            || self.matches_number(u32::from(row.sample.socket.local.port()))
            || [&row.known.name, &row.known.served].into_iter().flatten().any(|name| self.matches(name.domain()))
            || row.known.protocol_name().is_some_and(|protocol| self.matches(protocol))
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).case_insensitive(true).size_limit(MAX_COMPILED).build();
    built.map_err(|error| {
        // The first lines draw the pattern and an arrow; the last one says it in words.
        let why = error.to_string();
        why.lines().last().unwrap_or("not a regular expression").trim_start_matches("error: ").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::Filter;

    fn filter(text: &str) -> Filter {
        Filter::parse(text).unwrap()
    }

    #[test]
    fn text_passes_where_it_occurs_and_case_does_not_matter() {
        assert!(filter("").matches("anything") && filter("!").is_empty());
        assert!(filter("FOX").matches("firefox") && !filter("fox").matches("chrome"));
    }

    #[test]
    fn a_number_is_a_whole_port_or_pid_and_no_part_of_an_address() {
        assert!(filter("443").matches_end("10.0.0.1:443".parse().unwrap()));
        assert!(!filter("44").matches_end("10.44.0.1:443".parse().unwrap()));
        assert!(filter("12").matches_number(12) && !filter("12").matches_number(123));
        assert!(filter("7").matches("python3.7"));
    }

    #[test]
    fn an_address_may_be_cut_anywhere_or_have_its_port() {
        let end = "[2001:db8::7]:443".parse().unwrap();
        assert!(filter("db8").matches_end(end) && filter("::7]:443").matches_end(end));
        assert!(filter("10.0.").matches_address("10.0.3.1".parse().unwrap()));
    }

    #[test]
    fn an_expression_that_is_none_says_why() {
        assert!(filter("!^fire.*x$").matches("Firefox"));
        assert_eq!(Filter::parse("!(").unwrap_err(), "unclosed group");
    }
}
