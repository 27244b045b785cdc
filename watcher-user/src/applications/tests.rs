//! Every shape of every rule, and shapes that look like it.

mod containers;
mod desktops;
mod order;
mod scripts;
mod units;

use std::{fs, path::Path};

use super::{Books, Facts};

/// A process of which nothing is known but where it runs.
fn within(cgroup: &str) -> Facts {
    Facts { name: "own".into(), cgroups: vec![cgroup.into()], ..Facts::default() }
}

/// A process that runs a program with arguments.
fn running(executable: &str, arguments: &[&str]) -> Facts {
    let name = executable.rsplit('/').next().unwrap_or_default().to_owned();
    let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    Facts { name, executable: Some(executable.into()), arguments, ..Facts::default() }
}

/// Looks into a tree of files of this test's own, which has these.
fn books(root: &Path, files: &[(&str, &str)]) -> Books {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Books::below(root)
}
