//! apt with sources, lists and caches of its own: the system's are not touched, and no root is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::arch::Arch;
use crate::run::{capture, quiet};

/// Who signs packages, and from where they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    /// Whose keys the package debian-archive-keyring has.
    Debian,
    /// Whose keys come in a package of Debian's. It has no arm64 there.
    Ubuntu,
}

impl Archive {
    fn mirror(self) -> &'static str {
        match self {
            Self::Debian => "http://deb.debian.org/debian",
            Self::Ubuntu => "http://archive.ubuntu.com/ubuntu",
        }
    }

    fn keyring(self, cache: &Path) -> Result<PathBuf> {
        match self {
            Self::Debian => Ok(PathBuf::from("/usr/share/keyrings/debian-archive-keyring.gpg")),
            Self::Ubuntu => {
                let folder = cache.join("ubuntu-keyring");
                let debian = Suite { archive: Self::Debian, name: "trixie" };
                let root =
                    unpacked(&folder, || Apt::new(debian, Arch::HOST, cache)?.download(&["ubuntu-keyring"], &folder))?;
                Ok(root.join("usr/share/keyrings/ubuntu-archive-keyring.gpg"))
            }
        }
    }
}

/// A set of packages in an archive.
#[derive(Debug, Clone, Copy)]
pub struct Suite {
    /// Whose.
    pub archive: Archive,
    /// What it is called there.
    pub name: &'static str,
}

/// Downloads packages into `folder` and unpacks them into `folder/root`, unless that was done before.
pub fn unpacked(folder: &Path, download: impl FnOnce() -> Result<Vec<PathBuf>>) -> Result<PathBuf> {
    let root = folder.join("root");
    if !root.join("complete").exists() {
        fs::create_dir_all(&root)?;
        for package in download()? {
            quiet(Command::new("dpkg-deb").arg("-x").args([&package, &root]))?;
            fs::remove_file(package)?;
        }
        fs::write(root.join("complete"), "")?;
    }
    Ok(root)
}

/// One suite's packages for one architecture.
pub struct Apt {
    options: Vec<String>,
}

impl Apt {
    /// Fetches the lists.
    pub fn new(suite: Suite, arch: Arch, cache: &Path) -> Result<Self> {
        let keyring = suite.archive.keyring(cache)?;
        let home = cache.join("apt").join(arch.debian()).join(suite.name);
        fs::create_dir_all(home.join("lists/partial"))?;
        fs::create_dir_all(home.join("cache/archives/partial"))?;
        let sources = home.join("sources.list");
        let line = format!("deb [signed-by={}] {} {} main\n", keyring.display(), suite.archive.mirror(), suite.name);
        fs::write(&sources, line)?;
        let dir = |path: &str| home.join(path).display().to_string();
        let options = [
            format!("Dir::Etc::sourcelist={}", sources.display()),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::lists={}", dir("lists")),
            format!("Dir::Cache={}", dir("cache")),
            format!("APT::Architecture={}", arch.debian()),
            format!("APT::Architectures={}", arch.debian()),
            "APT::Sandbox::User=".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=3".to_owned(),
        ];
        let this = Self { options: options.into_iter().flat_map(|o| ["-o".to_owned(), o]).collect() };
        quiet(this.command("apt-get").args(["-qq", "update"]))
            .with_context(|| format!("apt could not fetch the lists of {}", suite.name))?;
        Ok(this)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(&self.options);
        command
    }

    /// Names of packages.
    pub fn search(&self, pattern: &str) -> Result<Vec<String>> {
        let found = capture(self.command("apt-cache").args(["search", "--names-only", pattern]))?;
        Ok(found.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
    }

    /// Package files in `folder`, which are all that end in .deb there.
    pub fn download(&self, names: &[&str], folder: &Path) -> Result<Vec<PathBuf>> {
        let debs = || -> Result<Vec<PathBuf>> {
            let files = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
            Ok(files.filter(|path| path.extension().is_some_and(|e| e == "deb")).collect())
        };
        fs::create_dir_all(folder)?;
        for left in debs()? {
            fs::remove_file(left)?;
        }
        eprintln!("vm: downloading {}", names.join(", "));
        quiet(self.command("apt-get").args(["-qq", "download"]).args(names).current_dir(folder))?;
        let packages = debs()?;
        if packages.len() != names.len() {
            bail!("apt downloaded {} packages to {} instead of {}", packages.len(), folder.display(), names.len());
        }
        Ok(packages)
    }
}
