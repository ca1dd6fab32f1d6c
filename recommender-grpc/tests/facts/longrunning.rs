//! Work that goes on, as its callers see it.

use recommender_grpc::proto::longrunning::{
    CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest,
};
use recommender_grpc::proto::{OperationMetadata, PurgeUserEventsRequest};
use tonic::Code;

use crate::shop::{CATALOG, Running};

#[tokio::test]
async fn operations_are_listed_got_and_forgotten() {
    let mut shop = Running::new().await;
    let request = PurgeUserEventsRequest {
        parent: CATALOG.into(),
        filter: "person = \"visitor:secret-visitor\"".into(),
        request_id: "once".into(),
        ..PurgeUserEventsRequest::default()
    };
    let begun = shop
        .events
        .purge_user_events(request.clone())
        .await
        .unwrap()
        .into_inner();
    let again = shop
        .events
        .purge_user_events(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(begun.name, again.name);
    let ended = shop.ended(begun).await;
    let metadata: OperationMetadata = ended.metadata.clone().unwrap().to_msg().unwrap();
    assert_eq!(
        (&*metadata.method, &*metadata.target),
        ("PurgeUserEvents", CATALOG)
    );
    let mut listed = Vec::new();
    let mut request = ListOperationsRequest {
        page_size: 1,
        ..ListOperationsRequest::default()
    };
    loop {
        let page = shop
            .operations
            .list_operations(request.clone())
            .await
            .unwrap()
            .into_inner();
        listed.extend(page.operations);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed[0], ended);
    assert!(!format!("{listed:?}").contains("secret-visitor"));
    let name = ended.name.clone();
    let get = GetOperationRequest { name: name.clone() };
    let got = shop
        .operations
        .get_operation(get.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(got, ended);
    let delete = DeleteOperationRequest { name: name.clone() };
    shop.operations.delete_operation(delete).await.unwrap();
    let gone = shop.operations.get_operation(get).await.unwrap_err();
    let cancel = CancelOperationRequest { name };
    let not_there = shop.operations.cancel_operation(cancel).await.unwrap_err();
    assert_eq!(
        (gone.code(), not_there.code()),
        (Code::NotFound, Code::NotFound)
    );
}

#[tokio::test]
async fn lists_that_are_none_are_refused() {
    let mut shop = Running::new().await;
    let good = ListOperationsRequest::default();
    for wrong in [
        ListOperationsRequest {
            name: "operations/1".into(),
            ..good.clone()
        },
        ListOperationsRequest {
            filter: "done = true".into(),
            ..good.clone()
        },
        ListOperationsRequest {
            page_size: -1,
            ..good.clone()
        },
        ListOperationsRequest {
            page_token: "x".into(),
            ..good.clone()
        },
    ] {
        let refused = shop.operations.list_operations(wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}
