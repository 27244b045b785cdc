//! What the configuration means, and what its errors say.

use std::{collections::HashMap, ffi::OsString, path::Path, time::Duration};

use watcher_core::rollup::Commands;

use super::{Config, DEFAULT_URL, Mode, Surroundings, keys::KEYS, state_directory, template};

const PATH: &str = "/etc/watcher/config.toml";

fn text(text: &str) -> Result<Config, String> {
    Config::defaults(Mode::Normal).text(Path::new(PATH), text).map_err(|error| error.to_string())
}

fn environment(config: Config, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables: HashMap<&str, OsString> = variables.iter().map(|(name, value)| (*name, value.into())).collect();
    config.environment(|name| variables.get(name).cloned()).map_err(|error| error.to_string())
}

fn from_environment(variables: &[(&str, &str)]) -> Result<Config, String> {
    environment(Config::defaults(Mode::Normal), variables)
}

#[test]
fn the_default_file_says_the_defaults() {
    let defaults = Config::defaults(Mode::Normal);
    assert_eq!(text(&template()).unwrap(), defaults);
    // And so it does with every default written out.
    let mut all = String::new();
    for line in template().lines() {
        let setting = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
        let key = setting.and_then(|setting| setting.split(' ').next());
        let has_default = |short: &str| KEYS.iter().any(|key| key.short() == short && key.default.is_some());
        all.push_str(setting.filter(|_| key.is_some_and(has_default)).unwrap_or(line));
        all.push('\n');
    }
    let mut written = text(&all).unwrap();
    assert_eq!(written.upload.destination(), None);
    written.upload.enabled = None;
    assert_eq!(written, defaults);
}

#[test]
fn every_example_is_accepted() {
    for key in KEYS {
        for value in [Some(key.example), key.default].into_iter().flatten() {
            let said = format!("[{}]\n{} = {value}\n", key.section(), key.short());
            assert!(text(&said).is_ok(), "{said} {:?}", text(&said));
        }
        assert!(!key.about.is_empty() && key.about.iter().all(|line| line.len() <= 118));
    }
}

#[test]
fn a_file_can_say_everything() {
    let config = text(
        "[upload]\nurl = \"http://127.0.0.1:8080/x\"\ninterval = \"1h30m\"\ntimeout = \"500ms\"\ngzip = true\n\
         token_file = \"/t\"\nca_file = \"/c\"\n[privacy]\ncommands = \"none\"\nhostname = false\n\
         exclude.processes = [\"a*\"]\nexclude.networks = [\"10.0.0.0/8\", \"::ffff:192.0.2.1\"]\n\
         [privacy.exclude]\n",
    );
    // A table cannot be opened twice: that is TOML's rule, and told as such.
    assert!(config.unwrap_err().starts_with("/etc/watcher/config.toml:"));
    let config = text(
        "[upload]\nurl = \"http://127.0.0.1:8080/x\"\ninterval = \"1h30m\"\ntimeout = \"500ms\"\ngzip = true\n\
         token_file = \"/t\"\nca_file = \"/c\"\n[privacy]\ncommands = \"none\"\nhostname = false\n\
         [privacy.exclude]\nprocesses = [\"a*\"]\ndomains = [\"corp.example\"]\n\
         networks = [\"10.0.0.0/8\", \"::ffff:192.0.2.1\"]\n[collect]\nsample_interval = \"1s\"\nlist_loopback = true\n\
         [names]\npassive = false\nptr = false\ngeo = [\"/a.mmdb\", \"/b.mmdb\"]\n[paths]\nstate = \"/s\"\n",
    )
    .unwrap();
    assert_eq!(config.upload.destination(), Some("http://127.0.0.1:8080/x"));
    assert_eq!(
        (config.upload.interval, config.upload.timeout),
        (Duration::from_secs(5_400), Duration::from_millis(500))
    );
    assert_eq!((config.privacy.commands, config.privacy.hostname), (Commands::None, false));
    let exclude = &config.privacy.exclude;
    assert_eq!((exclude.processes.len(), exclude.domains.len()), (1, 1));
    assert!(exclude.networks[1].contains(&"192.0.2.1".parse::<std::net::IpAddr>().unwrap()));
    assert_eq!((config.collect.sample_interval.as_secs(), config.collect.list_loopback), (1, true));
    assert_eq!((config.names.ptr, config.names.geo), (false, vec!["/a.mmdb".into(), "/b.mmdb".into()]));
    assert_eq!((config.names.passive, config.paths.state.unwrap().to_str()), (false, Some("/s")));
}

