//! Certificates of the server and of its clients.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::error::ServeError;
use crate::security::Watched;
use crate::security::certificate;
use crate::security::reload::Files;
use crate::settings::{ClientCertificates, TlsSettings};

/// How connections are encrypted at the moment.
#[derive(Debug)]
pub(crate) struct Encryption {
    pub(crate) config: Arc<ServerConfig>,
    /// When the server's certificate ends, in seconds since 1970.
    pub(crate) certificate_ends: Option<i64>,
}

/// Reads the files of `settings`, now and when they change.
///
/// # Errors
/// [`ServeError::File`], with the file and what is wrong with it.
pub(crate) fn open(settings: &TlsSettings) -> Result<Watched<Encryption>, ServeError> {
    let settings = settings.clone();
    Watched::open("the certificates", move |files| read(&settings, files))
}

fn read(settings: &TlsSettings, files: &mut Files) -> Result<Encryption, String> {
    let chain = files.read(&settings.certificate_file)?;
    let file = settings.certificate_file.display();
    let chain = certificates(&chain).map_err(|error| format!("{file}: {error}"))?;
    let key = files.read(&settings.key_file)?;
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|_| format!("{}: expected a PEM key", settings.key_file.display()))?;
    let certificate_ends = chain.first().and_then(|first| certificate::ends(first));
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &settings.client_ca_file {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let roots = files.read(file)?;
            let verifier = verifier(&roots, settings.client_certificates);
            let verifier = verifier.map_err(|error| format!("{}: {error}", file.display()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| format!("{file}: {error}"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Encryption {
        config: Arc::new(config),
        certificate_ends,
    })
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err("expected PEM certificates, found none".to_owned()),
        Err(error) => Err(format!("expected PEM certificates: {error}")),
    }
}

fn verifier(
    pem: &[u8],
    clients: ClientCertificates,
) -> Result<Arc<dyn tokio_rustls::rustls::server::danger::ClientCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for root in certificates(pem)? {
        roots.add(root).map_err(|error| error.to_string())?;
    }
    let provider = Arc::new(default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match clients {
        ClientCertificates::Required => builder,
        ClientCertificates::Optional => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|error| error.to_string())
}
