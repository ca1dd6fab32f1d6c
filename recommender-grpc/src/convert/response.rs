//! From an answer to a response.

use std::time::Duration;

use prost::Message;
use recommender_core::engine::Tier;
use recommender_store::catalog::Obstacle;

use crate::answering::{
    Answer, Explanation, Listed, NotShown, Origin, Outcome, Ranking, Reason as Why, Share,
    Shortfall,
};
use crate::convert::{events, names, pages, products};
use crate::models::ServedModel;
use crate::proto::{
    self, ClauseStats, ExplainRecommendationResponse, FilterStats, LeftOutCandidate,
    NotShownReason, RankResponse, Reason, ReasonKind, RecommendResponse, RecommenderKind, Source,
};

/// The response that says `outcome`.
pub(crate) fn response(
    outcome: Outcome<Answer>,
    attribution_token: String,
    catalog: &str,
) -> RecommendResponse {
    let Outcome {
        answer,
        question,
        model,
        degraded,
    } = outcome;
    let mut response = RecommendResponse {
        attribution_token,
        model_version: model.version().to_owned(),
        degraded: !degraded.is_empty(),
        degraded_reason: reasons(&degraded),
        ..RecommendResponse::default()
    };
    let Some(answer) = answer else {
        return response;
    };
    let page = question.page;
    let next = answer.more.then(|| pages::token(page.end(), page.digest));
    response.next_page_token = next.flatten().unwrap_or_default();
    let tier = answer.tier;
    response.set_tier(names::tier(tier));
    response.missing_ids = answer.missing;
    response.applied_controls = answer.applied;
    response.inventory_as_of = answer.seen.inventory.map(events::wire_time);
    let seen = answer.seen.freshness;
    response.freshness = seen.map(|seen| seen.to_string()).unwrap_or_default();
    response.filter_stats = answer.stats.map(filter_stats);
    response.results = results(answer.results, page.offset, (tier, &model, catalog));
    response
}

/// The response that says what became of candidates.
pub(crate) fn ranking(
    outcome: Outcome<Ranking>,
    attribution_token: String,
    catalog: &str,
) -> RankResponse {
    let Outcome {
        answer,
        model,
        degraded,
        ..
    } = outcome;
    let mut response = RankResponse {
        attribution_token,
        model_version: model.version().to_owned(),
        degraded: !degraded.is_empty(),
        degraded_reason: reasons(&degraded),
        ..RankResponse::default()
    };
    let Some(answer) = answer else {
        return response;
    };
    response.set_tier(names::tier(answer.tier));
    response.missing_ids = answer.missing;
    response.applied_controls = answer.applied;
    response.inventory_as_of = answer.seen.inventory.map(events::wire_time);
    let seen = answer.seen.freshness;
    response.freshness = seen.map(|seen| seen.to_string()).unwrap_or_default();
    response.filter_stats = answer.stats.map(filter_stats);
    let left_out = answer.left_out.into_iter();
    response.left_out = left_out
        .map(|(product_id, why)| LeftOutCandidate {
            product_id,
            reason: Some(not_shown(why)),
        })
        .collect();
    response.results = results(answer.results, 0, (answer.tier, &model, catalog));
    response
}

/// The response that says why a product is, or is not, in an answer.
pub(crate) fn explanation(
    outcome: Outcome<Explanation>,
    product_id: String,
) -> ExplainRecommendationResponse {
    let mut response = ExplainRecommendationResponse {
        product_id,
        model_version: outcome.model.version().to_owned(),
        degraded: !outcome.degraded.is_empty(),
        degraded_reason: reasons(&outcome.degraded),
        ..ExplainRecommendationResponse::default()
    };
    let Some(answer) = outcome.answer else {
        return response;
    };
    response.set_tier(names::tier(answer.tier));
    response.shown = answer.shown;
    response.rank = count(answer.rank);
    response.score = answer.score.into();
    response.by_source = answer.by_source.into_iter().map(reason).collect();
    response.by_event = answer.by_event.into_iter().map(reason).collect();
    response.not_shown = answer.not_shown.into_iter().map(not_shown).collect();
    response.inventory_as_of = answer.seen.inventory.map(events::wire_time);
    let seen = answer.seen.freshness;
    response.freshness = seen.map(|seen| seen.to_string()).unwrap_or_default();
    response
}

