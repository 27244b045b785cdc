//! Which rule has the word, helpers, and what is left.

use std::sync::Arc;

use watcher_core::{Application, NamedBy};

use super::{
    super::{Books, Facts, Interned, Parent, name},
    running,
};

const CHROME: &str = "/opt/google/chrome/chrome";

fn decided(facts: &Facts) -> (String, NamedBy) {
    let root = tempfile::tempdir().unwrap();
    let found = name(facts, &mut Books::below(root.path()));
    (found.name.into(), found.rule)
}

fn below(mut facts: Facts, executable: &str, application: &str) -> Facts {
    let application = Application { name: application.into(), rule: NamedBy::Executable, evidence: executable.into() };
    facts.parent = Some(Parent { executable: Some(executable.into()), application: Some(Arc::new(application)) });
    facts
}

#[test]
fn the_wider_thing_names_the_process() {
    let mut facts = running("/usr/bin/python3", &["python3", "/srv/app.py"]);
    assert_eq!(decided(&facts), ("app.py".into(), NamedBy::Script));
    facts.cgroups = vec!["/system.slice/web.service".into()];
    assert_eq!(decided(&facts), ("web".into(), NamedBy::Unit));
    facts.cgroups = vec![format!("/docker/{}/system.slice/web.service", "ab".repeat(32))];
    assert_eq!(decided(&facts), ("abababababab".into(), NamedBy::Container));
    facts.cgroups = vec!["/user.slice/user-1.slice/user@1.service/app.slice/app-gnome-editor-7.scope".into()];
    assert_eq!(decided(&facts), ("editor".into(), NamedBy::DesktopEntry));
}

#[test]
fn what_no_rule_knows_goes_by_its_own_name_as_it_is() {
    for (executable, own) in [
        ("/usr/sbin/sshd", "sshd"),
        ("/usr/lib/slack/Slack Helper", "Slack Helper"),
        ("/usr/bin/curl", "curl"),
        ("/usr/bin/bash", "bash"),
        ("/x/systemd-resolved", "systemd-resolved"),
    ] {
        assert_eq!(decided(&running(executable, &[executable])), (own.into(), NamedBy::Executable));
    }
    let renamed = Facts { name: "worker-7".into(), ..running("/usr/bin/x", &[]) };
    assert_eq!(decided(&renamed).0, "worker-7");
}

#[test]
fn helpers_are_of_the_application_that_started_them() {
    for (executable, words, parent) in [
        (CHROME, &["chrome", "--type=renderer", "--lang=en"][..], CHROME),
        (CHROME, &["chrome", "--foo", "--type=gpu-process"], CHROME),
        (CHROME, &["chrome", "--type=zygote"], "/opt/google/chrome/chrome (deleted)"),
        ("/opt/google/chrome/chrome_crashpad_handler", &["chrome_crashpad_handler", "--monitor-self"], CHROME),
        ("/usr/lib/firefox/firefox", &["firefox", "-contentproc", "-childID", "1"], "/usr/lib/firefox/firefox"),
        ("/usr/lib/firefox/plugin-container", &["plugin-container", "-contentproc"], "/usr/lib/firefox/firefox"),
    ] {
        let facts = below(running(executable, words), parent, "The Browser");
        assert_eq!(decided(&facts), ("The Browser".into(), NamedBy::Helper), "{words:?}");
    }
}

#[test]
fn nobody_becomes_a_helper_by_saying_so() {
    for (executable, words, parent) in [
        ("/tmp/evil", &["chrome", "--type=renderer"][..], CHROME),
        (CHROME, &["chrome", "--type=renderer"], "/usr/bin/bash"),
        (CHROME, &["chrome", "https://example.com"], CHROME),
        (CHROME, &["chrome", "--type=Renderer X"], CHROME),
        ("/usr/bin/x", &["x", "--type=renderer"], "/usr/bin/bash"),
        ("/usr/bin/chrome_crashpad_handler", &["x"], "/usr/bin/bash"),
        ("/bin/x", &["x", "-contentproc"], "/bin/y"),
    ] {
        let facts = below(running(executable, words), parent, "Other");
        assert_eq!(decided(&facts).1, NamedBy::Executable, "{words:?} {parent}");
    }
    let alone = running(CHROME, &["chrome", "--type=renderer"]);
    assert_eq!(decided(&alone), ("chrome".into(), NamedBy::Executable));
}

#[test]
fn equal_applications_share_memory() {
    let mut interned = Interned::default();
    let one = |n: u32| Application { name: format!("app-{n}").into(), rule: NamedBy::Unit, evidence: "x".into() };
    let first = interned.share(one(1));
    assert!(Arc::ptr_eq(&first, &interned.share(one(1))));
    for n in 0..20_000 {
        interned.share(one(n));
    }
    assert!(Arc::ptr_eq(&first, &interned.share(one(1))), "what somebody holds is not forgotten");
}
