//! Events deleted for good, or counted.

use recommender_grpc::proto::{PurgeUserEventsRequest, PurgeUserEventsResponse};
use tonic::Code;

use crate::shop::{CATALOG, Running, id, purchase, visitor};

async fn purge(shop: &mut Running, filter: &str, force: bool) -> u64 {
    let request = PurgeUserEventsRequest {
        parent: CATALOG.into(),
        filter: filter.into(),
        force,
        ..PurgeUserEventsRequest::default()
    };
    let begun = shop
        .events
        .purge_user_events(request)
        .await
        .unwrap()
        .into_inner();
    let answer: PurgeUserEventsResponse = shop.answer(begun).await;
    answer.purge_count
}

#[tokio::test]
async fn events_are_counted_and_only_deleted_by_force() {
    let mut shop = Running::new().await;
    for number in 0..4 {
        shop.write(purchase(&number.to_string(), "phone", "cup", number))
            .await;
    }
    let mut event = purchase("till", "till", "cup", 0);
    event.user_id = "ann".into();
    shop.write(event).await;
    let old = "event_time < \"2026-01-01T00:00:02Z\"";
    assert_eq!(purge(&mut shop, old, false).await, 3);
    assert_eq!(shop.listed(visitor("phone")).await.len(), 4);
    let hers = "person = \"account:ann\"";
    assert_eq!(purge(&mut shop, hers, false).await, 1);
    assert_eq!(purge(&mut shop, hers, true).await, 1);
    assert_eq!(shop.listed(id("account", "ann")).await, [""; 0]);
    assert_eq!(purge(&mut shop, old, true).await, 2);
    assert_eq!(shop.listed(visitor("phone")).await, ["3", "2"]);
    assert_eq!(purge(&mut shop, old, true).await, 0);
}

#[tokio::test]
async fn other_filters_are_refused() {
    let mut shop = Running::new().await;
    for filter in ["", "*", "event_type = \"purchase\"", "person = \"ann\""] {
        let request = PurgeUserEventsRequest {
            parent: CATALOG.into(),
            filter: filter.into(),
            force: true,
            ..PurgeUserEventsRequest::default()
        };
        let refused = shop.events.purge_user_events(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{filter}");
    }
}
