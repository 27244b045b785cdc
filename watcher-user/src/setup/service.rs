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

    /// The same, where our service is installed; `None` elsewhere.
    #[must_use]
    pub fn of_installed_service() -> Option<Self> {
        let manager = Self::here(Platform::here());
        let files: &[&str] = match &manager {
            Self::Systemd(_) => &[
                "/etc/systemd/system/watcher.service",
                "/usr/lib/systemd/system/watcher.service",
                "/lib/systemd/system/watcher.service",
            ],
            Self::Launchd(_) => &[PLIST],
            Self::Nobody => &[],
        };
        files.iter().any(|file| Path::new(file).exists()).then_some(manager)
    }

    /// Runs now; what happens at boot stays as it is.
    ///
    /// # Errors
    /// The manager says no, or the service does not come up.
    pub fn begin(&self) -> anyhow::Result<()> {
        match self {
            Self::Systemd(systemctl) => drop(run(systemctl, &["start", UNIT])?),
            Self::Launchd(launchctl) => drop(run(launchctl, &["bootstrap", "system", PLIST])?),
            Self::Nobody => {}
        }
        Ok(())
    }

    /// Stopped now; what happens at boot stays as it is. launchd would start again what only ended.
    ///
    /// # Errors
    /// The manager says no.
    pub fn end(&self) -> anyhow::Result<()> {
        match self {
            Self::Systemd(systemctl) => drop(run(systemctl, &["stop", UNIT])?),
            Self::Launchd(launchctl) => drop(run(launchctl, &["bootout", &format!("system/{LABEL}")])?),
            Self::Nobody => {}
        }
        Ok(())
    }

    /// The process of the service, while it runs.
    #[must_use]
    pub fn main_process(&self) -> Option<u32> {
        match self {
            Self::Systemd(systemctl) => {
                let said = run(systemctl, &["show", "--property", "MainPID", "--value", UNIT]).ok()?;
                said.trim().parse().ok().filter(|pid| *pid != 0)
            }
            Self::Launchd(launchctl) => launchd_pid(&run(launchctl, &["print", &format!("system/{LABEL}")]).ok()?),
            Self::Nobody => None,
        }
    }

    /// As messages call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Systemd(_) => "systemd",
            Self::Launchd(_) => "launchd",
            Self::Nobody => "nobody",
        }
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

/// From what `launchctl print` says: a line `pid = 123` while the service runs.
fn launchd_pid(said: &str) -> Option<u32> {
    said.lines().find_map(|line| line.trim().strip_prefix("pid = ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::launchd_pid;

    #[test]
    fn launchd_tells_the_process_of_a_service_that_runs() {
        let running = "system/com.dialtoneapp.watcher = {\n\tactive count = 1\n\tstate = running\n\n\tpid = 412\n}\n";
        assert_eq!(launchd_pid(running), Some(412));
        assert_eq!(launchd_pid("system/com.dialtoneapp.watcher = {\n\tstate = not running\n}\n"), None);
    }
}
