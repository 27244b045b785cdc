//! The record beside the committed object: of which sources, by which tools, and what came out.
//!
//! Text, one fact per line, sorted, so that a diff of it can be read:
//! `object HASH NAME`, `arch NAME`, `rustc VERSION`, `linker VERSION`, `strip VERSION`, and `source HASH PATH` lines.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// The versions of the tools that made an object: equal versions make equal bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// The compiler, with its LLVM.
    pub rustc: String,
    /// The linker, bpf-linker.
    pub linker: String,
    /// What removed the debug information.
    pub strip: String,
}

/// What is recorded about one built object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `bpf_target_arch` of the build.
    pub arch: String,
    /// The object's file name.
    pub object_name: String,
    /// The object's SHA-256.
    pub object: String,
    /// What it was built with.
    pub tools: Tools,
    /// Path from the repository's root (with `/`) to SHA-256.
    pub sources: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Result<Self> {
        let mut facts = BTreeMap::new();
        let mut sources = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (key, value) = line.split_once(' ').with_context(|| format!("not `key value`: {line}"))?;
            if key == "source" {
                let (hash, path) = value.split_once(' ').with_context(|| format!("not `hash path`: {line}"))?;
                sources.insert(path.to_owned(), hash.to_owned());
            } else if facts.insert(key, value).is_some() {
                bail!("`{key}` stands there twice");
            }
        }
        let fact = |key: &str| facts.get(key).map(ToString::to_string).with_context(|| format!("no line `{key} …`"));
        let object = fact("object")?;
        let (object, object_name) = object.split_once(' ').context("the `object` line is not `hash name`")?;
        Ok(Self {
            arch: fact("arch")?,
            object_name: object_name.to_owned(),
            object: object.to_owned(),
            tools: Tools { rustc: fact("rustc")?, linker: fact("linker")?, strip: fact("strip")? },
            sources,
        })
    }

    /// In which sources the recorded tree and `now` differ, each with what happened to it.
    pub fn differing_sources(&self, now: &BTreeMap<String, String>) -> Vec<String> {
        let mut differing = Vec::new();
        for (path, hash) in &self.sources {
            match now.get(path) {
                None => differing.push(format!("{path} (gone)")),
                Some(new) if new != hash => differing.push(format!("{path} (changed)")),
                Some(_) => {}
            }
        }
        differing
            .extend(now.keys().filter(|path| !self.sources.contains_key(*path)).map(|path| format!("{path} (new)")));
        differing.sort();
        differing
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Written by `cargo xtask build-ebpf`; `cargo xtask build-ebpf --check` compares. Not to be edited."
        )?;
        writeln!(f, "object {} {}", self.object, self.object_name)?;
        writeln!(f, "arch {}", self.arch)?;
        writeln!(f, "rustc {}", self.tools.rustc)?;
        writeln!(f, "linker {}", self.tools.linker)?;
        writeln!(f, "strip {}", self.tools.strip)?;
        for (path, hash) in &self.sources {
            writeln!(f, "source {hash} {path}")?;
        }
        Ok(())
    }
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The hash of every file that the object is built from.
pub fn hash_sources(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut files: Vec<PathBuf> = ["watcher-ebpf/Cargo.toml", "watcher-ebpf/Cargo.lock", "watcher-common/Cargo.toml"]
        .map(|path| root.join(path))
        .to_vec();
    for folder in ["watcher-ebpf/src", "watcher-common/src"] {
        collect(&root.join(folder), &mut files)?;
    }
    let mut hashes = BTreeMap::new();
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("cannot read the eBPF source {}", file.display()))?;
        let path = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        hashes.insert(path, sha256(&bytes));
    }
    Ok(hashes)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        // Editors leave their swap and backup files here: only Rust is compiled.
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Manifest {
        Manifest {
            arch: "x86_64".into(),
            object_name: "watcher.bpf.o".into(),
            object: sha256(b"object"),
            tools: Tools {
                rustc: "rustc 1.97.0 (LLVM 22.1)".into(),
                linker: "bpf-linker 0.13.0".into(),
                strip: "LLVM 22".into(),
            },
            sources: [("a.rs", "1"), ("b.rs", "2")].map(|(path, hash)| (path.into(), hash.into())).into(),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let manifest = example();
        assert_eq!(Manifest::parse(&manifest.to_string()).unwrap(), manifest);
    }

    #[test]
    fn a_missing_line_is_named() {
        let text = example().to_string().replace("linker ", "joiner ");
        assert_eq!(Manifest::parse(&text).unwrap_err().to_string(), "no line `linker …`");
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let now = [("b.rs", "3"), ("c.rs", "1")].map(|(path, hash)| (path.into(), hash.into())).into();
        assert_eq!(example().differing_sources(&now), ["a.rs (gone)", "b.rs (changed)", "c.rs (new)"]);
    }

    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
