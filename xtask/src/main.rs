//! What a developer of watcher runs: `cargo xtask VERB`. One file per verb; this one only finds the verb.

use std::process::ExitCode;

use anyhow::Result;

#[cfg(target_os = "linux")]
mod bench;
mod build_ebpf;
#[cfg(target_os = "linux")]
mod chart;
mod count_unsafe;
mod deny;
#[cfg(target_os = "linux")]
mod dist;
mod ebpf;
mod fuzz;
mod macos;
mod miri;
mod privilege;
mod repo;
mod run;
mod setup;
#[cfg(target_os = "linux")]
mod soak;
mod test;
mod top;
#[cfg(target_os = "linux")]
mod vm;
mod zig;

const HELP: &str = "\
cargo xtask VERB [OPTIONS]

  top         run watcher: get what is missing, build, start `watcher top` as root
  test        get what is missing, run every test
  bench       measure what watcher costs, print a table
  soak        run real programs for a long time beside `watcher doctor --verify`, print tables
  vm          run the exactness suite on other kernels, in virtual machines
  fuzz        try hostile bytes on everything that reads the network
  miri        run the parsers' tests under Miri
  deny        check licences, sources, versions and advisories of what watcher is built with
  unsafe      count what is unsafe
  macos       check and link watcher for macOS, without a Mac
  dist        make the packages: .deb, tarball, Homebrew formula; install and remove the .deb
  setup       only get what is missing
  build-ebpf  build the eBPF object from source; --check: is the committed one fresh?
";

fn main() -> ExitCode {
    if let Some(root) = std::env::var_os(ebpf::wrapper::VARIABLE) {
        return match ebpf::wrapper::run(&root) {
            Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
            Err(error) => failed(&error),
        };
    }
    match verb(lexopt::Parser::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn verb(mut args: lexopt::Parser) -> Result<()> {
    let verb = match args.next()? {
        Some(lexopt::Arg::Value(verb)) => verb,
        Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h')) | None => {
            print!("{HELP}");
            return Ok(());
        }
        Some(other) => return Err(other.unexpected().into()),
    };
    match verb.to_string_lossy().as_ref() {
        "top" => top::main(args),
        "test" => test::main(args),
        #[cfg(target_os = "linux")]
        "bench" => bench::main(args),
        #[cfg(target_os = "linux")]
        bench::actors::VERB => {
            let words = args.raw_args()?.map(|word| word.to_string_lossy().into_owned());
            bench::actors::main(&words.collect::<Vec<_>>())
        }
        #[cfg(target_os = "linux")]
        "soak" => soak::main(args),
        #[cfg(target_os = "linux")]
        "vm" => vm::main(args),
        #[cfg(target_os = "linux")]
        "dist" => dist::main(args),
        "fuzz" => fuzz::main(args),
        "miri" => miri::main(args),
        "deny" => deny::main(args),
        "unsafe" => count_unsafe::main(args),
        "macos" => macos::main(args),
        "setup" => setup::main(args),
        "build-ebpf" => build_ebpf::main(args),
        other => anyhow::bail!("there is no `cargo xtask {other}`\n\n{HELP}"),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// Of a verb without options of its own: whether help was asked for, which is then printed.
fn help_was_all(mut args: lexopt::Parser, help: &str) -> Result<bool> {
    match args.next()? {
        None => Ok(false),
        Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h')) => {
            print!("{help}");
            Ok(true)
        }
        Some(other) => Err(other.unexpected().into()),
    }
}
