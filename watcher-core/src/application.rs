//! What a person calls a group of processes, and how that name was found.

use serde::{Deserialize, Serialize};

/// How an application got its name. The first that fits names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedBy {
    /// The container that it runs in.
    Container,
    /// The outermost bundle (`.app`) that its executable is in.
    Bundle,
    /// The desktop entry that it was started from, or that names its executable.
    DesktopEntry,
    /// The service of systemd that it belongs to.
    Unit,
    /// The script that an interpreter runs.
    Script,
    /// The application whose helper it is.
    Helper,
    /// The name of its executable.
    Executable,
    /// The program whose history was taken over: netmon.
    Imported,
}

impl NamedBy {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Container,
        Self::Bundle,
        Self::DesktopEntry,
        Self::Unit,
        Self::Script,
        Self::Helper,
        Self::Executable,
        Self::Imported,
    ];

    /// As it is written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Bundle => "bundle",
            Self::DesktopEntry => "desktop_entry",
            Self::Unit => "unit",
            Self::Script => "script",
            Self::Helper => "helper",
            Self::Executable => "executable",
            Self::Imported => "imported",
        }
    }
}

/// An application. Processes of one name are of one application, however each of them was found to be.
///
/// Names come from what processes, packages and containers say of themselves: hostile until made printable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Application {
    /// The name to show: never clipped, never invented.
    pub name: Box<str>,
    /// How it was found.
    pub rule: NamedBy,
    /// What the rule read: a cgroup, a path, a command. For `--explain`.
    pub evidence: Box<str>,
}

impl Application {
    /// That of the outermost `.app` that an executable is in: `/Applications/Foo.app/Contents/Frameworks/Foo Helper.app/…` is
    /// Foo.
    #[must_use]
    pub fn of_bundle(executable: &str) -> Option<Self> {
        // A folder called so is a bundle when it has what a bundle has; an iOS application on macOS lies in Wrapper/.
        let end = executable.match_indices(".app/").find(|(at, _)| {
            let rest = &executable[at + ".app/".len()..];
            rest.starts_with("Contents/") || rest.starts_with("Wrapper/")
        });
        let bundle = &executable[..end?.0];
        let name = bundle.rsplit('/').next().filter(|name| !name.is_empty())?;
        Some(Self { name: name.into(), rule: NamedBy::Bundle, evidence: format!("{bundle}.app").into() })
    }
}
