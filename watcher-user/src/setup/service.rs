//! The system's manager of services: started, stopped, asked.

use std::path::{Path, PathBuf};

use super::{
    plan::{LABEL, PLIST, Platform},
    run::{find, run},
};

const UNIT: &str = "watcher.service";

/// Who starts services here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manager {
    /// systemd, by its `systemctl`.
    Systemd(PathBuf),
    /// launchd, by its `launchctl`.
    Launchd(PathBuf),
    /// Nobody: a container, or another init.
    Nobody,
}

impl Manager {
    /// The one of this system.
    #[must_use]
    pub fn here(platform: Platform) -> Self {
        match platform {
            // As sd_booted(3) says.
            Platform::Linux if Path::new("/run/systemd/system").is_dir() => {
                find(&["systemctl"]).map_or(Self::Nobody, Self::Systemd)
            }
            Platform::Linux => Self::Nobody,
            Platform::MacOs => find(&["launchctl"]).map_or(Self::Nobody, Self::Launchd),
        }
    }

    /// Runs now and from now on at boot. `changed`: what runs is not what is installed now.
    ///
    /// # Errors
    /// The manager says no, or the service does not come up.
    pub fn start(&self, changed: bool) -> anyhow::Result<()> {
        match self {
            Self::Systemd(systemctl) => {
                run(systemctl, &["daemon-reload"])?;
                run(systemctl, &["enable", "--quiet", UNIT])?;
                // One that failed too often would not be started otherwise.
                run(systemctl, &["reset-failed", UNIT]).ok();
                // Both wait until the service says that it is ready.
                run(systemctl, &[if changed { "restart" } else { "start" }, UNIT])?;
            }
            Self::Launchd(launchctl) => {
                let service = format!("system/{LABEL}");
                let loaded = run(launchctl, &["print", &service]).is_ok();
                if loaded && changed {
                    run(launchctl, &["bootout", &service])?;
                }
                run(launchctl, &["enable", &service])?;
                if !loaded || changed {
                    run(launchctl, &["bootstrap", "system", PLIST])?;
                }
            }
            Self::Nobody => {}
        }
        Ok(())
    }

    /// Stopped now, and no longer started at boot. A service that is not there is stopped.
    ///
    /// # Errors
    /// The manager says no.
    pub fn stop(&self) -> anyhow::Result<()> {
        match self {
            Self::Systemd(systemctl) => {
                if run(systemctl, &["cat", UNIT]).is_ok() {
                    run(systemctl, &["disable", "--now", "--quiet", UNIT])?;
                }
            }
            Self::Launchd(launchctl) => {
                let service = format!("system/{LABEL}");
                if run(launchctl, &["print", &service]).is_ok() {
                    run(launchctl, &["bootout", &service])?;
                }
            }
            Self::Nobody => {}
        }
        Ok(())
    }

    /// Tells it that files of services have changed.
    ///
    /// # Errors
    /// The manager says no.
    pub fn reload(&self) -> anyhow::Result<()> {
        if let Self::Systemd(systemctl) = self {
            run(systemctl, &["daemon-reload"])?;
            run(systemctl, &["reset-failed", UNIT]).ok();
        }
        Ok(())
    }
}
