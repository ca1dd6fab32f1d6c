use recommender_grpc::{Drained, ServeError, ServedModel, ServerBuilder};
use tonic::Code;
use tonic::codegen::tokio_stream::{self, StreamExt};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::{v1, v1alpha};
use tonic_types::StatusExt;

use crate::bounds::{occupy, one_worker, until_room_is};
use crate::shop::{Running, engine, request, settings, shop};

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

fn serving(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[tokio::test]
async fn a_server_is_healthy_once_its_models_are_there_and_until_it_drains() {
    let builder = ServerBuilder::new(settings("")).awaiting_model("home");
    let server = builder.build().unwrap();
    let models = server.models();
    let mut running = Running::open(server).await;
    let mut health = HealthClient::new(running.channel.clone());
    let name = "recommender.v1.RecommendationService";
    for service in ["", name] {
        let status = health.check(about(service)).await.unwrap().into_inner();
        assert_eq!(status, serving(ServingStatus::NotServing));
    }
    let mut watch = health.watch(about(name)).await.unwrap().into_inner();
    let mut next = async || watch.message().await.unwrap();
    assert_eq!(next().await, Some(serving(ServingStatus::NotServing)));
    let status = running.client.recommend(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "MODEL_NOT_LOADED");

    models.put("home", ServedModel::new(engine(), "late"));
    assert_eq!(next().await, Some(serving(ServingStatus::Serving)));
    let status = health.check(about("")).await.unwrap().into_inner();
    assert_eq!(status, serving(ServingStatus::Serving));
    let response = running.client.recommend(request()).await.unwrap();
    assert_eq!(response.get_ref().model_version, "late");

    let done = running.stop();
    assert_eq!(next().await, Some(serving(ServingStatus::NotServing)));
    assert_eq!(next().await, None);
    assert_eq!(done.await.unwrap().unwrap(), Drained::Complete);
}

#[tokio::test]
async fn health_of_an_unknown_service_is_unknown() {
    let running = Running::shop("").await;
    let mut health = HealthClient::new(running.channel.clone());
    let status = health.check(about("nothing")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let mut watch = health.watch(about("nothing")).await.unwrap().into_inner();
    let first = watch.message().await.unwrap();
    assert_eq!(first, Some(serving(ServingStatus::ServiceUnknown)));
}

#[tokio::test]
async fn a_model_is_swapped_whole_while_the_server_runs() {
    let server = shop("").build().unwrap();
    let models = server.models();
    let mut running = Running::open(server).await;
    for version in ["model-1", "model-2", "model-3"] {
        let response = running.client.recommend(request()).await.unwrap();
        assert_eq!(response.get_ref().model_version, version);
        let next = format!("model-{}", 1 + version[6..].parse::<u32>().unwrap());
        models.put("home", ServedModel::new(engine(), next));
    }
}

#[tokio::test]
async fn calls_in_flight_are_answered_before_the_server_ends() {
    let workers = one_worker();
    let server = shop("").with_workers(workers.clone()).build().unwrap();
    let running = Running::open(server).await;
    let release = occupy(&workers).await;
    let mut client = running.client.clone();
    let call = tokio::spawn(async move { client.recommend(request()).await });
    until_room_is(&workers, 0).await;
    let mut late = running.client.clone();
    let mut watch = HealthClient::new(running.channel.clone())
        .watch(about(""))
        .await
        .unwrap()
        .into_inner();
    let mut next = async || watch.message().await.unwrap();
    assert_eq!(next().await, Some(serving(ServingStatus::Serving)));
    let done = running.stop();
    assert_eq!(next().await, Some(serving(ServingStatus::NotServing)));
    drop(release);
    let answer = call.await.unwrap().unwrap();
    assert_eq!(answer.get_ref().results.len(), 20);
    assert_eq!(done.await.unwrap().unwrap(), Drained::Complete);
    let status = late.recommend(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

#[tokio::test]
async fn draining_ends_when_its_time_is_up() {
    let workers = one_worker();
    let builder = shop("drain_timeout_ms = 1").with_workers(workers.clone());
    let running = Running::open(builder.build().unwrap()).await;
    let release = occupy(&workers).await;
    let mut client = running.client.clone();
    let call = tokio::spawn(async move { client.recommend(request()).await });
    until_room_is(&workers, 0).await;
    assert_eq!(running.stop().await.unwrap().unwrap(), Drained::CutShort);
    drop(release);
    call.abort();
}

#[tokio::test]
async fn a_server_without_models_or_with_an_unknown_fallback_is_not_built() {
    let error = ServerBuilder::new(settings("")).build().unwrap_err();
    assert!(matches!(
        error,
        ServeError::Setting {
            key: "serving_configs",
            ..
        }
    ));
    let error = shop("fallback_serving_config = 'popular'")
        .build()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "setting \"fallback_serving_config\": expected one of home, found \"popular\""
    );
}

#[tokio::test]
async fn reflection_lists_the_services_and_describes_the_contract() {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let running = Running::shop("").await;
    let mut reflection =
        v1::server_reflection_client::ServerReflectionClient::new(running.channel.clone());
    let ask = |message_request| v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(message_request),
    };
    let questions = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(
            "recommender.v1.RecommendRequest".into(),
        )),
    ];
    let answers = reflection
        .server_reflection_info(tokio_stream::iter(questions))
        .await
        .unwrap()
        .into_inner();
    let answers: Vec<_> = answers.map(|answer| answer.unwrap()).collect().await;
    let Some(MessageResponse::ListServicesResponse(list)) = &answers[0].message_response else {
        panic!("no list: {answers:?}");
    };
    let names: Vec<&str> = list.service.iter().map(|service| &*service.name).collect();
    for expected in [
        "recommender.v1.RecommendationService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
    ] {
        assert!(names.contains(&expected), "{names:?}");
    }
    let Some(MessageResponse::FileDescriptorResponse(files)) = &answers[1].message_response else {
        panic!("no file: {answers:?}");
    };
    assert_eq!(files.file_descriptor_proto.len(), 1);
}

#[tokio::test]
async fn older_clients_can_reflect_too() {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;
    let running = Running::shop("").await;
    let mut reflection =
        v1alpha::server_reflection_client::ServerReflectionClient::new(running.channel.clone());
    let question = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = reflection
        .server_reflection_info(tokio_stream::iter([question]))
        .await
        .unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let response = answer.message_response.unwrap();
    assert!(
        matches!(response, MessageResponse::ListServicesResponse(list) if list.service.len() >= 3)
    );
}
