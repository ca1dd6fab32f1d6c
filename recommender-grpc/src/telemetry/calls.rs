//! Calls, counted by their method and by how they ended.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tonic::Code;

use crate::security::methods::{self, Method};
use crate::telemetry::exposition::Exposition;
use crate::telemetry::histogram::Histogram;

/// The statuses of gRPC, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Calls of one method.
#[derive(Debug, Default)]
struct OfMethod {
    codes: [AtomicU64; CODES.len()],
    times: Histogram,
}

/// Calls of all methods.
#[derive(Debug)]
pub(crate) struct Calls {
    /// One for each method, and one for all that are none of ours.
    methods: Vec<OfMethod>,
    under_way: AtomicUsize,
}

impl Default for Calls {
    fn default() -> Self {
        let methods = (0..=methods::all().len()).map(|_| OfMethod::default());
        Self {
            methods: methods.collect(),
            under_way: AtomicUsize::new(0),
        }
    }
}

impl Calls {
    /// A call came in; says how many there are now.
    pub(crate) fn began(&self) -> usize {
        self.under_way.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A call that came in ended.
    pub(crate) fn ended(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// A call ended so, after this time.
    pub(crate) fn count(&self, method: Option<&Method>, code: Code, elapsed: Duration) {
        let last = self.methods.len() - 1;
        let calls = &self.methods[method.map_or(last, |method| method.index.min(last))];
        let code = usize::try_from(code as i32)
            .unwrap_or(2)
            .min(CODES.len() - 1);
        calls.codes[code].fetch_add(1, Ordering::Relaxed);
        calls.times.record(elapsed);
    }

    pub(crate) fn write(&self, text: &mut Exposition) {
        let paths = methods::all()
            .into_iter()
            .map(|method| method.path.trim_start_matches('/'));
        let named: Vec<_> = paths.chain(["unknown"]).zip(&self.methods).collect();
        let name = "recommender_requests_total";
        text.family(name, "counter", "Calls that ended, by how they ended.");
        for (method, calls) in &named {
            for (code, count) in CODES.iter().zip(&calls.codes) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    text.figure(name, &[("method", method), ("code", code)], count);
                }
            }
        }
        let name = "recommender_request_duration_seconds";
        text.family(
            name,
            "histogram",
            "Time of calls, from their head to the end of their answer.",
        );
        for (method, calls) in &named {
            text.histogram(name, &[("method", method)], &calls.times);
        }
        let under_way = ("recommender_requests_under_way", "gauge");
        text.single(under_way, "Calls under way.", self.under_way());
    }
}
