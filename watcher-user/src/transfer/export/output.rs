//! Where rows go: standard output, or a file that has its name once it is whole.

use std::{
    fs::{self, File},
    io::{self, BufWriter, IsTerminal as _, Stdout, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context as _, bail};
use tempfile::NamedTempFile;

/// Takes bytes.
#[derive(Debug)]
pub struct Output {
    to: To,
    has_gone: Arc<AtomicBool>,
}

#[derive(Debug)]
enum To {
    Stdout(BufWriter<Stdout>),
    /// A device, a pipe: nothing that could be half there.
    Stream(BufWriter<File>),
    File(BufWriter<NamedTempFile>, PathBuf),
}

impl Output {
    /// Opens it. Nothing has the name yet. `binary`: not for eyes.
    ///
    /// # Errors
    /// It cannot be written, or would be bytes on a terminal.
    pub fn open(path: Option<&Path>, binary: bool) -> anyhow::Result<Self> {
        let to = match path {
            None => To::Stdout(BufWriter::new(io::stdout())),
            Some(path) => named(path).with_context(|| format!("writing {}", path.display()))?,
        };
        let on_terminal = match &to {
            To::Stdout(out) => out.get_ref().is_terminal(),
            To::Stream(out) => out.get_ref().is_terminal(),
            To::File(..) => false,
        };
        if binary && on_terminal {
            bail!("Parquet is not for a terminal: name a file with --output, or pipe it on");
        }
        Ok(Self { to, has_gone: Arc::default() })
    }

    /// Whether whoever read has gone, known even when this is no more.
    pub fn has_gone(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_gone)
    }

    /// All has been written: a file gets its name.
    ///
    /// # Errors
    /// The disk is full, or the name may not be had.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.flush()?;
        if let To::File(file, path) = self.to {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            let named = file.as_file().sync_all().and_then(|()| file.persist(&path).map_err(|e| e.error));
            named.with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.to {
            To::Stdout(out) => out,
            To::Stream(out) => out,
            To::File(out, _) => out,
        }
    }

    fn noted<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if done.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
            self.has_gone.store(true, Ordering::Relaxed);
        }
        done
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer().write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.writer().flush();
        self.noted(flushed)
    }
}

/// Beside the file that a link may lead to: renaming must not replace the link, nor a device.
fn named(path: &Path) -> io::Result<To> {
    let path = match fs::canonicalize(path) {
        Ok(path) => path,
        Err(e) if e.kind() == io::ErrorKind::NotFound => path.to_owned(),
        // /dev/stdout may lead to what has no path.
        Err(e) => return Err(e),
    };
    match fs::metadata(&path) {
        Ok(about) if about.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(about) if !about.is_file() => Ok(To::Stream(BufWriter::new(File::options().write(true).open(&path)?))),
        _ => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let file = tempfile::Builder::new().prefix(".watcher-export").tempfile_in(folder)?;
            Ok(To::File(BufWriter::new(file), path))
        }
    }
}
