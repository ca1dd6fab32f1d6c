use std::sync::mpsc;
use std::time::Duration;

use recommender_grpc::settings::WorkerSettings;
use recommender_grpc::{Caller, ServeError, Workers, server};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{Running, request, shop};

/// Occupies a worker until the sender that comes back is dropped.
pub(crate) async fn occupy(workers: &Workers) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (start, started) = oneshot::channel();
    let busy = workers.clone();
    tokio::spawn(async move {
        let work = move |_: &Caller| {
            start.send(()).unwrap();
            let _ = released.recv();
        };
        let hour = Instant::now() + Duration::from_secs(3600);
        busy.run(hour, work).await
    });
    started.await.unwrap();
    release
}

/// One thread, and a queue for one.
pub(crate) fn one_worker() -> Workers {
    Workers::start(WorkerSettings {
        threads: 1,
        max_queued: 1,
    })
    .unwrap()
}

/// Waits until `workers` have room for so many more.
pub(crate) async fn until_room_is(workers: &Workers, room: usize) {
    while workers.room() != room {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_full_server_turns_calls_away_and_says_when_to_retry() {
    let workers = one_worker();
    let server = shop("").with_workers(workers.clone()).build().unwrap();
    let mut running = Running::open(server).await;
    let release = occupy(&workers).await;
    let mut client = running.client.clone();
    let queued = tokio::spawn(async move { client.recommend(request()).await });
    until_room_is(&workers, 0).await;
    let status = running.client.recommend(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    drop(release);
    assert!(queued.await.unwrap().is_ok());
    assert!(running.client.recommend(request()).await.is_ok());
}

#[tokio::test]
async fn a_client_that_hangs_up_makes_room_and_the_server_goes_on() {
    let workers = one_worker();
    let server = shop("").with_workers(workers.clone()).build().unwrap();
    let mut running = Running::open(server).await;
    let release = occupy(&workers).await;
    let mut client = running.client.clone();
    let call = tokio::spawn(async move { client.recommend(request()).await });
    until_room_is(&workers, 0).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    drop(release);
    until_room_is(&workers, 2).await;
    let response = running.client.recommend(request()).await.unwrap();
    assert_eq!(response.get_ref().results.len(), 20);
}

#[tokio::test]
async fn a_call_that_waits_too_long_is_told_so() {
    let workers = one_worker();
    let builder = shop("request_timeout_ms = 20").with_workers(workers.clone());
    let mut running = Running::open(builder.build().unwrap()).await;
    let release = occupy(&workers).await;
    let status = running.client.recommend(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "DEADLINE_EXCEEDED");
    drop(release);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_the_connection_stays() {
    let mut running = Running::shop("").await;
    let mut large = request();
    large.exclude_product_ids = vec!["x".repeat(1 << 20); 4];
    let status = running.client.recommend(large).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    assert!(status.message().contains("4194304"), "{status:?}");
    assert!(running.client.recommend(request()).await.is_ok());
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let error = server::bind(address).await.unwrap_err();
    assert!(matches!(error, ServeError::Bind { .. }));
    let expected = format!(
        "can't listen on {address}: another program uses this port; set `listen` to a free one"
    );
    assert_eq!(error.to_string(), expected);
}
