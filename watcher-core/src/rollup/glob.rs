//! Patterns with `*` and `?`, case ignored.

use std::fmt;

/// A pattern over names: `*` is any text, `?` is any character, everything else is itself, case ignored.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    /// Lower case, no two `*` in a row.
    pattern: Vec<char>,
}

impl Glob {
    /// Any text is a pattern; one that is empty matches nothing but the empty name.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut pattern: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        pattern.dedup_by(|a, b| *a == '*' && *b == '*');
        Self { pattern }
    }

    /// Whether the whole of `name` matches. At most `name × pattern` steps, whatever they hold.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
        let (mut at, mut next) = (0, 0);
        // The last `*`, and how far the name was when it was met: where to go on when the rest does not fit.
        let mut star: Option<(usize, usize)> = None;
        while next < name.len() {
            match self.pattern.get(at) {
                Some('*') => {
                    star = Some((at, next));
                    at += 1;
                }
                Some(&c) if c == '?' || c == name[next] => (at, next) = (at + 1, next + 1),
                _ => {
                    let Some((star_at, taken)) = star else { return false };
                    star = Some((star_at, taken + 1));
                    (at, next) = (star_at + 1, taken + 1);
                }
            }
        }
        self.pattern[at..].iter().all(|&c| c == '*')
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern.iter().collect::<String>())
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Glob;

    #[test]
    fn stars_and_question_marks_stand_for_text() {
        let cases = [
            ("curl", "curl", true),
            ("curl", "curlx", false),
            ("CURL", "curl", true),
            ("secret-*", "secret-", true),
            ("secret-*", "secret-vpn", true),
            ("secret-*", "a secret-vpn", false),
            ("*vpn*", "openvpnd", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("?", "名", true),
            ("?", "", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a[b]", "a[b]", true),
        ];
        for (pattern, name, wanted) in cases {
            assert_eq!(Glob::new(pattern).matches(name), wanted, "{pattern} {name}");
        }
    }

    /// The definition, slowly.
    fn slowly(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|n| slowly(rest, &name[n..])),
            Some((c, rest)) => name.split_first().is_some_and(|(n, left)| (*c == '?' || c == n) && slowly(rest, left)),
        }
    }

    proptest! {
        #[test]
        fn a_match_is_what_the_definition_says(pattern in "[ab*?]{0,8}", name in "[ab]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(Glob::new(&pattern).matches(&name), slowly(&chars(&pattern), &chars(&name)));
        }
    }
}
