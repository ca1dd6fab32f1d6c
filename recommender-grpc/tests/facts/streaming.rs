//! Events of a stream, and their acknowledgements.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use recommender_grpc::Drained;
use recommender_grpc::proto::StreamUserEventsRequest;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{CATALOG, Running, purchase, visitor};

fn message(sequence: u64) -> StreamUserEventsRequest {
    StreamUserEventsRequest {
        parent: if sequence == 0 {
            CATALOG.into()
        } else {
            String::new()
        },
        sequence,
        user_event: Some(purchase(&sequence.to_string(), "phone", "cup", 0)),
    }
}

#[tokio::test]
async fn every_event_is_acknowledged_in_its_order() {
    let mut shop = Running::new().await;
    let mut messages: Vec<_> = (0..500).map(message).collect();
    messages[7].user_event = None;
    messages[9] = StreamUserEventsRequest {
        sequence: 1_000_009,
        ..message(8)
    };
    let stream = tokio_stream::iter(messages);
    let mut answers = shop
        .events
        .stream_user_events(stream)
        .await
        .unwrap()
        .into_inner();
    for number in 0..500 {
        let answer = answers.message().await.unwrap().unwrap();
        let outcome = answer.outcome.unwrap();
        let code = Code::from(outcome.status.unwrap().code);
        match number {
            7 => assert_eq!((answer.sequence, code), (7, Code::InvalidArgument)),
            9 => assert_eq!((answer.sequence, outcome.duplicate), (1_000_009, true)),
            _ => {
                assert_eq!(
                    (answer.sequence, code, outcome.duplicate),
                    (number, Code::Ok, false)
                );
                assert!(!answer.freshness_token.is_empty());
            }
        }
    }
    assert!(answers.message().await.unwrap().is_none());
    assert_eq!(shop.listed(visitor("phone")).await.len(), 100);
}

#[tokio::test]
async fn a_stream_begins_with_its_catalogue() {
    let mut shop = Running::new().await;
    let stream = tokio_stream::iter([message(1)]);
    let mut answers = shop
        .events
        .stream_user_events(stream)
        .await
        .unwrap()
        .into_inner();
    let refused = answers.message().await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_not_read_on_and_hinders_nobody() {
    const EVENTS: u64 = 50_000;
    let mut shop = Running::new().await;
    let (sender, receiver) = mpsc::channel(1);
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    tokio::spawn(async move {
        for number in 0..EVENTS {
            if sender.send(message(number)).await.is_err() {
                return;
            }
            counter.store(number + 1, Ordering::Relaxed);
        }
    });
    let stream = ReceiverStream::new(receiver);
    let mut answers = shop
        .events
        .stream_user_events(stream)
        .await
        .unwrap()
        .into_inner();
    // Until what may be on its way is full; what is not sent does not come to an end by itself.
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = sent.load(Ordering::Relaxed);
        if now > 0 && now == before {
            break;
        }
        before = now;
    }
    assert!(
        before < EVENTS / 2,
        "{before} events were taken without being acknowledged"
    );
    // Others are served meanwhile.
    shop.write(purchase("other", "till", "cup", 0)).await;
    // Once she reads again, everything goes on.
    for number in 0..EVENTS {
        assert_eq!(answers.message().await.unwrap().unwrap().sequence, number);
    }
    assert!(answers.message().await.unwrap().is_none());
}

#[tokio::test]
async fn a_server_that_stops_acknowledges_what_it_took() {
    let mut shop = Running::new().await;
    let (sender, receiver) = mpsc::channel(8);
    let stream = ReceiverStream::new(receiver);
    let events = async {
        for number in 0..3 {
            sender.send(message(number)).await.unwrap();
        }
    };
    let (answers, ()) = tokio::join!(shop.events.stream_user_events(stream), events);
    let mut answers = answers.unwrap().into_inner();
    for number in 0..3 {
        assert_eq!(answers.message().await.unwrap().unwrap().sequence, number);
    }
    let done = shop.stop();
    let ended = answers.message().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    assert_eq!(
        ended.get_error_details().error_info().unwrap().reason,
        "DRAINING"
    );
    drop((answers, sender));
    assert_eq!(done.await.unwrap().unwrap(), Drained::Complete);
}
