//! The outermost layer around the services: every call is counted, timed and traced.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Instant;

use http::{Request, Response};
use tonic::body::Body;
use tower::Service;

use crate::layers::{Answering, Ending, watched};
use crate::security::methods::{self, Access};
use crate::telemetry::Metrics;
use crate::telemetry::traces::Traces;

/// Counts, times and traces the calls of the services within.
#[derive(Debug, Clone)]
pub(crate) struct Observe<S> {
    inner: S,
    metrics: Metrics,
    traces: Traces,
}

impl<S> Observe<S> {
    pub(crate) fn new(inner: S, metrics: Metrics, traces: Traces) -> Self {
        Self {
            inner,
            metrics,
            traces,
        }
    }
}

impl<S> Service<Request<Body>> for Observe<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answering {
        let started = Instant::now();
        let method = methods::of(request.uri().path());
        let mut span = self.traces.begin(request.headers(), method);
        if let Some(trace) = span.as_ref().and_then(|span| self.traces.below(span)) {
            request.extensions_mut().insert(trace);
        }
        let metrics = self.metrics.clone();
        // Who watches the server's health for hours is no load.
        let counts = method.is_none_or(|method| method.access != Access::Open);
        if counts {
            metrics.calls().began();
        }
        let ending = Ending::new(move |code| {
            metrics.calls().count(method, code, started.elapsed());
            if counts {
                metrics.calls().ended();
            }
            if let Some(span) = &mut span {
                span.end(code);
            }
        });
        let answering = self.inner.call(request);
        Box::pin(async move { Ok(watched(answering.await?, ending)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Trace;
    use crate::telemetry::traces::tests::{headers, kept_traces};

    #[tokio::test]
    async fn the_services_know_the_trace_of_a_call_that_is_traced() {
        let (traces, kept) = kept_traces();
        let service = tower::service_fn(|request: Request<Body>| async move {
            drop(Trace::of(request.extensions()).stage("within"));
            Ok::<_, Infallible>(Response::new(Body::empty()))
        });
        let mut observe = Observe::new(service, Metrics::default(), traces);
        for (flags, spans) in [("00", 0), ("01", 2)] {
            let mut request = Request::new(Body::empty());
            *request.headers_mut() = headers(flags);
            drop(observe.call(request).await);
            assert_eq!(kept.0.lock().unwrap().len(), spans, "{flags}");
        }
        let spans = kept.0.lock().unwrap();
        assert_eq!(spans[0].name, "within");
        assert_eq!(spans[0].parent_span_id, spans[1].span_context.span_id());
    }
}
