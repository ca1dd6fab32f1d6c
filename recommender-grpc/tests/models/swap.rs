use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use recommender_grpc::proto::{
    ExportModelRequest, ExportModelResponse, GetServingConfigRequest, ImportModelRequest,
    ModelVersion, PromoteModelRequest, RollbackModelRequest, TrainModelRequest,
};
use tonic::Code;

use crate::controls::create_hiding;
use crate::shop::{CATALOG, DAILY, HOME, Running, TOGETHER, always, ask, fields, manual, response};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_versions_are_trained_and_swapped() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    running.train().await;
    let stop = Arc::new(AtomicBool::new(false));
    let callers = (0..4).map(|_| {
        let (channel, stop) = (running.channel.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut versions = BTreeSet::new();
            let mut calls = 0;
            while !stop.load(Ordering::Relaxed) {
                let answer = ask(channel.clone()).await.unwrap();
                assert_eq!(answer.results.len(), 5);
                versions.insert(answer.model_version);
                calls += 1;
            }
            (versions, calls)
        })
    });
    let callers: Vec<_> = callers.collect();
    running.train().await;
    for _ in 0..20 {
        let back = RollbackModelRequest {
            name: DAILY.into(),
            ..RollbackModelRequest::default()
        };
        running.models().rollback_model(back).await.unwrap();
    }
    running.train().await;
    stop.store(true, Ordering::Relaxed);
    let mut seen = BTreeSet::new();
    for caller in callers {
        let (versions, calls) = caller.await.unwrap();
        assert!(calls > 0);
        seen.extend(versions);
    }
    assert!(seen.len() >= 2, "{seen:?}");
}

#[tokio::test]
async fn a_restart_keeps_models_serving_configs_and_controls() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    create_hiding(&running, "rule").await;
    running.train().await;
    running.train().await;
    let (before, model) = (running.ask().await.unwrap(), running.model().await);
    running.stop().await;
    let running = Running::open(folder.path(), "").await;
    let after = running.ask().await.unwrap();
    assert_eq!(after.model_version, before.model_version);
    assert_eq!(after.results, before.results);
    assert_eq!(running.model().await, model);
    let request = GetServingConfigRequest { name: HOME.into() };
    let config = running.configs().get_serving_config(request).await.unwrap();
    assert_eq!(config.into_inner().model_id, "daily");
    let back = RollbackModelRequest {
        name: DAILY.into(),
        ..RollbackModelRequest::default()
    };
    let model = running
        .models()
        .rollback_model(back)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(model.serving_version, "1");
}

#[tokio::test]
async fn a_version_leaves_and_comes_back_as_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    assert!(!running.train().await.promoted);
    let mut export = ExportModelRequest {
        name: DAILY.into(),
        version: "1".into(),
        directory: "copy".into(),
        ..ExportModelRequest::default()
    };
    let begun = running.models().export_model(export.clone()).await.unwrap();
    let exported: ExportModelResponse = response(&running.end(begun.into_inner()).await);
    let (engine, manifest) = recommender_files::load_engine(exported.directory.as_ref()).unwrap();
    let digest = exported.version.unwrap().manifest.unwrap().model_digest;
    assert_eq!(manifest.model_version(), digest);
    drop(engine);
    export.directory = "../copy".into();
    let refused = running.models().export_model(export).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    let import = running.folder.join("models/import");
    std::fs::create_dir_all(&import).unwrap();
    std::fs::rename(&exported.directory, import.join("copy")).unwrap();
    let request = ImportModelRequest {
        name: DAILY.into(),
        directory: "copy".into(),
        ..ImportModelRequest::default()
    };
    let begun = running.models().import_model(request).await.unwrap();
    let imported: ModelVersion = response(&running.end(begun.into_inner()).await);
    assert_eq!(imported.version, "2");
    let promote = PromoteModelRequest {
        name: DAILY.into(),
        version: imported.version,
        ..PromoteModelRequest::default()
    };
    running.models().promote_model(promote).await.unwrap();
    let digest = imported.manifest.unwrap().model_digest;
    assert_eq!(running.ask().await.unwrap().model_version, digest);
}

#[tokio::test]
async fn a_repeated_change_of_a_model_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    let train = TrainModelRequest {
        name: DAILY.into(),
        request_id: "nightly".into(),
    };
    let begun = running.models().train_model(train.clone()).await.unwrap();
    let again = running.models().train_model(train).await.unwrap();
    assert_eq!(begun.get_ref().name, again.get_ref().name);
    running.end(begun.into_inner()).await;
    running.train().await;
    let back = RollbackModelRequest {
        name: DAILY.into(),
        request_id: "back".into(),
    };
    for _ in 0..2 {
        let model = running.models().rollback_model(back.clone()).await.unwrap();
        assert_eq!(model.into_inner().serving_version, "1");
    }
    let model = running.model().await;
    assert_eq!((&*model.serving_version, model.versions.len()), ("1", 2));
    let other = RollbackModelRequest {
        name: format!("{CATALOG}/models/other"),
        ..back
    };
    let refused = running.models().rollback_model(other).await.unwrap_err();
    assert_eq!(fields(&refused), ["request_id"]);
}
