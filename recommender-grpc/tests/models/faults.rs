use std::fs;

use recommender_grpc::proto::PromoteModelRequest;
use tonic::Code;

use crate::shop::{DAILY, Running, TOGETHER, always, manual, reason};

fn promote(version: &str) -> PromoteModelRequest {
    PromoteModelRequest {
        name: DAILY.into(),
        version: version.into(),
        ..PromoteModelRequest::default()
    }
}

/// Flips a bit in the largest file of a version.
fn damage(running: &Running, version: &str) {
    let folder = running
        .folder
        .join("models/daily")
        .join(version)
        .join("models");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let largest = files
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    // A new file, as whoever has mapped the old one keeps it.
    fs::remove_file(&largest).unwrap();
    fs::write(&largest, bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_version_is_refused_and_the_one_in_service_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    running.train().await;
    running.train().await;
    running.models().promote_model(promote("1")).await.unwrap();
    let before = running.ask().await.unwrap();
    damage(&running, "2");
    let refused = running
        .models()
        .promote_model(promote("2"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "UNUSABLE_ARTEFACT");
    fs::remove_dir_all(folder.path().join("models/daily/2")).unwrap();
    let refused = running
        .models()
        .promote_model(promote("2"))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "UNUSABLE_ARTEFACT");
    let unknown = running
        .models()
        .promote_model(promote("77"))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let after = running.ask().await.unwrap();
    assert_eq!(after.model_version, before.model_version);
    assert_eq!(after.results, before.results);
    assert_eq!(running.model().await.serving_version, "1");
}

#[tokio::test]
async fn a_server_whose_version_was_damaged_starts_with_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    running.train().await;
    let first = running.ask().await.unwrap().model_version;
    running.train().await;
    damage(&running, "2");
    running.stop().await;
    let running = Running::open(folder.path(), "").await;
    assert_eq!(running.ask().await.unwrap().model_version, first);
    assert_eq!(running.model().await.serving_version, "1");
}

#[tokio::test]
async fn what_a_killed_training_left_is_removed_and_its_number_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    running.train().await;
    running.stop().await;
    let half = folder.path().join("models/daily/2");
    let staged = folder.path().join("models/daily/.2.new.77");
    for directory in [&half, &staged] {
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join("items.json"), "[\"cu").unwrap();
    }
    let running = Running::open(folder.path(), "").await;
    assert!(!half.exists() && !staged.exists());
    let trained = running.train().await;
    assert_eq!(trained.version.unwrap().version, "2");
}

#[tokio::test]
async fn a_training_that_fails_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path(), "").await;
    let policy = crate::shop::policy(always());
    running
        .create_model("daily", TOGETHER, policy)
        .await
        .unwrap();
    let request = recommender_grpc::proto::TrainModelRequest {
        name: DAILY.into(),
        ..recommender_grpc::proto::TrainModelRequest::default()
    };
    let begun = running.models().train_model(request).await.unwrap();
    let (code, message) = crate::shop::error(&running.end(begun.into_inner()).await);
    assert_eq!(code, i32::from(Code::FailedPrecondition), "{message}");
    let model = running.model().await;
    assert_eq!(model.last_training_error, message);
    assert!(model.last_training_time.is_some());
}
