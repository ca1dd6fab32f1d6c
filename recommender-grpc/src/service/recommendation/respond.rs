//! From what was worked out to what is answered, counted and kept.

use std::time::Duration;

use recommender_store::{Clock, SystemClock};

use super::Recommendations;
use crate::answering::{Answer, Asked, Given, Listed, Outcome, Persons, Shown};
use crate::convert::{self, Mask};
use crate::proto::{BatchRecommendResult, RecommendResponse, RecommenderKind};
use crate::status::Refusal;
use crate::telemetry::{Answered, Trace};

impl Recommendations {
    /// The token of an answer with these results, which is kept as that to what was `asked`; none where nobody may be
    /// followed, or there is no answer.
    pub(super) fn token<T>(
        &self,
        outcome: &Outcome<T>,
        asked: Option<Asked>,
        results: Option<&[Listed]>,
    ) -> String {
        let question = &outcome.question;
        let (true, Some(results)) = (question.asker.attributable, results) else {
            return String::new();
        };
        let left_out = question.engine.exclude.get(question.excluded..);
        let given = asked.map(|asked| Given {
            asked,
            left_out: left_out.unwrap_or_default().to_vec(),
            shown: Shown::new(question.page.offset, results),
            model: outcome.model.version().to_owned(),
            seen: question.seen,
            time: SystemClock.now(),
            persons: Persons::new(&question.asker.identifiers),
        });
        self.shop.given.keep(given)
    }

    pub(super) fn response(
        &self,
        outcome: Outcome<Answer>,
        (asked, elapsed): (Option<Asked>, Duration),
        trace: &Trace,
    ) -> RecommendResponse {
        let mut stage = trace.stage("convert response");
        let version = || outcome.model.version().to_owned();
        stage.note("recommender.model.version", version);
        stage.note("recommender.degraded", || !outcome.degraded.is_empty());
        let results = outcome.answer.as_ref().map(|answer| &*answer.results);
        let token = self.token(&outcome, asked, results);
        let channel = outcome.question.channel;
        self.count(&outcome);
        // Nothing of the shopper: the token is empty wherever she is not to be followed.
        tracing::debug!(
            model = outcome.model.version(),
            degraded = !outcome.degraded.is_empty(),
            request_id = outcome.question.request_id,
            attribution_token = token,
            "answered"
        );
        let mut response = convert::response(outcome, token, &self.shop.catalog);
        response.server_time = convert::duration(elapsed);
        let kind = |result: &crate::proto::Result| {
            let source = result.source.as_ref();
            source.map_or_else(RecommenderKind::default, |source| source.recommender())
        };
        self.shop.metrics.answered(Answered {
            tier: response.tier(),
            channel,
            source: response.results.first().map(kind),
            elapsed,
        });
        for result in &response.results {
            self.shop.metrics.results(kind(result), 1);
        }
        response
    }

    pub(super) fn count<T>(&self, outcome: &Outcome<T>) {
        for shortfall in &outcome.degraded {
            self.shop.metrics.degraded(shortfall.word);
        }
    }

    pub(super) fn batched(
        &self,
        outcome: Result<(Outcome<Answer>, Duration), Refusal>,
        (asked, mask): (Option<Asked>, Mask),
        trace: &Trace,
    ) -> BatchRecommendResult {
        match outcome {
            Ok((outcome, time)) => {
                let response = self.response(outcome, (asked, time), trace);
                BatchRecommendResult {
                    status: Some(tonic_types::Status::default()),
                    response: Some(mask.cut(response)),
                }
            }
            Err(refusal) => BatchRecommendResult {
                status: Some(convert::status(&refusal.into())),
                response: None,
            },
        }
    }
}
