//! Settings of a server: what was said in a file and in the environment, and what it comes to.

mod exploration;
mod guard;
mod keys;
mod problem;
mod raw;
mod resolve;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use exploration::MOST_EXPLORED;
pub use exploration::{Exploration, ExplorationPolicy};
pub use guard::{
    CallerQuota, ClientCertificates, LogFormat, ResilienceSettings, SecuritySettings,
    TelemetrySettings, TlsSettings,
};
pub use problem::{SettingProblem, SettingsError};
pub use raw::RawSettings;
pub(crate) use resolve::is_resource_id;

/// Everything a server needs to know before it opens its port, with no option left open.
///
/// In a TOML file the keys below stand at the top; in the environment they are written
/// `RECOMMENDER_MAX_PAGE_SIZE` and so on, and win over the file. A key that does not exist is refused in both.
///
/// | key | default | range |
/// |---|---|---|
/// | `listen` | `127.0.0.1:50051` | address and port; port 0 takes a free one |
/// | `catalog` | `default` | name of the catalogue in resource names |
/// | `serving_configs` | none | table of name = model directory; relative to the file; in the environment `name=directory,…` |
/// | `exploration` | none | in a file: table of the name of a serving config = `{ epsilon = 0.1, max_items = 2 }`, or `softmax_temperature` in place of `epsilon`: what its answers leave to chance, as `ServingConfig.exploration` of the contract says |
/// | `fallback_serving_config` | none | one that answers, marked as degraded, when another fails |
/// | `default_page_size` | 20 | 1 to `max_page_size` |
/// | `max_page_size` | 1,000 | 1 to 100,000 |
/// | `max_exclusions` | 100,000 | 0 to 10,000,000 |
/// | `max_context_products` | 1,000 | 1 to 1,000,000 |
/// | `max_recent_events` | 10,000 | 1 to 1,000,000: products in all recent events |
/// | `max_batch_requests` | 100 | 1 to 10,000 |
/// | `max_message_bytes` | 4,194,304 | 1,024 to 1,073,741,824 |
/// | `max_concurrent_streams` | 256 | 1 to 100,000: calls at once on one connection |
/// | `max_queued_requests` | 256 | 0 to 1,000,000: calls that wait for a worker |
/// | `worker_threads` | the processors | 1 to 1,024 |
/// | `request_timeout_ms` | 5,000 | 1 to 3,600,000: for callers who set no deadline |
/// | `drain_timeout_ms` | 30,000 | 0 to 3,600,000 |
/// | `max_connection_age_ms` | 1,800,000 | 1,000 to 86,400,000: then clients reconnect, and balancers can spread them |
/// | `custom_event_types` | none | names of the operator's own event types that may be written; every model must weigh them; in the environment `name,…` |
/// | `import_directory` | none | directory below which imports of events and products may name files; relative to the file |
/// | `models_directory` | none | where trained models are kept; relative to the file. `recommender serve --data DIR` takes `DIR/models` if none is set |
/// | `training_threads` | half the processors | 1 to 1,024: threads of a training beside serving |
/// | `max_upload_bytes` | 1,073,741,824 | 1,024 to 2^40: largest artefact that `UploadModel` takes |
/// | `tls_certificate_file`, `tls_key_file` | none | PEM; read anew when they change; both or neither |
/// | `tls_client_ca_file` | none | PEM; clients show certificates that these roots signed |
/// | `tls_client_certificates` | `required` | or `optional`: a client may show other credentials instead |
/// | `credentials_file` | none: everybody may do everything | TOML: keys, tokens, certificates and their roles; read anew when it changes |
/// | `insecure_listen_beyond_loopback` | `false` | `true` listens beyond this machine without certificates or without credentials |
/// | `open_reflection` | `false` | `true` answers reflection without credentials |
/// | `audit_file` | none | administrative calls and those about persons, one JSON object a line |
/// | `cors_origins` | none | origins whose pages may call from a browser; `*` is any |
/// | `reload_interval_ms` | 5,000 | 10 to 3,600,000: how often certificates and credentials are looked at |
/// | `max_connections` | 20,000 | 1 to 1,000,000; those beyond are closed at once |
/// | `max_concurrent_calls` | 4,096 | 1 to 1,000,000: calls under way over all connections |
/// | `max_queue_delay_ms` | 25 | 1 to 3,600,000: where calls wait longer for a worker for a while, some are turned away |
/// | `calls_per_second` | 0: no bound | calls of one caller, in the long run |
/// | `call_burst` | `calls_per_second` | calls of one caller at once |
/// | `handshake_timeout_ms` | 10,000 | 10 to 3,600,000: until a client's first word |
/// | `keepalive_interval_ms`, `keepalive_timeout_ms` | 60,000, 20,000 | 10 to 3,600,000: silence, and then time to answer |
/// | `metrics_listen` | none | address and port, or a port of this machine: figures and probes by HTTP |
/// | `insecure_metrics_beyond_loopback` | `false` | `true` tells figures beyond this machine |
/// | `otlp_endpoint` | none | traces are sent there by OTLP over gRPC |
/// | `traces_per_thousand` | 10 | 0 to 1,000: calls traced whose callers do not trace |
/// | `log_format` | `text` | or `json` |
/// | `admin_listen` | none: no such port | address and port of `AdminService` |
/// | `export_directory` | none: no such exports | directory below which exports are written |
/// | `snapshot_directory` | none: no snapshots | directory in which snapshots are made and restored |
/// | `memory_budget_bytes` | that of the control group, if it has one | 1 to 2^60: what status reports compare with |
/// | `kept_answers_bytes` | 33,554,432 | 0 to 2^34: memory for the latest answers, to be explained by their tokens, each for a day at most; 0 keeps none |
///
/// ```
/// use recommender_grpc::settings::RawSettings;
/// let mut raw = RawSettings::default();
/// raw.add_toml("listen = \"0.0.0.0:8000\"\nmax_page_size = 50", "server.toml", "".as_ref());
/// raw.add_environment([("RECOMMENDER_MAX_PAGE_SIZE".into(), "60".into())]);
/// let settings = raw.resolve()?;
/// assert_eq!(settings.listen.port(), 8000);
/// assert_eq!(settings.limits.max_page_size, 60);
/// # Ok::<(), recommender_grpc::settings::SettingsError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Name of the catalogue in resource names: `catalogs/{catalog}/servingConfigs/…`.
    pub catalog: String,
    /// Directory of the model behind each serving config.
    pub serving_configs: BTreeMap<String, PathBuf>,
    /// What each of these serving configs leaves to chance; of one that is not here, nothing.
    pub exploration: BTreeMap<String, Exploration>,
    /// Name of the serving config that answers when another fails.
    pub fallback_serving_config: Option<String>,
    /// Bounds of a single call.
    pub limits: RequestLimits,
    /// How processor work is run.
    pub workers: WorkerSettings,
    /// Bounds of a connection.
    pub connection: ConnectionSettings,
    /// How long a call may take whose caller sets no deadline.
    pub request_timeout: Duration,
    /// How long calls in flight may take to finish after a signal to stop.
    pub drain_timeout: Duration,
    /// What events may be, and where files of them are.
    pub events: EventSettings,
    /// Where the versions of trained models lie; without one, models are neither trained nor imported.
    pub models_directory: Option<PathBuf>,
    /// Threads of a training beside serving.
    pub training_threads: usize,
    /// Who may call, and how connections are kept private.
    pub security: SecuritySettings,
    /// How much is taken at once.
    pub resilience: ResilienceSettings,
    /// What operators see.
    pub telemetry: TelemetrySettings,
    /// Where to listen for `AdminService`; none offers it nowhere.
    pub admin_listen: Option<SocketAddr>,
    /// Directories below which callers may name files.
    pub directories: DirectorySettings,
    /// How much memory the server should get along with, in bytes; none asks the system.
    pub memory_budget_bytes: Option<u64>,
    /// Memory for the latest answers and their questions, in bytes, so that an answer can be explained by its token.
    pub kept_answers_bytes: usize,
}

