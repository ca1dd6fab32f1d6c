//! Making connections, and saying what went wrong with them.

use std::collections::HashMap;
use std::error::Error as _;
use std::fs;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use postgres::config::Host;
use postgres::error::SqlState;
use postgres::{Client, NoTls, Statement};
use recommender_core::Error;

use super::config::{PostgresConfig, SslMode};
use super::tls::Tls;
use super::url::EXPECTED;
use crate::error::{Result, StoreError};

/// The first pause after a connection could not be made; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Makes connections to one schema.
pub(super) struct Connector {
    config: postgres::Config,
    /// What encrypts, unless connections are plain.
    tls: Option<Tls>,
    schema: String,
    /// What the database is called in messages: without user and password.
    place: String,
    statement_timeout: Duration,
    gate: Mutex<Option<Closed>>,
}

/// No connection is tried for a while, so that callers are told at once.
struct Closed {
    until: Instant,
    pause: Duration,
    reason: String,
}

impl Connector {
    pub(super) fn new(settings: &PostgresConfig) -> Result<Self> {
        let mut config = parse(settings)?;
        let tls = Tls::new(settings, mode_of(settings, &config))?;
        config.ssl_mode(match tls {
            Some(_) => postgres::config::SslMode::Require,
            None => postgres::config::SslMode::Disable,
        });
        Ok(Self {
            tls,
            place: format!("PostgreSQL {}, schema {}", hosts(&config), settings.schema),
            config,
            schema: settings.schema.clone(),
            statement_timeout: Duration::from_millis(settings.statement_timeout_ms),
            gate: Mutex::new(None),
        })
    }

    /// The schema that holds the tables.
    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// What the database is called in messages.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// A connection whose statements may take as long as reads may.
    pub(super) fn connect(&self) -> Result<Session> {
        self.connect_for(self.statement_timeout)
    }

    /// A connection whose statements may take `longest`, or any time if that is zero.
    pub(super) fn connect_for(&self, longest: Duration) -> Result<Session> {
        if let Some(closed) = &*self.gate()
            && Instant::now() < closed.until
        {
            return Err(self.unavailable(&closed.reason));
        }
        let made = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        let made = made.and_then(|mut client| self.set_up(&mut client, longest).map(|()| client));
        match made {
            Ok(client) => {
                *self.gate() = None;
                Ok(Session::new(client))
            }
            Err(error) => {
                self.close(described(&error));
                Err(self.failed(&error))
            }
        }
    }

    /// Settings that the promises of the engine rest on, whatever the server's own are.
    fn set_up(&self, client: &mut Client, longest: Duration) -> Result<(), postgres::Error> {
        let (schema, longest) = (&self.schema, longest.as_millis());
        client.batch_execute(&format!(
            "SET search_path TO {schema};
             SET statement_timeout TO {longest};
             SET default_transaction_isolation TO 'read committed';
             SET client_min_messages TO warning;
             SET jit TO off;
             SELECT set_config('synchronous_commit', 'on', false)
             WHERE current_setting('synchronous_commit') = 'off';"
        ))
    }

    fn gate(&self) -> MutexGuard<'_, Option<Closed>> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, reason: String) {
        let mut gate = self.gate();
        let pause = gate.as_ref().map_or(FIRST_PAUSE, |closed| closed.pause * 2);
        let pause = pause.min(LONGEST_PAUSE);
        let until = Instant::now() + pause;
        *gate = Some(Closed {
            until,
            pause,
            reason,
        });
    }

    /// What is told of an error of the database.
    pub(super) fn failed(&self, error: &postgres::Error) -> StoreError {
        let reason = described(error);
        let damaged = [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED];
        match error.code() {
            Some(&SqlState::DISK_FULL) => StoreError::Full {
                path: self.place.clone().into(),
                reason,
            },
            Some(code) if damaged.contains(code) => StoreError::damaged(&self.place, reason),
            _ => self.unavailable(&reason),
        }
    }

    /// Says that the database does not answer.
    pub(super) fn unavailable(&self, reason: &str) -> StoreError {
        StoreError::Unavailable {
            what: self.place.clone(),
            reason: reason.into(),
        }
    }
}

/// A connection with what was prepared on it.
pub(super) struct Session {
    client: Client,
    prepared: HashMap<String, Statement>,
}

impl Session {
    fn new(client: Client) -> Self {
        Self {
            client,
            prepared: HashMap::new(),
        }
    }

    /// The connection.
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// The connection and a statement, prepared when it is first asked for.
    pub(super) fn prepared(
        &mut self,
        sql: &str,
    ) -> Result<(&mut Client, Statement), postgres::Error> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok((&mut self.client, statement.clone()));
        }
        let statement = self.client.prepare(sql)?;
        self.prepared.insert(sql.into(), statement.clone());
        Ok((&mut self.client, statement))
    }
}

