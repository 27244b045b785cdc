//! Services of systemd.

use super::{super::rules::unit, within};

fn named(cgroup: &str) -> Option<String> {
    unit::name(&within(cgroup)).map(|found| found.name.into())
}

#[test]
fn a_service_goes_by_its_whole_name() {
    for (cgroup, name) in [
        ("/system.slice/nginx.service", "nginx"),
        ("/system.slice/system-postgresql.slice/postgresql@15-main.service", "postgresql@15-main"),
        ("/system.slice/systemd-resolved.service", "systemd-resolved"),
        ("/system.slice/foo.service/payload/deep", "foo"),
        ("/custom.slice/backup-run.service", "backup-run"),
        ("/system.slice/foo.bar.service", "foo.bar"),
        ("/system.slice/with\\x2ddash.service", "with\\x2ddash"),
        ("/system.slice/_cgroup.service", "cgroup"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service", "syncthing"),
        (
            "/user.slice/user-1000.slice/user@1000.service/session.slice/org.gnome.Shell@wayland.service",
            "org.gnome.Shell@wayland",
        ),
        ("/system.slice/sshd-metrics.service", "sshd-metrics"),
        ("/system.slice/run-parts.service", "run-parts"),
        ("/../../system.slice/nginx.service", "nginx"),
    ] {
        assert_eq!(named(cgroup).as_deref(), Some(name), "{cgroup}");
    }
}

#[test]
fn who_only_started_a_process_does_not_name_it() {
    for cgroup in [
        "/",
        "/init.scope",
        "/system.slice",
        "/user.slice/user-1000.slice/session-3.scope",
        "/user.slice/user-1000.slice/user@1000.service",
        "/user.slice/user-1000.slice/user@1000.service/init.scope",
        "/user.slice/user-1000.slice/user@1000.service/app.slice",
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1b2c.scope",
        "/user.slice/user-1000.slice/user@1000.service/app.slice/dbus.service",
        "/system.slice/ssh.service",
        "/system.slice/sshd.service",
        "/system.slice/system-sshd.slice/sshd@5-10.0.0.1:22-10.0.0.2:5555.service",
        "/system.slice/cron.service",
        "/system.slice/crond.service",
        "/system.slice/system-getty.slice/getty@tty1.service",
        "/system.slice/run-r0123456789abcdef.service",
        "/system.slice/run-u12.service",
        "/system.slice/run-p12-i34.service",
        "/system.slice/foo.service/inner.scope",
        "/system.slice/.service",
        "/system.slice/service",
        "/process_api/30cc00a7d54feb37a75f8f58a07f9ff1",
    ] {
        assert_eq!(named(cgroup), None, "{cgroup}");
    }
}

#[test]
fn another_hierarchy_is_asked_where_one_says_nothing() {
    let mut facts = within("/init.scope");
    facts.cgroups.push("/system.slice/nginx.service".into());
    assert_eq!(unit::name(&facts).map(|found| found.evidence).as_deref(), Some("/system.slice/nginx.service"));
}
