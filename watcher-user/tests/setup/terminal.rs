//! Questions on a terminal: what is shown before the one about uploads is real, and nothing is sent or written before
//! the last answer.

use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{WATCHER, alone};

/// Answers come when something is asked; the end of what is said is printed.
const TERMINAL: &str = "
import os, pty, select, sys
answers = eval(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
said = b''
while True:
    try:
        more = os.read(fd, 4096)
    except OSError:
        break
    if not more:
        break
    said += more
    if said.endswith(b'] ') and answers:
        os.write(fd, answers.pop(0).encode() + b'\\n')
        said += b'<'
sys.stdout.write(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

fn on_a_terminal(answers: &str, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("python3");
    command.args(["-c", TERMINAL, answers, WATCHER]).args(args).stdin(Stdio::null());
    let out = command.output().expect("python3 starts");
    (out.status.code(), String::from_utf8_lossy(&out.stdout).replace('\r', "") + &String::from_utf8_lossy(&out.stderr))
}

#[test]
fn a_real_sample_stands_before_the_question_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    // Whoever connects here was sent something.
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    endpoint.set_nonblocking(true).unwrap();
    let url = format!("http://{}/reports", endpoint.local_addr().unwrap());
    fs::create_dir_all(dir.path().join("etc/watcher")).unwrap();
    fs::write(dir.path().join("etc/watcher/config.toml"), format!("[upload]\nenabled = false\nurl = \"{url}\"\n"))
        .unwrap();
    // Traffic of this process, so that there is some.
    let alone = alone();
    let busy = std::thread::spawn(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for _ in 0..60 {
            let mut one = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            std::io::Write::write_all(&mut one, &[1; 1000]).unwrap();
            drop(one);
            listener.accept().unwrap().0.read_to_end(&mut Vec::new()).unwrap();
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let (code, said) = on_a_terminal("['y', '', 'full', 'n']", &["setup", "--root", root]);
    busy.join().unwrap();
    drop(alone);
    assert_eq!(code, Some(0), "{said}");
    let (sample, rest) = said.split_once("Nothing of this was sent.").unwrap_or_else(|| panic!("{said}"));
    assert!(sample.contains(&format!("POST {url}\n")) && sample.contains("machine_id: "), "{sample}");
    let body = &sample[sample.find("\n{\n").expect("an object")..=sample.rfind("\n}\n").expect("its end") + 2];
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!((&body["schema_version"], &body["collector"]["backend"]), (&1.into(), &"ebpf".into()));
    assert!(body["summary"]["loopback_tx_bytes"].as_u64().unwrap() >= 1000, "{body}");
    assert!(!body["machine"]["hardware"]["memory"]["total_gb"].is_null() && body["processes"][0]["name"].is_string());
    let questions = [
        "Upload one such report every 15 minutes? [y/N] <",
        "Where to? [http",
        "or none? [name] <",
        "Tell the name of this machine? [Y/n] <",
    ];
    for question in questions {
        assert!(rest.contains(question), "{question} is not in {rest}");
    }
    let config = fs::read_to_string(dir.path().join("etc/watcher/config.toml")).unwrap();
    assert_eq!(
        config,
        format!("[upload]\nenabled = true\nurl = \"{url}\"\n\n[privacy]\nhostname = false\ncommands = \"full\"\n")
    );
    assert!(endpoint.accept().is_err(), "nobody was sent anything");
    assert!(!dir.path().join("var").exists(), "no identity was made");
}

#[test]
fn who_hangs_up_has_changed_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // Control-D.
    let (code, said) = on_a_terminal("['\\x04']", &["setup", "--root", dir.path().to_str().unwrap()]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the input ended; nothing was changed"), "{said}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let (code, said) = on_a_terminal("['n']", &["uninstall", "--root", dir.path().to_str().unwrap()]);
    assert_eq!((code, said.ends_with("Nothing was removed.\n")), (Some(0), true), "{said}");
}
