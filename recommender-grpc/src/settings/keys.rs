//! The names of all settings.

/// Prefix of the environment variables that are settings.
pub(crate) const PREFIX: &str = "RECOMMENDER_";

pub(crate) const LISTEN: &str = "listen";
pub(crate) const CATALOG: &str = "catalog";
pub(crate) const SERVING_CONFIGS: &str = "serving_configs";
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

/// Every key there is.
pub(crate) const ALL: &[&str] = &[
    LISTEN,
    CATALOG,
    SERVING_CONFIGS,
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
];
