//! Traces (OpenTelemetry): a span for each call, in the trace of the caller where she has one (W3C `traceparent`), and
//! below it one for each stage of an answer.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    Sampler, SdkTracer, SdkTracerProvider, Span as SdkSpan, SpanProcessor,
};
use tonic::Code;

use crate::error::ServeError;
use crate::security::methods::Method;
use crate::settings::TelemetrySettings;
use crate::telemetry::Trace;

/// How long spans may take to get to the collector, at the end too.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Begins a span for each call, or none where nobody collects them. A handle: clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traces {
    open: Option<Arc<Open>>,
}

#[derive(Debug)]
struct Open {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

/// The span of one call.
pub(crate) struct Span(SdkSpan);

impl Traces {
    /// Sends spans where the settings say. Asks for the runtime it is called in.
    ///
    /// # Errors
    /// [`ServeError::Setting`] if that is no address. Whether anybody listens there shows later, in the log.
    pub(crate) fn open(settings: &TelemetrySettings) -> Result<Self, ServeError> {
        let Some(endpoint) = &settings.otlp_endpoint else {
            return Ok(Self::default());
        };
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(|_| ServeError::Setting {
                key: "otlp_endpoint",
                expected: "the address of a collector such as \"http://127.0.0.1:4317\"".to_owned(),
                found: format!("\"{endpoint}\""),
            })?;
        let processor = opentelemetry_sdk::trace::BatchSpanProcessor::builder(exporter).build();
        Ok(Self::through(processor, settings.traces_per_thousand))
    }

    fn through(processor: impl SpanProcessor + 'static, per_thousand: u32) -> Self {
        let share = f64::from(per_thousand) / 1000.0;
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(sampler)
            .with_resource(Resource::builder().with_service_name("recommender").build())
            .build();
        Self {
            open: Some(Arc::new(Open {
                tracer: provider.tracer("recommender"),
                propagator: TraceContextPropagator::new(),
                provider,
            })),
        }
    }

    /// The span of a call with these headers.
    pub(crate) fn begin(&self, headers: &HeaderMap, method: Option<&Method>) -> Option<Span> {
        let open = self.open.as_ref()?;
        let parent = (open.propagator).extract_with_context(&Context::new(), &Headers(headers));
        // What is none of ours has no name: callers could make up any number of them.
        let path = method.map_or("unknown/unknown", |method| {
            method.path.trim_start_matches('/')
        });
        let (service, name) = path.split_once('/').unwrap_or((path, ""));
        let span = open
            .tracer
            .span_builder(path.to_owned())
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("rpc.system", "grpc"),
                KeyValue::new("rpc.service", service.to_owned()),
                KeyValue::new("rpc.method", name.to_owned()),
            ])
            .start_with_context(&open.tracer, &parent);
        Some(Span(span))
    }

    /// The trace below the span of a call, for its stages; none if nobody follows it.
    pub(crate) fn below(&self, span: &Span) -> Option<Trace> {
        let open = self.open.as_ref().filter(|_| span.0.is_recording())?;
        let call = span.0.span_context().clone();
        Some(Trace::below(call, open.tracer.clone()))
    }

    /// Sends what is left. Blocks for as long as that takes, and at most some seconds.
    pub(crate) fn close(&self) {
        if let Some(open) = &self.open
            && let Err(error) = open.provider.shutdown_with_timeout(EXPORT_TIMEOUT)
        {
            tracing::warn!(%error, "the last spans did not get to the collector");
        }
    }
}

impl Span {
    /// The call ended so.
    pub(crate) fn end(&mut self, code: Code) {
        let number = i64::from(code as i32);
        self.0
            .set_attribute(KeyValue::new("rpc.grpc.status_code", number));
        if matches!(code, Code::Unknown | Code::Internal | Code::DataLoss) {
            self.0.set_status(Status::error(code.description()));
        }
        self.0.end();
    }
}

/// Headers, as the propagator reads them.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::SpanData;

    use super::*;
    use crate::security::methods;

    /// Spans that ended.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Kept(pub(crate) Arc<Mutex<Vec<SpanData>>>);

    /// Traces of callers who trace, and where their spans are kept.
    pub(crate) fn kept_traces() -> (Traces, Kept) {
        let kept = Kept::default();
        (Traces::through(kept.clone(), 0), kept)
    }

    impl SpanProcessor for Kept {
        fn on_start(&self, _: &mut SdkSpan, _: &Context) {}

        fn on_end(&self, span: SpanData) {
            self.0.lock().unwrap().push(span);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    /// Headers of a caller who traces with the flags `01`, and does not with `00`.
    pub(crate) fn headers(flags: &str) -> HeaderMap {
        let parent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", parent.parse().unwrap());
        headers
    }

    #[test]
    fn a_call_is_part_of_the_trace_of_its_caller() {
        let kept = Kept::default();
        let traces = Traces::through(kept.clone(), 0);
        let method = methods::of("/recommender.v1.RecommendationService/Recommend");
        for headers in [headers("01"), headers("00"), HeaderMap::new()] {
            traces.begin(&headers, method).unwrap().end(Code::Internal);
        }
        let spans = kept.0.lock().unwrap();
        assert_eq!(spans.len(), 1, "only what the caller traces is traced");
        let context = &spans[0].span_context;
        assert_eq!(
            context.trace_id().to_string(),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert_eq!(spans[0].parent_span_id.to_string(), "b7ad6b7169203331");
        assert_eq!(
            spans[0].name,
            "recommender.v1.RecommendationService/Recommend"
        );
        let code = KeyValue::new("rpc.grpc.status_code", 13);
        assert!(spans[0].attributes.contains(&code));
    }

    #[test]
    fn calls_are_traced_by_their_share_where_callers_do_not_say() {
        let kept = Kept::default();
        let traces = Traces::through(kept.clone(), 1000);
        traces.begin(&HeaderMap::new(), None).unwrap().end(Code::Ok);
        assert_eq!(kept.0.lock().unwrap()[0].name, "unknown/unknown");
        assert!(Traces::default().begin(&HeaderMap::new(), None).is_none());
    }
}
