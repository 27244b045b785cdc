//! What this machine's files say of containers and desktop entries.

use std::path::Path;

use super::{containers::Containers, desktop::Desktop};

/// Looks things up, and remembers what it found, within bounds.
#[derive(Debug)]
pub struct Books {
    pub(super) containers: Containers,
    pub(super) desktop: Desktop,
}

impl Default for Books {
    fn default() -> Self {
        Self::below(Path::new("/"))
    }
}

impl Books {
    /// Of a tree of files that is at `root`.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self { containers: Containers::below(root), desktop: Desktop::below(root) }
    }
}

/// A text file, unless it is longer than `most` bytes, or not to be had.
pub(super) fn read(path: &Path, most: u64) -> Option<String> {
    use std::io::Read as _;

    let file = std::fs::File::open(path).ok().filter(|file| file.metadata().is_ok_and(|data| data.is_file()))?;
    let mut text = String::new();
    let length = file.take(most + 1).read_to_string(&mut text).ok()?;
    (length as u64 <= most).then_some(text)
}
