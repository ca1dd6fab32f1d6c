//! Who asks, and what the store knows of her.

use recommender_core::engine::EngineRequest;
use recommender_core::events::Consent;
use recommender_grpc::proto::{
    ExternalId, PersonalizationTier, RecommendContext, RecommendRequest,
};
use recommender_store::identity::{Identifier, Link};
use recommender_store::privacy::ConsentRecord;
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{Running, engine, keys, product, purchase, request_in};
use crate::stocked::{ask, bought, of, open, store, write};

/// What the library answers to the same history.
fn expected(store: &recommender_store::Store, visitor: &str) -> Vec<(String, f64)> {
    let request = EngineRequest {
        limit: 20,
        ..EngineRequest::default()
    };
    let identifiers = [Identifier::visitor(visitor).unwrap()];
    let request = store.with_history(request, &identifiers, 50).unwrap();
    let answer = engine().recommend(&request).unwrap();
    let results = answer.results.into_iter();
    results.map(|it| (it.key, f64::from(it.score))).collect()
}

#[tokio::test]
async fn an_event_counts_in_the_next_answer_which_is_the_librarys() {
    let store = store().await;
    let mut shop = open(&store).await;
    assert_eq!(
        ask(&mut shop, of("ann")).await.tier(),
        PersonalizationTier::Popular
    );
    for (number, item) in (1..).zip(["lamp-3", "lamp-5", "cup-1"]) {
        write(&store, vec![bought("ann", item, number)]).await;
        let response = ask(&mut shop, of("ann")).await;
        let found: Vec<(String, f64)> = (response.results.iter())
            .map(|result| (result.product_id.clone(), result.score))
            .collect();
        assert_eq!(found, expected(&store, "ann"));
        assert_eq!(response.tier(), PersonalizationTier::Personal);
        assert!(!keys(&response).contains(&item));
        assert_eq!(response.freshness, format!("{:x}", store.position().0));
        assert!(response.inventory_as_of.is_some() && !response.degraded);
    }
}

#[tokio::test]
async fn all_keys_of_a_person_bring_her_one_history() {
    let store = store().await;
    write(
        &store,
        vec![bought("phone", "rope-2", 1), bought("card", "rope-4", 2)],
    )
    .await;
    let card: Identifier = "loyalty:4711".parse().unwrap();
    let link = Link {
        a: Identifier::visitor("card").unwrap(),
        b: card,
        evidence: "till".into(),
        since: store.now(),
        by: "test".into(),
    };
    store.link(vec![link]).unwrap().await.unwrap();
    let mut shop = open(&store).await;
    let known = |namespace: &str, value: &str| {
        request_in(RecommendContext {
            visitor_id: "phone".into(),
            external_ids: vec![ExternalId {
                namespace: namespace.into(),
                value: value.into(),
            }],
            ..RecommendContext::default()
        })
    };
    let response = ask(&mut shop, known("loyalty", "4711")).await;
    let both = keys(&response);
    assert!(!both.contains(&"rope-2") && !both.contains(&"rope-4"));
    let response = ask(&mut shop, of("phone")).await;
    assert!(
        keys(&response).contains(&"rope-4"),
        "the card is not known to be hers"
    );
    for (wrong, field) in [
        (
            known("shoe_size", "42"),
            "context.external_ids[0].namespace",
        ),
        (
            known("email_hash", "ann@example.org"),
            "context.external_ids[0].value",
        ),
    ] {
        let status = shop.client.recommend(wrong).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        assert_eq!(
            details.bad_request().unwrap().field_violations[0].field,
            field
        );
        assert!(!status.message().contains("ann@"), "{status:?}");
    }
}

#[tokio::test]
async fn an_event_that_is_stored_and_told_counts_once_and_sessions_are_made_of_both() {
    let store = store().await;
    let mut shop = open(&store).await;
    let mut first = bought("ann", "cup-2", 10);
    first.event.session = Some("today".into());
    first.event.id = Some("order-1".into());
    write(&store, vec![first]).await;
    let alone = ask(&mut shop, of("ann")).await;
    let told = |id: &str, session: &str, item: &str| {
        let mut event = purchase(item);
        event.event_id = id.into();
        event.session_id = session.into();
        event.event_time = Some(prost_types::Timestamp {
            seconds: 10,
            nanos: 0,
        });
        event
    };
    let asked = |events, session: &str| RecommendRequest {
        ..request_in(RecommendContext {
            visitor_id: "ann".into(),
            session_id: session.into(),
            recent_events: events,
            ..RecommendContext::default()
        })
    };
    let again = asked(vec![told("order-1", "", "cup-2")], "");
    assert_eq!(ask(&mut shop, again).await.results, alone.results);
    // The session is what is stored of it and what is told of it.
    let both = asked(vec![told("order-2", "today", "lamp-1")], "today");
    let response = ask(&mut shop, both).await;
    let mut request = EngineRequest {
        limit: 20,
        session: vec!["cup-2".into(), "lamp-1".into()],
        ..EngineRequest::default()
    };
    let identifiers = [Identifier::visitor("ann").unwrap()];
    request = store.with_history(request, &identifiers, 50).unwrap();
    let mut second = bought("ann", "lamp-1", 10).event;
    second.id = None;
    request.events.push(second);
    let answer = engine().recommend(&request).unwrap();
    let answered: Vec<&str> = answer.results.iter().map(|it| &*it.key).collect();
    assert_eq!(keys(&response), answered);
}

#[tokio::test]
async fn nothing_of_a_person_who_denied_is_used() {
    let store = store().await;
    write(&store, vec![bought("eve", "lamp-2", 1)]).await;
    let mut shop = open(&store).await;
    let asked = || {
        request_in(RecommendContext {
            visitor_id: "eve".into(),
            recent_events: vec![purchase("lamp-4")],
            ..RecommendContext::default()
        })
    };
    assert_eq!(
        ask(&mut shop, asked()).await.tier(),
        PersonalizationTier::Personal
    );
    let record = ConsentRecord {
        consent: Consent::Denied,
        time: store.now(),
        by: "test".into(),
        evidence: String::new(),
    };
    let eve = Identifier::visitor("eve").unwrap();
    store.set_consent(&eve, record).unwrap().await.unwrap();
    let response = ask(&mut shop, asked()).await;
    assert_eq!(response.tier(), PersonalizationTier::Popular);
    assert!(response.attribution_token.is_empty());
    let mut granted = asked();
    granted.context.as_mut().unwrap().consent = recommender_grpc::proto::Consent::Granted.into();
    assert_eq!(
        ask(&mut shop, granted).await.tier(),
        PersonalizationTier::Popular
    );
    let page = request_in(RecommendContext {
        visitor_id: "eve".into(),
        product_details: vec![product("rope-1")],
        ..RecommendContext::default()
    });
    let response = ask(&mut shop, page).await;
    assert_eq!(response.tier(), PersonalizationTier::Session);
}

#[tokio::test]
async fn a_write_that_must_be_seen_is_seen_or_the_answer_is_not_given() {
    let store = store().await;
    let mut shop: Running = open(&store).await;
    let asked = |token: String| RecommendRequest {
        min_freshness: token,
        ..of("ann")
    };
    let seen = format!("{:x}", store.position().0);
    let response = ask(&mut shop, asked(seen.clone())).await;
    assert_eq!(response.freshness, seen);
    let ahead = format!("{:x}", store.position().0 + 1);
    let status = shop.client.recommend(asked(ahead)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "NOT_YET_VISIBLE");
    assert!(details.retry_info().is_some());
    let status = shop.client.recommend(asked("-".into())).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}
