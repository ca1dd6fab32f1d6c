//! From a request to the question that is answered.

use recommender_core::engine::{EngineRequest, Explanation};
use recommender_core::events::Consent as SaidConsent;
use recommender_store::catalog::{Currency, Language};
use recommender_store::filter::Filter;
use recommender_store::identity::Namespace;

use crate::answering::{AskedFilter, Asker, Manner, Page, Question, Scene, Scope, words};
use crate::convert::events::{self, Past};
use crate::convert::mask::{self, Mask};
use crate::convert::pages;
use crate::convert::violations::Violations;
use crate::convert::{constraints, identities, names};
use crate::proto::{
    BatchRecommendRequest, Consent, RecommendContext, RecommendRequest, RecommendView,
};
use crate::serving::ServingConfigName;
use crate::settings::RequestLimits;
use crate::status::Refusal;

/// What requests are held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds<'a> {
    pub(crate) limits: &'a RequestLimits,
    /// Whether there is a store that knows persons and products.
    pub(crate) has_store: bool,
}

/// Most categories of a page, and most segments of a shopper.
const MOST_WORDS: usize = 100;

/// Longest text that was searched for, in bytes.
const MOST_SEARCH: usize = 1000;

/// Longest key of a request, in bytes.
const MOST_REQUEST_ID: usize = 128;

/// The one attribute of a context that is read.
const SEGMENT: &str = "segment";

