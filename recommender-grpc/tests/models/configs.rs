use prost_types::FieldMask;
use recommender_grpc::ServerBuilder;
use recommender_grpc::proto::serving_config_service_client::ServingConfigServiceClient;
use recommender_grpc::proto::{
    AddControlRequest, CreateServingConfigRequest, DeleteServingConfigRequest,
    GetServingConfigRequest, ListServingConfigsRequest, RemoveControlRequest, SeenPolicy,
    ServingConfig, UpdateServingConfigRequest,
};
use recommender_grpc::server;
use recommender_grpc::settings::Settings;
use tonic::Code;

use crate::controls::create_hiding;
use crate::shop::{CATALOG, HOME, Running, TOGETHER, fields, manual, reason};

fn create(id: &str) -> CreateServingConfigRequest {
    CreateServingConfigRequest {
        parent: CATALOG.into(),
        serving_config: Some(ServingConfig {
            model_id: "daily".into(),
            ..ServingConfig::default()
        }),
        serving_config_id: id.into(),
        ..CreateServingConfigRequest::default()
    }
}

fn named(id: &str) -> String {
    format!("{CATALOG}/servingConfigs/{id}")
}

async fn get(running: &Running, id: &str) -> Result<ServingConfig, tonic::Status> {
    let request = GetServingConfigRequest { name: named(id) };
    let got = running.configs().get_serving_config(request).await?;
    Ok(got.into_inner())
}

#[tokio::test]
async fn serving_configs_are_made_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    let mut configs = running.configs();
    for id in ["cart", "detail"] {
        let made = configs
            .create_serving_config(create(id))
            .await
            .unwrap()
            .into_inner();
        assert_eq!((made.name, made.history_limit), (named(id), 50));
    }
    let again = configs
        .create_serving_config(create("cart"))
        .await
        .unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);

    let mut request = ListServingConfigsRequest {
        parent: CATALOG.into(),
        page_size: 2,
        page_token: String::new(),
    };
    let first = configs
        .list_serving_configs(request.clone())
        .await
        .unwrap()
        .into_inner();
    request.page_token = first.next_page_token;
    let second = configs
        .list_serving_configs(request)
        .await
        .unwrap()
        .into_inner();
    let pages = first.serving_configs.iter().chain(&second.serving_configs);
    let names: Vec<&str> = pages.map(|config| &*config.name).collect();
    assert_eq!(names, [&*named("cart"), &*named("detail"), HOME]);
    assert!(second.next_page_token.is_empty());
}

#[tokio::test]
async fn a_serving_config_is_changed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    let mut configs = running.configs();
    configs.create_serving_config(create("cart")).await.unwrap();
    let request = UpdateServingConfigRequest {
        serving_config: Some(ServingConfig {
            name: named("cart"),
            filter: "price < 20".into(),
            seen_policy: SeenPolicy::Allow.into(),
            ..ServingConfig::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["filter".into()],
        }),
        ..UpdateServingConfigRequest::default()
    };
    let changed = configs
        .update_serving_config(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (&*changed.filter, &*changed.model_id),
        ("price < 20", "daily")
    );
    assert_eq!(changed.seen_policy(), SeenPolicy::Exclude);
    assert_eq!(get(&running, "cart").await.unwrap(), changed);

    let request = DeleteServingConfigRequest {
        name: named("cart"),
        ..DeleteServingConfigRequest::default()
    };
    configs
        .delete_serving_config(request.clone())
        .await
        .unwrap();
    assert_eq!(
        get(&running, "cart").await.unwrap_err().code(),
        Code::NotFound
    );
    let gone = configs
        .delete_serving_config(request.clone())
        .await
        .unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    let request = DeleteServingConfigRequest {
        allow_missing: true,
        ..request
    };
    configs.delete_serving_config(request).await.unwrap();
}

#[tokio::test]
async fn what_is_only_checked_changes_nothing_and_what_is_missing_may_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    let mut configs = running.configs();
    let request = CreateServingConfigRequest {
        validate_only: true,
        ..create("cart")
    };
    let checked = configs
        .create_serving_config(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(checked.name, named("cart"));
    assert!(get(&running, "cart").await.is_err());
    let mut request = UpdateServingConfigRequest {
        serving_config: Some(ServingConfig {
            name: named("cart"),
            model_id: "daily".into(),
            ..ServingConfig::default()
        }),
        ..UpdateServingConfigRequest::default()
    };
    let missing = configs
        .update_serving_config(request.clone())
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    request.allow_missing = true;
    configs.update_serving_config(request).await.unwrap();
    assert!(get(&running, "cart").await.is_ok());
    let request = DeleteServingConfigRequest {
        name: named("cart"),
        validate_only: true,
        ..DeleteServingConfigRequest::default()
    };
    configs.delete_serving_config(request).await.unwrap();
    assert!(get(&running, "cart").await.is_ok());
}

