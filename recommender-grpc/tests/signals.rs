//! A server and the signals that stop it. Alone in its process, which gets the signals.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use recommender_grpc::settings::Settings;
use recommender_grpc::{Drained, ServerBuilder, server};
use tonic::transport::Channel;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

fn send(signal: &str) {
    let command = format!("kill -{signal} {}", std::process::id());
    let status = Command::new("sh").args(["-c", &command]).status().unwrap();
    assert!(status.success());
}

async fn stopped_by(signal: &str) {
    let server = ServerBuilder::new(Settings::default())
        .awaiting_model("home")
        .build()
        .unwrap();
    let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let done = tokio::spawn(server.serve_until_signalled(listener));
    let channel = Channel::from_shared(uri).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    let request = HealthCheckRequest::default();
    let mut watch = health.watch(request).await.unwrap().into_inner();
    let not_serving = HealthCheckResponse {
        status: ServingStatus::NotServing.into(),
    };
    assert_eq!(watch.message().await.unwrap(), Some(not_serving));
    send(signal);
    // The watcher is told once more, and then let go: she does not hold the server up.
    assert_eq!(watch.message().await.unwrap(), Some(not_serving));
    assert_eq!(watch.message().await.unwrap(), None);
    assert_eq!(done.await.unwrap().unwrap(), Drained::Complete, "{signal}");
}

#[tokio::test]
async fn either_signal_drains_the_server() {
    for signal in ["TERM", "INT"] {
        stopped_by(signal).await;
    }
}
