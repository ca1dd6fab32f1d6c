use recommender_grpc::ERROR_DOMAIN;
use recommender_grpc::proto::{
    self, DiversitySpec, ExternalId, FulfillmentConstraint, RecommendContext, RecommendRequest,
    UserEvent,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::shop::{Running, product, purchase, request, request_in, shop};

async fn refusal(shop: &mut Running, request: RecommendRequest) -> Status {
    shop.client.recommend(request).await.unwrap_err()
}

/// The fields that a refusal names, in order.
fn fields(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(
        (&*info.reason, &*info.domain),
        ("INVALID_REQUEST", ERROR_DOMAIN)
    );
    let bad_request = details.bad_request().unwrap();
    let violations = bad_request.field_violations.iter();
    violations
        .map(|violation| violation.field.clone())
        .collect()
}

#[tokio::test]
async fn a_negative_page_size_is_refused() {
    let mut shop = Running::shop("").await;
    let mut request = request();
    request.page_size = -1;
    let status = refusal(&mut shop, request).await;
    assert_eq!(fields(&status), ["page_size"]);
    assert_eq!(status.message(), "page_size: expected at least 0, found -1");
}

#[tokio::test]
async fn an_unknown_serving_config_is_told_which_exist() {
    let server = shop("").awaiting_model("cart").build().unwrap();
    let mut shop = Running::open(server).await;
    for name in [
        "catalogs/default/servingConfigs/nowhere",
        "catalogs/other/servingConfigs/home",
    ] {
        let mut request = request();
        request.serving_config = name.into();
        let status = refusal(&mut shop, request).await;
        assert_eq!(status.code(), Code::NotFound);
        let existing = "catalogs/default/servingConfigs/cart, catalogs/default/servingConfigs/home";
        assert!(status.message().ends_with(existing), "{status:?}");
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(info.reason, "SERVING_CONFIG_NOT_FOUND");
        assert_eq!(info.metadata["known"], existing);
        assert_eq!(details.resource_info().unwrap().resource_name, name);
    }
    for malformed in ["", "home", "catalogs/default/servingConfigs/a b"] {
        let mut request = request();
        request.serving_config = malformed.into();
        assert_eq!(
            fields(&refusal(&mut shop, request).await),
            ["serving_config"]
        );
    }
}

#[tokio::test]
async fn all_that_is_wrong_is_named_at_once() {
    let mut shop = Running::shop("").await;
    let status = refusal(&mut shop, RecommendRequest::default()).await;
    assert_eq!(fields(&status), ["serving_config", "context"]);
    let mut request = request_in(RecommendContext {
        channel: 99,
        page_type: 99,
        consent: 99,
        product_details: vec![product(""), product("cup-1")],
        event_time: Some(prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        }),
        ..RecommendContext::default()
    });
    request.view = 99;
    let found = fields(&refusal(&mut shop, request).await);
    let expected = [
        "view",
        "context.page_type",
        "context.consent",
        "context.product_details[0].product_id",
        "context.channel",
        "context.event_time",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_is_not_honoured_is_refused_and_not_ignored() {
    let mut shop = Running::shop("").await;
    let request = RecommendRequest {
        page_token: "next".into(),
        filter: "brands: x".into(),
        fulfillment: Some(FulfillmentConstraint::default()),
        diversity: Some(DiversitySpec {
            strength: 2.0,
            max_per_category: -1,
            max_per_brand: -1,
        }),
        read_mask: Some(prost_types::FieldMask {
            paths: vec!["colour".into()],
        }),
        request_id: "1".repeat(129),
        min_freshness: "x".into(),
        experiment_overrides: vec!["a".into()],
        ..request_in(RecommendContext {
            external_ids: vec![ExternalId::default()],
            locale: "en".into(),
            currency_code: "EUR".into(),
            attributes: [("a".into(), proto::AttributeValue::default())].into(),
            ..RecommendContext::default()
        })
    };
    let found = fields(&refusal(&mut shop, request).await);
    let expected = [
        "experiment_overrides",
        "filter",
        "fulfillment",
        "min_freshness",
        "request_id",
        "page_token",
        "read_mask",
        "diversity.strength",
        "diversity.max_per_category",
        "diversity.max_per_brand",
        "min_freshness",
        "context.locale",
        "context.currency_code",
        "context.attributes[\"a\"]",
        "context.external_ids",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_wrong_event_is_refused_by_its_place_and_field() {
    let mut shop = Running::shop("").await;
    let unnamed = UserEvent::default();
    let mut unrated = purchase("cup-1");
    unrated.set_event_type(proto::EventType::Rate);
    let mut rated = purchase("cup-1");
    rated.rating = Some(5.0);
    let mut custom = purchase("cup-1");
    custom.set_event_type(proto::EventType::Custom);
    let mut odd = purchase("cup-1");
    odd.product_details[0].quantity = Some(f32::NAN);
    odd.product_details[0].variant_id = "red".into();
    odd.custom_event_type = "hum".into();
    let mut nothing = purchase("cup-1");
    nothing.product_details.clear();
    nothing.event_time = None;
    let context = RecommendContext {
        recent_events: vec![unnamed, unrated, rated, custom, odd, nothing],
        ..RecommendContext::default()
    };
    let found = fields(&refusal(&mut shop, request_in(context)).await);
    let expected = [
        "context.recent_events[0].event_type",
        "context.recent_events[1].rating",
        "context.recent_events[2].rating",
        "context.recent_events[3].custom_event_type",
        "context.recent_events[4].custom_event_type",
        "context.recent_events[4].product_details[0].quantity",
        "context.recent_events[4].product_details[0].variant_id",
        "context.recent_events[5].event_time",
        "context.recent_events[5].product_details",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_kind_of_event_that_the_model_has_no_weight_for_is_a_failed_precondition() {
    let mut shop = Running::shop("").await;
    let mut event = purchase("cup-1");
    event.set_event_type(proto::EventType::Custom);
    event.custom_event_type = "hum".into();
    let context = RecommendContext {
        recent_events: vec![event],
        ..RecommendContext::default()
    };
    let status = refusal(&mut shop, request_in(context)).await;
    assert_eq!(status.code(), Code::FailedPrecondition);
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.metadata["setting"], "interactions.kinds.custom:hum");
}

#[tokio::test]
async fn requests_are_bounded() {
    let toml = "max_exclusions = 2\nmax_context_products = 2\nmax_recent_events = 2";
    let mut shop = Running::shop(toml).await;
    let mut request = request_in(RecommendContext {
        product_details: vec![product("cup-1"); 2],
        recent_events: vec![purchase("cup-2"); 2],
        ..RecommendContext::default()
    });
    request.exclude_product_ids = vec!["cup-3".into(); 2];
    assert!(shop.client.recommend(request.clone()).await.is_ok());
    let context = request.context.as_mut().unwrap();
    context.product_details.push(product("cup-1"));
    context.recent_events[0]
        .product_details
        .push(product("cup-1"));
    request.exclude_product_ids.push("cup-4".into());
    let found = fields(&refusal(&mut shop, request).await);
    let expected = [
        "exclude_product_ids",
        "context.product_details",
        "context.recent_events",
    ];
    assert_eq!(found, expected);
}
