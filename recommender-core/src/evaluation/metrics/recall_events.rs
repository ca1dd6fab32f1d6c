//! Recall over the events to come, an item that comes again counting again.

use super::{Judged, QueryMetric, Scratch, TrainingFacts};

/// `hits / events to come`: an item found is one hit however often it comes, so a session that comes back to an item
/// can't reach 1.
///
/// The recall of Serenade (`src/metrics/recall.rs`) and of session-rec (`evaluation/metrics/accuracy_multiple.py`,
/// Ludewig et al. 2021). Equal to [`Recall`](super::Recall) where nothing comes twice.
#[derive(Debug, Clone, Copy, Default)]
pub struct RecallEvents;

impl QueryMetric for RecallEvents {
    fn name(&self) -> &'static str {
        "recall_events"
    }

    fn value(
        &self,
        answer: &Judged<'_>,
        _facts: &TrainingFacts<'_>,
        _scratch: &mut Scratch,
    ) -> Option<f64> {
        Some(answer.hit_count() as f64 / answer.to_come as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::tests::{assert_close, judge_events};

    #[test]
    fn what_comes_twice_counts_twice_below_and_once_above() {
        assert_close(judge_events(&RecallEvents, "10100", (2, 5), 5), 0.4);
        assert_close(judge_events(&RecallEvents, "", (2, 5), 5), 0.0);
    }
}
