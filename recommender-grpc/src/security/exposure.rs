//! Nothing listens beyond this machine without certificates and credentials, unless told so in as many words.

use std::net::SocketAddr;

use crate::error::ServeError;
use crate::settings::SecuritySettings;

/// Whether a server with these settings may listen on `address`.
///
/// # Errors
/// [`ServeError::Setting`], which says what is missing and which setting does without.
pub(crate) fn check_exposure(
    address: SocketAddr,
    settings: &SecuritySettings,
) -> Result<(), ServeError> {
    let guarded = settings.tls.is_some() && settings.credentials_file.is_some();
    if address.ip().is_loopback() || guarded || settings.insecure_listen_beyond_loopback {
        return Ok(());
    }
    Err(ServeError::Setting {
        key: "listen",
        expected: "an address of this machine alone, or tls_certificate_file, tls_key_file and \
                   credentials_file; insecure_listen_beyond_loopback = true does without them"
            .to_owned(),
        found: address.to_string(),
    })
}

/// Whether figures may be told on `address`.
///
/// # Errors
/// [`ServeError::Setting`], which says which setting allows it.
pub(crate) fn check_metrics_exposure(
    address: SocketAddr,
    settings: &SecuritySettings,
) -> Result<(), ServeError> {
    if address.ip().is_loopback() || settings.insecure_metrics_beyond_loopback {
        return Ok(());
    }
    Err(ServeError::Setting {
        key: "metrics_listen",
        expected:
            "an address of this machine alone; insecure_metrics_beyond_loopback = true tells \
                   figures to everybody who can reach the port"
                .to_owned(),
        found: address.to_string(),
    })
}
