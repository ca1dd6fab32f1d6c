//! From an answer to a response.

use std::time::Duration;

use prost::Message;
use recommender_core::engine::Tier;
use recommender_store::catalog::Obstacle;

use crate::answering::{
    Answer, Basis, Explanation, Given, Listed, NotShown, Origin, Outcome, Ranking, Reason as Why,
    Share, Shortfall,
};
use crate::convert::{events, names, pages, shown};
use crate::models::ServedModel;
use crate::proto::{
    self, ClauseStats, ExplainRecommendationResponse, ExplainedAnswer, FilterStats,
    LeftOutCandidate, NotShownReason, RankResponse, Reason, ReasonKind, RecommendResponse,
    RecommenderKind, Source,
};

/// What every answer says, whatever its products.
#[derive(Debug, Default)]
struct Head {
    attribution_token: String,
    model_version: String,
    degraded: bool,
    degraded_reason: String,
    tier: i32,
    missing_ids: Vec<String>,
    applied_controls: Vec<String>,
    inventory_as_of: Option<prost_types::Timestamp>,
    freshness: String,
    filter_stats: Option<FilterStats>,
}

impl Head {
    /// The head of an answer that `model` gave; without `basis`, of one that was not worked out.
    fn new(
        attribution_token: String,
        (model, degraded): (&ServedModel, &[Shortfall]),
        basis: Option<Basis>,
    ) -> Self {
        let head = Self {
            attribution_token,
            model_version: model.version().to_owned(),
            degraded: !degraded.is_empty(),
            degraded_reason: reasons(degraded),
            ..Self::default()
        };
        let Some(basis) = basis else {
            return head;
        };
        let seen = basis.seen.freshness;
        Self {
            tier: names::tier(basis.tier).into(),
            missing_ids: basis.missing,
            applied_controls: basis.applied,
            inventory_as_of: basis.seen.inventory.map(events::wire_time),
            freshness: seen.map(|seen| seen.to_string()).unwrap_or_default(),
            filter_stats: basis.stats.map(filter_stats),
            ..head
        }
    }
}

/// A message that begins with a head.
macro_rules! headed {
    ($message:ident, $head:expr) => {{
        let head: Head = $head;
        $message {
            attribution_token: head.attribution_token,
            model_version: head.model_version,
            degraded: head.degraded,
            degraded_reason: head.degraded_reason,
            tier: head.tier,
            missing_ids: head.missing_ids,
            applied_controls: head.applied_controls,
            inventory_as_of: head.inventory_as_of,
            freshness: head.freshness,
            filter_stats: head.filter_stats,
            ..$message::default()
        }
    }};
}

/// The response that says `outcome`.
pub(crate) fn response(
    outcome: Outcome<Answer>,
    attribution_token: String,
    catalog: &str,
) -> RecommendResponse {
    let said = (&*outcome.model, &*outcome.degraded);
    let Some(answer) = outcome.answer else {
        return headed!(RecommendResponse, Head::new(attribution_token, said, None));
    };
    let (page, tier) = (outcome.question.page, answer.basis.tier);
    let next = answer.more.then(|| pages::token_after(page));
    let by = (tier, said.0, catalog);
    RecommendResponse {
        next_page_token: next.flatten().unwrap_or_default(),
        results: results(answer.results, page.offset, by),
        ..headed!(
            RecommendResponse,
            Head::new(attribution_token, said, Some(answer.basis))
        )
    }
}

/// The response that says what became of candidates.
pub(crate) fn ranking(
    outcome: Outcome<Ranking>,
    attribution_token: String,
    catalog: &str,
) -> RankResponse {
    let said = (&*outcome.model, &*outcome.degraded);
    let Some(answer) = outcome.answer else {
        return headed!(RankResponse, Head::new(attribution_token, said, None));
    };
    let left_out = answer.left_out.into_iter();
    let left_out = left_out.map(|(product_id, why)| LeftOutCandidate {
        product_id,
        reason: Some(not_shown(why)),
    });
    let by = (answer.basis.tier, said.0, catalog);
    RankResponse {
        left_out: left_out.collect(),
        results: results(answer.results, 0, by),
        ..headed!(
            RankResponse,
            Head::new(attribution_token, said, Some(answer.basis))
        )
    }
}

/// The response that says why a product is, or is not, in an answer.
pub(crate) fn explanation(
    outcome: Outcome<Explanation>,
    product_id: String,
    given: Option<&Given>,
) -> ExplainRecommendationResponse {
    let answer = given.map(|given| explained_answer(given, &product_id, outcome.model.version()));
    let said = (&*outcome.model, &*outcome.degraded);
    let (basis, explained) = match outcome.answer {
        Some(answer) => (Some(answer.basis), Some(answer.explained)),
        None => (None, None),
    };
    let head = Head::new(String::new(), said, basis);
    let response = ExplainRecommendationResponse {
        product_id,
        tier: head.tier,
        model_version: head.model_version,
        inventory_as_of: head.inventory_as_of,
        freshness: head.freshness,
        degraded: head.degraded,
        degraded_reason: head.degraded_reason,
        answer,
        ..ExplainRecommendationResponse::default()
    };
    let Some(explained) = explained else {
        return response;
    };
    ExplainRecommendationResponse {
        shown: explained.shown,
        rank: count(explained.rank),
        score: explained.score.into(),
        by_source: explained.by_source.into_iter().map(reason).collect(),
        by_event: explained.by_event.into_iter().map(reason).collect(),
        not_shown: explained.not_shown.into_iter().map(not_shown).collect(),
        ..response
    }
}

fn explained_answer(given: &Given, product_id: &str, version: &str) -> ExplainedAnswer {
    let place = given.shown.place_of(product_id);
    ExplainedAnswer {
        answer_time: Some(events::wire_time(given.time)),
        model_version: given.model.clone(),
        same_model: given.model == version,
        shown: place.is_some(),
        position: place.map_or(0, count),
    }
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
        Origin::Explored => RecommenderKind::Exploration,
    };
    if (kind, tier) == (RecommenderKind::Popular, Tier::PlacePopular) {
        kind = RecommenderKind::PopularStore;
    }
    let product = entry.product;
    proto::Result {
        product_id: entry.key,
        position,
        score: entry.score.into(),
        propensity: entry.propensity,
        source: Some(Source {
            model: entry.source,
            recommender: kind.into(),
        }),
        reasons: entry.shares.into_iter().map(reason).collect(),
        product: product.map(|product| shown::product(&product, catalog)),
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
        Why::Refused => NotShownReason::Refused,
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
