//! The machines to boot: a kernel, what is taken from it, and what watcher is to do there.

use anyhow::{Context as _, Result};

/// What has to come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// eBPF starts and the suite demands each process's bytes.
    Calls,
    /// `doctor` says that eBPF is refused, with these words among the reasons; then packets are counted, and the suite
    /// demands of them what `cargo xtask test` does.
    Packets(&'static str),
}

/// What a kernel is made to be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// Nothing.
    Nothing,
    /// An empty file system lies over /sys/kernel/btf.
    Btf,
    /// The version 1 controllers are mounted, and cgroup2 nowhere.
    Cgroup2,
}

/// One row of the table.
#[derive(Debug)]
pub struct Variant {
    /// What it is called on the command line, and the folder in target/vm.
    pub name: &'static str,
    /// Its kernel in [`super::kernels::KERNELS`].
    pub kernel: &'static str,
    /// For whoever reads the list.
    pub about: &'static str,
    /// What is taken away before watcher starts.
    pub without: Without,
    /// How many processors the machine has.
    pub processors: u32,
    /// For `watcher`.
    pub arguments: &'static str,
    /// What has to come out.
    pub expected: Expected,
    /// Tried when nobody names any.
    pub by_default: bool,
}

const fn plain(name: &'static str, about: &'static str) -> Variant {
    Variant {
        name,
        kernel: name,
        about,
        without: Without::Nothing,
        processors: 2,
        arguments: "",
        expected: Expected::Calls,
        by_default: true,
    }
}

/// All of them.
pub const VARIANTS: &[Variant] = &[
    Variant { expected: Expected::Packets("this kernel has no"), ..plain("5.10", "too old for eBPF: packets") },
    plain("5.15", "Ubuntu's: BPF trampolines, no length tracepoints"),
    plain("6.1", "BPF trampolines, no length tracepoints"),
    Variant { kernel: "6.1", arguments: "--without fexit", ..plain("6.1-kprobes", "told to do without trampolines") },
    plain("6.1-arm64", "an architecture without trampolines: kprobes"),
    Variant {
        kernel: "6.1",
        without: Without::Btf,
        expected: Expected::Packets("no BTF at"),
        ..plain("6.1-no-btf", "/sys/kernel/btf is hidden: packets")
    },
    Variant {
        kernel: "6.1",
        without: Without::Cgroup2,
        expected: Expected::Packets("no cgroup v2 tree is mounted"),
        ..plain("6.1-cgroup1", "only version 1 controllers are mounted: packets")
    },
    plain("6.5", "Ubuntu's, the nearest to 6.6: length tracepoints"),
    Variant { by_default: false, ..plain("6.8", "Ubuntu's: length tracepoints") },
    plain("6.12", "length tracepoints"),
    Variant { kernel: "6.12", processors: 1, ..plain("6.12-1cpu", "one processor") },
    plain("6.12-arm64", "arm64 with trampolines and length tracepoints"),
    Variant { by_default: false, ..plain("6.18", "length tracepoints") },
    plain("7.2", "tracepoint programs can be preempted"),
];

impl Variant {
    /// The one that somebody means.
    pub fn named(name: &str) -> Result<&'static Self> {
        let known = || VARIANTS.iter().map(|v| v.name).collect::<Vec<_>>().join(", ");
        VARIANTS.iter().find(|v| v.name == name).with_context(|| format!("{name} is none of {}", known()))
    }
}

/// What `--list` prints.
pub fn list() -> String {
    let row =
        |v: &Variant| format!("{:<12} {}{}\n", v.name, v.about, if v.by_default { "" } else { " (by name only)" });
    VARIANTS.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::kernels::Kernel;

    #[test]
    fn an_unknown_machine_is_answered_with_those_that_are_known() {
        assert!(Variant::named("2.4").unwrap_err().to_string().contains("6.1-kprobes"));
    }

    #[test]
    fn every_machine_has_a_kernel() {
        for variant in VARIANTS {
            Kernel::named(variant.kernel).unwrap();
        }
    }
}
