//! What a server tells those who operate it: figures, traces, whether it is well.

mod calls;
mod exposition;
mod histogram;
mod named;
pub(crate) mod observe;
pub(crate) mod process;
mod stages;
pub(crate) mod traces;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::proto::{Channel, PersonalizationTier, RecommenderKind};
use calls::Calls;
pub(crate) use exposition::Exposition;
use histogram::Histogram;
use named::Named;
pub(crate) use stages::Trace;

/// Numbers of the contract's enums that are counted apart; those beyond count as unspecified.
const VALUES: usize = 32;

/// The figures of a server. A handle: clones count in the same books.
///
/// Counting takes some tens of nanoseconds, blocks nobody, and never takes more memory: labels are words of the
/// contract or of the source code, never what a caller sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    books: Arc<Books>,
}

#[derive(Debug, Default)]
struct Books {
    stages: Named<Histogram>,
    degraded: Named<AtomicU64>,
    answers: Values<Values<Histogram>>,
    sources: Values<Histogram>,
    results: Values<AtomicU64>,
    visible: Histogram,
    calls: Calls,
    connections: Connections,
    queues: Named<Histogram>,
    turned_away: Named<AtomicU64>,
}

/// Connections, by what became of them.
#[derive(Debug, Default)]
struct Connections {
    open: AtomicU64,
    opened: AtomicU64,
    refused: AtomicU64,
    handshakes_failed: AtomicU64,
}

/// A `T` for each number of an enum of the contract, made when it is first needed.
#[derive(Debug)]
struct Values<T> {
    cells: [std::sync::OnceLock<Box<T>>; VALUES],
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self {
            cells: std::array::from_fn(|_| std::sync::OnceLock::new()),
        }
    }
}

impl<T: Default> Values<T> {
    fn of(&self, value: impl Into<i32>) -> &T {
        let value = usize::try_from(value.into()).unwrap_or(0);
        let cell = self.cells.get(value).unwrap_or(&self.cells[0]);
        cell.get_or_init(Box::default)
    }

    fn iter(&self) -> impl Iterator<Item = (i32, &T)> {
        let cells = (0..).zip(&self.cells);
        cells.filter_map(|(value, cell)| Some((value, &**cell.get()?)))
    }
}

/// An answer that was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// What it rests on.
    pub(crate) tier: PersonalizationTier,
    /// Where it was asked for.
    pub(crate) channel: Channel,
    /// The kind of source that its first result came from; none if it has no result.
    pub(crate) source: Option<RecommenderKind>,
    /// How long it took, from the arrival of the request.
    pub(crate) elapsed: Duration,
}

impl Metrics {
    /// One stage of an answer took so long. `stage` is a word such as `identity`, `history`, `pipeline`.
    pub(crate) fn stage(&self, stage: &'static str, elapsed: Duration) {
        self.books.stages.of(stage).record(elapsed);
    }

    /// An answer was given.
    pub(crate) fn answered(&self, answered: Answered) {
        let channels = self.books.answers.of(answered.tier);
        channels.of(answered.channel).record(answered.elapsed);
        if let Some(source) = answered.source {
            self.books.sources.of(source).record(answered.elapsed);
        }
    }

    /// So many results of an answer came from this kind of source.
    pub(crate) fn results(&self, source: RecommenderKind, results: usize) {
        let results = u64::try_from(results).unwrap_or(u64::MAX);
        let count = self.books.results.of(source);
        count.fetch_add(results, Ordering::Relaxed);
    }

