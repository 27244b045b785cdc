//! Desktop entries, and bundles of macOS.

use super::{
    super::{
        Facts,
        rules::{
            bundle,
            desktop::{self, started, unescaped},
        },
    },
    books, running, within,
};

const USER: &str = "/user.slice/user-1000.slice/user@1000.service/app.slice";

#[test]
fn what_desktops_start_is_known_by_its_unit() {
    for (unit, id) in [
        ("app-gnome-firefox-4242.scope", "firefox"),
        ("app-gnome-google\\x2dchrome-4242.scope", "google-chrome"),
        ("app-org.kde.konsole-4242.scope", "org.kde.konsole"),
        ("app-flatpak-org.mozilla.firefox-4242.scope", "org.mozilla.firefox"),
        ("app-org.kde.kate@0f1e.service", "org.kde.kate"),
        ("app-KDE-org.kde.kate@0f1e.service", "org.kde.kate"),
        ("app-gnome-org.gnome.Software@autostart.service", "org.gnome.Software"),
        ("app-org.example.app.service", "org.example.app"),
        ("app-org.kde.slice/app-gnome-code-1.scope/deeper", "code"),
        ("gnome-launched-code.desktop-4242.scope", "code"),
        ("snap.firefox.firefox-0f8fad5b-d9cb-469f-a165-70867728950e.scope", "firefox_firefox"),
        ("snap.lxd.lxc.0f8fad5b-d9cb-469f-a165-70867728950e.scope", "lxd_lxc"),
    ] {
        assert_eq!(started(&format!("{USER}/{unit}")).map(|found| found.id).as_deref(), Some(id), "{unit}");
    }
    for path in [
        "/system.slice/app-backend.service".to_owned(),
        format!("{USER}/app-1.scope/x"),
        format!("{USER}/app-a-b-c-1.scope"),
        format!("{USER}/app-.service"),
        format!("{USER}/app.scope"),
        format!("{USER}/application-x-1.scope"),
        format!("{USER}/snap.firefox.firefox-1234.scope"),
        format!("{USER}/snap.firefox.hook.configure-0f8fad5b-d9cb-469f-a165-70867728950e.scope"),
        format!("{USER}/vte-spawn-0f8fad5b-d9cb-469f-a165-70867728950e.scope"),
        USER.to_owned(),
    ] {
        assert_eq!(started(&path), None, "{path}");
    }
    assert_eq!(unescaped("a\\x2db\\xc3\\xa9"), "a-bé");
    assert_eq!(
        (unescaped("a\\xzz"), unescaped("a\\xff"), unescaped("a\\x")),
        ("a\\xzz".into(), "a\\xff".into(), "a\\x".into())
    );
}

fn entry(name: &str, rest: &str) -> String {
    format!(
        "# made\n[Desktop Entry]\nType=Application\nName={name}\nName[de]=Andere\n{rest}\n[Desktop Action x]\nName=Wrong\n"
    )
}

fn named(facts: &Facts, files: &[(&str, &str)]) -> Option<String> {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    desktop::name(facts, &mut books(&root, files)).map(|found| found.name.into())
}

#[test]
fn an_id_is_looked_up_and_stands_for_itself_where_there_is_no_entry() {
    let facts = within(&format!("{USER}/app-gnome-google\\x2dchrome-4242.scope"));
    let chrome = entry("Google Chrome", "Exec=/usr/bin/google-chrome-stable %U");
    let file = "usr/share/applications/google-chrome.desktop";
    assert_eq!(named(&facts, &[(file, &chrome)]).as_deref(), Some("Google Chrome"));
    let local = ("usr/local/share/applications/google-chrome.desktop", &*entry("Ours", ""));
    assert_eq!(named(&facts, &[(file, &chrome), local]).as_deref(), Some("Ours"));
    assert_eq!(named(&facts, &[]).as_deref(), Some("google-chrome"));
    assert_eq!(named(&facts, &[(file, "no entry")]).as_deref(), Some("google-chrome"));
    let snap = within(&format!("{USER}/snap.firefox.firefox-0f8fad5b-d9cb-469f-a165-70867728950e.scope"));
    assert_eq!(named(&snap, &[]).as_deref(), Some("firefox"));
    let files = [("var/lib/snapd/desktop/applications/firefox_firefox.desktop", &*entry("Firefox Web Browser", ""))];
    assert_eq!(named(&snap, &files).as_deref(), Some("Firefox Web Browser"));
}

