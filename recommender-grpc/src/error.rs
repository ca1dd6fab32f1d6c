//! What can keep a server from serving.

use std::io;
use std::net::SocketAddr;

/// What can keep a server from serving.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("can't listen on {address}: {}", bind_reason(source))]
    Bind {
        /// The address, as it was set.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A setting names something that does not exist.
    #[error("setting \"{key}\": expected {expected}, found {found}")]
    Setting {
        /// The key of the setting.
        key: &'static str,
        /// What would have been right.
        expected: String,
        /// What was there.
        found: String,
    },
    /// The model of a serving config can't be loaded.
    #[error("the model of serving config \"{serving_config}\" can't be loaded: {source}")]
    Model {
        /// Name of the serving config.
        serving_config: String,
        /// Which file is wrong, and how.
        source: recommender_core::Error,
    },
    /// The models that the store keeps can't be put in service.
    #[error("the models of the store can't be put in service: {0}")]
    Registry(String),
    /// What stands in files of the settings can't be used.
    #[error("can't use {what}: {reason}")]
    File {
        /// What the files hold.
        what: &'static str,
        /// Which file is wrong, and how; never what stands in it.
        reason: String,
    },
    /// The worker threads can't be started.
    #[error("can't start the worker threads: {0}")]
    Workers(String),
    /// The signals that stop a server can't be listened for.
    #[error("can't listen for signals: {0}")]
    Signals(io::Error),
    /// The contract's descriptors can't be offered for reflection: a fault of this crate.
    #[error("can't offer reflection: {0}")]
    Reflection(String),
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

fn bind_reason(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::AddrInUse {
        return "another program uses this port; set `listen` to a free one".to_owned();
    }
    error.to_string()
}
