//! The Debian package, from installation to purge, on a copy of this system under a systemd of its own, and without one.
//! `cargo xtask dist` makes the package, and runs this with its name in `WATCHER_DEB`.

use std::path::PathBuf;

use crate::namespaces::{Systemd, until};

fn package() -> PathBuf {
    std::env::var_os("WATCHER_DEB").map(PathBuf::from).expect("run by: cargo xtask dist")
}

/// What is left of it in the places where packages put things, lists of packages apart.
const LEFT: &str = "find /etc /usr /var /run /lib/systemd -xdev -name '*watcher*' -newer /run/console \
    -not -path '/var/lib/dpkg/*' -not -path '/var/cache/*'; getent passwd watcher; getent group watcher; \
    dpkg-query --show watcher 2>/dev/null; true";

#[test]
#[ignore = "needs a package: cargo xtask dist"]
fn a_package_is_installed_used_and_removed() {
    let systemd = Systemd::boot("package", &package());
    let deb = package().file_name().expect("a file").to_string_lossy().into_owned();
    systemd.good(&format!("dpkg --install /tmp/{deb}"));
    assert_eq!(systemd.good("systemctl is-enabled watcher; systemctl is-active watcher"), "enabled\nactive\n");
    assert_eq!(systemd.good("which watcher"), "/usr/bin/watcher\n");
    assert_eq!(systemd.good("watcher version"), format!("watcher {}\n", env!("CARGO_PKG_VERSION")));
    assert!(systemd.good("watcher doctor").ends_with("all is well\n"));
    assert!(systemd.good("watcher status").contains("ebpf, exact"));
    for page in ["watcher", "watcher-setup", "watcher-top"] {
        assert!(systemd.good(&format!("man --warnings --pager=cat {page}")).contains("SYNOPSIS"), "{page}");
    }
    for part in ["doc/watcher/copyright", "bash-completion/completions/watcher", "zsh/vendor-completions/_watcher"] {
        systemd.good(&format!("test -s /usr/share/{part}"));
    }
    assert_eq!(systemd.good("dpkg --verify watcher"), "");

    // Setup leaves to the package what is the package's.
    let said = systemd.good("watcher setup --yes");
    assert!(said.contains("counting  1048576 bytes") && !said.contains("/etc/systemd"), "{said}");
    let refused = systemd.run("watcher uninstall --yes");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("apt-get remove watcher"), "{refused:?}");

    // An upgrade keeps the configuration, and what was switched off stays off.
    systemd.good(&format!(
        "echo '# mine' >>/etc/watcher/config.toml; systemctl disable --now watcher; dpkg --install /tmp/{deb}"
    ));
    assert!(!systemd.run("systemctl is-active watcher").status.success());
    assert!(systemd.good("tail -1 /etc/watcher/config.toml").contains("# mine"));

    systemd.good("systemctl enable --now watcher && dpkg --remove watcher");
    assert!(until(|| !systemd.run("systemctl is-active watcher").status.success()));
    systemd.good("test ! -e /usr/bin/watcher && test -e /etc/watcher/config.toml && test -d /var/lib/watcher");
    systemd.good("dpkg --purge watcher");
    assert_eq!(systemd.good(LEFT), "");
}

#[test]
#[ignore = "needs a package: cargo xtask dist"]
fn where_no_systemd_runs_it_is_started_by_hand() {
    let systemd = Systemd::boot("by-hand", &package());
    let deb = package().file_name().expect("a file").to_string_lossy().into_owned();
    let without =
        |line: &str| systemd.good(&format!("unshare --mount sh -c 'mount -t tmpfs tmpfs /run/systemd && {line}'"));
    without(&format!("dpkg --install /tmp/{deb}"));
    assert!(!systemd.run("systemctl is-active watcher").status.success());
    let started = without("watcher start && watcher setup --yes");
    assert!(
        started.contains("watcher runs (process") && started.contains("Start watcher with: sudo watcher start"),
        "{started}"
    );
    assert!(without("watcher status").contains("ebpf, exact"));
    let purged = without("dpkg --purge watcher");
    assert!(purged.contains("watcher is stopped"), "{purged}");
    assert_eq!(systemd.good(LEFT), "");
}
