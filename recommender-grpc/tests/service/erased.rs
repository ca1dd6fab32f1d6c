//! Persons who are erased by one server, and what the others still keep of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use recommender_grpc::client::UserServiceClient;
use recommender_grpc::proto::EraseUserRequest;
use recommender_grpc::proto::longrunning::operations_client::OperationsClient;
use recommender_grpc::proto::longrunning::{WaitOperationRequest, operation};
use recommender_store::Engine;
use tonic::Code;

use crate::given::{explain, reason};
use crate::sharing::{lines, on};
use crate::shop::Running;
use crate::stocked::{ask, bought, of, open, store_over, write};

/// Erases a visitor, and waits until that is done.
pub(crate) async fn erase(shop: &Running, visitor: &str) {
    let mut users = UserServiceClient::new(shop.channel.clone());
    let erase = EraseUserRequest {
        name: format!("catalogs/default/users/visitor:{visitor}"),
        reason: "she asked for it".into(),
        ..EraseUserRequest::default()
    };
    let erasing = users.erase_user(erase).await.unwrap().into_inner();
    let mut operations = OperationsClient::new(shop.channel.clone());
    let wait = WaitOperationRequest {
        name: erasing.name,
        timeout: None,
    };
    let done = operations.wait_operation(wait).await.unwrap().into_inner();
    let result = done.result.unwrap();
    assert!(
        matches!(result, operation::Result::Response(_)),
        "{result:?}"
    );
}

#[tokio::test]
async fn no_server_explains_an_answer_to_whom_another_has_erased() {
    let [one, other] = lines();
    let store = store_over(Arc::clone(&one) as Arc<dyn Engine>).await;
    let hers = [bought("eve", "lamp-2", 1), bought("bob", "lamp-2", 1)];
    write(&store, hers.into()).await;
    let (first, mut second) = (open(&store).await, open(&on(&other).await).await);
    let of_eve = ask(&mut second, of("eve")).await.attribution_token;
    let of_bob = ask(&mut second, of("bob")).await.attribution_token;
    assert!(explain(&mut second, &of_eve, "lamp-4").await.is_ok());

    // It can't know of what is done meanwhile.
    other.cut.store(true, Ordering::SeqCst);
    let status = explain(&mut second, &of_eve, "lamp-4").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    erase(&first, "eve").await;
    let status = explain(&mut second, &of_eve, "lamp-4").await.unwrap_err();
    assert_eq!(
        (status.code(), &*reason(&status)),
        (Code::Unavailable, "STORE_UNAVAILABLE")
    );

    // Once it learns of an erasure, it can't be told any more whose it was.
    other.cut.store(false, Ordering::SeqCst);
    for token in [&of_eve, &of_bob] {
        let status = explain(&mut second, token, "lamp-4").await.unwrap_err();
        assert_eq!(reason(&status), "ANSWER_FORGOTTEN");
    }
    let later = ask(&mut second, of("bob")).await.attribution_token;
    assert!(explain(&mut second, &later, "lamp-4").await.is_ok());
}
