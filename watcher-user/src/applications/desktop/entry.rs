//! One file (specifications.freedesktop.org/desktop-entry).

/// What is looked at in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    pub name: String,
    pub is_terminal: bool,
    pub command: Option<Command>,
}

/// What it starts.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    pub program: String,
    pub has_options: bool,
}

impl Parsed {
    /// `None` for what is no application, or has no name.
    pub fn of(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim).skip_while(|line| *line != "[Desktop Entry]").skip(1);
        let (mut name, mut kind, mut exec, mut try_exec, mut categories) = (None, None, None, None, "");
        for (key, value) in lines
            .by_ref()
            .take_while(|line| !line.starts_with('['))
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('='))
        {
            let value = value.trim_start();
            match key.trim_end() {
                "Name" => name = Some(unescaped(value)),
                "Type" => kind = Some(value),
                "Exec" => exec = Some(value),
                "TryExec" => try_exec = Some(value),
                "Categories" => categories = value,
                // As if it were not there.
                "Hidden" if value == "true" => return None,
                _ => {}
            }
        }
        let name = name.filter(|name| !name.trim().is_empty() && kind == Some("Application"))?;
        let is_terminal = categories.split(';').any(|category| category == "TerminalEmulator");
        let alone = || Some(Command { program: unescaped(try_exec?), has_options: true });
        let command = exec.map_or_else(alone, |exec| Command::of(&unescaped(exec)));
        Some(Self { name, is_terminal, command })
    }
}

impl Command {
    /// The first word; what follows are options, or fields that the launcher fills in. `None` with operands: then the entry is
    /// about those.
    fn of(exec: &str) -> Option<Self> {
        let (program, rest) = match exec.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => exec.split_once(' ').unwrap_or((exec, "")),
        };
        let rest: Vec<&str> = rest.split_whitespace().filter(|word| !is_field(word)).collect();
        let are_options = rest.iter().all(|word| word.starts_with('-'));
        (!program.is_empty() && !program.contains(['\\', '=']) && are_options)
            .then(|| Self { program: program.to_owned(), has_options: !rest.is_empty() })
    }
}

/// `%u` and its like, and the marks that flatpak puts around them (`@@u %U @@`).
fn is_field(word: &str) -> bool {
    let word = word.trim_matches(['"', '@']);
    word.is_empty() || (word.len() == 2 && word.starts_with('%'))
}

/// Escapes of strings: `\s`, `\n`, `\t`, `\r`, `\\`. Others stay.
fn unescaped(value: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(value.len()), value.chars());
    while let Some(c) = rest.next() {
        let escaped = if c == '\\' { rest.next() } else { None };
        match (c, escaped) {
            ('\\', Some('s')) => text.push(' '),
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('t')) => text.push('\t'),
            ('\\', Some('r')) => text.push('\r'),
            ('\\', Some('\\')) => text.push('\\'),
            ('\\', Some(other)) => text.extend(['\\', other]),
            (c, _) => text.push(c),
        }
    }
    text
}
