//! What the figures were measured on.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::run;

/// Where tracepoints and kprobes are listed, the newer folder first.
const TRACING: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// Where nobody has mounted tracefs yet: what programs of bcc look their tracepoints up in, and systemd mounts at every start.
pub fn have_tracefs() {
    if TRACING.iter().any(|folder| Path::new(folder).join("events").exists()) {
        return;
    }
    if let Err(error) = run(Command::new("mount").args(["-t", "tracefs", "tracefs", TRACING[0]])) {
        eprintln!("note: no tracefs: {error:#}");
    }
}

/// A sentence: kernel, processors, memory.
pub fn described() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (cpu, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let model = valued(&cpu, "model name").unwrap_or("processor");
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kibibytes = valued(&memory, "MemTotal").and_then(|value| value.split(' ').next()?.parse::<u64>().ok());
    let kernel = read("/proc/sys/kernel/osrelease");
    let hypervisor = if cpu.contains(" hypervisor") { ", virtual" } else { "" };
    let kprobes = if has_kprobes() { "with" } else { "without" };
    format!(
        "Linux {} ({}, {kprobes} kprobes), {cores} cores of {model}{hypervisor}, {} GiB of memory",
        kernel.trim(),
        std::env::consts::ARCH,
        (kibibytes.unwrap_or(0) + (1 << 19)) >> 20,
    )
}

/// Whether a program can be told of a function of the kernel's by a breakpoint in it.
pub fn has_kprobes() -> bool {
    TRACING.iter().any(|folder| Path::new(folder).join("kprobe_events").exists())
}

fn valued<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim())
}
