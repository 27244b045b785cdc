//! Names of ports.

use std::collections::HashMap;

/// Where names of ports are kept.
const FILE: &str = "/etc/services";

/// Names of ports, whatever the protocol.
#[derive(Debug, Clone, Default)]
pub struct Services {
    names: HashMap<u16, Box<str>>,
}

impl Services {
    /// Those of this machine; none where they cannot be read.
    #[must_use]
    pub fn system() -> Self {
        std::fs::read(FILE).map(|bytes| Self::parse(&String::from_utf8_lossy(&bytes))).unwrap_or_default()
    }

    /// From the text of services(5). The first name of a port stays.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut names = HashMap::new();
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let (Some(name), Some(port)) = (words.next(), words.next()) else { continue };
            let Some(port) = port.split('/').next().and_then(|port| port.parse().ok()) else { continue };
            names.entry(port).or_insert_with(|| name.into());
        }
        Self { names }
    }

    /// The name of a port.
    #[must_use]
    pub fn name(&self, port: u16) -> Option<&str> {
        self.names.get(&port).map(|name| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::Services;

    #[test]
    fn a_port_has_the_first_of_its_names() {
        let text = "# comment\nssh 22/tcp # shell\ndomain\t53/tcp\ndomain 53/udp\nother 53/tcp\nbroken\nbad x/tcp\n";
        let services = Services::parse(text);
        assert_eq!([22, 53, 80].map(|port| services.name(port)), [Some("ssh"), Some("domain"), None]);
    }
}