#[test]
fn a_wrong_file_is_told_by_line_and_key_and_what_was_expected() {
    let duration = "expected a duration from \"1s\" to \"1d\", such as \"15m\", found";
    let cases = [
        ("[upload]\n\ninterval = 15\n", format!("3: upload.interval: {duration} the integer 15")),
        ("upload.interval = \"soon\"", format!("1: upload.interval: {duration} \"soon\"")),
        ("[upload]\ninterval = \"0s\"", format!("2: upload.interval: {duration} \"0s\"")),
        ("[upload]\nintervall = \"1m\"", "2: upload.intervall: no such key; did you mean upload.interval?".into()),
        ("\ninterval = \"1m\"", "2: interval: no such key; did you mean upload.interval?".into()),
        ("[uplaod]\ngzip = true", "1: uplaod: no such key; did you mean upload?".into()),
        (
            "[names]\ngeo = [\"a.mmdb\"]",
            "2: names.geo: expected an array of absolute paths such as [\"/var/lib/GeoIP/GeoLite2-Country.mmdb\"], found \
             an array: \"a.mmdb\" is not absolute"
                .into(),
        ),
        ("[upload]\nqwertz = 1", "2: upload.qwertz: no such key".into()),
        ("[upload]\ngzip = \"yes\"", "2: upload.gzip: expected true or false, found \"yes\"".into()),
        ("upload = true", "1: upload: expected a table, found true".into()),
        ("[privacy]\ncommands = \"all\"", "2: privacy.commands: expected \"full\", \"name\" or \"none\", found \"all\"".into()),
        (
            "[privacy.exclude]\nnetworks = [\n  \"10.0.0.0/33\",\n]",
            "2: privacy.exclude.networks: expected an array of networks such as [\"10.0.0.0/8\", \"2001:db8::1\"], found an \
             array: \"10.0.0.0/33\" is no network"
                .into(),
        ),
        (
            "[upload]\nurl = \"https://me:secret@host/\"",
            "2: upload.url: expected a URL such as \"https://host/path\", found a URL with a name or a password in it: a URL must not \
             hold a password; see token_file"
                .into(),
        ),
        ("[upload]\nurl = \"ftp://x\"", "2: upload.url: expected a URL such as \"https://host/path\", found \"ftp://x\"".into()),
        ("[paths]\nstate = \"x\"", "2: paths.state: expected an absolute path such as \"/var/lib/watcher\", found \"x\"".into()),
    ];
    for (said, wanted) in cases {
        assert_eq!(text(said).unwrap_err(), format!("{PATH}:{wanted}"), "{said}");
    }
    let broken = text("[upload]\ngzip = = true\n").unwrap_err();
    assert!(broken.starts_with("/etc/watcher/config.toml:2: "), "{broken}");
}

#[test]
fn upload_is_off_until_somebody_opts_in() {
    assert_eq!(text("").unwrap().upload.destination(), None);
    assert_eq!(text("upload.enabled = true").unwrap().upload.destination(), Some(DEFAULT_URL));
    let named = "upload.url = \"https://x/\"";
    assert_eq!(text(named).unwrap().upload.destination(), Some("https://x/"));
    let off = text("upload.enabled = false\nupload.url = \"https://x/\"").unwrap();
    assert_eq!((off.upload.destination(), off.upload.configured_url()), (None, "https://x/"));
    let url = ("DIALTONE_WATCHER_UPLOAD_URL", "https://y/");
    assert_eq!(environment(off.clone(), &[url]).unwrap().upload.destination(), Some("https://y/"));
    for veto in ["1", "true", "yes", "YES"] {
        let veto = ("DIALTONE_WATCHER_DISABLE_UPLOAD", veto);
        assert_eq!(environment(text(named).unwrap(), &[url, veto]).unwrap().upload.destination(), None);
    }
    let no_veto = ("DIALTONE_WATCHER_DISABLE_UPLOAD", "0");
    assert_eq!(from_environment(&[url, no_veto]).unwrap().upload.destination(), Some("https://y/"));
}

