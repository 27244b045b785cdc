//! `cargo xtask build-ebpf`: the eBPF object from source, or the proof that the committed one is that of the sources.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::ebpf::build::{build, built_object, host_arch, object_name, prebuilt_manifest, prebuilt_object};
use crate::ebpf::manifest::{Manifest, hash_sources, sha256};
use crate::ebpf::toolchain::Toolchain;
use crate::repo;

/// What `cargo xtask build-ebpf --help` prints.
pub const HELP: &str = "\
cargo xtask build-ebpf [--check] [--out PATH] [--arch ARCH]

Builds the eBPF object from source and writes it to watcher-ebpf/prebuilt/, with a
MANIFEST of the sources and tools it was built from.

  --check      write nothing; fail when the committed object is not that of the sources
               (and, with the recorded tools here, build again and compare every bit)
  --out PATH   write the object to PATH instead, and no MANIFEST
  --arch ARCH  the architecture it will run on (default: this machine's)
";

/// What was asked for.
struct Options {
    check: bool,
    out: Option<PathBuf>,
    arch: String,
}

/// Runs the verb.
pub fn main(mut args: lexopt::Parser) -> Result<()> {
    let mut options = Options { check: false, out: None, arch: host_arch().to_owned() };
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Long("check") => options.check = true,
            lexopt::Arg::Long("out") => options.out = Some(args.value()?.into()),
            lexopt::Arg::Long("arch") => options.arch = args.value()?.to_string_lossy().into_owned(),
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if options.check {
        return check(&options.arch);
    }
    let toolchain = Toolchain::find()
        .context("no Rust toolchain here can build for bpfel-unknown-none: run `cargo xtask setup --for build`")?;
    let tools = toolchain.tools()?;
    println!("eBPF object for {} with {}; {}; {}", options.arch, tools.rustc, tools.linker, tools.strip);
    let sources = hash_sources(&repo::root())?;
    let object = build(&toolchain, &options.arch)?;
    let bytes = fs::read(&object).with_context(|| format!("cannot read {}", object.display()))?;
    if let Some(out) = options.out {
        write(&out, &bytes)?;
        println!("{}: {} bytes", out.display(), bytes.len());
        return Ok(());
    }
    let manifest = Manifest {
        object_name: object_name(&options.arch),
        object: sha256(&bytes),
        tools,
        sources,
        arch: options.arch.clone(),
    };
    let prebuilt = prebuilt_object(&options.arch);
    write(&prebuilt, &bytes)?;
    write(&prebuilt_manifest(&options.arch), manifest.to_string().as_bytes())?;
    println!("{}: {} bytes, sha256 {}", prebuilt.display(), bytes.len(), manifest.object);
    Ok(())
}

/// Fails unless the committed object is that of the sources.
pub fn check(arch: &str) -> Result<()> {
    let manifest = read_manifest(arch)?;
    let differing = manifest.differing_sources(&hash_sources(&repo::root())?);
    if !differing.is_empty() {
        let list = differing.join("\n  ");
        bail!("the committed eBPF object is stale: run `cargo xtask build-ebpf` and commit. Differing:\n  {list}");
    }
    let object = prebuilt_object(arch);
    let bytes = fs::read(&object).with_context(|| format!("cannot read {}", object.display()))?;
    if sha256(&bytes) != manifest.object {
        bail!("{} is not the object that MANIFEST describes: run `cargo xtask build-ebpf`", object.display());
    }
    rebuild_and_compare(&manifest, &bytes)
}

/// The sources that are not those of the committed object.
pub fn stale_sources(arch: &str) -> Result<Vec<String>> {
    Ok(read_manifest(arch)?.differing_sources(&hash_sources(&repo::root())?))
}

fn read_manifest(arch: &str) -> Result<Manifest> {
    let path = prebuilt_manifest(arch);
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}: run `cargo xtask build-ebpf` and commit", path.display()))?;
    Manifest::parse(&text).with_context(|| format!("cannot make sense of {}", path.display()))
}

/// Builds again when the tools here are the recorded ones: then every bit must be the same.
fn rebuild_and_compare(manifest: &Manifest, committed: &[u8]) -> Result<()> {
    let Some(toolchain) = Toolchain::find() else {
        println!("the committed eBPF object matches its sources (no toolchain here to build it again)");
        return Ok(());
    };
    let tools = match toolchain.tools() {
        Ok(tools) => tools,
        Err(error) => {
            println!("the committed eBPF object matches its sources (not built again: {error:#})");
            return Ok(());
        }
    };
    if tools != manifest.tools {
        println!("the committed eBPF object matches its sources (not built again: it was made with other tools)");
        println!("  recorded: {}; {}; {}", manifest.tools.rustc, manifest.tools.linker, manifest.tools.strip);
        println!("  here:     {}; {}; {}", tools.rustc, tools.linker, tools.strip);
        return Ok(());
    }
    let built = build(&toolchain, &manifest.arch)?;
    if fs::read(&built).with_context(|| format!("cannot read {}", built.display()))? != committed {
        bail!(
            "the sources, built with the recorded tools, give another object ({}) than the committed one: \
             run `cargo xtask build-ebpf` and commit",
            built_object(&manifest.arch).display()
        );
    }
    println!("the committed eBPF object matches its sources, bit for bit");
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
