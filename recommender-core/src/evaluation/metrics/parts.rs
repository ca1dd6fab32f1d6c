//! Metrics of a part of what was relevant.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// A part of the relevant items of a query; the others count as misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TruthPart {
    /// All of them.
    Whole,
    /// The one that comes next in the session.
    Next,
    /// Those in the shopper's history.
    Repeats,
    /// Those not in her history.
    New,
}

/// A metric of a part of the relevant items, over the queries that have any. Of the events to come only those items
/// count, each once.
///
/// Repeats and new items are reported apart because they are tasks of a different kind: Li, Jullien, Ariannezhad &
/// de Rijke 2023, "A next basket recommendation reality check".
#[derive(Debug, Clone, Copy)]
pub struct OfPart<M> {
    /// What is computed.
    pub metric: M,
    /// Of which items.
    pub part: TruthPart,
    /// The name without cut-off.
    pub name: &'static str,
}

impl<M: QueryMetric> QueryMetric for OfPart<M> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        facts: &TrainingFacts<'_>,
        scratch: &mut Scratch,
    ) -> Option<f64> {
        self.metric.value(answer, facts, scratch)
    }

    fn part(&self) -> TruthPart {
        self.part
    }
}
