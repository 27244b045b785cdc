//! What a process is called: by the kernel's name for it, made whole where that was clipped or says nothing.

use std::borrow::Cow;

/// Bytes of a name that the kernel keeps (TASK_COMM_LEN less the NUL, include/linux/sched.h).
const KEPT: usize = 15;

/// Programs start themselves once more by this path (Chromium's helpers, container runtimes).
pub const ITSELF: &str = "/proc/self/exe";

/// What the kernel then calls them.
pub const EXE: &str = "exe";

/// The whole name of what the kernel calls `comm`, started as `first` (its argument 0). `executable` is the path of its program,
/// looked up only where it is needed.
pub fn whole<'a>(comm: &'a str, first: &str, executable: impl FnOnce() -> Option<String>) -> Cow<'a, str> {
    if is_itself(comm, first) {
        return executable().map_or(Cow::Borrowed(comm), |path| Cow::Owned(base(&path).to_owned()));
    }
    if comm.len() < KEPT {
        return Cow::Borrowed(comm);
    }
    let found = completed(comm, first).map(str::to_owned);
    let found = found.or_else(|| completed(comm, &executable()?).map(str::to_owned));
    found.map_or(Cow::Borrowed(comm), Cow::Owned)
}

/// Whether the kernel's name is the whole name, whatever else is known.
#[must_use]
pub fn is_whole(comm: &str) -> bool {
    comm.len() < KEPT && comm != EXE
}

/// Whether the kernel's name says only that the program was started by its own link.
#[must_use]
pub fn is_itself(comm: &str, first: &str) -> bool {
    comm == EXE && first == ITSELF
}

/// When a path ends in something that begins with the clipped name, that is the name.
#[must_use]
pub fn completed<'p>(comm: &str, path: &'p str) -> Option<&'p str> {
    let base = base(path);
    (comm.len() >= KEPT && base.starts_with(comm)).then_some(base)
}

/// The last part of a path; of a program that was replaced since, without the kernel's word for that.
fn base(path: &str) -> &str {
    let path = path.trim_end_matches(" (deleted)");
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn a_clipped_name_is_completed_from_a_path_and_no_other_is() {
        let none = || None;
        assert_eq!(whole("systemd-resolve", "/lib/systemd/systemd-resolved", none), "systemd-resolved");
        assert_eq!(whole("systemd-resolve", "x", || Some("/lib/systemd/systemd-resolved".into())), "systemd-resolved");
        assert_eq!(whole("renamed", "/usr/bin/python3", || panic!("not needed")), "renamed");
        assert_eq!(whole("a-name-of-others", "/bin/x", || Some("/bin/y".into())), "a-name-of-others");
    }

    #[test]
    fn a_program_that_started_itself_is_called_by_its_file() {
        let path = || Some("/usr/lib/chromium/chromium (deleted)".to_owned());
        assert_eq!(whole("exe", "/proc/self/exe", path), "chromium");
        assert_eq!(whole("exe", "/home/me/exe", path), "exe");
        assert_eq!(whole("exe", "/proc/self/exe", || None), "exe");
    }
}
