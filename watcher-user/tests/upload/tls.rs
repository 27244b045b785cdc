//! TLS with an authority of the test's own, in a process that finds it where the system's would be.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::Trial;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use crate::async_trial;
use crate::child::Orders;
use crate::endpoint::Endpoint;
use crate::proxy::Proxy;

pub fn trials() -> Vec<Trial> {
    vec![
        async_trial("an_endpoint_that_the_system_trusts_gets_the_windows", trusted),
        async_trial("an_endpoint_that_nobody_vouches_for_gets_nothing", untrusted),
        async_trial("a_proxy_from_the_environment_tunnels_and_sees_nothing", tunnelled),
    ]
}

/// A certificate authority, and a server at localhost that it vouches for.
struct Authority {
    pem: String,
    acceptor: TlsAcceptor,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        let server_key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let server = server.signed_by(&server_key, &issuer).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![server.der().clone()], PrivateKeyDer::Pkcs8(server_key.serialize_der().into()));
        Self { pem, acceptor: TlsAcceptor::from(Arc::new(config.expect("a server"))) }
    }
}

/// Two windows from a process with this environment; what it says at the end.
async fn send(spool: &Path, url: String, environment: &[(&str, &str)]) -> serde_json::Value {
    let orders = Orders { spool: spool.to_owned(), url, windows: 2, die_before_step: None };
    let mut process = orders.start(environment);
    let said = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        process.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
        assert!(process.wait().expect("a child ends").success());
        said
    });
    let said = said.await.expect("waiting does not panic");
    serde_json::from_str(said.lines().last().expect("a pass")).expect("JSON")
}

async fn trusted() {
    let (authority, dir) = (Authority::new(), TempDir::new().expect("a directory"));
    let roots = dir.path().join("roots.pem");
    std::fs::write(&roots, &authority.pem).expect("a file");
    let endpoint = Endpoint::start_tls(authority.acceptor).await;
    let pass = send(dir.path(), endpoint.url(), &[("SSL_CERT_FILE", roots.to_str().expect("text"))]).await;
    assert_eq!((pass["waiting"].as_u64(), pass["failure"].as_str()), (Some(0), None));
    assert_eq!(endpoint.taken().len(), 2);
    assert!(endpoint.requests().iter().all(|request| request.connection == 0));
}

async fn untrusted() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let dir = TempDir::new().expect("a directory");
    let roots = dir.path().join("roots.pem");
    std::fs::write(&roots, &stranger.pem).expect("a file");
    let endpoint = Endpoint::start_tls(authority.acceptor).await;
    let pass = send(dir.path(), endpoint.url(), &[("SSL_CERT_FILE", roots.to_str().expect("text"))]).await;
    let failure = pass["failure"].as_str().expect("a failure");
    assert!(failure.contains("invalid peer certificate"), "{failure}");
    assert_eq!(pass["waiting"], 2);
    assert!(endpoint.requests().is_empty());
}

async fn tunnelled() {
    let (authority, dir) = (Authority::new(), TempDir::new().expect("a directory"));
    let roots = dir.path().join("roots.pem");
    std::fs::write(&roots, &authority.pem).expect("a file");
    let endpoint = Endpoint::start_tls(authority.acceptor).await;
    let proxy = Proxy::to(endpoint.address).await;
    let environment = [
        ("SSL_CERT_FILE", roots.to_str().expect("text")),
        ("https_proxy", &format!("http://me:secret@{}", proxy.address)),
        ("NO_PROXY", "example.com"),
    ];
    let pass = send(dir.path(), "https://localhost:1/api".to_owned(), &environment).await;
    assert_eq!((pass["waiting"].as_u64(), pass["failure"].as_str()), (Some(0), None));
    assert_eq!(endpoint.taken().len(), 2);
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, "CONNECT localhost:1 HTTP/1.1");
    assert!(asked[0].1.contains(&("proxy-authorization".to_owned(), "Basic bWU6c2VjcmV0".to_owned())));
    assert!(endpoint.requests().iter().all(|request| request.header("proxy-authorization").is_none()));
}
