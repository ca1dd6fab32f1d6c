//! Where the database is, and how much is asked of it.

use std::fmt;
use std::path::PathBuf;

use recommender_core::Error;
use serde::Deserialize;

use super::url;
use crate::error::Result;

/// How a connection is protected on its way. Nothing between "not at all" and "the server has proved who it is" is
/// offered: whoever can read a connection can also answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Not encrypted.
    Disable,
    /// Encrypted; the certificate of the server comes from a known authority, for whatever name.
    VerifyCa,
    /// Encrypted; the certificate of the server comes from a known authority, and is for the host of the url. `require`
    /// means the same.
    #[serde(alias = "require")]
    VerifyFull,
}

/// Settings of a [`PostgresEngine`](super::PostgresEngine).
///
/// | setting | what it is | default | range |
/// |---|---|---|---|
/// | `url` | where the database is, as `postgresql://user@host:port/database` or as `host=… user=…` | none | not empty |
/// | `password_file` | a file whose first line is the password, so that it stands in no configuration | none | |
/// | `sslmode` | how a connection is protected | `verify-full`; `disable` if every host is a local socket or a loopback address and `ca_file` is not set | [`SslMode`] |
/// | `ca_file` | certificates, in PEM, of the authorities that servers are known by | those of the system | |
/// | `certificate_file`, `key_file` | certificate and key, in PEM, by which the server knows this client | none | both or neither |
/// | `schema` | schema that holds the tables; it is made if it is not there | `recommender` | `[a-z_][a-z0-9_]*`, at most 63 bytes |
/// | `buckets` | parts of the event log, by visitor; fixed when the schema is made. What is forgotten is rewritten by parts: some 100,000 events each keep a part busy for a fifth of a second | 64 | 1 to 1,024 |
/// | `connections` | connections for reading at once; streams and the writer have their own | 4 | 1 to 256 |
/// | `connect_timeout_ms` | how long a connection may take to be made | 2,000 | 10 to 60,000 |
/// | `statement_timeout_ms` | how long a read may take, and how long it may wait for a connection | 5,000 | 10 to 3,600,000 |
/// | `write_patience_ms` | how long a write is tried again while the database is away | 30,000 | 10 to 3,600,000 |
/// | `max_waiting` | batches that may wait to be written | 10,000 | 1 to 10,000,000 |
/// | `max_waiting_bytes` | bytes that may wait to be written | 64 MiB | 1 MiB to 16 GiB |
/// | `max_group` | events and facts that are written in one transaction, unless one batch has more | 5,000 | 1 to 100,000 |
///
/// Words of the url stand for settings, and count more than those: `schema`, `password_file`, `sslmode`, `sslrootcert`
/// (`ca_file`), `sslcert` (`certificate_file`) and `sslkey` (`key_file`), as in
/// `postgresql://shop@db.example/shop?sslrootcert=/etc/shop/ca.pem&password_file=/run/secrets/db`.
/// PostgreSQL does not encrypt local sockets; `sslmode=prefer` is refused, as it protects from nobody.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresConfig {
    /// Where the database is.
    pub url: String,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// How a connection is protected; by where the hosts are, if absent.
    pub sslmode: Option<SslMode>,
    /// Certificates of the authorities that servers are known by.
    pub ca_file: Option<PathBuf>,
    /// Certificate by which the server knows this client.
    pub certificate_file: Option<PathBuf>,
    /// The key to it.
    pub key_file: Option<PathBuf>,
    /// Schema that holds the tables.
    pub schema: String,
    /// Parts of the event log, when the schema is made.
    pub buckets: u16,
    /// Connections for reading at once.
    pub connections: usize,
    /// Milliseconds a connection may take to be made.
    pub connect_timeout_ms: u64,
    /// Milliseconds a read may take.
    pub statement_timeout_ms: u64,
    /// Milliseconds a write is tried again while the database is away.
    pub write_patience_ms: u64,
    /// Batches that may wait to be written.
    pub max_waiting: usize,
    /// Bytes that may wait to be written.
    pub max_waiting_bytes: usize,
    /// Events and facts that are written in one transaction.
    pub max_group: usize,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            password_file: None,
            sslmode: None,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            schema: "recommender".into(),
            buckets: 64,
            connections: 4,
            connect_timeout_ms: 2_000,
            statement_timeout_ms: 5_000,
            write_patience_ms: 30_000,
            max_waiting: 10_000,
            max_waiting_bytes: 64 << 20,
            max_group: 5_000,
        }
    }
}

