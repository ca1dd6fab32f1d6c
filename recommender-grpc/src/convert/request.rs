//! From a request to the engine's question.

use recommender_core::engine::{EngineRequest, Explanation};

use crate::convert::events::{self, Past};
use crate::convert::names;
use crate::convert::violations::Violations;
use crate::proto::{
    BatchRecommendRequest, Consent, PageType, RecommendContext, RecommendRequest, RecommendView,
};
use crate::serving::ServingConfigName;
use crate::settings::RequestLimits;
use crate::status::Refusal;

/// A request that was found to be in order.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) serving_config: ServingConfigName,
    pub(crate) engine: EngineRequest,
    /// Whether the request is only to be checked.
    pub(crate) validate_only: bool,
    /// Whether the answer may be tied to what follows from it.
    pub(crate) attributable: bool,
}

/// The question that `request` asks, or everything that is wrong with it.
pub(crate) fn question(
    request: RecommendRequest,
    limits: &RequestLimits,
) -> Result<Question, Refusal> {
    let mut wrong = Violations::default();
    refuse_unhonoured(&request, &mut wrong);
    let serving_config = serving_config(&request.serving_config, &mut wrong);
    let limit = page_size(request.page_size, limits, &mut wrong);
    let explanation = view(request.view, &mut wrong);
    let excluded = request.exclude_product_ids.len();
    wrong.bound("exclude_product_ids", excluded, limits.max_exclusions);
    let Some(context) = request.context else {
        wrong.add("context", "expected a context, found none");
        return Err(wrong.into());
    };
    check_context(&context, limits, &mut wrong);
    let attributable = !context.ephemeral && context.consent() != Consent::Denied;
    let engine = EngineRequest {
        exclude: request.exclude_product_ids,
        explanation,
        limit,
        ..shopper(context, &mut wrong)
    };
    wrong.or(Question {
        serving_config,
        engine,
        validate_only: request.validate_only,
        attributable,
    })
}

/// Checks what a batch is held to as a whole.
pub(crate) fn check_batch(
    batch: &BatchRecommendRequest,
    limits: &RequestLimits,
) -> Result<(), Refusal> {
    let mut wrong = Violations::default();
    if batch.requests.is_empty() {
        wrong.add("requests", "expected at least one request, found none");
    }
    wrong.bound("requests", batch.requests.len(), limits.max_batch_requests);
    wrong.or(())
}

fn refuse_unhonoured(request: &RecommendRequest, wrong: &mut Violations) {
    for (field, set) in [
        ("page_token", !request.page_token.is_empty()),
        ("filter", !request.filter.is_empty()),
        ("strict_filtering", request.strict_filtering),
        ("fulfillment", request.fulfillment.is_some()),
        ("diversity", request.diversity.is_some()),
        ("read_mask", request.read_mask.is_some()),
        ("request_id", !request.request_id.is_empty()),
        ("min_freshness", !request.min_freshness.is_empty()),
        (
            "experiment_overrides",
            !request.experiment_overrides.is_empty(),
        ),
    ] {
        wrong.refuse_if(set, field);
    }
}

fn serving_config(name: &str, wrong: &mut Violations) -> ServingConfigName {
    ServingConfigName::parse(name).unwrap_or_else(|| {
        let pattern = ServingConfigName::PATTERN;
        wrong.add(
            "serving_config",
            format!("expected \"{pattern}\", found {name:?}"),
        );
        ServingConfigName::new("", "")
    })
}

fn page_size(asked: i32, limits: &RequestLimits, wrong: &mut Violations) -> usize {
    match usize::try_from(asked) {
        Ok(0) => limits.default_page_size,
        Ok(asked) => asked.min(limits.max_page_size),
        Err(_) => {
            wrong.add("page_size", format!("expected at least 0, found {asked}"));
            0
        }
    }
}

fn view(number: i32, wrong: &mut Violations) -> Explanation {
    match RecommendView::try_from(number) {
        Ok(RecommendView::Unspecified | RecommendView::Basic) => Explanation::Source,
        Ok(RecommendView::WithExplanation) => Explanation::Contributions,
        Ok(RecommendView::WithProduct) => {
            wrong.refuse_if(true, "view");
            Explanation::Source
        }
        Err(_) => {
            wrong.add("view", format!("expected a RecommendView, found {number}"));
            Explanation::Source
        }
    }
}

fn check_context(context: &RecommendContext, limits: &RequestLimits, wrong: &mut Violations) {
    if context.visitor_id.is_empty() {
        wrong.add("context.visitor_id", "expected a key, found none");
    }
    if PageType::try_from(context.page_type).is_err() {
        let found = format!("expected a PageType, found {}", context.page_type);
        wrong.add("context.page_type", found);
    }
    for (field, set) in [
        ("context.external_ids", !context.external_ids.is_empty()),
        (
            "context.page_categories",
            !context.page_categories.is_empty(),
        ),
        ("context.search_query", !context.search_query.is_empty()),
        ("context.locale", !context.locale.is_empty()),
        ("context.currency_code", !context.currency_code.is_empty()),
        ("context.attributes", !context.attributes.is_empty()),
    ] {
        wrong.refuse_if(set, field);
    }
    let products = context.product_details.len();
    wrong.bound(
        "context.product_details",
        products,
        limits.max_context_products,
    );
    let events = context.recent_events.iter();
    let past = events.map(|event| event.product_details.len().max(1)).sum();
    wrong.bound("context.recent_events", past, limits.max_recent_events);
}

/// What the context says of the shopper and the page. Without her consent, that is the page alone.
fn shopper(context: RecommendContext, wrong: &mut Violations) -> EngineRequest {
    let consent = names::consent(context.consent, "context.consent", wrong);
    let mut past = events::past(context.recent_events, &context.session_id, wrong);
    let person = if context.user_id.is_empty() {
        context.visitor_id
    } else {
        context.user_id
    };
    let mut user = Some(person);
    if consent == Consent::Denied {
        (user, past) = (None, Past::default());
    }
    let page = events::products(context.product_details, "context.product_details", wrong);
    EngineRequest {
        user,
        events: past.events,
        session: past.session,
        context_items: page.map(|(item, _)| item).collect(),
        place: (!context.place_id.is_empty()).then_some(context.place_id),
        channel: names::channel(context.channel, "context.channel", wrong),
        time: events::timestamp(context.event_time, "context.event_time", wrong),
        ..EngineRequest::default()
    }
}
