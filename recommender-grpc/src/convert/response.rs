//! From the engine's answer to a response.

use std::time::Duration;

use prost::Message;
use recommender_core::engine::{Recommended, Tier};

use crate::convert::names;
use crate::models::ServedModel;
use crate::proto::{Reason, ReasonKind, RecommendResponse, RecommenderKind, Source};
use crate::service::recommendation::Outcome;

/// The response that says `outcome`.
pub(crate) fn response(outcome: Outcome, attribution_token: String) -> RecommendResponse {
    let model = outcome.model;
    let mut response = RecommendResponse {
        attribution_token,
        model_version: model.version().to_owned(),
        degraded: outcome.degraded.is_some(),
        degraded_reason: outcome.degraded.unwrap_or_default(),
        ..RecommendResponse::default()
    };
    if let Some(answer) = outcome.answer {
        let tier = answer.tier;
        response.set_tier(names::tier(tier));
        response.missing_ids = answer.missing;
        response.results = (1..)
            .zip(answer.results)
            .map(|(position, entry)| result(position, entry, tier, &model))
            .collect();
    }
    response
}

fn result(
    position: i32,
    entry: Recommended,
    tier: Tier,
    model: &ServedModel,
) -> crate::proto::Result {
    let mut kind = model.kind(&entry.source);
    if (kind, tier) == (RecommenderKind::Popular, Tier::PlacePopular) {
        kind = RecommenderKind::PopularStore;
    }
    crate::proto::Result {
        product_id: entry.key,
        position,
        score: entry.score.into(),
        source: Some(Source {
            model: entry.source,
            recommender: kind.into(),
        }),
        reasons: reasons(entry.contributions),
    }
}

fn reasons(mut contributions: Vec<(String, f32)>) -> Vec<Reason> {
    // Stable, so that equal shares stay in the order of the sources.
    contributions.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    contributions
        .into_iter()
        .map(|(model, share)| Reason {
            kind: ReasonKind::Model.into(),
            model,
            weight: share.into(),
        })
        .collect()
}

/// A status as a message of a batch.
pub(crate) fn status(status: &tonic::Status) -> tonic_types::Status {
    // The details of a rich error are the whole status, encoded.
    tonic_types::Status::decode(status.details()).unwrap_or_else(|_| tonic_types::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}

/// A length of time, as far as the wire can say it.
pub(crate) fn duration(time: Duration) -> Option<prost_types::Duration> {
    time.try_into().ok()
}
