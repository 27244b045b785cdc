//! Whom the system asks for names.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
};
use resolv_conf::ScopedIp;
use thiserror::Error;

use super::reverse::PATIENCE;

/// Where the system says whom it asks.
const FILE: &str = "/etc/resolv.conf";
/// As many as the C library asks (resolv.conf(5), MAXNS).
const MAX_SERVERS: usize = 3;
const PORT: u16 = 53;

/// Names of addresses cannot be asked for.
#[derive(Debug, Error)]
pub enum Unavailable {
    /// There is no saying whom to ask.
    #[error("reading {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody is named whom one could ask.
    #[error("{} names no server that can be asked", path.display())]
    NoServers {
        /// The file.
        path: PathBuf,
    },
    /// The resolver cannot be made.
    #[error("setting up the resolver")]
    Resolver(#[from] NetError),
    /// Its thread or runtime cannot be started.
    #[error("starting the thread of the resolver")]
    Thread(#[source] io::Error),
}

/// Where it is said whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolvers {
    /// In a file in the form of resolv.conf(5). It is read before questions are asked: it changes with the network.
    File(PathBuf),
    /// Here.
    These(Vec<SocketAddr>),
}

impl Default for Resolvers {
    /// The system's own.
    fn default() -> Self {
        Self::File(FILE.into())
    }
}

impl Resolvers {
    /// Those to ask now.
    pub(super) fn servers(&self) -> Result<Vec<SocketAddr>, Unavailable> {
        match self {
            Self::These(servers) => Ok(servers.clone()),
            Self::File(path) => {
                let text = fs::read(path).map_err(|source| Unavailable::Unreadable { path: path.clone(), source })?;
                parse(path, &text)
            }
        }
    }
}

/// Lines that are wrong are passed over, as the C library does. Link-local servers are passed over too: hickory-resolver has
/// no place for the interface that they need.
fn parse(path: &Path, text: &[u8]) -> Result<Vec<SocketAddr>, Unavailable> {
    let (config, _) = resolv_conf::Config::parse_with_errors(text);
    let usable = config.nameservers.iter().filter_map(|server| match server {
        ScopedIp::V4(ip) => Some(SocketAddr::from((*ip, PORT))),
        ScopedIp::V6(ip, scope) if scope.is_none() && !ip.is_unicast_link_local() => {
            Some(SocketAddr::from((*ip, PORT)))
        }
        ScopedIp::V6(..) => None,
    });
    let servers: Vec<_> = usable.take(MAX_SERVERS).collect();
    if servers.is_empty() { Err(Unavailable::NoServers { path: path.to_owned() }) } else { Ok(servers) }
}

/// A resolver that asks these and nobody else.
pub(super) fn resolver(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let config = servers.iter().map(|server| {
        let mut config = NameServerConfig::udp_and_tcp(server.ip());
        config.connections.iter_mut().for_each(|connection| connection.port = server.port());
        config
    });
    // No domain and no search list: an address has one name in the reverse zone.
    let config = ResolverConfig::from_parts(None, Vec::new(), config.collect());
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = PATIENCE;
    options.attempts = 1;
    options.use_hosts_file = ResolveHosts::Never;
    // What came is kept by the policy in core.
    options.cache_size = 0;
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::{Resolvers, Unavailable, parse};

    #[test]
    fn the_system_s_servers_are_asked_as_far_as_they_can_be() {
        let servers = |text: &str| {
            let servers = parse("/r".as_ref(), text.as_bytes()).map_err(|error| error.to_string())?;
            Ok::<_, String>(servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        let none = Err("/r names no server that can be asked".to_owned());
        assert_eq!(servers("search lan\nnameserver 127.0.0.53\noptions edns0\n"), Ok("127.0.0.53:53".to_owned()));
        assert_eq!(servers("# x\nnameserver bad\nnameserver 2001:db8::1\n"), Ok("[2001:db8::1]:53".to_owned()));
        assert_eq!(servers("nameserver fe80::1%eth0\nnameserver fe80::1\n"), none);
        assert_eq!(servers(""), none);
        let many: String = (1..9).map(|n| format!("nameserver 192.0.2.{n}\n")).collect();
        assert_eq!(servers(&many), Ok("192.0.2.1:53 192.0.2.2:53 192.0.2.3:53".to_owned()));
    }

    #[test]
    fn a_file_that_is_not_there_is_a_reason() {
        let error = Resolvers::File("/nowhere/resolv.conf".into()).servers().unwrap_err();
        assert!(matches!(error, Unavailable::Unreadable { .. }));
        assert_eq!(error.to_string(), "reading /nowhere/resolv.conf");
    }
}