    /// An answer was less than it could have been, for this reason, which is a word.
    pub(crate) fn degraded(&self, reason: &'static str) {
        let count = self.books.degraded.of(reason);
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// A write was seen by answers so long after it was received.
    pub(crate) fn visible(&self, lag: Duration) {
        self.books.visible.record(lag);
    }

    /// Calls, for the layers around the services.
    pub(crate) fn calls(&self) -> &Calls {
        &self.books.calls
    }

    /// Work waited so long in a queue before a thread took it up.
    pub(crate) fn queued(&self, queue: &'static str, wait: Duration) {
        self.books.queues.of(queue).record(wait);
    }

    /// Work was turned away because all of a queue waited too long.
    pub(crate) fn turned_away(&self, queue: &'static str) {
        let count = self.books.turned_away.of(queue);
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connection_opened(&self) {
        self.books
            .connections
            .opened
            .fetch_add(1, Ordering::Relaxed);
        self.books.connections.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connection_closed(&self) {
        self.books.connections.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn connection_refused(&self) {
        self.books
            .connections
            .refused
            .fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn handshake_failed(&self) {
        let failed = &self.books.connections.handshakes_failed;
        failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything counted so far, as Prometheus reads it.
    pub(crate) fn write(&self, text: &mut Exposition) {
        self.books.write(text);
    }
}

impl Books {
    fn write(&self, text: &mut Exposition) {
        let name = "recommender_stage_duration_seconds";
        text.family(name, "histogram", "Time of one stage of an answer.");
        for (stage, histogram) in self.stages.iter() {
            text.histogram(name, &[("stage", stage)], histogram);
        }
        let name = "recommender_answer_duration_seconds";
        text.family(
            name,
            "histogram",
            "Time of an answer, by what it rests on and where it was asked for.",
        );
        for (tier, channels) in self.answers.iter() {
            let tier = tier_word(tier);
            for (channel, histogram) in channels.iter() {
                let channel = channel_word(channel);
                text.histogram(name, &[("tier", &tier), ("channel", &channel)], histogram);
            }
        }
        let name = "recommender_answer_source_duration_seconds";
        text.family(
            name,
            "histogram",
            "Time of an answer with results, by the kind of source of the first one.",
        );
        for (source, histogram) in self.sources.iter() {
            text.histogram(name, &[("source", &source_word(source))], histogram);
        }
        self.write_counts(text);
    }

    fn write_counts(&self, text: &mut Exposition) {
        let name = "recommender_results_total";
        text.family(
            name,
            "counter",
            "Results answered, by the kind of their source.",
        );
        for (source, count) in self.results.iter() {
            let count = count.load(Ordering::Relaxed);
            text.figure(name, &[("source", &source_word(source))], count);
        }
        let name = "recommender_degraded_total";
        text.family(
            name,
            "counter",
            "Answers that were less than they could have been.",
        );
        for (reason, count) in self.degraded.iter() {
            text.figure(name, &[("reason", reason)], count.load(Ordering::Relaxed));
        }
        let name = "recommender_visible_lag_seconds";
        text.family(
            name,
            "histogram",
            "Time from a write to the answers that know it.",
        );
        text.histogram(name, &[], &self.visible);
        let name = "recommender_queue_wait_seconds";
        text.family(
            name,
            "histogram",
            "Time from a call's wish for a thread to the thread.",
        );
        for (queue, histogram) in self.queues.iter() {
            text.histogram(name, &[("queue", queue)], histogram);
        }
        let name = "recommender_turned_away_total";
        text.family(
            name,
            "counter",
            "Work turned away because all of its queue waited too long.",
        );
        for (queue, count) in self.turned_away.iter() {
            text.figure(name, &[("queue", queue)], count.load(Ordering::Relaxed));
        }
        self.calls.write(text);
        self.connections.write(text);
    }
}

impl Connections {
    fn write(&self, text: &mut Exposition) {
        let figures = [
            (
                "recommender_connections",
                "gauge",
                "Connections there are.",
                &self.open,
            ),
            (
                "recommender_connections_total",
                "counter",
                "Connections taken in.",
                &self.opened,
            ),
            (
                "recommender_connections_refused_total",
                "counter",
                "Connections closed at once, because there were as many as there may be.",
                &self.refused,
            ),
            (
                "recommender_handshakes_failed_total",
                "counter",
                "Connections that could not be encrypted.",
                &self.handshakes_failed,
            ),
        ];
        for (name, kind, help, count) in figures {
            text.single((name, kind), help, count.load(Ordering::Relaxed));
        }
    }
}

fn tier_word(value: i32) -> String {
    let tier = PersonalizationTier::try_from(value).unwrap_or_default();
    word(tier.as_str_name(), "PERSONALIZATION_TIER_")
}

fn channel_word(value: i32) -> String {
    let channel = Channel::try_from(value).unwrap_or_default();
    word(channel.as_str_name(), "CHANNEL_")
}

fn source_word(value: i32) -> String {
    let kind = RecommenderKind::try_from(value).unwrap_or_default();
    word(kind.as_str_name(), "RECOMMENDER_KIND_")
}

fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told_under_the_words_of_the_contract() {
        let metrics = Metrics::default();
        metrics.stage("history", Duration::from_micros(40));
        metrics.answered(Answered {
            tier: PersonalizationTier::Session,
            channel: Channel::Kiosk,
            source: Some(RecommenderKind::ItemKnn),
            elapsed: Duration::from_micros(300),
        });
        metrics.answered(Answered {
            tier: PersonalizationTier::Popular,
            channel: Channel::Web,
            source: None,
            elapsed: Duration::from_micros(300),
        });
        metrics.results(RecommenderKind::PopularStore, 7);
        metrics.degraded("deadline");
        metrics.visible(Duration::from_millis(3));
        let mut text = Exposition::default();
        metrics.write(&mut text);
        let text = text.into_text();
        for line in [
            "recommender_stage_duration_seconds_count{stage=\"history\"} 1",
            "recommender_answer_duration_seconds_count{tier=\"session\",channel=\"kiosk\"} 1",
            "recommender_answer_source_duration_seconds_count{source=\"item_knn\"} 1",
            "recommender_results_total{source=\"popular_store\"} 7",
            "recommender_degraded_total{reason=\"deadline\"} 1",
            "recommender_visible_lag_seconds_count 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        // An answer without results has no source, not an unknown one.
        assert!(!text.contains("source=\"unspecified\""), "{text}");
    }

    #[test]
    fn every_word_of_the_contract_has_a_cell() {
        let largest = [
            RecommenderKind::Sequence as i32,
            Channel::Social as i32,
            PersonalizationTier::Popular as i32,
        ];
        for value in largest {
            assert!(usize::try_from(value).unwrap() < VALUES);
        }
    }
}
