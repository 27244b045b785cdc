//! Interpreters.

use super::{super::rules::script, running};

/// What the command is called, by the words that it was started with.
fn named(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split(' ').collect();
    script::name(&running(&format!("/usr/bin/{}", words[0]), &words)).map(|found| found.name.into())
}

#[test]
fn an_interpreter_goes_by_what_it_runs() {
    for (command, name) in [
        ("python3 app.py", "app.py"),
        ("python3.12 -u /srv/app.py --port 80", "app.py"),
        ("python -m http.server 8000", "http.server"),
        ("python3 -um http.server", "http.server"),
        ("python3 -mhttp.server", "http.server"),
        ("python3 -W ignore -Xdev /opt/x/tool", "tool"),
        ("python3 -bBEs -- odd.py", "odd.py"),
        ("python3 /usr/bin/gunicorn app:app", "gunicorn"),
        ("python3 --check-hash-based-pycs always a.py", "a.py"),
        ("pypy3 a.py", "a.py"),
        ("node server.js", "server.js"),
        ("node --enable-source-maps -r dotenv/config dist/main.js", "main.js"),
        ("node --max-old-space-size=4096 --inspect cli", "cli"),
        ("nodejs --import x.mjs y.mjs", "y.mjs"),
        ("ruby -W0 -I lib bin/rails server", "rails"),
        ("ruby3.2 -Ilib -rset x.rb", "x.rb"),
        ("perl -w -Mstrict -I /x /usr/sbin/munin-node", "munin-node"),
        ("perl5.36.0 -T x.pl", "x.pl"),
        ("bash -eu -o pipefail ./deploy.sh prod", "deploy.sh"),
        ("bash --norc --rcfile /x +x y.sh", "y.sh"),
        ("sh /etc/init.d/foo start", "foo"),
        ("zsh x.zsh", "x.zsh"),
        ("fish -N x.fish", "x.fish"),
        ("php -d memory_limit=1G artisan queue:work", "artisan"),
        ("php -f x.php", "x.php"),
        ("lua5.4 x.lua", "x.lua"),
        ("java -Xmx1g -jar /opt/x.jar --port 1", "x.jar"),
        ("java -cp a.jar:b.jar -Dx=y org.example.Main arg", "org.example.Main"),
        ("java --add-opens java.base/java.lang=ALL-UNNAMED -jar x.jar", "x.jar"),
        ("java -p mods -m app/org.example.Main", "app/org.example.Main"),
        ("java Main.java", "Main.java"),
        ("java a.Main -jar x", "a.Main"),
        ("deno run --allow-net -c deno.json https://example.com/x/serve.ts", "serve.ts"),
        ("deno serve x.ts", "x.ts"),
        ("bun run src/index.ts", "index.ts"),
        ("bun --hot server.ts", "server.ts"),
        ("python3 dir/with.dots/café.py", "café.py"),
    ] {
        assert_eq!(named(command).as_deref(), Some(name), "{command}");
    }
}

#[test]
fn what_is_not_sure_to_be_a_script_is_none() {
    for command in [
        "python3",
        "python3 -c print(1)",
        "python3 -uc print(1)",
        "python3 -",
        "python3 -m",
        "python3 --future-option x.py",
        "python3 -Z x.py",
        "python3 /dev/stdin",
        "python3 /dev/fd/63",
        "python3 /proc/self/fd/3",
        "python3 dir/",
        "python3 .",
        "bash -c sleep 1",
        "bash -lc sleep 1",
        "bash -o pipefail -c x",
        "bash -i",
        "bash -s x.sh",
        "bash -l",
        "sh",
        "node",
        "node -e 1",
        "node -p 1",
        "node --eval 1",
        "node --unknown-option x.js",
        "node inspect x.js",
        "perl -e 1",
        "perl -ne print x.txt",
        "ruby -e 1",
        "php -r 1;",
        "php -S localhost:80 x.php",
        "java",
        "java -version",
        "java @options",
        "java --unknown -jar x.jar",
        "java -cp -jar",
        "java -jar",
        "deno task dev",
        "deno repl",
        "bun run dev",
        "bun install",
        "fish -c ls",
        "env python3 x.py",
        "curl x.py",
        "python-config x.py",
        "php-fpm x.php",
        "pythonista x.py",
    ] {
        assert_eq!(named(command), None, "{command}");
    }
}

#[test]
fn the_executable_says_which_interpreter_not_argument_0() {
    let name = |executable: &str, words: &[&str]| script::name(&running(executable, words)).map(|found| found.name);
    assert_eq!(name("/opt/evil", &["python3", "bank.py"]), None);
    assert_eq!(name("/usr/bin/python3.11", &["gunicorn: master", "x.py"]).as_deref(), Some("x.py"));
    assert_eq!(name("/bin/busybox", &["sh", "/x/y.sh"]).as_deref(), Some("y.sh"));
    assert_eq!(name("/bin/busybox", &["wget", "y.sh"]), None);
    assert_eq!(name("/usr/bin/python3.11 (deleted)", &["python3", "x.py"]).as_deref(), Some("x.py"));
    let mut unknown = running("/x", &["-bash", "x.sh"]);
    unknown.executable = None;
    assert_eq!(script::name(&unknown).map(|found| found.name).as_deref(), Some("x.sh"));
}

#[test]
fn the_evidence_is_the_interpreter_and_the_whole_path() {
    let evidence =
        |words: &[&str]| script::name(&running("/usr/bin/python3", words)).map(|found| found.evidence.into_string());
    assert_eq!(evidence(&["python3", "-u", "/srv/app.py", "secret"]).as_deref(), Some("python3 /srv/app.py"));
    assert_eq!(evidence(&["python3", "-m", "http.server"]).as_deref(), Some("python3 -m http.server"));
}
