//! The names of all settings.

/// Prefix of the environment variables that are settings.
pub(crate) const PREFIX: &str = "RECOMMENDER_";

pub(crate) const LISTEN: &str = "listen";
pub(crate) const CATALOG: &str = "catalog";
pub(crate) const SERVING_CONFIGS: &str = "serving_configs";
pub(crate) const EXPLORATION: &str = "exploration";
pub(crate) const FALLBACK: &str = "fallback_serving_config";
pub(crate) const DEFAULT_PAGE_SIZE: &str = "default_page_size";
pub(crate) const MAX_PAGE_SIZE: &str = "max_page_size";
pub(crate) const MAX_EXCLUSIONS: &str = "max_exclusions";
pub(crate) const MAX_CONTEXT_PRODUCTS: &str = "max_context_products";
pub(crate) const MAX_RECENT_EVENTS: &str = "max_recent_events";
pub(crate) const MAX_BATCH_REQUESTS: &str = "max_batch_requests";
pub(crate) const MAX_MESSAGE_BYTES: &str = "max_message_bytes";
pub(crate) const MAX_CONCURRENT_STREAMS: &str = "max_concurrent_streams";
pub(crate) const MAX_QUEUED_REQUESTS: &str = "max_queued_requests";
pub(crate) const WORKER_THREADS: &str = "worker_threads";
pub(crate) const REQUEST_TIMEOUT: &str = "request_timeout_ms";
pub(crate) const DRAIN_TIMEOUT: &str = "drain_timeout_ms";
pub(crate) const CUSTOM_EVENT_TYPES: &str = "custom_event_types";
pub(crate) const IMPORT_DIRECTORY: &str = "import_directory";
pub(crate) const MAX_CONNECTION_AGE: &str = "max_connection_age_ms";
pub(crate) const MODELS_DIRECTORY: &str = "models_directory";
pub(crate) const TRAINING_THREADS: &str = "training_threads";
pub(crate) const MAX_UPLOAD_BYTES: &str = "max_upload_bytes";
pub(crate) const ADMIN_LISTEN: &str = "admin_listen";
pub(crate) const EXPORT_DIRECTORY: &str = "export_directory";
pub(crate) const SNAPSHOT_DIRECTORY: &str = "snapshot_directory";
pub(crate) const MEMORY_BUDGET: &str = "memory_budget_bytes";
pub(crate) const KEPT_ANSWERS: &str = "kept_answers_bytes";

/// The keys of the services themselves.
pub(crate) const ALL: &[&str] = &[
    LISTEN,
    CATALOG,
    SERVING_CONFIGS,
    EXPLORATION,
    FALLBACK,
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    MAX_EXCLUSIONS,
    MAX_CONTEXT_PRODUCTS,
    MAX_RECENT_EVENTS,
    MAX_BATCH_REQUESTS,
    MAX_MESSAGE_BYTES,
    MAX_CONCURRENT_STREAMS,
    MAX_QUEUED_REQUESTS,
    WORKER_THREADS,
    REQUEST_TIMEOUT,
    DRAIN_TIMEOUT,
    MAX_CONNECTION_AGE,
    CUSTOM_EVENT_TYPES,
    IMPORT_DIRECTORY,
    MODELS_DIRECTORY,
    TRAINING_THREADS,
    MAX_UPLOAD_BYTES,
    ADMIN_LISTEN,
    EXPORT_DIRECTORY,
    SNAPSHOT_DIRECTORY,
    MEMORY_BUDGET,
    KEPT_ANSWERS,
];

pub(crate) const TLS_CERTIFICATE_FILE: &str = "tls_certificate_file";
pub(crate) const TLS_KEY_FILE: &str = "tls_key_file";
pub(crate) const TLS_CLIENT_CA_FILE: &str = "tls_client_ca_file";
pub(crate) const TLS_CLIENT_CERTIFICATES: &str = "tls_client_certificates";
pub(crate) const CREDENTIALS_FILE: &str = "credentials_file";
pub(crate) const AUDIT_FILE: &str = "audit_file";
pub(crate) const OPEN_REFLECTION: &str = "open_reflection";
pub(crate) const INSECURE_LISTEN: &str = "insecure_listen_beyond_loopback";
pub(crate) const INSECURE_METRICS: &str = "insecure_metrics_beyond_loopback";
pub(crate) const CORS_ORIGINS: &str = "cors_origins";
pub(crate) const RELOAD_INTERVAL: &str = "reload_interval_ms";
pub(crate) const MAX_CONNECTIONS: &str = "max_connections";
pub(crate) const MAX_CONCURRENT_CALLS: &str = "max_concurrent_calls";
pub(crate) const MAX_QUEUE_DELAY: &str = "max_queue_delay_ms";
pub(crate) const CALLS_PER_SECOND: &str = "calls_per_second";
pub(crate) const CALL_BURST: &str = "call_burst";
pub(crate) const HANDSHAKE_TIMEOUT: &str = "handshake_timeout_ms";
pub(crate) const KEEPALIVE_INTERVAL: &str = "keepalive_interval_ms";
pub(crate) const KEEPALIVE_TIMEOUT: &str = "keepalive_timeout_ms";
pub(crate) const METRICS_LISTEN: &str = "metrics_listen";
pub(crate) const OTLP_ENDPOINT: &str = "otlp_endpoint";
pub(crate) const TRACES_PER_THOUSAND: &str = "traces_per_thousand";
pub(crate) const LOG_FORMAT: &str = "log_format";

/// The keys of what stands around the services.
pub(crate) const AROUND: &[&str] = &[
    TLS_CERTIFICATE_FILE,
    TLS_KEY_FILE,
    TLS_CLIENT_CA_FILE,
    TLS_CLIENT_CERTIFICATES,
    CREDENTIALS_FILE,
    AUDIT_FILE,
    OPEN_REFLECTION,
    INSECURE_LISTEN,
    INSECURE_METRICS,
    CORS_ORIGINS,
    RELOAD_INTERVAL,
    MAX_CONNECTIONS,
    MAX_CONCURRENT_CALLS,
    MAX_QUEUE_DELAY,
    CALLS_PER_SECOND,
    CALL_BURST,
    HANDSHAKE_TIMEOUT,
    KEEPALIVE_INTERVAL,
    KEEPALIVE_TIMEOUT,
    METRICS_LISTEN,
    OTLP_ENDPOINT,
    TRACES_PER_THOUSAND,
    LOG_FORMAT,
];

/// Whether there is a setting of this name.
pub(crate) fn is_known(key: &str) -> bool {
    ALL.contains(&key) || AROUND.contains(&key)
}

/// The names of all settings, to be read.
pub(crate) fn listed() -> String {
    [ALL, AROUND].concat().join(", ")
}