#[test]
fn the_environment_overrides_the_file_and_flags_override_both() {
    let config = text("upload.interval = \"1m\"\nupload.timeout = \"1s\"\npaths.state = \"/file\"").unwrap();
    let variables = [
        ("DIALTONE_WATCHER_UPLOAD_INTERVAL", "2m"),
        ("DIALTONE_WATCHER_UPLOAD_TIMEOUT", "3s"),
        ("DIALTONE_WATCHER_HOME", "/home/x"),
        ("DIALTONE_WATCHER_UPLOAD_TOKEN", "t0ken"),
    ];
    let config = environment(config, &variables).unwrap();
    assert_eq!((config.upload.interval.as_secs(), config.upload.timeout.as_secs()), (120, 3));
    assert_eq!(config.paths.state.as_deref(), Some(Path::new("/home/x")));
    assert_eq!(config.upload.token.as_ref().unwrap().reveal(), "t0ken");
    assert!(!format!("{config:?}").contains("t0ken"));
    let config = config.flag("--interval", "upload.interval", "4m").unwrap();
    assert_eq!(config.upload.interval.as_secs(), 240);
    let error = config.clone().flag("--interval", "upload.interval", "4").unwrap_err().to_string();
    assert!(error.starts_with("--interval: expected a duration"), "{error}");
    let listed = config.flag("--exclude", "privacy.exclude.domains", "a.example, b.example").unwrap();
    assert_eq!(listed.privacy.exclude.domains.len(), 2);
}

#[test]
fn a_variable_that_does_not_parse_is_named() {
    let cases = [
        ("DIALTONE_WATCHER_UPLOAD_INTERVAL", "15"),
        ("DIALTONE_WATCHER_UPLOAD_INTERVAL", ""),
        ("DIALTONE_WATCHER_UPLOAD_TIMEOUT", "never"),
        ("DIALTONE_WATCHER_UPLOAD_URL", ""),
        ("DIALTONE_WATCHER_UPLOAD_URL", "host"),
        ("DIALTONE_WATCHER_DISABLE_UPLOAD", "maybe"),
        ("DIALTONE_WATCHER_HOME", "relative"),
        ("DIALTONE_WATCHER_UPLOAD_TOKEN", "two words"),
    ];
    for (name, value) in cases {
        let error = from_environment(&[(name, value)]).unwrap_err();
        assert!(error.starts_with(&format!("{name}: expected ")), "{error}");
        assert!(!error.contains("two words"));
    }
    let not_text = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
    let odd = Config::defaults(Mode::Normal)
        .environment(|name| (name == "DIALTONE_WATCHER_HOME").then(|| OsString::clone(&not_text)));
    assert!(odd.unwrap_err().to_string().starts_with("DIALTONE_WATCHER_HOME: expected text"));
}

#[test]
fn test_mode_has_short_windows_unless_told_otherwise() {
    let test = || Config::defaults(Mode::Test);
    assert_eq!((test().upload.interval.as_secs(), Config::defaults(Mode::Normal).upload.interval.as_secs()), (15, 900));
    let told = environment(test(), &[("DIALTONE_WATCHER_UPLOAD_INTERVAL", "1m")]).unwrap();
    assert_eq!(told.upload.interval.as_secs(), 60);
}

#[test]
fn a_file_that_is_missing_matters_only_when_it_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let defaults = || Config::defaults(Mode::Normal);
    assert_eq!(defaults().file(&path, false).unwrap(), defaults());
    let error = defaults().file(&path, true).unwrap_err();
    assert_eq!(error.to_string(), format!("reading {}", path.display()));
    std::fs::write(&path, template()).unwrap();
    assert_eq!(defaults().file(&path, true).unwrap(), defaults());
}

#[test]
fn state_is_kept_where_it_belongs() {
    let user = Surroundings { is_root: false, home: Some("/home/me".into()), xdg_state_home: None };
    let root = Surroundings { is_root: true, ..user.clone() };
    let xdg = Surroundings { xdg_state_home: Some("/xdg".into()), ..user.clone() };
    let relative = Surroundings { xdg_state_home: Some("xdg".into()), ..user.clone() };
    let of = |named: Option<&str>, around| state_directory(named.map(Path::new), around).unwrap();
    assert_eq!(of(Some("/named"), &root), Path::new("/named"));
    assert_eq!(of(None, &root), Path::new("/var/lib/watcher"));
    if cfg!(target_os = "macos") {
        assert_eq!(of(None, &user), Path::new("/home/me/Library/Application Support/watcher"));
    } else {
        assert_eq!(of(None, &user), Path::new("/home/me/.local/state/watcher"));
        assert_eq!(of(None, &relative), Path::new("/home/me/.local/state/watcher"));
        assert_eq!(of(None, &xdg), Path::new("/xdg/watcher"));
    }
    let nobody = Surroundings::default();
    assert!(state_directory(None, &nobody).unwrap_err().to_string().contains("DIALTONE_WATCHER_HOME"));
}
