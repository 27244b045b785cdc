//! Where programs run: a network namespace, and files that they see in the place of the system's.

use std::{
    ffi::CString,
    fs::File,
    io,
    os::{fd::AsFd as _, unix::ffi::OsStrExt as _, unix::fs::MetadataExt as _, unix::process::CommandExt as _},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, anyhow};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns, unshare},
    sys::signal::Signal,
};

use crate::netns::Netns;

/// A network namespace, and what is bound over files there.
pub struct Place {
    netns: Netns,
    handle: File,
    files: Vec<(CString, CString)>,
}

impl Place {
    /// Two, joined as [`Netns::pair`] says.
    pub fn pair() -> Result<(Self, Self)> {
        let (here, there) = Netns::pair()?;
        Ok((Self::of(here)?, Self::of(there)?))
    }

    fn of(netns: Netns) -> Result<Self> {
        let path = format!("/run/netns/{}", netns.name());
        let handle = File::open(&path).context(path)?;
        Ok(Self { netns, handle, files: Vec::new() })
    }

    /// As `docs/json.md` names it.
    pub fn inode(&self) -> Result<u64> {
        Ok(self.handle.metadata()?.ino())
    }

    /// `ip -n NAME words`
    pub fn ip(&self, words: &str) -> Result<()> {
        self.netns.ip(words).map(drop)
    }

    /// Programs started from now on see `with` in the place of `file`, which exists.
    pub fn replace(&mut self, file: &str, with: &Path) -> Result<()> {
        self.files.push((CString::new(with.as_os_str().as_bytes())?, CString::new(file)?));
        Ok(())
    }

    /// Makes a command run here, and end with this process.
    pub fn take_in(&self, command: &mut Command) -> Result<()> {
        let (handle, files) = (self.handle.try_clone()?, self.files.clone());
        let enter = move || -> io::Result<()> {
            setns(handle.as_fd(), CloneFlags::CLONE_NEWNET)?;
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            if files.is_empty() {
                return Ok(());
            }
            unshare(CloneFlags::CLONE_NEWNS)?;
            let nothing = None::<&std::ffi::CStr>;
            mount(nothing, c"/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
            for (with, file) in &files {
                mount(Some(with.as_c_str()), file.as_c_str(), nothing, MsFlags::MS_BIND, nothing)?;
            }
            Ok(())
        };
        // SAFETY: system calls only, with memory that was allocated before.
        unsafe { command.pre_exec(enter) };
        Ok(())
    }

    /// A way in for who outlives the borrow of this.
    pub fn door(&self) -> Result<Door> {
        Ok(Door(self.handle.try_clone()?))
    }

    /// As [`Door::within`].
    pub fn within<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        self.door()?.within(act)
    }
}

/// A way into a place.
pub struct Door(File);

impl Door {
    /// Does something in a thread that is there: sockets that it makes stay there.
    pub fn within<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let inside = || {
            setns(self.0.as_fd(), CloneFlags::CLONE_NEWNET).context("entering a namespace")?;
            act()
        };
        std::thread::scope(|scope| scope.spawn(inside).join()).map_err(|_| anyhow!("a thread panicked"))?
    }
}
