//! Encrypted connections, and servers that are not the one that was meant.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use recommender_core::Error;
use recommender_store::StoreError;
use recommender_store::postgres::{PostgresConfig, PostgresEngine, SslMode};
use tempfile::TempDir;

use super::PostgresBench;
use super::server::Server;
use crate::bench::{event, recent_ids, write_events};

/// The name in the certificate of the server. No one else has it: connections name its address beside it.
const NAME: &str = "db.example";

/// Signs certificates.
struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self {
            certificate: params.self_signed(&key).unwrap().pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for a name, and its key.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

/// A server with a certificate, and what clients have in their files.
struct Sealed {
    server: Server,
    files: TempDir,
}

impl Sealed {
    fn start(bench: &PostgresBench) -> Self {
        let authority = Authority::new();
        let (certificate, key) = authority.sign(NAME);
        let server = bench.another_server();
        server.encrypt(&certificate, &key, &authority.certificate);
        let files = tempfile::tempdir().unwrap();
        let (certificate, key) = authority.sign("postgres");
        let (_, another_key) = authority.sign("postgres");
        for (name, text) in [
            ("ca.pem", &authority.certificate),
            ("another_ca.pem", &Authority::new().certificate),
            ("client.pem", &certificate),
            ("client.key", &key),
            ("another.key", &another_key),
            ("empty.pem", &String::new()),
        ] {
            fs::write(files.path().join(name), text).unwrap();
        }
        Self { server, files }
    }

    fn file(&self, name: &str) -> String {
        Path::join(self.files.path(), name).display().to_string()
    }

    /// Settings by which the server is found under a name.
    fn config(&self, host: &str, words: &str) -> PostgresConfig {
        let port = self.server.port();
        PostgresConfig {
            url: format!("postgresql://postgres@{host}:{port}/postgres?hostaddr=127.0.0.1&{words}"),
            ..self.server.config()
        }
    }

    /// The same, with the right authority.
    fn trusting(&self, host: &str, words: &str) -> PostgresConfig {
        let ca = self.file("ca.pem");
        self.config(host, &format!("sslrootcert={ca}&{words}"))
    }
}

fn open(config: &PostgresConfig) -> PostgresEngine {
    PostgresEngine::open(config).unwrap()
}

/// Why nothing can be written to the server.
fn refusal(config: &PostgresConfig) -> String {
    match PostgresEngine::open(config) {
        Err(StoreError::Unavailable { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// Which setting is refused.
fn wrong_setting(config: &PostgresConfig) -> String {
    match PostgresEngine::open(config) {
        Err(StoreError::Core(Error::Config(error))) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn a_server_that_proves_its_name_is_written_to(bench: &PostgresBench) {
    let sealed = Sealed::start(bench);
    let by_setting = PostgresConfig {
        ca_file: Some(sealed.file("ca.pem").into()),
        ..sealed.config(NAME, "")
    };
    let by_pairs = PostgresConfig {
        url: format!(
            "host={NAME} hostaddr=127.0.0.1 port={} user=postgres sslmode=require sslrootcert='{}'",
            sealed.server.port(),
            sealed.file("ca.pem")
        ),
        ..by_setting.clone()
    };
    let by_mode = PostgresConfig {
        sslmode: Some(SslMode::VerifyFull),
        ..sealed.trusting(NAME, "")
    };
    for config in [by_setting, by_pairs, by_mode] {
        let engine = open(&config);
        write_events(&engine, vec![event("1", "ann", 5)]);
        assert_eq!(recent_ids(&engine, "ann", 9), ["1"]);
        let sql = "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl
                   JOIN pg_stat_activity USING (pid) WHERE application_name = 'recommender'";
        let row = sealed.server.client(&config).query_one(sql, &[]).unwrap();
        let (all, encrypted): (i64, i64) = (row.get(0), row.get(1));
        assert!(all >= 2 && all == encrypted, "{encrypted} of {all}");
    }
}

pub(crate) fn a_server_that_does_not_is_refused(bench: &PostgresBench) {
    let sealed = Sealed::start(bench);
    let another = sealed.file("another_ca.pem");
    for words in ["verify-full", "require", "verify-ca"] {
        let words = format!("sslmode={words}&sslrootcert={another}");
        let said = refusal(&sealed.config(NAME, &words));
        assert!(said.contains("invalid peer certificate"), "{said}");
    }
    for words in ["sslmode=verify-full", "sslmode=require", ""] {
        let said = refusal(&sealed.trusting("other.example", words));
        assert!(said.contains("not valid for name"), "{said}");
    }
    // An authority that signs for this one server vouches for it under any name.
    let config = sealed.trusting("other.example", "sslmode=verify-ca");
    write_events(&open(&config), vec![event("1", "ann", 5)]);
    let empty = sealed.file("empty.pem");
    let said = wrong_setting(&sealed.config(NAME, &format!("sslrootcert={empty}")));
    assert!(
        said.contains("ca_file") && said.contains("empty.pem"),
        "{said}"
    );
}

pub(crate) fn nothing_is_sent_in_the_clear_unless_asked_for(bench: &PostgresBench) {
    let sealed = Sealed::start(bench);
    let plain = bench.server();
    let ca = sealed.file("ca.pem");
    let config = PostgresConfig {
        url: format!("{}?sslmode=require&sslrootcert={ca}", plain.tcp_url()),
        ..plain.config()
    };
    let said = refusal(&config);
    assert!(said.contains("does not support TLS"), "{said}");
    let socket = PostgresConfig {
        url: format!("{} sslmode=require sslrootcert={ca}", plain.url()),
        ..plain.config()
    };
    let said = refusal(&socket);
    assert!(said.contains("TLS"), "{said}");
    let said = wrong_setting(&sealed.trusting(NAME, "sslmode=prefer"));
    assert!(
        said.contains("sslmode") && said.contains("prefer"),
        "{said}"
    );
    // The server refuses what the client was told to send in the clear.
    let said = refusal(&sealed.config(NAME, "sslmode=disable"));
    assert!(said.contains("no encryption"), "{said}");
    let config = PostgresConfig {
        url: format!("{}?sslmode=disable", plain.tcp_url()),
        ..plain.config()
    };
    write_events(&open(&config), vec![event("1", "ann", 5)]);
}

pub(crate) fn a_server_may_ask_for_a_certificate(bench: &PostgresBench) {
    let sealed = Sealed::start(bench);
    let config = |words: &str| {
        let mut config = sealed.trusting(NAME, words);
        config.url = config.url.replace("/postgres?", "/sealed?");
        config
    };
    let said = refusal(&config(""));
    assert!(said.contains("certificate"), "{said}");
    let words = |key: &str| {
        let (certificate, key) = (sealed.file("client.pem"), sealed.file(key));
        config(&format!("sslcert={certificate}&sslkey={key}"))
    };
    write_events(&open(&words("client.key")), vec![event("1", "ann", 5)]);
    for key in ["another.key", "empty.pem", "client.pem"] {
        let said = wrong_setting(&words(key));
        assert!(said.contains("key_file"), "{said}");
    }
}