impl PostgresConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Config`] naming the setting, its range and what was found.
    pub fn validate(&self) -> Result<()> {
        if self.url.is_empty() {
            return Err(Error::config("url", "where the database is", "nothing").into());
        }
        if self.certificate_file.is_some() != self.key_file.is_some() {
            let expected = "certificate_file and key_file, or neither";
            return Err(Error::config("key_file", expected, "one of them").into());
        }
        let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let digit = self.schema.starts_with(|c: char| c.is_ascii_digit());
        let fits = (1..=63).contains(&self.schema.len()) && !digit;
        if !fits || !self.schema.chars().all(name) {
            let expected = "1 to 63 of a-z, 0-9 and _, not beginning with a digit";
            return Err(Error::config("schema", expected, &self.schema).into());
        }
        within("buckets", self.buckets.into(), 1, 1_024)?;
        within("connections", self.connections as u64, 1, 256)?;
        within("connect_timeout_ms", self.connect_timeout_ms, 10, 60_000)?;
        within(
            "statement_timeout_ms",
            self.statement_timeout_ms,
            10,
            3_600_000,
        )?;
        within("write_patience_ms", self.write_patience_ms, 10, 3_600_000)?;
        within("max_waiting", self.max_waiting as u64, 1, 10_000_000)?;
        let bytes = self.max_waiting_bytes as u64;
        within("max_waiting_bytes", bytes, 1 << 20, 16 << 30)?;
        within("max_group", self.max_group as u64, 1, 100_000)
    }
}

impl PostgresConfig {
    /// The same with the words of the url as settings, checked.
    pub(super) fn resolved(&self) -> Result<Self> {
        let parts = url::parts(&self.url)?;
        let mut config = Self {
            url: parts.rest,
            ..self.clone()
        };
        for (word, value) in parts.words {
            match word {
                "sslmode" => config.sslmode = Some(sslmode(&value)?),
                "sslrootcert" => config.ca_file = Some(value.into()),
                "sslcert" => config.certificate_file = Some(value.into()),
                "sslkey" => config.key_file = Some(value.into()),
                "password_file" => config.password_file = Some(value.into()),
                _ => config.schema = value,
            }
        }
        config.validate()?;
        Ok(config)
    }
}

fn sslmode(name: &str) -> Result<SslMode> {
    match name {
        "disable" => Ok(SslMode::Disable),
        "verify-ca" => Ok(SslMode::VerifyCa),
        "require" | "verify-full" => Ok(SslMode::VerifyFull),
        _ => {
            let expected = "disable, require, verify-ca or verify-full";
            Err(Error::config("sslmode", expected, name).into())
        }
    }
}

fn within(field: &str, found: u64, least: u64, most: u64) -> Result<()> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(Error::config(field, format!("{least} to {most}"), found).into())
}

impl fmt::Debug for PostgresConfig {
    /// Leaves the url out: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_held_to_its_range() {
        let good = PostgresConfig {
            url: "postgresql://user:secret@host/db".into(),
            ..PostgresConfig::default()
        };
        good.validate().unwrap();
        assert!(!format!("{good:?}").contains("secret"));
        type Spoil = fn(&mut PostgresConfig);
        let spoils: [(&str, Spoil); 12] = [
            ("url", |config| config.url.clear()),
            ("key_file", |config| config.key_file = Some("key".into())),
            ("sslmode", |config| config.url += "?sslmode=prefer"),
            ("schema", |config| config.schema = "a\"; DROP".into()),
            ("schema", |config| config.schema = "1a".into()),
            ("buckets", |config| config.buckets = 0),
            ("connections", |config| config.connections = 0),
            ("connect_timeout_ms", |config| config.connect_timeout_ms = 0),
            ("statement_timeout_ms", |config| {
                config.statement_timeout_ms = 0
            }),
            ("write_patience_ms", |config| config.write_patience_ms = 0),
            ("max_waiting", |config| config.max_waiting = 0),
            ("max_group", |config| config.max_group = 0),
        ];
        for (field, spoil) in spoils {
            let mut config = good.clone();
            spoil(&mut config);
            let said = config.resolved().unwrap_err().to_string();
            assert!(said.contains(field), "{said}");
        }
    }

    #[test]
    fn words_of_the_url_are_settings() {
        let config = PostgresConfig {
            url: "postgres://u@h/d?schema=shop&sslmode=require&sslcert=a&sslkey=b&sslrootcert=c"
                .into(),
            ..PostgresConfig::default()
        };
        let expected = PostgresConfig {
            url: "postgres://u@h/d".into(),
            schema: "shop".into(),
            sslmode: Some(SslMode::VerifyFull),
            certificate_file: Some("a".into()),
            key_file: Some("b".into()),
            ca_file: Some("c".into()),
            ..PostgresConfig::default()
        };
        assert!(config.resolved().unwrap() == expected);
        assert!(expected.resolved().unwrap() == expected);
    }
}
