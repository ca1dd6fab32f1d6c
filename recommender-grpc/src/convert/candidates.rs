//! From a request about products that the caller names to the question that is answered.

use recommender_core::engine::SeenPolicy;

use crate::answering::{Candidate, Question, Standing};
use crate::convert::request::{Bounds, recommend};
use crate::convert::violations::Violations;
use crate::proto::{ExplainRecommendationRequest, RankRequest, RecommendRequest, RecommendView};
use crate::status::Refusal;

/// What is to be explained.
#[derive(Debug)]
pub(crate) enum Explained {
    /// The answer that a question has now.
    Question(Box<Question>),
    /// The answer of this token.
    Given(String),
}

/// What is to be explained, and the product.
pub(crate) fn explained(
    request: ExplainRecommendationRequest,
    bounds: Bounds<'_>,
) -> Result<(Explained, String), Refusal> {
    let mut wrong = Violations::default();
    if request.product_id.is_empty() {
        wrong.add("product_id", "expected a key, found none");
    }
    let token = request.attribution_token;
    let explained = match (request.request, token.is_empty()) {
        (None, false) => Some(Explained::Given(token)),
        (Some(asked), true) => question(asked, bounds, &mut wrong)
            .map(|question| Explained::Question(Box::new(question))),
        (None, true) => {
            let found =
                "found neither; answers to ephemeral contexts and without consent have no token";
            wrong.add("request", format!("{EITHER}, {found}"));
            None
        }
        (Some(_), false) => {
            wrong.add("attribution_token", format!("{EITHER}, found both"));
            None
        }
    };
    wrong.or(())?;
    let explained = explained.ok_or_else(|| Refusal::from(Violations::default()))?;
    Ok((explained, request.product_id))
}

const EITHER: &str = "expected either a request or an attribution token";

/// The question to be explained.
fn question(
    asked: RecommendRequest,
    bounds: Bounds<'_>,
    wrong: &mut Violations,
) -> Option<Question> {
    for (field, set) in [
        ("request.view", asked.view != 0),
        ("request.read_mask", asked.read_mask.is_some()),
        ("request.validate_only", asked.validate_only),
    ] {
        if set {
            wrong.add(
                field,
                "expected nothing where an answer is explained, found a value",
            );
        }
    }
    let asked = RecommendRequest {
        view: RecommendView::WithExplanation.into(),
        read_mask: None,
        validate_only: false,
        ..asked
    };
    let mut within = Violations::default();
    let read = recommend(asked, bounds, &mut within);
    wrong.add_within("request", within);
    read.map(|(question, _)| question)
}

/// The question that `request` asks, and the candidates.
pub(crate) fn ranked(
    request: RankRequest,
    bounds: Bounds<'_>,
) -> Result<(Question, Standing), Refusal> {
    let mut wrong = Violations::default();
    let count = request.candidates.len();
    if count == 0 {
        wrong.add("candidates", "expected at least one candidate, found none");
    }
    wrong.bound("candidates", count, bounds.limits.max_page_size);
    let standing = standing(&request, &mut wrong);
    let asked = RecommendRequest {
        serving_config: request.serving_config,
        context: request.context,
        filter: request.filter,
        strict_filtering: true,
        exclude_product_ids: request.exclude_product_ids,
        fulfillment: request.fulfillment,
        diversity: request.diversity,
        view: request.view,
        min_freshness: request.min_freshness,
        validate_only: request.validate_only,
        request_id: request.request_id,
        ..RecommendRequest::default()
    };
    let read = recommend(asked, bounds, &mut wrong);
    wrong.or(())?;
    let (mut question, _) = read.ok_or_else(|| Refusal::from(Violations::default()))?;
    // What she had already may well be what she searches for.
    question.engine.seen = SeenPolicy::Allow;
    Ok((question, standing))
}

fn standing(request: &RankRequest, wrong: &mut Violations) -> Standing {
    let mut candidates = Vec::with_capacity(request.candidates.len());
    for (number, candidate) in request.candidates.iter().enumerate() {
        if candidate.product_id.is_empty() {
            let field = format!("candidates[{number}].product_id");
            wrong.add(field, "expected a key, found none");
        }
        if let Some(score) = candidate.base_score
            && !score.is_finite()
        {
            let field = format!("candidates[{number}].base_score");
            wrong.add(field, format!("expected a finite number, found {score}"));
        }
        candidates.push(Candidate {
            key: candidate.product_id.clone(),
            base: candidate.base_score,
        });
    }
    let has_base = candidates.iter().any(|candidate| candidate.base.is_some());
    let usual = if has_base { 0.5 } else { 0.0 };
    let base_weight = request.base_weight.unwrap_or(usual);
    if !(0.0..=1.0).contains(&base_weight) {
        let found = format!("expected 0 to 1, found {base_weight}");
        wrong.add("base_weight", found);
    }
    let standing = Standing {
        candidates,
        base_weight,
    };
    standing.each_once()
}