#[tokio::test]
async fn what_does_not_exist_can_not_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    let request = CreateServingConfigRequest {
        serving_config: Some(ServingConfig {
            model_id: "unheard-of".into(),
            fallback_serving_config_id: "nowhere".into(),
            control_ids: vec!["nothing".into()],
            ..ServingConfig::default()
        }),
        ..create("cart")
    };
    let refused = running
        .configs()
        .create_serving_config(request)
        .await
        .unwrap_err();
    let expected = ["control_ids[0]", "fallback_serving_config_id", "model_id"];
    assert_eq!(
        fields(&refused),
        expected.map(|field| format!("serving_config.{field}"))
    );
    let request = CreateServingConfigRequest {
        parent: "catalogs/other".into(),
        serving_config: None,
        ..create("../up")
    };
    let refused = running
        .configs()
        .create_serving_config(request)
        .await
        .unwrap_err();
    assert_eq!(
        fields(&refused),
        ["parent", "serving_config_id", "serving_config"]
    );
}

#[tokio::test]
async fn controls_are_added_once_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    create_hiding(&running, "rule").await;
    let mut configs = running.configs();
    let add = AddControlRequest {
        serving_config: HOME.into(),
        control_id: "rule".into(),
        ..AddControlRequest::default()
    };
    for _ in 0..2 {
        let changed = configs.add_control(add.clone()).await.unwrap().into_inner();
        assert_eq!(changed.control_ids, ["rule"]);
    }
    let unknown = AddControlRequest {
        control_id: "other".into(),
        ..add
    };
    let refused = configs.add_control(unknown).await.unwrap_err();
    assert_eq!(fields(&refused), ["control_id"]);
    let remove = RemoveControlRequest {
        serving_config: HOME.into(),
        control_id: "rule".into(),
        ..RemoveControlRequest::default()
    };
    let changed = configs
        .remove_control(remove.clone())
        .await
        .unwrap()
        .into_inner();
    assert!(changed.control_ids.is_empty());
    let refused = configs.remove_control(remove).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn a_repeated_change_of_a_serving_config_is_answered_as_the_first_was() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    create_hiding(&running, "rule").await;
    let mut configs = running.configs();
    let once = CreateServingConfigRequest {
        request_id: "1".into(),
        ..create("cart")
    };
    let first = configs.create_serving_config(once.clone()).await.unwrap();
    let again = configs.create_serving_config(once).await.unwrap();
    assert_eq!(first.into_inner(), again.into_inner());
    let other = CreateServingConfigRequest {
        request_id: "1".into(),
        ..create("basket")
    };
    let refused = configs.create_serving_config(other).await.unwrap_err();
    assert_eq!(fields(&refused), ["request_id"]);
    let add = AddControlRequest {
        serving_config: named("cart"),
        control_id: "rule".into(),
        request_id: "2".into(),
    };
    let remove = RemoveControlRequest {
        serving_config: named("cart"),
        control_id: "rule".into(),
        request_id: "3".into(),
    };
    for _ in 0..2 {
        let added = configs.add_control(add.clone()).await.unwrap().into_inner();
        assert_eq!(added.control_ids, ["rule"]);
        let taken = configs.remove_control(remove.clone()).await.unwrap();
        assert!(taken.into_inner().control_ids.is_empty());
    }
    let left = get(&running, "cart").await.unwrap();
    assert!(left.control_ids.is_empty(), "it was not added again");
    let delete = DeleteServingConfigRequest {
        name: named("cart"),
        request_id: "4".into(),
        ..DeleteServingConfigRequest::default()
    };
    for _ in 0..2 {
        configs.delete_serving_config(delete.clone()).await.unwrap();
    }
    assert!(get(&running, "cart").await.is_err());
}

#[tokio::test]
async fn a_fallback_and_a_serving_config_of_the_settings_can_not_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    let mut configs = running.configs();
    let mut request = create("cart");
    let config = request.serving_config.as_mut().unwrap();
    config.fallback_serving_config_id = "home".into();
    configs.create_serving_config(request).await.unwrap();
    let request = DeleteServingConfigRequest {
        name: HOME.into(),
        ..DeleteServingConfigRequest::default()
    };
    let refused = configs.delete_serving_config(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "SERVING_CONFIG_IN_USE");
    assert!(refused.message().contains("cart"), "{refused}");
}

#[tokio::test]
async fn a_server_without_a_store_shows_its_settings_and_changes_nothing() {
    let server = ServerBuilder::new(Settings::default()).awaiting_model("home");
    let server = server.build().unwrap();
    let listener = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server.serve_with_listener(listener, std::future::pending()));
    let mut configs = ServingConfigServiceClient::connect(uri).await.unwrap();
    let request = GetServingConfigRequest { name: HOME.into() };
    let config = configs
        .get_serving_config(request)
        .await
        .unwrap()
        .into_inner();
    assert!(config.from_settings);
    let refused = configs
        .create_serving_config(create("cart"))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "NO_STORE");
}

#[tokio::test]
async fn a_fallback_of_the_settings_must_be_a_serving_config() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        fallback_serving_config: Some("popular".into()),
        ..Settings::default()
    };
    let store = crate::shop::open_store(folder.path()).await;
    let refused = ServerBuilder::new(settings).with_store(store).build();
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("\"popular\""), "{error}");
}
