//! Where everything happens: a scratch directory and two network namespaces, gone when it is over.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::bench::netns::Veth;

/// Bytes of the file that is copied.
pub const FILE: u64 = 20 << 20;
/// Bytes of the small and the large page.
pub const PAGES: [(&str, u64); 2] = [("small", 700), ("large", 1 << 20)];

/// The place.
pub struct Place {
    net: Veth,
    scratch: PathBuf,
}

impl Place {
    /// With the files that are served.
    pub fn new(net: Veth) -> Result<Self> {
        let scratch = std::env::temp_dir().join(format!("watcher-soak-{}", std::process::id()));
        fs::create_dir(&scratch).with_context(|| scratch.display().to_string())?;
        let place = Self { net, scratch };
        // Servers that run as somebody else read it.
        fs::set_permissions(&place.scratch, fs::Permissions::from_mode(0o755))?;
        for folder in ["www", "www/files", "copies"] {
            fs::create_dir(place.path(folder))?;
        }
        for (name, size) in PAGES.iter().chain(&[("file", FILE)]) {
            fs::write(place.path(&format!("www/files/{name}")), noise(*size))?;
        }
        Ok(place)
    }

    /// A path in the scratch directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// The same as text; it is under the folder for temporary files, and never anything odd.
    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A program at the servers' end. It ends with the thread that started it.
    pub fn server(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.net.server("setpriv");
        command.args(["--pdeathsig", "TERM"]).arg(program);
        command
    }

    /// The same as another user.
    pub fn server_as(&self, user: &str, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.net.server("setpriv");
        command.args(["--reuid", user, "--regid", user, "--init-groups", "--pdeathsig", "TERM"]).arg(program);
        command
    }

    /// A program at the clients' end.
    pub fn client(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.net.client("setpriv");
        command.args(["--pdeathsig", "TERM"]).arg(program);
        command
    }

    /// The numbers of the two namespaces: the servers' and the clients'.
    pub fn namespaces(&self) -> Result<[u64; 2]> {
        let number = |name: &str| {
            let path = Path::new("/run/netns").join(name);
            fs::metadata(&path).map(|data| data.ino()).with_context(|| path.display().to_string())
        };
        Ok([number(self.net.server_name())?, number(self.net.client_name())?])
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.scratch) {
            eprintln!("note: {}: {error}", self.scratch.display());
        }
    }
}

/// Bytes that do not compress: a xorshift.
fn noise(size: u64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..size).map(step).collect()
}
