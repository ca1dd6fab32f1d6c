use recommender_core::Timestamp;
use recommender_core::engine::{EngineAnswer, Explanation, Tier};
use recommender_core::events::{Channel, Event, EventKind};
use recommender_grpc::proto::{
    self, Consent, PersonalizationTier, RecommendContext, RecommendResponse, RecommendView,
    RecommenderKind,
};

use crate::shop::{
    RANGE, Running, engine, engine_request, keys, product, purchase, request, request_in,
};

/// The service's answer says what the library's says.
fn assert_same(response: &RecommendResponse, answer: &EngineAnswer) {
    let (answered, expected) = (response.results.iter(), answer.results.iter());
    let answered: Vec<_> = answered
        .map(|result| {
            let source = result.source.as_ref().unwrap().model.as_str();
            (result.product_id.as_str(), result.score, source)
        })
        .collect();
    let expected: Vec<_> = expected
        .map(|entry| (&*entry.key, f64::from(entry.score), &*entry.source))
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(answered, expected);
    assert_eq!(response.missing_ids, answer.missing);
}

#[tokio::test]
async fn a_known_shopper_gets_the_librarys_answer() {
    let mut shop = Running::shop("").await;
    let context = RecommendContext {
        user_id: "lamp-buyer-3".into(),
        ..RecommendContext::default()
    };
    let response = shop.client.recommend(request_in(context)).await.unwrap();
    let response = response.into_inner();
    let mut question = engine_request();
    question.user = Some("lamp-buyer-3".into());
    assert_same(&response, &engine().recommend(&question).unwrap());
    assert_eq!(response.tier(), PersonalizationTier::Personal);
    assert_eq!(response.model_version, "model-1");
    assert!(response.results[0].product_id.starts_with("lamp-"));
    let positions: Vec<i32> = response
        .results
        .iter()
        .map(|result| result.position)
        .collect();
    assert!(positions.into_iter().eq((1..).take(response.results.len())));
    assert!(!response.degraded);
    assert!(response.server_time.is_some());
    assert!(!response.next_page_token.is_empty());
}

#[tokio::test]
async fn one_event_makes_a_stranger_a_shopper() {
    let mut shop = Running::shop("").await;
    let nobody = shop.client.recommend(request()).await.unwrap().into_inner();
    assert_eq!(nobody.tier(), PersonalizationTier::Popular);
    let source = nobody.results[0].source.as_ref().unwrap();
    assert_eq!(source.model, "bestsellers");
    assert_eq!(source.recommender(), RecommenderKind::Popular);

    let context = RecommendContext {
        recent_events: vec![purchase("rope-3")],
        ..RecommendContext::default()
    };
    let response = shop.client.recommend(request_in(context)).await.unwrap();
    let response = response.into_inner();
    assert_eq!(response.tier(), PersonalizationTier::Session);
    assert!(response.results[0].product_id.starts_with("rope-"));
    assert!(!keys(&response).contains(&"rope-3"));
    let mut question = engine_request();
    question.events = vec![Event {
        item: Some("rope-3".into()),
        kind: EventKind::Purchase,
        quantity: 1.0,
        time: Some(Timestamp::from_seconds(864_000)),
        ..Event::default()
    }];
    assert_same(&response, &engine().recommend(&question).unwrap());
}

#[tokio::test]
async fn the_products_of_a_page_are_its_context_and_are_not_answered() {
    let mut shop = Running::shop("").await;
    let context = RecommendContext {
        product_details: vec![product("cup-1"), product("cup-2")],
        page_type: proto::PageType::Cart.into(),
        channel: proto::Channel::Pos.into(),
        place_id: "north".into(),
        ..RecommendContext::default()
    };
    let response = shop.client.recommend(request_in(context)).await.unwrap();
    let response = response.into_inner();
    let mut question = engine_request();
    question.context_items = vec!["cup-1".into(), "cup-2".into()];
    question.channel = Some(Channel::PointOfSale);
    question.place = Some("north".into());
    assert_same(&response, &engine().recommend(&question).unwrap());
    assert!(response.results[0].product_id.starts_with("cup-"));
    let answered = keys(&response);
    assert!(!answered.contains(&"cup-1") && !answered.contains(&"cup-2"));
}

