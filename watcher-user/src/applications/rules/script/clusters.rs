//! Interpreters whose options are letters that may stand together: `python3 -uB app.py`.

use super::Told;

/// What an interpreter takes before the script. An option that is in none of these leaves the script unknown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    /// Letters without a value.
    flags: &'static str,
    /// Letters whose value is the rest of the argument, or the next one.
    valued: &'static str,
    /// Letters whose value is the rest of the argument, if anything is left.
    attached: &'static str,
    /// The letter before a module, that is run instead of a script.
    module: Option<char>,
    /// The letter before the script, where that may have one.
    file: Option<char>,
    /// Words without a value.
    words: &'static [&'static str],
    /// Words whose value is the next argument.
    valued_words: &'static [&'static str],
}

const NONE: Options =
    Options { flags: "", valued: "", attached: "", module: None, file: None, words: &[], valued_words: &[] };

// Left out on purpose: letters before code (-c, -e), and those that only print something and end.
const PYTHON: Options = Options {
    flags: "bBdEiIOPqRsStuvx",
    valued: "WX",
    module: Some('m'),
    valued_words: &["--check-hash-based-pycs"],
    ..NONE
};
const RUBY: Options = Options { flags: "adlnpsSUvw", valued: "CEIr", attached: "0FKTWix", ..NONE };
const PERL: Options = Options { flags: "acfnpsStTuUwWX", valued: "I", attached: "0CDFMdilmx", ..NONE };
const LUA: Options = Options { flags: "EiW", valued: "l", ..NONE };
const PHP: Options = Options { flags: "Cenq", valued: "cdz", file: Some('f'), ..NONE };
const SHELL: Options = Options {
    flags: "abefhiklmnprtuvxBCDEHPT",
    valued: "oO",
    words: &["--login", "--noediting", "--noprofile", "--norc", "--posix", "--restricted", "--verbose"],
    valued_words: &["--init-file", "--rcfile"],
    ..NONE
};
const FISH: Options =
    Options { flags: "Nilp", words: &["--interactive", "--login", "--no-config", "--private"], ..NONE };

/// Those of a family of interpreters; `None` for other programs.
pub(super) fn of(family: &str) -> Option<Options> {
    Some(match family {
        "python" | "pypy" => PYTHON,
        "ruby" => RUBY,
        "perl" => PERL,
        "lua" | "luajit" => LUA,
        "php" => PHP,
        "bash" | "sh" | "dash" | "zsh" | "ksh" | "mksh" | "ash" | "rbash" => SHELL,
        "fish" => FISH,
        _ => return None,
    })
}

impl Options {
    pub fn told<'a>(&self, arguments: &[&'a str]) -> Option<Told<'a>> {
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                return rest.next().map(Told::File);
            }
            if self.words.contains(&argument) {
                continue;
            }
            if self.valued_words.contains(&argument) {
                rest.next()?;
                continue;
            }
            // A shell turns options off with a plus.
            let is_off = self.valued.contains('O') && argument.starts_with('+');
            let Some(letters) = argument.strip_prefix('-').or_else(|| argument.strip_prefix('+').filter(|_| is_off))
            else {
                return Some(Told::File(argument));
            };
            if letters.is_empty() || letters.starts_with('-') {
                return None;
            }
            if let Some(told) = self.cluster(letters, &mut rest)? {
                return Some(told);
            }
        }
        None
    }

    /// Outer `None`: no script, or nobody knows. Inner `None`: on to the next argument.
    fn cluster<'a>(&self, letters: &'a str, rest: &mut impl Iterator<Item = &'a str>) -> Option<Option<Told<'a>>> {
        for (at, letter) in letters.char_indices() {
            let left = &letters[at + letter.len_utf8()..];
            if self.flags.contains(letter) {
                continue;
            }
            if self.attached.contains(letter) {
                return Some(None);
            }
            let mut value = || if left.is_empty() { rest.next() } else { Some(left) };
            if self.valued.contains(letter) {
                value()?;
                return Some(None);
            }
            if self.module == Some(letter) {
                return Some(Some(Told::Named("-m", value()?)));
            }
            if self.file == Some(letter) {
                return Some(Some(Told::File(value()?)));
            }
            return None;
        }
        Some(None)
    }
}
