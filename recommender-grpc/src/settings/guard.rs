//! Settings of what stands around the services: who may call, how much is taken at once, what operators see.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::settings::{RawSettings, keys};

/// Who may call, and how connections are kept private.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecuritySettings {
    /// Certificates of this server; none where connections are not encrypted.
    pub tls: Option<TlsSettings>,
    /// The file that says who may do what; without one everybody may do everything.
    pub credentials_file: Option<PathBuf>,
    /// Where administrative calls and those about persons are written down, besides the log.
    pub audit_file: Option<PathBuf>,
    /// Whether the contract may be asked for by reflection without credentials.
    pub open_reflection: bool,
    /// Whether to listen where others can reach the port, though there are no certificates or no credentials.
    pub insecure_listen_beyond_loopback: bool,
    /// Whether to tell figures where others can reach the port: it knows neither certificates nor credentials.
    pub insecure_metrics_beyond_loopback: bool,
    /// Origins whose pages may call from a browser, such as `https://shop.example`; `*` is any.
    pub cors_origins: Vec<String>,
    /// How often certificates and credentials are looked at for changes.
    pub reload_interval: Duration,
}

/// The files with the certificates of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The server's certificate and those between it and its root, as PEM.
    pub certificate_file: PathBuf,
    /// The key of the certificate, as PEM.
    pub key_file: PathBuf,
    /// Roots of the certificates of clients, as PEM; without them clients are not asked for any.
    pub client_ca_file: Option<PathBuf>,
    /// Whether a client may come without a certificate, to show other credentials.
    pub client_certificates: ClientCertificates,
}

/// Whether a client must show a certificate, where there are roots to check it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// No connection without one.
    Required,
    /// One that is shown is checked.
    Optional,
}

/// How much is taken at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResilienceSettings {
    /// Most connections; those beyond are closed at once.
    pub max_connections: usize,
    /// Most calls under way, over all connections.
    pub max_concurrent_calls: usize,
    /// How long calls may wait for a worker for a while before some are turned away.
    pub max_queue_delay: Duration,
    /// How many calls one caller may make; none is no bound.
    pub quota: Option<CallerQuota>,
    /// How long a client may take to say its first word, encryption included.
    pub handshake_timeout: Duration,
    /// How long a connection may be silent before its client is asked whether it is still there.
    pub keepalive_interval: Duration,
    /// How long the client may take to answer that.
    pub keepalive_timeout: Duration,
}

/// How many calls one caller may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerQuota {
    /// Calls a second, in the long run.
    pub calls_per_second: NonZeroU32,
    /// Calls at once, after a rest.
    pub burst: NonZeroU32,
}