#[tokio::test]
async fn events_of_the_current_session_are_its_session_in_time_order() {
    let mut shop = Running::shop("").await;
    let at = |key: &str, seconds: i64, session: &str| {
        let mut event = purchase(key);
        event.event_time = Some(prost_types::Timestamp { seconds, nanos: 0 });
        event.session_id = session.into();
        event
    };
    let mut returned = at("cup-5", 40, "today");
    returned.set_event_type(proto::EventType::Return);
    let context = RecommendContext {
        session_id: "today".into(),
        recent_events: vec![
            at("cup-2", 30, "today"),
            at("cup-9", 10, "yesterday"),
            at("cup-1", 20, "today"),
            returned,
        ],
        ..RecommendContext::default()
    };
    let response = shop.client.recommend(request_in(context)).await.unwrap();
    let mut question = engine_request();
    question.session = vec!["cup-1".into(), "cup-2".into()];
    question.events = [
        ("cup-2", 30, EventKind::Purchase),
        ("cup-9", 10, EventKind::Purchase),
        ("cup-1", 20, EventKind::Purchase),
        ("cup-5", 40, EventKind::Return),
    ]
    .map(|(key, seconds, kind)| Event {
        item: Some(key.into()),
        kind,
        quantity: 1.0,
        time: Some(Timestamp::from_seconds(seconds)),
        ..Event::default()
    })
    .into();
    let answer = engine().recommend(&question).unwrap();
    assert_same(response.get_ref(), &answer);
}

#[tokio::test]
async fn an_event_told_twice_or_without_consent_does_not_count() {
    let mut shop = Running::shop("").await;
    let mut once = purchase("rope-3");
    once.event_id = "e1".into();
    let mut denied = purchase("lamp-3");
    denied.set_consent(Consent::Denied);
    let told = |recent_events| {
        request_in(RecommendContext {
            recent_events,
            ..RecommendContext::default()
        })
    };
    let plain = shop
        .client
        .recommend(told(vec![once.clone()]))
        .await
        .unwrap();
    let twice = vec![denied, once.clone(), once];
    let noisy = shop.client.recommend(told(twice)).await.unwrap();
    assert_eq!(plain.get_ref().results, noisy.get_ref().results);
}

#[tokio::test]
async fn refused_consent_leaves_only_the_page() {
    let mut shop = Running::shop("").await;
    let mut context = RecommendContext {
        visitor_id: "lamp-buyer-3".into(),
        product_details: vec![product("cup-1")],
        recent_events: vec![purchase("rope-3")],
        ..RecommendContext::default()
    };
    let asked = request_in(context.clone());
    let personal = shop.client.recommend(asked).await.unwrap().into_inner();
    assert!(!personal.attribution_token.is_empty());
    context.set_consent(Consent::Denied);
    let response = shop.client.recommend(request_in(context)).await.unwrap();
    let response = response.into_inner();
    let mut question = engine_request();
    question.user = None;
    question.context_items = vec!["cup-1".into()];
    assert_same(&response, &engine().recommend(&question).unwrap());
    assert_ne!(personal.results, response.results);
    assert!(response.attribution_token.is_empty());
}

#[tokio::test]
async fn answers_have_tokens_of_their_own_unless_ephemeral() {
    let mut shop = Running::shop("").await;
    let first = shop.client.recommend(request()).await.unwrap().into_inner();
    let second = shop.client.recommend(request()).await.unwrap().into_inner();
    assert_eq!(first.results, second.results);
    assert_ne!(first.attribution_token, second.attribution_token);
    let context = RecommendContext {
        ephemeral: true,
        ..RecommendContext::default()
    };
    let kiosk = shop.client.recommend(request_in(context)).await.unwrap();
    assert!(kiosk.get_ref().attribution_token.is_empty());
    assert_eq!(kiosk.get_ref().results, first.results);
}

