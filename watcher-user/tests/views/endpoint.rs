//! Who takes rollups.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use serde_json::Value;

/// Takes rollups, or only connections.
pub struct Endpoint {
    pub address: String,
    pub bodies: Arc<Mutex<Vec<Value>>>,
}

impl Endpoint {
    pub fn start(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/rollups", listener.local_addr().expect("an address"));
        let bodies = Arc::new(Mutex::new(Vec::new()));
        std::thread::spawn({
            let bodies = bodies.clone();
            move || {
                let mut silent = Vec::new();
                for stream in listener.incoming().map_while(Result::ok) {
                    if answers {
                        let bodies = bodies.clone();
                        std::thread::spawn(move || take_all(stream, &bodies));
                    } else {
                        silent.push(stream);
                    }
                }
            }
        });
        Self { address, bodies }
    }

    /// What each process sent according to all windows, each `upload_id` once.
    pub fn sent_by_process(&self) -> BTreeMap<u64, u64> {
        let bodies = self.bodies.lock().expect("no panic");
        let windows: BTreeMap<&str, &Value> =
            bodies.iter().map(|body| (body["upload_id"].as_str().expect("an id"), body)).collect();
        let mut sent = BTreeMap::new();
        for process in windows.values().flat_map(|body| body["processes"].as_array().expect("a list")) {
            *sent.entry(process["pid"].as_u64().expect("a pid")).or_default() +=
                process["tx_bytes"].as_u64().expect("a count");
        }
        sent
    }
}

fn take_all(stream: TcpStream, bodies: &Mutex<Vec<Value>>) {
    let mut write = stream.try_clone().expect("a socket");
    let mut read = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while read.read_line(&mut line).is_ok_and(|n| n > 0) && line.trim() != "" {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            line.clear();
        }
        let mut body = vec![0; length];
        if length == 0 || read.read_exact(&mut body).is_err() {
            return;
        }
        bodies.lock().expect("no panic").push(serde_json::from_slice(&body).expect("JSON"));
        if write.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}
