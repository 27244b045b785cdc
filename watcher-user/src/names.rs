//! User and service names for numbers. Read once, at start.

use std::collections::HashMap;

/// What is known by name on this machine.
#[derive(Debug, Clone, Default)]
pub struct Names {
    users: HashMap<u32, String>,
    services: HashMap<u16, String>,
}

impl Names {
    /// From `/etc/passwd` and `/etc/services`; what cannot be read stays a number.
    #[must_use]
    pub fn load() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self { users: users(&read("/etc/passwd")), services: services(&read("/etc/services")) }
    }
    /// From the text of the two files.
    #[must_use]
    pub fn parse(passwd: &str, services_file: &str) -> Self {
        Self { users: users(passwd), services: services(services_file) }
    }
    /// The name of a user.
    #[must_use]
    pub fn user(&self, uid: u32) -> Option<&str> {
        self.users.get(&uid).map(String::as_str)
    }
    /// The name of a port.
    #[must_use]
    pub fn service(&self, port: u16) -> Option<&str> {
        self.services.get(&port).map(String::as_str)
    }
}

fn users(passwd: &str) -> HashMap<u32, String> {
    let mut users = HashMap::new();
    for line in passwd.lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(uid)) = (fields.next(), fields.nth(1).and_then(|uid| uid.parse().ok())) else { continue };
        users.entry(uid).or_insert_with(|| name.to_owned());
    }
    users
}

fn services(file: &str) -> HashMap<u16, String> {
    let mut services = HashMap::new();
    for line in file.lines() {
        let mut fields = line.split('#').next().unwrap_or_default().split_whitespace();
        let (Some(name), Some(port)) = (fields.next(), fields.next()) else { continue };
        let Some(port) = port.split('/').next().and_then(|port| port.parse().ok()) else { continue };
        services.entry(port).or_insert_with(|| name.to_owned());
    }
    services
}