fn reasons(shortfalls: &[Shortfall]) -> String {
    let texts: Vec<&str> = shortfalls.iter().map(|it| &*it.text).collect();
    texts.join("; ")
}

fn results(
    listed: Vec<Listed>,
    offset: usize,
    by: (Tier, &ServedModel, &str),
) -> Vec<proto::Result> {
    let numbered = (offset + 1..).zip(listed);
    numbered
        .map(|(position, entry)| result(count(position), entry, by))
        .collect()
}

fn result(
    position: i32,
    entry: Listed,
    (tier, model, catalog): (Tier, &ServedModel, &str),
) -> proto::Result {
    let mut kind = match entry.origin {
        Origin::Proposed => model.kind(&entry.source),
        Origin::Rule => RecommenderKind::Rule,
        Origin::Backfill => RecommenderKind::Backfill,
    };
    if (kind, tier) == (RecommenderKind::Popular, Tier::PlacePopular) {
        kind = RecommenderKind::PopularStore;
    }
    let product = entry.product;
    proto::Result {
        product_id: entry.key,
        position,
        score: entry.score.into(),
        propensity: 1.0,
        source: Some(Source {
            model: entry.source,
            recommender: kind.into(),
        }),
        reasons: entry.shares.into_iter().map(reason).collect(),
        product: product.map(|record| products::product(&record, catalog)),
    }
}

fn reason((share, weight): (Share, f32)) -> Reason {
    let mut reason = Reason {
        weight: weight.into(),
        ..Reason::default()
    };
    let kind = match share {
        Share::Model(name) => {
            reason.model = name;
            ReasonKind::Model
        }
        Share::Control(name) => {
            reason.control = name;
            ReasonKind::Control
        }
        Share::Past(key) => {
            reason.product_id = key;
            ReasonKind::PastEvent
        }
        Share::Context(key) => {
            reason.product_id = key;
            ReasonKind::ContextProduct
        }
        Share::Diversity => ReasonKind::Diversity,
        Share::Search => ReasonKind::SearchQuery,
        Share::BaseScore => ReasonKind::BaseScore,
        Share::Base => ReasonKind::Base,
    };
    reason.set_kind(kind);
    reason
}

fn not_shown(why: NotShown) -> proto::NotShown {
    let reason = match why.reason {
        Why::UnknownToModel => NotShownReason::UnknownToModel,
        Why::Stock(Obstacle::NoProduct) => NotShownReason::NoProduct,
        Why::Stock(Obstacle::Hidden) => NotShownReason::Hidden,
        Why::Stock(Obstacle::OutOfStock) => NotShownReason::OutOfStock,
        Why::Stock(Obstacle::NotForSaleNow) => NotShownReason::NotForSaleNow,
        Why::Stock(Obstacle::WrongChannel) => NotShownReason::WrongChannel,
        Why::Control => NotShownReason::Control,
        Why::Filtered => NotShownReason::Filtered,
        Why::Excluded => NotShownReason::Excluded,
        Why::Seen => NotShownReason::Seen,
        Why::OnPage => NotShownReason::OnPage,
        Why::RankedBelow => NotShownReason::RankedBelow,
        Why::NotProposed => NotShownReason::NotProposed,
    };
    proto::NotShown {
        reason: reason.into(),
        detail: why.detail,
    }
}

fn filter_stats(stats: recommender_store::filter::FilterStats) -> FilterStats {
    let clauses = stats.clauses.into_iter().map(|clause| ClauseStats {
        clause: clause.clause,
        removed: count(clause.removed),
        removed_alone: count(clause.removed_alone),
    });
    FilterStats {
        allowed: count(stats.allowed),
        kept: count(stats.kept),
        clauses: clauses.collect(),
    }
}

/// A number as far as the wire can say it.
fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A status as a message of a batch.
pub(crate) fn status(status: &tonic::Status) -> tonic_types::Status {
    let plain = || tonic_types::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    };
    // The details of a rich error are the whole status, encoded; no details would read as one that is OK.
    if status.details().is_empty() {
        return plain();
    }
    tonic_types::Status::decode(status.details()).unwrap_or_else(|_| plain())
}

/// A length of time, as far as the wire can say it.
pub(crate) fn duration(time: Duration) -> Option<prost_types::Duration> {
    time.try_into().ok()
}
