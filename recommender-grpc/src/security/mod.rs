//! Who calls, and what she may do.

use std::sync::Arc;

use http::Extensions;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The name she is known by: that of her key, the subject of her token or of her certificate.
    pub(crate) name: Arc<str>,
}

impl Caller {
    /// Someone who need not say who she is.
    pub(crate) fn anonymous() -> Self {
        Self {
            name: "anonymous".into(),
        }
    }

    /// Who makes the call with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_else(Self::anonymous)
    }
}