#[test]
fn what_is_typed_into_a_terminal_is_not_the_terminal() {
    let facts = within(&format!("{USER}/app-org.kde.konsole-4242.scope"));
    let konsole = entry("Konsole", "Exec=konsole\nCategories=Qt;KDE;System;TerminalEmulator;");
    let files = [("usr/share/applications/org.kde.konsole.desktop", &*konsole), ("usr/bin/konsole", "")];
    assert_eq!(named(&facts, &files), None);
    let facts = Facts { executable: Some("/usr/bin/konsole".into()), ..facts };
    assert_eq!(named(&facts, &files).as_deref(), Some("Konsole"));
}

#[test]
fn an_entry_names_the_program_that_it_starts_and_no_other() {
    let of = |exec: &str| entry("Thing", exec);
    for (exec, executable, is_named) in [
        ("Exec=/usr/bin/thing %U", "/usr/bin/thing", true),
        ("Exec=thing", "/usr/bin/thing", true),
        ("Exec=\"/usr/bin/thing\" --new %F", "/usr/bin/thing", true),
        ("TryExec=/usr/bin/thing", "/usr/bin/thing", true),
        ("Exec=thing --mode game.cfg", "/usr/bin/thing", false),
        ("Exec=thing", "/opt/thing", false),
        ("Exec=python3 %F", "/usr/bin/python3", false),
        ("Exec=env A=1 thing", "/usr/bin/env", false),
        ("Exec=thing\nHidden=true", "/usr/bin/thing", false),
        ("Exec=thing\nType=Link", "/usr/bin/thing", false),
    ] {
        let files = [
            ("usr/share/applications/thing.desktop", &*of(exec)),
            ("usr/bin/thing", ""),
            ("usr/bin/python3", ""),
            ("usr/bin/env", ""),
        ];
        let found = named(&running(executable, &[]), &files);
        assert_eq!(found.as_deref(), is_named.then_some("Thing"), "{exec} {executable}");
    }
}

#[test]
fn entries_that_share_a_program_must_agree() {
    let file = |name: &str| format!("usr/share/applications/{name}.desktop");
    let parts = [("writer", "Writer", "Exec=office --writer"), ("calc", "Calc", "Exec=office --calc")]
        .map(|(id, name, exec)| (file(id), entry(name, exec)));
    let mut files: Vec<(&str, &str)> = parts.iter().map(|(path, text)| (&**path, &**text)).collect();
    files.push(("usr/bin/office", ""));
    let office = running("/usr/bin/office", &[]);
    assert_eq!(named(&office, &files), None);
    let (path, whole) = (file("office"), entry("Office", "Exec=office %U"));
    files.push((&path, &whole));
    assert_eq!(named(&office, &files).as_deref(), Some("Office"));
}

#[test]
fn a_bundle_is_the_outermost() {
    let name = |path: &str| bundle::name(&running(path, &[])).map(|found| found.name.into_string());
    for (path, expected) in [
        ("/Applications/Foo.app/Contents/MacOS/foo", Some("Foo")),
        (
            "/Applications/Foo Bar.app/Contents/Frameworks/Foo Bar Helper (Renderer).app/Contents/MacOS/Foo Bar Helper (Renderer)",
            Some("Foo Bar"),
        ),
        ("/Users/me/Applications/v1.2.app/Contents/MacOS/x", Some("v1.2")),
        ("/Applications/Phone.app/Wrapper/Phone.app/Phone", Some("Phone")),
        ("/srv/my.app/bin/server", None),
        ("/srv/my.app/x/Foo.app/Contents/MacOS/foo", Some("Foo")),
        ("/.app/Contents/MacOS/x", None),
        ("/usr/bin/foo.app", None),
        ("/usr/sbin/sshd", None),
    ] {
        assert_eq!(name(path).as_deref(), expected, "{path}");
    }
}
