//! More than may be, and less than should be.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::Frame;
use recommender_grpc::client::RecommendationServiceClient;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::shop::{Open, question};

/// A caller who sends this much and then nothing, not even an end.
struct Stalls(Option<Bytes>);

impl http_body::Body for Stalls {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}

/// Sends these bytes as the body of a question, without an end.
async fn send(channel: &Channel, bytes: Vec<u8>) -> Status {
    let request = http::Request::post("/recommender.v1.RecommendationService/Recommend")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Stalls(Some(bytes.into()))))
        .unwrap();
    let mut channel = channel.clone();
    std::future::poll_fn(|context| channel.poll_ready(context))
        .await
        .unwrap();
    let response = channel.call(request).await.unwrap();
    Status::from_header_map(response.headers()).unwrap()
}

fn reason(status: &Status) -> String {
    status
        .get_error_details()
        .error_info()
        .unwrap()
        .reason
        .clone()
}

#[tokio::test]
async fn a_caller_who_asks_too_often_is_told_when_to_come_again() {
    let open = Open::shop("calls_per_second = 1\ncall_burst = 3").await;
    let mut client = RecommendationServiceClient::new(open.channel().await);
    for _ in 0..3 {
        assert!(client.recommend(question()).await.is_ok());
    }
    let status = client.recommend(question()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&status), "QUOTA_EXCEEDED");
    let details = status.get_error_details();
    let violations = &details.quota_failure().unwrap().violations;
    assert_eq!(violations[0].subject, "caller:anonymous");
    let wait = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(wait <= Duration::from_secs(1));
    tokio::time::sleep(wait + Duration::from_millis(20)).await;
    assert!(client.recommend(question()).await.is_ok());
}

#[tokio::test]
async fn calls_beyond_the_most_are_turned_away_until_there_is_room() {
    let open = Open::shop("max_concurrent_calls = 1\nrequest_timeout_ms = 60000").await;
    let channel = open.channel().await;
    let mut client = RecommendationServiceClient::new(channel.clone());
    assert!(client.recommend(question()).await.is_ok());
    // The stalled call may find the place taken by one of ours: then it is sent again.
    let stalled = tokio::spawn(async move {
        loop {
            send(&channel, vec![0, 0]).await;
        }
    });
    let status = loop {
        if let Err(status) = client.recommend(question()).await {
            break status;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&status), "OVERLOADED");
    assert!(status.get_error_details().retry_info().is_some());
    stalled.abort();
    while client.recommend(question()).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_sends_half_a_message_is_not_waited_for() {
    let open = Open::shop("request_timeout_ms = 100").await;
    let channel = open.channel().await;
    for half in [vec![], vec![0, 0, 0], vec![0, 0, 0, 0, 9, 1, 2]] {
        let status = send(&channel, half).await;
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(reason(&status), "MESSAGE_TOO_SLOW");
    }
    let mut client = RecommendationServiceClient::new(channel);
    assert!(client.recommend(question()).await.is_ok());
}

#[tokio::test]
async fn five_mebibytes_are_refused_with_a_reason_and_the_connection_stays() {
    let open = Open::shop("").await;
    let channel = open.channel().await;
    let length = 5_u32 << 20;
    let message = [&[0], &length.to_be_bytes()[..], &vec![0; 5 << 20]].concat();
    let status = send(&channel, message).await;
    assert_eq!(status.code(), Code::OutOfRange);
    assert_eq!(reason(&status), "MESSAGE_TOO_LARGE");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["limit_bytes"], "4194304");
    assert_eq!(info.metadata["found_bytes"], "5242880");
    let mut client = RecommendationServiceClient::new(channel);
    assert!(client.recommend(question()).await.is_ok());
}
