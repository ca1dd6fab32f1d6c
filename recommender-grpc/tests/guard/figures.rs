//! Figures and probes, and what is made of them in `deploy/`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use recommender_grpc::ServerBuilder;
use recommender_grpc::client::RecommendationServiceClient;
use serde_json::Value;
use tonic::metadata::MetadataMap;

use crate::shop::{Open, call, free_port, question, settings, shop};
use crate::web::exchange;

async fn page(port: u16, path: &str) -> (String, String) {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    while tokio::net::TcpStream::connect(address).await.is_err() {
        tokio::task::yield_now().await;
    }
    let (head, body) = exchange(address, &format!("GET {path} HTTP/1.1"), b"").await;
    (head, String::from_utf8(body).unwrap())
}

/// The value of a figure, if it is there.
fn figure(text: &str, name: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.parse().ok()
}

#[tokio::test]
async fn what_was_asked_is_counted_by_method_and_outcome() {
    let port = free_port();
    let open = Open::shop(&format!("metrics_listen = {port}")).await;
    let channel = open.channel().await;
    let mut client = RecommendationServiceClient::new(channel.clone());
    for _ in 0..3 {
        client.recommend(question()).await.unwrap();
    }
    let path = "/recommender.v1.RecommendationService/Recommend";
    assert!(call(&channel, path, MetadataMap::new()).await.is_err());
    assert!(
        call(&channel, "/made.Up/Name", MetadataMap::new())
            .await
            .is_err()
    );
    let (head, text) = page(port, "/metrics").await;
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    let recommend = "recommender.v1.RecommendationService/Recommend";
    for (name, value) in [
        (
            format!("recommender_requests_total{{method=\"{recommend}\",code=\"OK\"}}"),
            3.0,
        ),
        (
            format!(
                "recommender_requests_total{{method=\"{recommend}\",code=\"INVALID_ARGUMENT\"}}"
            ),
            1.0,
        ),
        (
            "recommender_requests_total{method=\"unknown\",code=\"UNIMPLEMENTED\"}".to_owned(),
            1.0,
        ),
        (
            format!("recommender_request_duration_seconds_count{{method=\"{recommend}\"}}"),
            4.0,
        ),
        ("recommender_requests_under_way".to_owned(), 0.0),
        ("recommender_connections".to_owned(), 1.0),
        ("recommender_queue_depth{queue=\"answers\"}".to_owned(), 0.0),
        (
            "recommender_queue_wait_seconds_count{queue=\"answers\"}".to_owned(),
            3.0,
        ),
        ("recommender_ready".to_owned(), 1.0),
    ] {
        assert_eq!(figure(&text, &name), Some(value), "{name}\n{text}");
    }
    assert!(
        figure(
            &text,
            "recommender_model_age_seconds{model=\"home\",version=\"model-1\"}"
        )
        .is_some()
    );
    assert!(
        !text.contains("made.Up") && !text.contains("stranger"),
        "{text}"
    );
}

#[tokio::test]
async fn probes_say_whether_the_server_lives_and_is_ready() {
    let port = free_port();
    let settings = settings(&format!("metrics_listen = {port}"), Path::new(""));
    let server = ServerBuilder::new(settings).awaiting_model("home");
    let open = Open::with(server).await;
    drop(open.channel().await);
    let (head, _) = page(port, "/healthz").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let (head, _) = page(port, "/readyz").await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    let port = free_port();
    let _ready = Open::shop(&format!("metrics_listen = {port}")).await;
    let (head, _) = page(port, "/readyz").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
}

#[tokio::test]
async fn a_port_for_figures_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let server = shop(&format!("metrics_listen = {port}"), Path::new(""))
        .build()
        .unwrap();
    let listener = recommender_grpc::server::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let error = server
        .serve_with_listener(listener, std::future::pending())
        .await
        .unwrap_err();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

/// A file of `deploy/`.
fn deployed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of figures in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names =
        words.filter(|word| word.starts_with("recommender_") || word.starts_with("process_"));
    let parts = ["_bucket", "_sum", "_count"];
    names
        .map(|name| {
            parts
                .iter()
                .find_map(|part| name.strip_suffix(part))
                .unwrap_or(name)
        })
        .collect()
}

#[tokio::test]
async fn the_dashboard_and_the_alerts_show_figures_that_there_are() {
    let port = free_port();
    let _open = Open::shop(&format!("metrics_listen = {port}")).await;
    let (_, text) = page(port, "/metrics").await;
    let told: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let dashboard = deployed("grafana-dashboard.json");
    let parsed: Value = serde_json::from_str(&dashboard).unwrap();
    let panels = parsed["panels"].as_array().unwrap();
    assert!(panels.len() >= 10);
    let shown = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let shown: Vec<&str> = shown
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    for (what, text) in [
        ("dashboard", shown.join("\n")),
        ("alerts", deployed("prometheus-alerts.yaml")),
    ] {
        let names = named(&text);
        assert!(names.len() >= 5, "{what}: {names:?}");
        for name in names {
            assert!(told.contains(name), "{what}: nobody tells {name}");
        }
    }
}

#[test]
fn every_alert_has_its_place_in_the_runbook() {
    let (alerts, runbook) = (deployed("prometheus-alerts.yaml"), deployed("runbook.md"));
    let names = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let names: Vec<&str> = names.collect();
    assert!(names.len() >= 6);
    for name in names {
        assert!(runbook.contains(&format!("### {name}")), "{name}");
    }
}

#[test]
fn the_settings_of_the_example_are_settings() {
    let kubernetes = deployed("kubernetes.yaml");
    let (_, block) = kubernetes.split_once("server.toml: |\n").unwrap();
    let lines = block
        .lines()
        .take_while(|line| line.starts_with("    ") || line.is_empty());
    let toml: String = lines
        .map(|line| format!("{}\n", line.trim_start()))
        .collect();
    let settings = settings(&toml, Path::new("/etc/recommender"));
    assert!(settings.security.tls.is_some() && settings.security.credentials_file.is_some());
    assert!(!settings.security.insecure_listen_beyond_loopback);
    let grace: u64 = kubernetes
        .lines()
        .find_map(|line| {
            line.trim()
                .strip_prefix("terminationGracePeriodSeconds: ")?
                .parse()
                .ok()
        })
        .unwrap();
    assert!(
        settings.drain_timeout.as_secs() + 10 <= grace,
        "draining must fit into the grace period"
    );
}
