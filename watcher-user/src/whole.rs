//! Small files that are written whole or not at all.

use std::{
    io::{self, Write as _},
    path::Path,
};

/// Replaces a file by these bytes and a newline, at once; nobody else may read it (0600).
///
/// # Errors
/// The folder is full or may not be written: the file is what it was.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut file = tempfile::Builder::new().prefix(&format!(".{name}")).tempfile_in(folder)?;
    // Each write is a call of the system, and what serializers write piece by piece are thousands.
    file.write_all(&[bytes, b"\n"].concat())?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
