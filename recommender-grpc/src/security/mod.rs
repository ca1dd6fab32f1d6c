//! Who calls, and what she may do.

pub(crate) mod audit;
mod authenticate;
mod certificate;
mod credentials;
mod exposure;
pub(crate) mod methods;
mod reload;
mod role;
mod subject;
pub(crate) mod tls;
mod tokens;

use std::sync::Arc;

use http::Extensions;

pub(crate) use authenticate::{Authenticate, Door};
pub(crate) use certificate::holder;
pub(crate) use credentials::Credentials;
pub(crate) use exposure::{check_exposure, check_metrics_exposure};
pub(crate) use reload::Watched;
pub(crate) use role::Roles;

/// Who is at the other end.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// The holder of the certificate that was shown and found good.
    pub(crate) certificate: Option<Arc<str>>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The name she is known by: that of her key, the subject of her token or of her certificate.
    pub(crate) name: Arc<str>,
    /// What she may do.
    pub(crate) roles: Roles,
}

impl Caller {
    /// Someone who need not say who she is, on a server that lets everybody do everything.
    pub(crate) fn anonymous() -> Self {
        Self {
            name: "anonymous".into(),
            roles: Roles::ALL,
        }
    }

    /// Someone who has not said who she is, where she may do nothing but ask what everybody may.
    pub(crate) fn stranger() -> Self {
        Self {
            name: "stranger".into(),
            roles: Roles::NONE,
        }
    }

    /// Who makes the call with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_else(Self::anonymous)
    }
}
