use std::path::Path;

use recommender_files::{load_engine, save_engine};
use recommender_grpc::proto::RecommendContext;
use recommender_grpc::settings::Settings;
use recommender_grpc::{ServeError, ServerBuilder, server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::shop::{Running, engine, engine_request, request_in, settings};

/// Settings with these directories behind `home` and `cart`.
fn settings_of(home: &Path, cart: &Path) -> Settings {
    let mut settings = settings("");
    for (name, directory) in [("home", home), ("cart", cart)] {
        let configs = &mut settings.serving_configs;
        configs.insert(name.to_owned(), directory.to_path_buf());
    }
    settings
}

/// Waits until the server says that it is ready.
async fn until_ready(running: &Running) {
    let mut health = HealthClient::new(running.channel.clone());
    let request = HealthCheckRequest::default();
    let mut watch = health.watch(request).await.unwrap().into_inner();
    while watch.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
}

#[tokio::test]
async fn a_saved_model_is_loaded_and_answers_as_it_did() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    let engine = engine();
    let manifest = save_engine(&engine, &[].into(), &path).unwrap();
    let server = ServerBuilder::new(settings_of(&path, &path))
        .build()
        .unwrap();
    let mut running = Running::open(server).await;
    until_ready(&running).await;
    for name in ["home", "cart"] {
        let mut request = request_in(RecommendContext {
            visitor_id: "lamp-buyer-7".into(),
            ..RecommendContext::default()
        });
        request.serving_config = format!("catalogs/default/servingConfigs/{name}");
        let response = running
            .client
            .recommend(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(response.model_version, manifest.model_version());
        let mut question = engine_request();
        question.user = Some("lamp-buyer-7".into());
        let expected = engine.recommend(&question).unwrap();
        assert_eq!(
            load_engine(&path).unwrap().0.recommend(&question).unwrap(),
            expected
        );
        let answered = response.results.into_iter();
        let answered = answered.map(|result| (result.product_id, result.score));
        let expected = expected.results.into_iter();
        let expected = expected.map(|entry| (entry.key, f64::from(entry.score)));
        assert!(answered.eq(expected));
    }
}

#[tokio::test]
async fn a_model_that_is_not_there_ends_the_server_with_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    save_engine(&engine(), &[].into(), &path).unwrap();
    let nowhere = directory.path().join("nowhere");
    let server = ServerBuilder::new(settings_of(&path, &nowhere))
        .build()
        .unwrap();
    let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let error = server
        .serve_with_listener(listener, std::future::pending())
        .await
        .unwrap_err();
    assert!(matches!(&error, ServeError::Model { serving_config, .. } if serving_config == "cart"));
    assert!(error.to_string().contains("nowhere"), "{error}");
}
