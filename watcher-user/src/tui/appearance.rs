//! What the terminal can show: colours and characters. Decided once, from the environment.

/// Colours and characters to draw with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appearance {
    /// Whether colours are welcome; bold, dim and reverse are used either way.
    pub colour: bool,
    /// Whether characters outside ASCII arrive whole.
    pub unicode: bool,
}

impl Appearance {
    /// By `NO_COLOR` (<https://no-color.org>) and the locale, as this process has them.
    #[must_use]
    pub fn from_env() -> Self {
        Self::of(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// By the variables that `var` knows.
    #[must_use]
    pub fn of(var: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| var(name).filter(|value| !value.is_empty());
        // POSIX: the first of these that is set and not empty decides.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_lowercase();
        let monochrome = set("NO_COLOR").is_some() || var("TERM").is_some_and(|term| term == "dumb");
        Self { colour: !monochrome, unicode: locale.contains("utf-8") || locale.contains("utf8") }
    }

    /// The characters of this terminal.
    #[must_use]
    pub fn glyphs(self) -> &'static Glyphs {
        if self.unicode { &UNICODE } else { &ASCII }
    }
}

/// Every character outside letters, digits and plain punctuation that the screen uses.
#[derive(Debug)]
pub struct Glyphs {
    /// Between facts on one line.
    pub dot: &'static str,
    /// Where text was cut.
    pub cut: &'static str,
    /// In front of something that ended.
    pub ended: &'static str,
    /// This side began.
    pub outgoing: &'static str,
    /// The other side began.
    pub incoming: &'static str,
    /// Nobody knows who began.
    pub undirected: &'static str,
    /// Sorted, biggest first.
    pub descending: &'static str,
    /// Sorted, smallest first.
    pub ascending: &'static str,
    /// A sparkline's heights, lowest first.
    pub spark: &'static [&'static str; 8],
    /// A tree: parent with more children below, last child, line passing by, nothing.
    pub tree: &'static [&'static str; 4],
    /// Where the text cursor is, in an editor.
    pub cursor: &'static str,
    /// Into a row.
    pub into: &'static str,
}

static UNICODE: Glyphs = Glyphs {
    dot: "·",
    cut: "…",
    ended: "✝",
    outgoing: "→",
    incoming: "←",
    undirected: "·",
    descending: "▼",
    ascending: "▲",
    spark: &["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    tree: &["├─", "└─", "│ ", "  "],
    cursor: "▏",
    into: "›",
};

static ASCII: Glyphs = Glyphs {
    dot: "|",
    cut: "~",
    ended: "x",
    outgoing: ">",
    incoming: "<",
    undirected: "-",
    descending: "v",
    ascending: "^",
    spark: &[".", ".", ":", "-", "=", "+", "*", "#"],
    tree: &["|-", "`-", "| ", "  "],
    cursor: "_",
    into: ">",
};

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Appearance {
        Appearance::of(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_locale_decides_about_characters() {
        assert!(with(&[("LANG", "de_DE.UTF-8")]).unicode);
        assert!(with(&[("LANG", "C.utf8")]).unicode);
        assert!(!with(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]).unicode);
        assert!(with(&[("LANG", "C.UTF-8"), ("LC_ALL", "")]).unicode, "an empty variable does not count");
        assert!(!with(&[]).unicode);
    }

    #[test]
    fn no_color_takes_colours_away_when_it_is_not_empty() {
        assert!(with(&[]).colour);
        assert!(with(&[("NO_COLOR", "")]).colour);
        assert!(!with(&[("NO_COLOR", "1")]).colour);
    }

    #[test]
    fn the_fallback_is_ascii() {
        let shown = format!("{ASCII:?}");
        assert!(shown.is_ascii());
    }
}
