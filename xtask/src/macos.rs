//! `cargo xtask macos`: watcher for macOS, checked and linked on a machine that is no Mac.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::repo;
use crate::run::{as_from_a_shell, run};
use crate::zig::{self, Tools};

mod macho;

use macho::{Image, Processor};

/// What `cargo xtask macos --help` prints.
pub const HELP: &str = "\
cargo xtask macos [--release] [arm64|x86_64…]

Type-checks, lints and links watcher for macOS, both architectures unless some are named,
without a Mac and without Apple's SDK: zig is the linker and has the system's C library,
macos-pcap/sdk/ has the names of what else is called. Prints what was linked: format,
architecture, libraries, size. Nothing of it runs here.

  --release  with the optimisations of a release

Gets into target/zig/ what that takes: zig and cargo-zigbuild, from PyPI.
";

/// What is linked: the program, and one that calls everything of libpcap.
const PROGRAMS: [(&str, &str, &str); 2] =
    [("watcher-user", "--bin", "watcher"), ("macos-pcap", "--example", "libpcap")];

/// The libpcap of macOS 11; later systems have later ones, with the same functions.
const LIBPCAP: &str = "1.9.1";

/// Runs the verb.
pub fn main(mut args: lexopt::Parser) -> Result<()> {
    let mut release = false;
    let mut wanted = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            lexopt::Arg::Value(name) => wanted.push(Processor::named(&name.to_string_lossy())?),
            lexopt::Arg::Long("release") => release = true,
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let began = Instant::now();
    let tools = zig::get(&repo::target_dir().join("zig"), &Processor::ALL.map(Processor::triple))?;
    let wanted = Processor::ALL.into_iter().filter(|one| wanted.is_empty() || wanted.contains(one));
    for (index, processor) in wanted.enumerate() {
        let target = Target { processor, release, tools: &tools };
        // Nothing in the sources depends on which of the two it is; linking compiles it for both.
        if index == 0 {
            target.lint()?;
        }
        for (package, kind, name) in PROGRAMS {
            target.link(package, kind, name)?;
            target.describe(kind, name)?;
        }
    }
    println!("macos: checked, linted and linked in {} s; nothing was run: that takes a Mac", began.elapsed().as_secs());
    Ok(())
}

struct Target<'t> {
    processor: Processor,
    release: bool,
    tools: &'t Tools,
}

impl Target<'_> {
    fn lint(&self) -> Result<()> {
        for packages in [&["watcher-user", "--lib", "--bins"][..], &["macos-pcap", "--all-targets"]] {
            let mut cargo = self.cargo("clippy")?;
            run(cargo.arg("--package").args(packages).args(["--", "-D", "warnings"]))?;
        }
        Ok(())
    }

    fn link(&self, package: &str, kind: &str, name: &str) -> Result<()> {
        run(self.cargo("zigbuild")?.args(["--package", package, kind, name]))
    }

    fn describe(&self, kind: &str, name: &str) -> Result<()> {
        let profile = if self.release { "release" } else { "debug" };
        let folder = self.folder().join(self.processor.triple()).join(profile);
        let program = if kind == "--example" { folder.join("examples").join(name) } else { folder.join(name) };
        let bytes = fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
        let image = Image::parse(&bytes).with_context(|| format!("{}", program.display()))?;
        if image.processor != self.processor {
            bail!("{} is for {}", program.display(), image.processor);
        }
        println!("{name}: {image}, {:.1} MiB", bytes.len() as f64 / f64::from(1 << 20));
        Ok(())
    }

    fn folder(&self) -> PathBuf {
        repo::target_dir().join("macos/build")
    }

    fn cargo(&self, verb: &str) -> Result<Command> {
        let sdk = repo::root().join("macos-pcap/sdk");
        let mut cargo = as_from_a_shell(Command::new(&self.tools.zigbuild));
        cargo.current_dir(repo::root()).args([verb, "--locked", "--quiet", "--target", self.processor.triple()]);
        cargo.arg("--target-dir").arg(self.folder());
        if self.release {
            cargo.arg("--release");
        }
        // Nobody will run it here, nor debug it.
        cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "0").env("CARGO_PROFILE_DEV_DEBUG", "none");
        // This machine's strip does not know the format.
        cargo.env("CARGO_PROFILE_DEV_STRIP", "none");
        let flag = |kind: &str, folder: PathBuf| {
            let mut flag = OsString::from(kind);
            flag.push(folder);
            flag
        };
        let flags =
            [flag("-Lframework=", sdk.join("System/Library/Frameworks")), flag("-Lnative=", sdk.join("usr/lib"))];
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join(std::ffi::OsStr::new("\u{1f}")));
        cargo.env("LIBPCAP_LIBDIR", sdk.join("usr/lib")).env("LIBPCAP_VER", LIBPCAP);
        cargo.env("PATH", self.tools.path()?);
        Ok(cargo)
    }
}
