//! An authority of the test's own, and a server that it vouches for.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use crate::scene::Scene;

/// As watcher shows it: organization, common name.
pub const ISSUER: &str = "Scenery, Stage CA";

/// Certificates for names, in memory and in files.
pub struct Certificate {
    /// Of the authority.
    pub authority: PathBuf,
    pub chain: PathBuf,
    pub key: PathBuf,
    root: CertificateDer<'static>,
    der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

impl Certificate {
    /// A server of these names.
    pub fn of(scene: &Scene<'_>, names: &[String]) -> Result<Self> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::OrganizationName, "Scenery");
        params.distinguished_name.push(DnType::CommonName, "Stage CA");
        let key = KeyPair::generate()?;
        let authority = params.self_signed(&key)?;
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate()?;
        let server = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
        Ok(Self {
            authority: scene.file("authority.pem", &authority.pem())?,
            chain: scene.file("chain.pem", &server.pem())?,
            key: scene.file("key.pem", &key.serialize_pem())?,
            root: authority.der().clone(),
            der: server.der().clone(),
            key_der: key.serialize_der(),
        })
    }

    /// A server.
    pub fn server(&self, alpn: &[&str]) -> Result<ServerConfig> {
        let key = PrivateKeyDer::Pkcs8(self.key_der.clone().into());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone()], key)?;
        config.alpn_protocols = protocols(alpn);
        Ok(config)
    }

    /// A client that trusts it.
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion], alpn: &[&str]) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone())?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols(alpn);
        Ok(config)
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn protocols(alpn: &[&str]) -> Vec<Vec<u8>> {
    alpn.iter().map(|name| name.as_bytes().to_vec()).collect()
}