#[tokio::test]
async fn a_store_that_is_known_has_its_own_bestsellers() {
    let mut shop = Running::shop("").await;
    let context = RecommendContext {
        place_id: "south".into(),
        ..RecommendContext::default()
    };
    let response = shop.client.recommend(request_in(context)).await.unwrap();
    let response = response.into_inner();
    assert_eq!(response.tier(), PersonalizationTier::PlacePopular);
    let source = response.results[0].source.as_ref().unwrap();
    assert_eq!(source.recommender(), RecommenderKind::PopularStore);
    let mut question = engine_request();
    question.place = Some("south".into());
    let answer = engine().recommend(&question).unwrap();
    assert_eq!(answer.tier, Tier::PlacePopular);
    assert_same(&response, &answer);
}

#[tokio::test]
async fn an_explanation_adds_up_to_the_score() {
    let mut shop = Running::shop("").await;
    let context = RecommendContext {
        visitor_id: "rope-buyer-4".into(),
        ..RecommendContext::default()
    };
    let mut explained = request_in(context);
    let plain = shop.client.recommend(explained.clone()).await.unwrap();
    assert!(
        plain
            .get_ref()
            .results
            .iter()
            .all(|result| result.reasons.is_empty())
    );
    explained.set_view(RecommendView::WithExplanation);
    let response = shop.client.recommend(explained).await.unwrap().into_inner();
    assert_eq!(keys(&response), keys(plain.get_ref()));
    for result in &response.results {
        let sum: f64 = result.reasons.iter().map(|reason| reason.weight).sum();
        assert!((sum - result.score).abs() < 1e-5, "{result:?}");
        let weights: Vec<f64> = result.reasons.iter().map(|reason| reason.weight).collect();
        assert!(weights.is_sorted_by(|a, b| a >= b), "{weights:?}");
    }
    let mut question = engine_request();
    question.user = Some("rope-buyer-4".into());
    question.explanation = Explanation::Contributions;
    let answer = engine().recommend(&question).unwrap();
    assert_same(&response, &answer);
    let reasons = &response.results[0].reasons;
    assert_eq!(reasons.len(), answer.results[0].contributions.len());
}

#[tokio::test]
async fn unknown_keys_are_reported_and_have_no_effect() {
    let mut shop = Running::shop("").await;
    let context = RecommendContext {
        product_details: vec![product("cup-1"), product("zeppelin")],
        recent_events: vec![purchase("airship")],
        place_id: "moon".into(),
        ..RecommendContext::default()
    };
    let response = shop.client.recommend(request_in(context)).await.unwrap();
    let mut question = engine_request();
    question.context_items = vec!["cup-1".into()];
    let mut expected = engine().recommend(&question).unwrap();
    expected.missing = ["airship", "moon", "zeppelin"].map(String::from).into();
    assert_same(response.get_ref(), &expected);
}

#[tokio::test]
async fn ten_thousand_exclusions_are_honoured() {
    let mut shop = Running::shop("").await;
    let mut asked = request();
    asked.page_size = 1000;
    let all = shop
        .client
        .recommend(asked.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(all.results.len(), 3 * RANGE);
    asked.exclude_product_ids = (0..10_000).map(|number| format!("gone-{number}")).collect();
    for key in keys(&all).into_iter().skip(5) {
        asked.exclude_product_ids.push(key.to_owned());
    }
    let few = shop.client.recommend(asked).await.unwrap().into_inner();
    assert_eq!(keys(&few), keys(&all)[..5]);
}

#[tokio::test]
async fn a_page_size_is_brought_into_bounds() {
    let mut shop = Running::shop("max_page_size = 7\ndefault_page_size = 3").await;
    for (asked, answered) in [(0, 3), (1, 1), (5, 5), (1_000_000, 7), (i32::MAX, 7)] {
        let mut request = request();
        request.page_size = asked;
        let response = shop.client.recommend(request).await.unwrap().into_inner();
        assert_eq!(response.results.len(), answered, "page_size {asked}");
    }
}

#[tokio::test]
async fn a_request_that_is_only_checked_has_no_results() {
    let mut shop = Running::shop("").await;
    let mut request = request();
    request.validate_only = true;
    let response = shop.client.recommend(request.clone()).await.unwrap();
    let response = response.into_inner();
    assert!(response.results.is_empty());
    assert_eq!(response.tier(), PersonalizationTier::Unspecified);
    assert_eq!(response.model_version, "model-1");
    request.page_size = -1;
    assert!(shop.client.recommend(request).await.is_err());
}
