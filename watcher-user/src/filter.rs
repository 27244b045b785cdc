//! What `/` and `--filter` mean. Stand-in until the command line's own module arrives.

use regex::{Regex, RegexBuilder};

/// A condition on text.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    text: String,
    matcher: Matcher,
}

#[derive(Debug, Clone, Default)]
enum Matcher {
    #[default]
    Everything,
    Part(String),
    Pattern(Regex),
}

impl Filter {
    /// Text that must occur, case ignored; after `!` a regular expression.
    ///
    /// # Errors
    /// The expression is not one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let matcher = match text.strip_prefix('!') {
            _ if text.is_empty() || text == "!" => Matcher::Everything,
            None => Matcher::Part(text.to_lowercase()),
            Some(pattern) => Matcher::Pattern(
                RegexBuilder::new(pattern).case_insensitive(true).size_limit(1 << 20).build().map_err(|error| {
                    error.to_string().lines().last().unwrap_or("not a regular expression").to_owned()
                })?,
            ),
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
    /// Whether `text` passes.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Everything => true,
            Matcher::Part(part) => text.to_lowercase().contains(part),
            Matcher::Pattern(pattern) => pattern.is_match(text),
        }
    }
}
