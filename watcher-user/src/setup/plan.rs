//! What would be installed: a list of files. Pure; nothing here looks at a disk.

use std::path::{Path, PathBuf};

use super::config_file::{Setting, with_settings};
use crate::config;

/// Where the program goes when no package brought it.
pub const BINARY: &str = "/usr/local/bin/watcher";
/// The unit of systemd.
pub const UNIT: &str = "/etc/systemd/system/watcher.service";
/// The link that starts it at boot.
pub const WANTED: &str = "/etc/systemd/system/multi-user.target.wants/watcher.service";
/// The user and group, for systemd-sysusers.
pub const SYSUSERS: &str = "/etc/sysusers.d/watcher.conf";
/// The name of launchd's service.
pub const LABEL: &str = "com.dialtoneapp.watcher";
/// The service of launchd.
pub const PLIST: &str = "/Library/LaunchDaemons/com.dialtoneapp.watcher.plist";

const UNIT_TEXT: &str = include_str!("../../packaging/watcher.service");
const SYSUSERS_TEXT: &str = include_str!("../../packaging/watcher.sysusers");
const PLIST_TEXT: &str = include_str!("../../packaging/com.dialtoneapp.watcher.plist");
const PLACEHOLDER: &str = "@BINARY@";

/// The kind of system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// systemd, or nothing that starts services.
    Linux,
    /// launchd.
    MacOs,
}

impl Platform {
    /// This one.
    #[must_use]
    pub fn here() -> Self {
        if cfg!(target_os = "macos") { Self::MacOs } else { Self::Linux }
    }

    /// Group 0.
    #[must_use]
    pub fn root_group(self) -> &'static str {
        match self {
            Self::Linux => "root",
            Self::MacOs => "wheel",
        }
    }
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// What this other file holds.
    Copy(PathBuf),
    /// It is a link to there.
    Link(PathBuf),
}

/// One file. All belong to user and group 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Absolute; below `--root` where that is given.
    pub path: PathBuf,
    /// Of the file; a link has none.
    pub mode: u32,
    /// What it holds.
    pub content: Content,
}

/// What is known before anything is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What it is for.
    pub platform: Platform,
    /// The program that runs.
    pub program: PathBuf,
    /// A package brought a service too: that one is used.
    pub packaged_service: bool,
    /// The configuration that is there.
    pub config: Option<String>,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers {
    /// Changes to the configuration.
    pub settings: Vec<Setting>,
    /// Who may ask the running watcher.
    pub operator: Option<String>,
    /// Started now and at boot.
    pub start: bool,
}

/// Every file, in the order of writing.
///
/// # Errors
/// The configuration that is there is wrong, or cannot be changed as wanted.
pub fn plan(facts: &Facts, answers: &Answers) -> anyhow::Result<Vec<Item>> {
    let mut items = Vec::new();
    let binary = binary(&facts.program);
    if binary == Path::new(BINARY) {
        items.push(Item { path: binary.clone(), mode: 0o755, content: Content::Copy(facts.program.clone()) });
    }
    let before = facts.config.clone().unwrap_or_else(config::template);
    items.push(text(config::FILE, with_settings(&before, &answers.settings)?));
    if facts.packaged_service {
        return Ok(items);
    }
    match facts.platform {
        Platform::Linux => {
            items.push(text(SYSUSERS, SYSUSERS_TEXT.to_owned()));
            items.push(text(UNIT, unit(&binary)));
            if answers.start {
                items.push(Item { path: WANTED.into(), mode: 0o777, content: Content::Link(UNIT.into()) });
            }
        }
        Platform::MacOs => items.push(text(PLIST, plist(&binary))),
    }
    Ok(items)
}

/// The program that the service starts: the running one where a package keeps it up to date.
#[must_use]
pub fn binary(program: &Path) -> PathBuf {
    if is_packaged(program) { program.to_owned() } else { BINARY.into() }
}

/// Whether a package manager put it there; those leave /usr/local and home directories alone.
#[must_use]
pub fn is_packaged(program: &Path) -> bool {
    let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/opt", "/nix/store", "/home/linuxbrew"];
    folders.iter().any(|folder| program.starts_with(folder)) || program.iter().any(|part| part == "Cellar")
}

/// The unit that starts `binary`.
#[must_use]
pub fn unit(binary: &Path) -> String {
    // A percent sign begins a specifier (systemd.unit(5)).
    UNIT_TEXT.replace(PLACEHOLDER, &binary.to_string_lossy().replace('%', "%%"))
}

/// The launchd service that starts `binary`.
#[must_use]
pub fn plist(binary: &Path) -> String {
    let escaped = binary.to_string_lossy().replace('&', "&amp;").replace('<', "&lt;");
    PLIST_TEXT.replace(PLACEHOLDER, &escaped)
}

/// What systemd-sysusers is told.
#[must_use]
pub fn sysusers() -> &'static str {
    SYSUSERS_TEXT
}

fn text(path: &str, text: String) -> Item {
    Item { path: path.into(), mode: 0o644, content: Content::Text(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(program: &str) -> Facts {
        Facts { platform: Platform::Linux, program: program.into(), packaged_service: false, config: None }
    }

    fn paths(items: &[Item]) -> Vec<&str> {
        items.iter().filter_map(|item| item.path.to_str()).collect()
    }

    #[test]
    fn a_program_from_anywhere_is_installed_and_started() {
        let answers = Answers { start: true, ..Answers::default() };
        let items = plan(&facts("/home/me/.cargo/bin/watcher"), &answers).unwrap();
        assert_eq!(paths(&items), [BINARY, config::FILE, SYSUSERS, UNIT, WANTED]);
        assert!(items.iter().all(|item| item.mode & 0o022 == 0 || matches!(item.content, Content::Link(_))));
        let unit = unit(Path::new(BINARY));
        assert!(unit.contains("\nExecStart=/usr/local/bin/watcher run\n") && !unit.contains(PLACEHOLDER));
    }

    #[test]
    fn a_packages_program_stays_where_it_is() {
        let items = plan(&facts("/usr/bin/watcher"), &Answers::default()).unwrap();
        assert_eq!(paths(&items), [config::FILE, SYSUSERS, UNIT]);
        let Content::Text(unit) = &items[2].content else { panic!("a unit is text") };
        assert!(unit.contains("\nExecStart=/usr/bin/watcher run\n"));
        let packaged = Facts { packaged_service: true, ..facts("/usr/bin/watcher") };
        assert_eq!(paths(&plan(&packaged, &Answers::default()).unwrap()), [config::FILE]);
    }

    #[test]
    fn macos_has_a_property_list() {
        let facts = Facts { platform: Platform::MacOs, ..facts("/opt/homebrew/Cellar/watcher/1/bin/watcher") };
        assert_eq!(paths(&plan(&facts, &Answers::default()).unwrap()), [config::FILE, PLIST]);
        assert!(PLIST.contains(LABEL) && PLIST_TEXT.contains(LABEL));
    }

    #[test]
    fn a_wrong_configuration_stops_everything() {
        let facts = Facts { config: Some("nose = 1".into()), ..facts("/x/watcher") };
        let error = plan(&facts, &Answers::default()).unwrap_err().to_string();
        assert!(error.starts_with("/etc/watcher/config.toml:1: nose: no such key"), "{error}");
    }
}
