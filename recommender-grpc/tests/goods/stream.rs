//! Stock as it comes.

use std::time::Duration;

use recommender_grpc::proto::product_service_client::ProductServiceClient;
use recommender_grpc::proto::{GetProductRequest, StreamInventoryRequest, StreamInventoryResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::inventory::inventory;
use crate::shop::{Shop, at, name};

fn message(key: &str, quantity: f32) -> StreamInventoryRequest {
    StreamInventoryRequest {
        request: Some(inventory(key, vec![at("north", quantity)])),
    }
}

fn code(response: &StreamInventoryResponse) -> i32 {
    let result = response.result.as_ref().unwrap();
    result.status.as_ref().unwrap().code
}

#[tokio::test]
async fn results_come_in_the_order_of_the_requests() {
    let mut shop = Shop::open().await;
    shop.put(&["a", "b"]).await;
    let messages: Vec<_> = (0..500)
        .map(|number| match number % 5 {
            4 => message("unknown", 1.0),
            _ => message(["a", "b"][number % 2], number as f32),
        })
        .collect();
    let stream = tokio_stream::iter(messages);
    let mut results = shop
        .products
        .stream_inventory(stream)
        .await
        .unwrap()
        .into_inner();
    let mut codes = Vec::new();
    while let Some(response) = results.message().await.unwrap() {
        codes.push(code(&response));
    }
    let expected: Vec<i32> = (0..500)
        .map(|number| if number % 5 == 4 { 5 } else { 0 })
        .collect();
    assert_eq!(codes, expected);
    let last = ["a", "b"].map(|key| shop.store.quantity_at("north", key));
    assert_eq!(last, [498.0, 497.0]);
}

#[tokio::test]
async fn every_result_comes_while_the_stream_goes_on() {
    let mut shop = Shop::open().await;
    shop.put(&["a"]).await;
    let (sender, requests) = mpsc::channel(1);
    let stream = ReceiverStream::new(requests);
    sender.send(message("a", 1.0)).await.unwrap();
    let mut results = shop
        .products
        .stream_inventory(stream)
        .await
        .unwrap()
        .into_inner();
    for quantity in [2.0, 3.0] {
        assert_eq!(code(&results.message().await.unwrap().unwrap()), 0);
        assert_eq!(shop.store.quantity_at("north", "a"), quantity - 1.0);
        sender.send(message("a", quantity)).await.unwrap();
    }
    drop(sender);
    assert_eq!(code(&results.message().await.unwrap().unwrap()), 0);
    assert!(results.message().await.unwrap().is_none());
}

/// Messages as large as these are held back by the flow control of the stream alone.
fn large_message() -> StreamInventoryRequest {
    let places: Vec<String> = (0..200)
        .map(|number| format!("place-{number:020}"))
        .collect();
    let local = places.iter().map(|place| at(place, 1.0)).collect();
    StreamInventoryRequest {
        request: Some(inventory("a", local)),
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_read_on_from() {
    let mut shop = Shop::open().await;
    shop.put(&["a"]).await;
    let (sender, requests) = mpsc::channel(1);
    let stream = ReceiverStream::new(requests);
    let results = shop.products.stream_inventory(stream).await.unwrap();
    let mut sent = 0;
    let stuck = loop {
        let sending = sender.send(large_message());
        match tokio::time::timeout(Duration::from_secs(2), sending).await {
            Ok(Ok(())) => sent += 1,
            Ok(Err(_)) => break false,
            Err(_) => break true,
        }
        assert!(sent < 10_000, "the server takes all there is");
    };
    assert!(stuck, "the stream ended after {sent}");
    // Others are served meanwhile, and the stream goes on once its results are read.
    let mut other = ProductServiceClient::new(shop.connect().await);
    let request = GetProductRequest {
        name: name("a"),
        ..GetProductRequest::default()
    };
    other.get_product(request).await.unwrap();
    let mut results = results.into_inner();
    for _ in 0..sent {
        assert_eq!(code(&results.message().await.unwrap().unwrap()), 0);
    }
}
