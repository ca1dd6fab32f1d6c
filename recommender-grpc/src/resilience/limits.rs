//! The innermost layer around the services: how many calls there may be, and how long their messages.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::layers::Answering;
use crate::resilience::Quotas;
use crate::resilience::slow::{MessageBounds, Punctual};
use crate::security::Caller;
use crate::security::methods::{self, Access, Method};
use crate::settings::Settings;
use crate::status::Denial;
use crate::telemetry::Metrics;

/// What calls are held to.
#[derive(Debug)]
pub(crate) struct Bounds {
    message: MessageBounds,
    max_calls: usize,
    quotas: Option<Quotas>,
    metrics: Metrics,
}

impl Bounds {
    pub(crate) fn new(settings: &Settings, metrics: Metrics) -> Self {
        Self {
            message: MessageBounds {
                bytes: settings.limits.max_message_bytes,
                time: settings.request_timeout,
            },
            max_calls: settings.resilience.max_concurrent_calls,
            quotas: settings.resilience.quota.map(Quotas::new),
            metrics,
        }
    }

    /// Whether there is room for a call of `caller`. The one that asks is counted already.
    fn admit(&self, caller: Option<&Caller>, method: Option<&Method>) -> Result<(), Denial> {
        if method.is_some_and(|method| method.access == Access::Open) {
            return Ok(());
        }
        if self.metrics.calls().under_way() > self.max_calls {
            return Err(Denial::Overloaded);
        }
        match (&self.quotas, caller) {
            (Some(quotas), Some(caller)) => quotas.count(caller),
            _ => Ok(()),
        }
    }
}

/// Holds the calls of the services within to their bounds.
#[derive(Debug, Clone)]
pub(crate) struct Bound<S> {
    inner: S,
    bounds: Arc<Bounds>,
}

impl<S> Bound<S> {
    pub(crate) fn new(inner: S, bounds: Arc<Bounds>) -> Self {
        Self { inner, bounds }
    }
}

impl<S> Service<Request<Body>> for Bound<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        let method = methods::of(request.uri().path());
        let caller = request.extensions().get();
        if let Err(denial) = self.bounds.admit(caller, method) {
            let status = Status::from(denial);
            return Box::pin(async move { Ok(status.into_http()) });
        }
        let bounds = self.bounds.message;
        let streams = method.is_some_and(|method| method.streams);
        Box::pin(self.inner.call(request.map(|body| {
            Body::new(if streams {
                Punctual::many(body, bounds)
            } else {
                Punctual::one(body, bounds)
            })
        })))
    }
}
