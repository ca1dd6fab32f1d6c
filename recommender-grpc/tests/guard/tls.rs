//! Encrypted connections, and clients known by their certificates.

use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tonic::Code;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::shop::{Open, call, shop};

const RECOMMEND: &str = "/recommender.v1.RecommendationService/Recommend";

/// Who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate and its key: for `localhost` under this common name, until the end of a year.
    fn sign(&self, name: &str, last_year: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        if name != "server" {
            params.subject_alt_names.clear();
        }
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = date_time_ymd(last_year, 12, 31);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        (signed.pem(), key.serialize_pem())
    }

    fn write(&self, folder: &Path, last_year: i32) {
        let (certificate, key) = self.sign("server", last_year);
        std::fs::write(folder.join("server.pem"), certificate).unwrap();
        std::fs::write(folder.join("server.key"), key).unwrap();
        std::fs::write(folder.join("ca.pem"), &self.pem).unwrap();
    }
}

const SERVER: &str = "tls_certificate_file = 'server.pem'\ntls_key_file = 'server.key'\n\
                      reload_interval_ms = 10\n";

async fn connect(open: &Open, tls: ClientTlsConfig) -> Result<Channel, tonic::transport::Error> {
    let uri = format!("https://localhost:{}", open.address.port());
    let endpoint = Endpoint::from_shared(uri)?.tls_config(tls)?;
    endpoint
        .connect_timeout(Duration::from_secs(5))
        .connect()
        .await
}

fn trusting(authority: &Authority) -> ClientTlsConfig {
    ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&authority.pem))
        .domain_name("localhost")
}

async fn code(channel: &Channel) -> Code {
    let called = call(channel, RECOMMEND, MetadataMap::new()).await;
    called.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test]
async fn an_expired_certificate_is_renewed_in_place() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.write(folder.path(), 2020);
    let open = Open::with(shop(SERVER, folder.path())).await;
    assert!(connect(&open, trusting(&authority)).await.is_err());
    authority.write(folder.path(), 2090);
    let channel = loop {
        if let Ok(channel) = connect(&open, trusting(&authority)).await {
            break channel;
        }
    };
    assert_eq!(code(&channel).await, Code::InvalidArgument);
    // What can't be used changes nothing, for those who come and for those who are there.
    std::fs::write(folder.path().join("server.key"), "no key").unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(connect(&open, trusting(&authority)).await.is_ok());
    assert_eq!(code(&channel).await, Code::InvalidArgument);
}

#[tokio::test]
async fn a_connection_in_the_clear_is_no_connection() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.write(folder.path(), 2090);
    let open = Open::with(shop(SERVER, folder.path())).await;
    let endpoint = Endpoint::from_shared(format!("http://{}", open.address)).unwrap();
    if let Ok(channel) = endpoint.connect().await {
        let called = call(&channel, RECOMMEND, MetadataMap::new()).await;
        assert_eq!(called.unwrap_err().code(), Code::Unknown);
    }
    assert!(connect(&open, trusting(&authority)).await.is_ok());
}

async fn mutual(folder: &TempDir, authority: &Authority, more: &str) -> Open {
    authority.write(folder.path(), 2090);
    let known = "[[certificates]]\nname = 'till-7'\nroles = ['read']\n\
                 [[certificates]]\nname = 'stock'\nroles = ['manage_catalogue']\n";
    std::fs::write(folder.path().join("credentials.toml"), known).unwrap();
    let settings = format!(
        "{SERVER}tls_client_ca_file = 'ca.pem'\ncredentials_file = 'credentials.toml'\n{more}"
    );
    Open::with(shop(&settings, folder.path())).await
}

#[tokio::test]
async fn a_client_is_known_by_her_certificate_and_has_its_roles() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let open = mutual(&folder, &authority, "").await;
    for (name, expected) in [
        ("till-7", Code::InvalidArgument),
        ("stock", Code::PermissionDenied),
        ("till-8", Code::Unauthenticated),
    ] {
        let (certificate, key) = authority.sign(name, 2090);
        let tls = trusting(&authority).identity(Identity::from_pem(certificate, key));
        let channel = connect(&open, tls).await.unwrap();
        assert_eq!(code(&channel).await, expected, "{name}");
    }
}

/// Whether a client with this certificate, if any, is let in at all.
async fn is_let_in(open: &Open, tls: ClientTlsConfig) -> bool {
    match connect(open, tls).await {
        Err(_) => false,
        // With TLS 1.3 a client learns that she was refused only from the first answer.
        Ok(channel) => {
            let mut grpc = tonic::client::Grpc::new(channel.clone());
            grpc.ready().await.is_ok()
                && !matches!(code(&channel).await, Code::Unknown | Code::Unavailable)
        }
    }
}

#[tokio::test]
async fn without_a_good_certificate_there_is_no_connection_where_one_is_required() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let required = mutual(&folder, &authority, "").await;
    assert!(!is_let_in(&required, trusting(&authority)).await);
    for (signer, last_year) in [(&Authority::new(), 2090), (&authority, 2020)] {
        let (certificate, key) = signer.sign("till-7", last_year);
        let tls = trusting(&authority).identity(Identity::from_pem(certificate, key));
        assert!(!is_let_in(&required, tls).await, "{last_year}");
    }
    let optional = "tls_client_certificates = 'optional'";
    let optional = mutual(&folder, &authority, optional).await;
    let channel = connect(&optional, trusting(&authority)).await.unwrap();
    assert_eq!(code(&channel).await, Code::Unauthenticated);
}