/// The question that `request` asks and the fields that are answered, or everything that is wrong with it.
pub(crate) fn question(
    request: RecommendRequest,
    bounds: Bounds<'_>,
) -> Result<(Question, Mask), Refusal> {
    let mut wrong = Violations::default();
    let read = recommend(request, bounds, &mut wrong);
    wrong.or(())?;
    read.ok_or_else(|| Violations::default().into())
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

/// The question and the fields that are wanted; none if there is no context. Notes what is wrong.
pub(super) fn recommend(
    request: RecommendRequest,
    bounds: Bounds<'_>,
    wrong: &mut Violations,
) -> Option<(Question, Mask)> {
    let limits = bounds.limits;
    refuse_unhonoured(&request, bounds, wrong);
    let page = page(&request, limits, wrong);
    let mask = mask::read(request.read_mask.as_ref(), wrong);
    let serving_config = serving_config(&request.serving_config, wrong);
    let (explanation, with_products) = view(request.view, bounds, wrong);
    let excluded = request.exclude_product_ids.len();
    wrong.bound("exclude_product_ids", excluded, limits.max_exclusions);
    let diversity = request
        .diversity
        .map(|spec| constraints::diversity(&spec, wrong));
    let min_freshness = freshness(&request.min_freshness, wrong);
    let Some(mut context) = request.context else {
        wrong.add("context", "expected a context, found none");
        return None;
    };
    check_context(&context, limits, wrong);
    let manner = manner(&context, bounds, wrong);
    let channel = context.channel();
    let scope = Scope {
        filter: filter(request.filter, manner.currency, wrong),
        strict: request.strict_filtering,
        fulfillment: (request.fulfillment)
            .map(|wanted| constraints::fulfillment(wanted, &context.place_id, wrong)),
    };
    let scene = scene(&mut context, wrong);
    let (asker, engine) = shopper(context, bounds, wrong);
    let engine = EngineRequest {
        exclude: request.exclude_product_ids,
        explanation,
        limit: page.end(),
        ..engine
    };
    let question = Question {
        excluded,
        serving_config,
        asker,
        engine,
        scope,
        scene,
        diversity,
        page,
        min_freshness,
        seen: None,
        as_of: None,
        with_products,
        manner,
        validate_only: request.validate_only,
        request_id: request.request_id,
        channel,
    };
    Some((question, mask))
}

fn refuse_unhonoured(request: &RecommendRequest, bounds: Bounds<'_>, wrong: &mut Violations) {
    let overrides = !request.experiment_overrides.is_empty();
    wrong.refuse_if(overrides, "experiment_overrides");
    if !bounds.has_store {
        for (field, set) in [
            ("filter", !request.filter.is_empty()),
            ("fulfillment", request.fulfillment.is_some()),
            ("min_freshness", !request.min_freshness.is_empty()),
        ] {
            wrong.refuse_if(set, field);
        }
    }
    let length = request.request_id.len();
    if length > MOST_REQUEST_ID {
        let found = format!("expected at most {MOST_REQUEST_ID} bytes, found {length}");
        wrong.add("request_id", found);
    }
}

fn page(request: &RecommendRequest, limits: &RequestLimits, wrong: &mut Violations) -> Page {
    let size = page_size(request.page_size, limits, wrong);
    let list = pages::of_question(request);
    let begin = pages::begin(&request.page_token, list);
    if begin.is_none() {
        pages::refuse(wrong);
    }
    let (offset, draw) = begin.unwrap_or_default();
    Page {
        offset,
        size,
        list,
        draw,
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

/// How much is explained, and whether products are answered.
fn view(number: i32, bounds: Bounds<'_>, wrong: &mut Violations) -> (Explanation, bool) {
    match RecommendView::try_from(number) {
        Ok(RecommendView::Unspecified | RecommendView::Basic) => (Explanation::Source, false),
        Ok(RecommendView::WithExplanation) => (Explanation::Contributions, false),
        Ok(RecommendView::WithProduct) => {
            wrong.refuse_if(!bounds.has_store, "view");
            (Explanation::Source, true)
        }
        Err(_) => {
            wrong.add("view", format!("expected a RecommendView, found {number}"));
            (Explanation::Source, false)
        }
    }
}

fn freshness(token: &str, wrong: &mut Violations) -> Option<crate::answering::Freshness> {
    if token.is_empty() {
        return None;
    }
    let read = token.parse().ok();
    if read.is_none() {
        let expected = "expected the freshness token of a write, found another text";
        wrong.add("min_freshness", expected);
    }
    read
}

fn filter(text: String, currency: Option<Currency>, wrong: &mut Violations) -> Option<AskedFilter> {
    if text.is_empty() {
        return None;
    }
    match Filter::parse(&text) {
        Ok(filter) => Some(AskedFilter::new(text, filter, currency)),
        Err(error) => {
            let (column, expected, found) = (error.column, error.expected, error.found);
            let what = format!("column {column}: expected {expected}, found {found}");
            wrong.add("filter", what);
            None
        }
    }
}

fn check_context(context: &RecommendContext, limits: &RequestLimits, wrong: &mut Violations) {
    if context.visitor_id.is_empty() {
        wrong.add("context.visitor_id", "expected a key, found none");
    }
    let products = context.product_details.len();
    let most = limits.max_context_products;
    wrong.bound("context.product_details", products, most);
    let categories = context.page_categories.len();
    wrong.bound("context.page_categories", categories, MOST_WORDS);
    let searched = context.search_query.len();
    if searched > MOST_SEARCH {
        let found = format!("expected at most {MOST_SEARCH} bytes, found {searched}");
        wrong.add("context.search_query", found);
    }
    let events = context.recent_events.iter();
    let past = events.map(|event| event.product_details.len().max(1)).sum();
    wrong.bound("context.recent_events", past, limits.max_recent_events);
}

/// In which language and currency products are to be told.
fn manner(context: &RecommendContext, bounds: Bounds<'_>, wrong: &mut Violations) -> Manner {
    let (locale, code) = (&context.locale, &context.currency_code);
    if !bounds.has_store {
        wrong.refuse_if(!locale.is_empty(), "context.locale");
        wrong.refuse_if(!code.is_empty(), "context.currency_code");
        return Manner::default();
    }
    let manner = Manner {
        language: Language::parse(locale),
        currency: Currency::parse(code),
    };
    if manner.language.is_none() && !locale.is_empty() {
        let expected = "expected a BCP 47 tag such as \"de-AT\"";
        wrong.add("context.locale", format!("{expected}, found {locale:?}"));
    }
    if manner.currency.is_none() && !code.is_empty() {
        let found = format!("expected {}, found {code:?}", Currency::EXPECTED);
        wrong.add("context.currency_code", found);
    }
    manner
}

/// What the context says of the page, and of the segments of the shopper.
fn scene(context: &mut RecommendContext, wrong: &mut Violations) -> Scene {
    let mut segments = Vec::new();
    for (name, value) in std::mem::take(&mut context.attributes) {
        if name == SEGMENT {
            wrong.bound(
                "context.attributes.segment.text",
                value.text.len(),
                MOST_WORDS,
            );
            let numbers = !value.numbers.is_empty();
            wrong.refuse_if(numbers, "context.attributes.segment.numbers");
            segments = value.text;
        } else {
            let shown: String = name.chars().take(40).collect();
            wrong.refuse_if(true, &format!("context.attributes[{shown:?}]"));
        }
    }
    let searched = context.search_query.get(..MOST_SEARCH);
    Scene {
        page_type: names::page_type(context.page_type, "context.page_type", wrong),
        categories: std::mem::take(&mut context.page_categories),
        words: words(searched.unwrap_or(&context.search_query)),
        segments,
    }
}

/// What the context says of the shopper and the page. Without her consent, that is the page alone.
fn shopper(
    context: RecommendContext,
    bounds: Bounds<'_>,
    wrong: &mut Violations,
) -> (Asker, EngineRequest) {
    let consent = names::consent(context.consent, "context.consent", wrong);
    let denied = consent == Consent::Denied;
    let mut past = events::past(context.recent_events, &context.session_id, wrong);
    let externals = context.external_ids;
    let mut identifiers = Vec::new();
    if bounds.has_store {
        let visitor = (Namespace::Visitor, &*context.visitor_id, "visitor_id");
        let user = (Namespace::Account, &*context.user_id, "user_id");
        // That there is no visitor is said where one is required.
        let keys = [visitor, user]
            .into_iter()
            .filter(|(_, key, _)| !key.is_empty());
        for (namespace, key, field) in keys {
            let field = format!("context.{field}");
            identifiers.extend(identities::identifier(namespace, key, &field, wrong));
        }
        let others = identities::of_externals(&externals, "context.external_ids", wrong);
        identifiers.extend(others);
    } else {
        wrong.refuse_if(!externals.is_empty(), "context.external_ids");
    }
    let person = if context.user_id.is_empty() {
        context.visitor_id
    } else {
        context.user_id
    };
    let mut user = Some(person);
    if denied {
        (user, past) = (None, Past::default());
        identifiers.clear();
    }
    let asker = Asker {
        identifiers,
        session: (!context.session_id.is_empty()).then_some(context.session_id),
        recent: past.events,
        consent: match consent {
            Consent::Unspecified => SaidConsent::Unspecified,
            Consent::Granted => SaidConsent::Granted,
            Consent::Denied => SaidConsent::Denied,
        },
        attributable: !context.ephemeral && !denied,
    };
    let page = events::products(context.product_details, "context.product_details", wrong);
    let engine = EngineRequest {
        user,
        session: past.session,
        context_items: page.map(|(item, _)| item).collect(),
        place: (!context.place_id.is_empty()).then_some(context.place_id),
        channel: names::channel(context.channel, "context.channel", wrong),
        time: events::timestamp(context.event_time, "context.event_time", wrong),
        ..EngineRequest::default()
    };
    (asker, engine)
}
