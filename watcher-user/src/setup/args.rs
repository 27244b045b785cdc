//! What `setup` and `uninstall` take.

use std::path::PathBuf;

use clap::Args;

/// What `setup` takes. Every question has a flag.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = SETUP_EXAMPLES)]
pub struct SetupArgs {
    /// Ask nothing: what no flag says is as by default, which is no upload.
    #[arg(long, short)]
    pub yes: bool,
    /// Show every file that would be written, and write nothing.
    #[arg(long)]
    pub print: bool,
    /// Install below DIR, as for an image: nothing is started, and users are left to that system's first boot.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Upload rollups.
    #[arg(long)]
    pub upload: bool,
    /// Upload nothing.
    #[arg(long, conflicts_with_all = ["upload", "upload_url"])]
    pub no_upload: bool,
    /// Where to upload; implies --upload.
    #[arg(long, value_name = "URL")]
    pub upload_url: Option<String>,
    /// Command lines in uploads: full, name or none.
    #[arg(long, value_name = "HOW", value_parser = ["full", "name", "none"])]
    pub commands: Option<String>,
    /// Uploads hold the name of this machine: yes or no.
    #[arg(long, value_name = "YES|NO", value_parser = yes_or_no)]
    pub hostname: Option<bool>,
    /// USER may ask the running watcher without being root: joins the group `watcher`.
    #[arg(long, value_name = "USER")]
    pub operator: Option<String>,
    /// Start nothing, neither now nor at boot.
    #[arg(long)]
    pub no_start: bool,
}

const SETUP_EXAMPLES: &str = "\
Examples:
  sudo watcher setup                       asks, and shows what an upload would hold before it asks for that
  sudo watcher setup --yes                 installs and starts; uploads nothing
  watcher setup --print                    every file with its path, mode, owner and contents
  watcher setup --yes --root /tmp/image    into an image

What is there already is brought up to date; a configuration keeps what you wrote into it.";

/// What `uninstall` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct UninstallArgs {
    /// Also the configuration, the collected data, and the user and group `watcher`.
    #[arg(long)]
    pub purge: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// From below DIR, where `setup --root DIR` installed.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

/// What `package-files`, which `cargo xtask dist` calls, takes.
#[derive(Debug, Clone, Args)]
pub struct PackageFilesArgs {
    /// The folder to write into.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Where the package puts the program.
    #[arg(long, value_name = "PATH", default_value = "/usr/bin/watcher")]
    pub binary: PathBuf,
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("must be yes or no".to_owned()),
    }
}
