//! Events written one by one and in batches.

use recommender_grpc::proto::{
    BatchWriteUserEventsRequest, Consent, ListUserEventsRequest, NotStored, WaitFor,
    WriteUserEventRequest,
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{CATALOG, Running, id, product, purchase, visitor};

#[tokio::test]
async fn what_is_acknowledged_is_listed_and_counts_once() {
    let mut shop = Running::new().await;
    let mut event = purchase("1", "phone", "cup", 0);
    event.product_details.push(product("pot"));
    let first = shop.write(event.clone()).await;
    assert_eq!((first.event_id.as_str(), first.duplicate), ("1", false));
    assert!(!first.freshness_token.is_empty());
    assert_eq!(shop.listed(visitor("phone")).await, ["1#1", "1"]);
    let second = shop.write(event).await;
    assert!(second.duplicate && second.event_id == "1");
    assert_eq!(shop.listed(visitor("phone")).await.len(), 2);
    // Once it is on the disk, another server finds it there.
    let Running { folder, .. } = &shop;
    let folder = std::sync::Arc::clone(folder);
    drop(shop.store.take());
    shop.stop().await.unwrap().unwrap();
    let store = crate::shop::store(folder.path());
    let phone = "visitor:phone".parse().unwrap();
    assert_eq!(store.history(&[phone], 9).unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_merely_accepted_is_seen_a_moment_later() {
    let mut shop = Running::new().await;
    let mut request = WriteUserEventRequest {
        parent: CATALOG.into(),
        user_event: Some(purchase("1", "phone", "cup", 0)),
        ..WriteUserEventRequest::default()
    };
    request.set_wait_for(WaitFor::Accepted);
    let answer = shop
        .events
        .write_user_event(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (answer.event_id.as_str(), answer.freshness_token.as_str()),
        ("1", "")
    );
    // Writes are done in order: once this one is, so is the one before it.
    shop.write(purchase("2", "phone", "pot", 1)).await;
    assert_eq!(shop.listed(visitor("phone")).await, ["2", "1"]);
}

#[tokio::test]
async fn a_repeated_call_is_answered_as_the_first_and_counts_once() {
    let mut shop = Running::new().await;
    let request = WriteUserEventRequest {
        parent: CATALOG.into(),
        user_event: Some(purchase("", "phone", "cup", 0)),
        request_id: "call-1".into(),
        ..WriteUserEventRequest::default()
    };
    let first = shop
        .events
        .write_user_event(request.clone())
        .await
        .unwrap()
        .into_inner();
    let second = shop
        .events
        .write_user_event(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first, second);
    assert!(!second.duplicate && !second.event_id.is_empty());
    assert_eq!(shop.listed(visitor("phone")).await, [first.event_id]);
    let other = WriteUserEventRequest {
        user_event: Some(purchase("", "phone", "pot", 0)),
        ..request
    };
    let refused = shop.events.write_user_event(other).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    // Without a request id, each is an event of its own.
    shop.write(purchase("", "phone", "cup", 1)).await;
    shop.write(purchase("", "phone", "cup", 1)).await;
    assert_eq!(shop.listed(visitor("phone")).await.len(), 3);
}

#[tokio::test]
async fn a_wrong_event_of_a_batch_keeps_no_other_out() {
    let mut shop = Running::new().await;
    shop.write(purchase("known", "phone", "cup", 0)).await;
    let mut denied = purchase("denied", "phone", "cup", 0);
    denied.set_consent(Consent::Denied);
    let request = BatchWriteUserEventsRequest {
        parent: CATALOG.into(),
        user_events: vec![
            purchase("1", "phone", "cup", 1),
            purchase("bad", "", "cup", 2),
            purchase("known", "phone", "cup", 3),
            denied,
            purchase("2", "till", "pot", 4),
        ],
        ..BatchWriteUserEventsRequest::default()
    };
    let answer = shop
        .events
        .batch_write_user_events(request)
        .await
        .unwrap()
        .into_inner();
    let codes: Vec<i32> = answer
        .outcomes
        .iter()
        .map(|one| one.status.as_ref().unwrap().code)
        .collect();
    assert_eq!(codes, [0, Code::InvalidArgument as i32, 0, 0, 0]);
    let wrong = answer.outcomes[1].status.as_ref().unwrap();
    assert!(
        wrong.message.starts_with("user_events[1].visitor_id"),
        "{wrong:?}"
    );
    let known: Vec<bool> = answer.outcomes.iter().map(|one| one.duplicate).collect();
    assert_eq!(known, [false, false, true, false, false]);
    assert_eq!(answer.outcomes[3].not_stored(), NotStored::Denied);
    assert_eq!(answer.outcomes[4].event_id, "2");
    assert_eq!(shop.listed(visitor("phone")).await, ["1", "known"]);
    assert_eq!(shop.listed(visitor("till")).await, ["2"]);
}

#[tokio::test]
async fn an_event_links_what_its_visitor_is_known_by_up_to_the_caps() {
    let mut shop = Running::new().await;
    let mut event = purchase("1", "phone", "cup", 1);
    event.user_id = "ann".into();
    event.external_ids = vec![id("loyalty", "4711")];
    assert_eq!(shop.write(event).await.refused_links, [""; 0]);
    shop.write(purchase("2", "till", "pot", 2)).await;
    let mut event = purchase("3", "till", "pot", 3);
    event.external_ids = vec![id("loyalty", "4711")];
    shop.write(event).await;
    // Her telephone and the till are one person now, by her card.
    assert_eq!(shop.listed(id("account", "ann")).await, ["3", "2", "1"]);
    // Somebody else logs in on her telephone: that is not believed.
    let mut event = purchase("4", "phone", "pan", 4);
    event.user_id = "bob".into();
    assert_eq!(shop.write(event).await.refused_links, ["max_accounts"]);
    assert_eq!(shop.listed(id("account", "bob")).await, [""; 0]);
    // What was denied shows nothing, and links nothing.
    let mut event = purchase("5", "tablet", "pan", 5);
    event.user_id = "ann".into();
    event.set_consent(Consent::Denied);
    assert_eq!(shop.write(event).await.not_stored(), NotStored::Denied);
    assert_eq!(shop.listed(visitor("tablet")).await, [""; 0]);
}

#[tokio::test]
async fn events_are_listed_in_pages() {
    let mut shop = Running::new().await;
    for number in 0..5 {
        shop.write(purchase(&number.to_string(), "phone", "cup", number))
            .await;
    }
    let mut request = ListUserEventsRequest {
        parent: CATALOG.into(),
        person: Some(visitor("phone")),
        page_size: 2,
        ..ListUserEventsRequest::default()
    };
    let mut pages = Vec::new();
    loop {
        let page = shop
            .events
            .list_user_events(request.clone())
            .await
            .unwrap()
            .into_inner();
        pages.push(
            page.user_events
                .into_iter()
                .map(|event| event.event_id)
                .collect::<Vec<_>>(),
        );
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
        // What comes in meanwhile moves nothing.
        shop.write(purchase("late", "phone", "cup", 9)).await;
    }
    assert_eq!(pages, [vec!["4", "3"], vec!["2", "1"], vec!["0"]]);
}

#[tokio::test]
async fn without_a_store_and_for_another_catalogue_every_call_is_refused() {
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let mut bare = Running::open(folder, None, "").await;
    let mut shop = Running::new().await;
    for (events, parent, code, reason) in [
        (
            &mut bare.events,
            CATALOG,
            Code::FailedPrecondition,
            "NO_STORE",
        ),
        (
            &mut shop.events,
            "catalogs/other",
            Code::InvalidArgument,
            "INVALID_REQUEST",
        ),
    ] {
        let request = WriteUserEventRequest {
            parent: parent.into(),
            user_event: Some(purchase("1", "phone", "cup", 0)),
            ..WriteUserEventRequest::default()
        };
        let refused = events.write_user_event(request).await.unwrap_err();
        assert_eq!(refused.code(), code);
        assert_eq!(
            refused.get_error_details().error_info().unwrap().reason,
            reason
        );
    }
}