/// What operators see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// Where figures and probes are told by HTTP; none is nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Where traces are sent, by OTLP over gRPC, such as `http://127.0.0.1:4317`; none is nowhere.
    pub otlp_endpoint: Option<String>,
    /// Of a thousand calls whose callers do not trace, how many are traced.
    pub traces_per_thousand: u32,
    /// How a program that logs for this server should write.
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl RawSettings {
    pub(crate) fn security(&mut self) -> SecuritySettings {
        SecuritySettings {
            tls: self.tls(),
            credentials_file: self.path(keys::CREDENTIALS_FILE),
            audit_file: self.path(keys::AUDIT_FILE),
            open_reflection: self.flag(keys::OPEN_REFLECTION),
            insecure_listen_beyond_loopback: self.flag(keys::INSECURE_LISTEN),
            insecure_metrics_beyond_loopback: self.flag(keys::INSECURE_METRICS),
            cors_origins: self.texts(keys::CORS_ORIGINS),
            reload_interval: self.millis(keys::RELOAD_INTERVAL, 10..=3_600_000, 5000),
        }
    }

    fn tls(&mut self) -> Option<TlsSettings> {
        let said = self.said.get(keys::TLS_CERTIFICATE_FILE).cloned();
        let said = said.or_else(|| self.said.get(keys::TLS_KEY_FILE).cloned());
        let said = said.or_else(|| self.said.get(keys::TLS_CLIENT_CA_FILE).cloned());
        let certificate_file = self.path(keys::TLS_CERTIFICATE_FILE);
        let key_file = self.path(keys::TLS_KEY_FILE);
        let client_ca_file = self.path(keys::TLS_CLIENT_CA_FILE);
        let words = [
            ("required", ClientCertificates::Required),
            ("optional", ClientCertificates::Optional),
        ];
        let client_certificates = self.choice(keys::TLS_CLIENT_CERTIFICATES, &words);
        if let (Some(certificate_file), Some(key_file)) = (&certificate_file, &key_file) {
            return Some(TlsSettings {
                certificate_file: certificate_file.clone(),
                key_file: key_file.clone(),
                client_ca_file,
                client_certificates,
            });
        }
        if let Some(said) = said {
            let expected = "both tls_certificate_file and tls_key_file";
            self.problem(&said.origin, keys::TLS_KEY_FILE, expected, &"one alone");
        }
        None
    }

    pub(crate) fn resilience(&mut self) -> ResilienceSettings {
        let hour = 3_600_000;
        let rate = self.number(keys::CALLS_PER_SECOND, 0..=u32::MAX, 0);
        let burst = self.number(keys::CALL_BURST, 1..=u32::MAX, rate.max(1));
        let quota = NonZeroU32::new(rate).zip(NonZeroU32::new(burst));
        ResilienceSettings {
            max_connections: self.number(keys::MAX_CONNECTIONS, 1..=1_000_000, 20_000),
            max_concurrent_calls: self.number(keys::MAX_CONCURRENT_CALLS, 1..=1_000_000, 4096),
            max_queue_delay: self.millis(keys::MAX_QUEUE_DELAY, 1..=hour, 25),
            quota: quota.map(|(calls_per_second, burst)| CallerQuota {
                calls_per_second,
                burst,
            }),
            handshake_timeout: self.millis(keys::HANDSHAKE_TIMEOUT, 10..=hour, 10_000),
            keepalive_interval: self.millis(keys::KEEPALIVE_INTERVAL, 10..=hour, 60_000),
            keepalive_timeout: self.millis(keys::KEEPALIVE_TIMEOUT, 10..=hour, 20_000),
        }
    }

    pub(crate) fn telemetry(&mut self) -> TelemetrySettings {
        let words = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        TelemetrySettings {
            metrics_listen: self.metrics_listen(),
            otlp_endpoint: self.text(keys::OTLP_ENDPOINT),
            traces_per_thousand: self.number(keys::TRACES_PER_THOUSAND, 0..=1000, 10),
            log_format: self.choice(keys::LOG_FORMAT, &words),
        }
    }

    /// An address, or a port of this machine alone.
    fn metrics_listen(&mut self) -> Option<SocketAddr> {
        let said = self.said.remove(keys::METRICS_LISTEN)?;
        let text = said.value.as_str().map(str::to_owned);
        let text = text.or_else(|| said.value.as_integer().map(|port| port.to_string()))?;
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let port = text.parse().map(|port| SocketAddr::new(loopback, port));
        let address = text.parse().ok().or(port.ok());
        if address.is_none() {
            let expected = "an address and a port such as \"127.0.0.1:9464\", or a port";
            self.wrong(keys::METRICS_LISTEN, expected, &said);
        }
        address
    }

    fn flag(&mut self, key: &str) -> bool {
        let Some(said) = self.said.remove(key) else {
            return false;
        };
        let written = said.value.as_str().and_then(|text| text.parse().ok());
        let flag = said.value.as_bool().or(written);
        if flag.is_none() {
            self.wrong(key, "true or false", &said);
        }
        flag.unwrap_or_default()
    }

    /// Texts: a list in a file, with commas between them elsewhere.
    fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(said) = self.said.remove(key) else {
            return Vec::new();
        };
        if let Some(text) = said.value.as_str() {
            let texts = text.split(',').map(|text| text.trim().to_owned());
            return texts.filter(|text| !text.is_empty()).collect();
        }
        let listed = said.value.as_array().and_then(|list| {
            let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>()
        });
        if listed.is_none() {
            self.wrong(key, "a list of texts", &said);
        }
        listed.unwrap_or_default()
    }

    /// One of a few words; the first where nothing was said.
    fn choice<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> T {
        let usual = words[0].1;
        let Some(said) = self.said.remove(key) else {
            return usual;
        };
        let found = said.value.as_str();
        let chosen = words.iter().find(|(word, _)| found == Some(word));
        if chosen.is_none() {
            let known: Vec<_> = words
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            self.wrong(key, &known.join(" or "), &said);
        }
        chosen.map_or(usual, |(_, value)| *value)
    }
}
