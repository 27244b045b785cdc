//! A view on a terminal.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::AsRawFd as _,
    process::{Child, Command},
    sync::{Arc, Mutex},
};

use nix::{
    libc,
    pty::{Winsize, openpty},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::daemon::wait_for;

fn size(rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 }
}

/// A program on a terminal of 120 columns.
pub struct Screen {
    child: Child,
    master: File,
    /// Whatever it has written since it was last waited for.
    pub drawn: Arc<Mutex<String>>,
    rows: u16,
}

impl Screen {
    pub fn start(mut command: Command) -> Self {
        let terminal = openpty(&size(24), None).expect("a terminal");
        let (slave, master) = (File::from(terminal.slave), File::from(terminal.master));
        command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8");
        let end = || slave.try_clone().expect("a descriptor");
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("watcher starts");
        // Reading must end when the child does: it and nobody else may hold the terminal.
        drop((command, slave));
        let drawn = Arc::new(Mutex::new(String::new()));
        std::thread::spawn({
            let (drawn, mut master) = (drawn.clone(), master.try_clone().expect("a descriptor"));
            move || {
                let mut buffer = [0; 1 << 16];
                while let Ok(n @ 1..) = master.read(&mut buffer) {
                    drawn.lock().expect("no panic").push_str(&String::from_utf8_lossy(&buffer[..n]));
                }
            }
        });
        Self { child, master, drawn, rows: 24 }
    }

    /// Waits until that has been drawn anew, whole.
    pub fn wait_for(&mut self, text: &str) {
        self.drawn.lock().expect("no panic").clear();
        wait_for(text, || {
            // Only what has changed is drawn; on a terminal of another size everything is.
            self.rows = if self.rows == 24 { 25 } else { 24 };
            // SAFETY: the descriptor is open, and the structure is what TIOCSWINSZ takes.
            unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &size(self.rows)) };
            kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGWINCH).expect("a signal");
            std::thread::sleep(std::time::Duration::from_millis(100));
            let ended = self.child.try_wait().expect("a child");
            let drawn = strip(&self.drawn.lock().expect("no panic"));
            assert!(ended.is_none(), "{ended:?}: {drawn}");
            drawn.contains(text).then_some(())
        });
    }

    /// Presses a key that ends it.
    pub fn press(mut self, key: &str) -> Option<i32> {
        self.master.write_all(key.as_bytes()).expect("a key");
        wait_for("its end", || self.child.try_wait().expect("a child")).code()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Without escape sequences. Spaces are not drawn on an empty screen: the cursor goes past them.
fn strip(drawn: &str) -> String {
    let mut text = String::new();
    let mut chars = drawn.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            text.push(c);
        } else if chars.next() == Some('[') {
            let moves = chars.by_ref().find(char::is_ascii_alphabetic) == Some('H');
            text.extend(moves.then_some(' '));
        }
    }
    text
}
