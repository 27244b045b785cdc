//! The parts of a row that these tests look at (docs/json.md), and what a test expects of them.

use serde::Deserialize;

/// One line of `watcher top --json`.
#[derive(Debug, Deserialize)]
pub struct Object {
    pub exact: bool,
    pub processes: Vec<Process>,
    pub connections: Vec<Row>,
}

#[derive(Debug, Deserialize)]
pub struct Process {
    pub pid: u32,
    pub exited: bool,
}

/// A connection.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    pub pid: u32,
    pub protocol: String,
    pub local: String,
    pub remote: Option<String>,
    pub remote_name: Option<String>,
    pub name_source: Option<String>,
    pub served_name: Option<String>,
    pub application_protocol: Option<String>,
    pub tls: Option<Tls>,
    pub closed: Option<String>,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub cookie: u64,
    pub epoch: u32,
    pub netns: Option<u64>,
}

/// Its handshake.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Tls {
    pub offered: Option<String>,
    pub chosen: Option<String>,
    pub alpn: Vec<String>,
    pub alpn_chosen: Option<String>,
    pub ech: bool,
    pub issuer: Option<String>,
}

impl Tls {
    /// What was offered, what was chosen, and the protocols that were offered.
    pub fn new(offered: &str, chosen: &str, alpn: &[&str]) -> Self {
        let version = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let alpn = alpn.iter().map(|&name| name.to_owned()).collect();
        Self { offered: version(offered), chosen: version(chosen), alpn, ..Self::default() }
    }
}

/// What is known of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The remote's name and how it is known.
    pub name: Option<(String, String)>,
    pub served: Option<String>,
    pub speaks: Option<String>,
    pub tls: Option<Tls>,
}

impl Known {
    /// The side that asked for `name`.
    pub fn asked(name: &str, source: &str) -> Self {
        Self { name: Some((name.to_owned(), source.to_owned())), ..Self::default() }
    }

    /// The side that was asked for `name`.
    pub fn served(name: &str) -> Self {
        Self { served: Some(name.to_owned()), ..Self::default() }
    }

    pub fn speaks(self, protocol: &str) -> Self {
        Self { speaks: Some(protocol.to_owned()), ..self }
    }

    pub fn tls(self, tls: &Tls) -> Self {
        Self { tls: Some(tls.clone()), ..self }
    }
}

impl Row {
    /// What is known of it.
    pub fn known(&self) -> Known {
        Known {
            name: self.remote_name.clone().map(|name| (name, self.name_source.clone().unwrap_or_default())),
            served: self.served_name.clone(),
            speaks: self.application_protocol.clone(),
            tls: self.tls.clone(),
        }
    }

    /// The port of an end.
    pub fn port(end: &str) -> Option<u16> {
        end.parse().ok().map(|end: std::net::SocketAddr| end.port())
    }
}