/// What events may be, and where files of them are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSettings {
    /// The operator's own event types that may be written. A model without a weight for one that a person's events
    /// have can't answer her, nor be trained.
    pub custom_types: BTreeSet<String>,
    /// The directory below which imports may name files; none if they may name none.
    pub import_directory: Option<PathBuf>,
}

/// Directories below which callers may name files, besides that of imports. What has none is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectorySettings {
    /// Files to be written.
    pub exports: Option<PathBuf>,
    /// Copies of the store.
    pub snapshots: Option<PathBuf>,
}

/// Bounds of a single call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Products answered when a call asks for page size 0.
    pub default_page_size: usize,
    /// Most products answered.
    pub max_page_size: usize,
    /// Most products excluded.
    pub max_exclusions: usize,
    /// Most products of a page.
    pub max_context_products: usize,
    /// Most products in all of a context's recent events.
    pub max_recent_events: usize,
    /// Most requests of a batch.
    pub max_batch_requests: usize,
    /// Largest message taken or given, in bytes.
    pub max_message_bytes: usize,
    /// Most bytes of an artefact that is sent to become a version of a model.
    pub max_upload_bytes: u64,
}

/// How processor work is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Threads that compute answers.
    pub threads: usize,
    /// Calls that may wait for a thread; those beyond are turned away.
    pub max_queued: usize,
}

/// Bounds of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Most calls at once on one connection.
    pub max_streams: u32,
    /// Age at which the client is asked to connect anew.
    pub max_age: Duration,
}

impl Settings {
    /// Reads `file`, if one is given, and the variables of this process that begin with `RECOMMENDER_`.
    ///
    /// # Errors
    /// [`SettingsError`] with every problem found: an unreadable file, an unknown key, a value out of range.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let mut raw = RawSettings::default();
        if let Some(file) = file {
            raw.add_file(file);
        }
        raw.add_environment(std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            Some((name, value.to_string_lossy().into_owned()))
        }));
        raw.resolve()
    }
}

impl Default for Settings {
    /// The defaults of the table above.
    fn default() -> Self {
        RawSettings::default()
            .resolve()
            .expect("the defaults are within their ranges, as the tests check")
    }
}
