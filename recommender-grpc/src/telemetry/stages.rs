//! The stages of an answer as spans of its trace.

use std::fmt;
use std::sync::Arc;

use opentelemetry::trace::{SpanContext, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use tonic::Extensions;

/// The trace that a call is part of; nothing where it is not traced, and then everything here costs next to nothing. A
/// handle: clones are of one trace.
#[derive(Clone, Default)]
pub(crate) struct Trace(Option<Arc<Traced>>);

struct Traced {
    tracer: SdkTracer,
    /// The span of the call.
    call: Context,
}

/// A stage that is under way: it ends when this is dropped.
///
/// The span is boxed, so that a stage that nobody follows is a word and not some hundred bytes to be moved about.
pub(crate) struct Stage(Option<Box<Span>>);

impl Trace {
    /// The trace below the span `call`.
    pub(super) fn below(call: SpanContext, tracer: SdkTracer) -> Self {
        let call = Context::new().with_remote_span_context(call);
        Self(Some(Arc::new(Traced { tracer, call })))
    }

    /// The trace of the call that came with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Begins a stage. Its name is a word of the source code.
    pub(crate) fn stage(&self, name: &'static str) -> Stage {
        Stage(self.0.as_ref().map(|traced| {
            let span = traced.tracer.span_builder(name);
            let span = span.with_kind(SpanKind::Internal);
            Box::new(span.start_with_context(&traced.tracer, &traced.call))
        }))
    }
}

impl Stage {
    /// Says something of the stage: never a key of a person, nor anything else that a caller sent.
    pub(crate) fn note<V: Into<Value>>(&mut self, name: &'static str, value: impl FnOnce() -> V) {
        if let Some(span) = &mut self.0 {
            opentelemetry::trace::Span::set_attribute(&mut **span, KeyValue::new(name, value()));
        }
    }

    /// Says how many of something there were.
    pub(crate) fn count(&mut self, name: &'static str, count: usize) {
        self.count_of(name, || count);
    }

    /// As [`Stage::count`], where counting takes time.
    pub(crate) fn count_of(&mut self, name: &'static str, count: impl FnOnce() -> usize) {
        self.note(name, || i64::try_from(count()).unwrap_or(i64::MAX));
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trace").field(&self.0.is_some()).finish()
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stage").field(&self.0.is_some()).finish()
    }
}