/// Whether the same may succeed on another connection, or a moment later.
pub(super) fn is_passing(error: &postgres::Error) -> bool {
    let Some(code) = error.code() else {
        return true;
    };
    let passing = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::QUERY_CANCELED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    passing.contains(code) || code.code().starts_with("08")
}

/// Whether the connection is of no use any more.
pub(super) fn is_lost(error: &postgres::Error, client: &Client) -> bool {
    let ended = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
    ];
    client.is_closed() || error.code().is_none_or(|code| ended.contains(code))
}

/// The error with its causes.
pub(super) fn described(error: &postgres::Error) -> String {
    let Some(of_server) = error.as_db_error() else {
        let cause = error.source().map(|cause| format!(": {cause}"));
        return format!("{error}{}", cause.unwrap_or_default());
    };
    format!("{} ({})", of_server.message(), of_server.code().code())
}

fn parse(settings: &PostgresConfig) -> Result<postgres::Config> {
    let parsed: Result<postgres::Config, _> = settings.url.parse();
    let mut config = parsed.map_err(|error| Error::config("url", EXPECTED, shown(&error)))?;
    if config.get_hosts().iter().any(has_at) {
        let expected = "%40 for each @ within user and password";
        return Err(Error::config("url", expected, "more than one @").into());
    }
    if let Some(path) = &settings.password_file {
        let text = fs::read_to_string(path).map_err(|error| StoreError::io(path, error))?;
        config.password(text.lines().next().unwrap_or_default());
    }
    let timeout = Duration::from_millis(settings.connect_timeout_ms);
    config.connect_timeout(timeout);
    config.application_name("recommender");
    // A server that is gone without a word is noticed after about ten seconds.
    config.tcp_user_timeout(Duration::from_secs(10));
    config.keepalives_idle(Duration::from_secs(5));
    config.keepalives_interval(Duration::from_secs(2));
    Ok(config)
}

/// What of an error in a url may be shown: the url may hold a password, and be cut in the wrong place.
fn shown(error: &postgres::Error) -> String {
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    match said {
        said if said.starts_with("invalid value for option") => said,
        said if said.starts_with("unknown option") => "an option that is not known".into(),
        _ => "what can't be read as such".into(),
    }
}

/// Whether a host holds what must be the end of a password.
fn has_at(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name.contains('@'),
        #[cfg(unix)]
        Host::Unix(_) => false,
    }
}

/// How connections are protected.
fn mode_of(settings: &PostgresConfig, config: &postgres::Config) -> SslMode {
    match settings.sslmode {
        Some(mode) => mode,
        None if settings.ca_file.is_none() && is_local(config) => SslMode::Disable,
        None => SslMode::VerifyFull,
    }
}

/// Whether no connection leaves this machine.
fn is_local(config: &postgres::Config) -> bool {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().all(IpAddr::is_loopback);
    }
    let is_loopback = |name: &str| {
        name.parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
    };
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || is_loopback(name),
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

fn hosts(config: &postgres::Config) -> String {
    let name = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    };
    let names: Vec<String> = config.get_hosts().iter().map(name).collect();
    let database = config.get_dbname().or(config.get_user());
    format!("{}/{}", names.join(","), database.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_it_shall_not_be() {
        for (url, is_plain) in [
            ("host=/run/postgresql user=a", true),
            ("postgresql://a@localhost/b", true),
            ("postgresql://a@127.0.0.1,[::1]/b", true),
            ("postgresql://a@localhost/b?hostaddr=10.0.0.1", false),
            ("postgresql://a@db.example/b?sslmode=disable", true),
            ("postgresql://a@localhost,db.example/b", false),
            ("postgresql://a@localhost/b?sslmode=require", false),
        ] {
            let config = PostgresConfig {
                url: url.into(),
                ..PostgresConfig::default()
            };
            let config = config.resolved().unwrap();
            let mode = mode_of(&config, &parse(&config).unwrap());
            assert_eq!(mode == SslMode::Disable, is_plain, "{url}");
        }
    }

    #[test]
    fn no_part_of_a_url_is_shown_that_may_be_of_a_password() {
        for url in [
            "postgresql://ann:my@secret@localhost/shop",
            "postgresql://ann:secret@localhost:secret/shop",
            "postgresql://localhost/shop?user=ann&password=my&secret=1",
            "postgresql://localhost/shop?password=my&secret",
            "host=localhost password=my secret=1",
        ] {
            let config = PostgresConfig {
                url: url.into(),
                ..PostgresConfig::default()
            };
            let answer = config.resolved().and_then(|config| Connector::new(&config));
            let said = answer.err().unwrap().to_string();
            assert!(said.contains("url") && !said.contains("secret"), "{said}");
        }
    }
}
