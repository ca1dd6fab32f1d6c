use prost_types::FieldMask;
use recommender_grpc::proto::promotion_policy::{NotWorse, Rule};
use recommender_grpc::proto::{
    CreateModelRequest, DeleteModelRequest, EvaluateModelRequest, EvaluateModelResponse,
    ListModelsRequest, Model, PauseModelRequest, ResumeModelRequest, RollbackModelRequest,
    ServingState, TrainModelRequest, TrainingPolicy, TrainingState, UpdateModelRequest,
};
use tonic::Code;

use crate::shop::{
    CATALOG, DAILY, RANDOM, Running, TOGETHER, always, fields, manual, policy, reason, response,
};

fn not_worse() -> Rule {
    Rule::NotWorse(NotWorse::default())
}

async fn set_pipeline(running: &Running, pipeline: &str) {
    let request = UpdateModelRequest {
        model: Some(Model {
            name: DAILY.into(),
            pipeline: pipeline.into(),
            ..Model::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["pipeline".into()],
        }),
        ..UpdateModelRequest::default()
    };
    running.models().update_model(request).await.unwrap();
}

#[tokio::test]
async fn a_training_is_judged_promoted_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, not_worse()).await;
    assert_eq!(running.ask().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(
        running.model().await.serving_state(),
        ServingState::Inactive
    );

    let trained = running.train().await;
    assert!(trained.promoted);
    let version = trained.version.unwrap();
    assert_eq!(version.version, "1");
    let comparison = version.comparison.unwrap();
    assert!(comparison.queries > 0 && comparison.incumbent.is_empty());
    let ndcg = comparison
        .candidate
        .iter()
        .find(|value| value.metric == "ndcg@20");
    let ndcg = ndcg.unwrap();
    assert!(ndcg.low.unwrap() <= ndcg.mean && ndcg.mean <= ndcg.high.unwrap());
    let first = running.ask().await.unwrap();
    assert_eq!(first.model_version, version.manifest.unwrap().model_digest);
    assert!(!first.results.is_empty());

    running.sell(5..6).await;
    let trained = running.train().await;
    assert!(trained.promoted, "{trained:?}");
    let version = trained.version.unwrap();
    let comparison = version.comparison.unwrap();
    assert_eq!(comparison.incumbent_version, "1");
    assert_eq!(
        comparison.difference.len(),
        2,
        "coverage has no paired difference"
    );
    let second = running.ask().await.unwrap();
    assert_eq!(second.model_version, version.manifest.unwrap().model_digest);
    assert_ne!(first.model_version, second.model_version);
    let model = running.model().await;
    assert_eq!(
        (&*model.serving_version, &*model.previous_version),
        ("2", "1")
    );
    assert_eq!(model.serving_state(), ServingState::Active);
    assert_eq!(model.model_version, second.model_version);
}

#[tokio::test]
async fn a_worse_candidate_is_kept_and_not_promoted() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, not_worse()).await;
    assert!(running.train().await.promoted);
    let before = running.ask().await.unwrap();
    set_pipeline(&running, RANDOM).await;
    let trained = running.train().await;
    let version = trained.version.unwrap();
    assert!(!trained.promoted, "{}", version.verdict);
    assert!(
        version.verdict.starts_with("held back: ndcg@20 -"),
        "{}",
        version.verdict
    );
    let after = running.ask().await.unwrap();
    assert_eq!(after.model_version, before.model_version);
    let model = running.model().await;
    assert_eq!(model.serving_version, "1");
    assert_eq!(model.versions.len(), 2);
}

#[tokio::test]
async fn one_call_rolls_back() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    let request = RollbackModelRequest {
        name: DAILY.into(),
        ..RollbackModelRequest::default()
    };
    let refused = running
        .models()
        .rollback_model(request.clone())
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "NO_PREVIOUS_VERSION");
    running.train().await;
    let first = running.ask().await.unwrap().model_version;
    running.train().await;
    let second = running.ask().await.unwrap().model_version;
    assert_ne!(first, second);
    for expected in [&first, &second, &first] {
        let model = running
            .models()
            .rollback_model(request.clone())
            .await
            .unwrap();
        assert_eq!(model.into_inner().model_version, *expected);
        assert_eq!(running.ask().await.unwrap().model_version, *expected);
    }
}

#[tokio::test]
async fn an_evaluation_makes_no_version() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    let mut request = EvaluateModelRequest {
        name: DAILY.into(),
        metrics: vec!["recall@5".into(), "ndcg@5".into()],
        ..EvaluateModelRequest::default()
    };
    let begun = running
        .models()
        .evaluate_model(request.clone())
        .await
        .unwrap();
    let ended = running.end(begun.into_inner()).await;
    let evaluated: EvaluateModelResponse = response(&ended);
    let comparison = evaluated.comparison.unwrap();
    let metrics: Vec<&str> = comparison.candidate.iter().map(|it| &*it.metric).collect();
    assert_eq!(metrics, ["recall@5", "ndcg@5"]);
    assert!(running.model().await.versions.is_empty());
    request.metrics.push("beauty@5".into());
    let refused = running.models().evaluate_model(request).await.unwrap_err();
    assert_eq!(fields(&refused), ["metrics[2]"]);
}

#[tokio::test]
async fn a_training_that_is_cancelled_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let slow = "[[sources]]\nmodel = { kind = \"ials\", factors = 512, epochs = 10000 }";
    let running = Running::with_model(folder.path(), slow, always()).await;
    let request = TrainModelRequest {
        name: DAILY.into(),
        ..TrainModelRequest::default()
    };
    let begun = running
        .models()
        .train_model(request.clone())
        .await
        .unwrap()
        .into_inner();
    let busy = running.models().train_model(request).await.unwrap_err();
    assert_eq!(reason(&busy), "TRAINING_IN_PROGRESS");
    assert_eq!(
        running.model().await.training_state(),
        TrainingState::Training
    );
    running.cancel(begun).await;
    let model = running.model().await;
    assert!(model.versions.is_empty());
    assert_eq!(model.training_state(), TrainingState::Idle);
    let kept = std::fs::read_dir(folder.path().join("models/daily"));
    assert_eq!(kept.map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn a_model_is_trained_after_so_many_events_unless_it_is_paused() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path(), "").await;
    running.sell(0..5).await;
    let schedule = TrainingPolicy {
        after_events: 60,
        ..policy(always())
    };
    running
        .create_model("daily", TOGETHER, schedule)
        .await
        .unwrap();
    until(&running, |model| model.versions.len() == 1).await;
    let pause = PauseModelRequest {
        name: DAILY.into(),
        ..PauseModelRequest::default()
    };
    let paused = running.models().pause_model(pause).await.unwrap();
    assert_eq!(paused.into_inner().training_state(), TrainingState::Paused);
    running.sell(5..6).await;
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert_eq!(running.model().await.versions.len(), 1);
    let resume = ResumeModelRequest {
        name: DAILY.into(),
        ..ResumeModelRequest::default()
    };
    running.models().resume_model(resume).await.unwrap();
    until(&running, |model| model.serving_version == "2").await;
}

async fn until(running: &Running, is_so: impl Fn(&Model) -> bool) {
    let late = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let model = running.model().await;
        if is_so(&model) {
            return;
        }
        assert!(std::time::Instant::now() < late, "{model:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn models_are_made_listed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    running
        .create_model("weekly", RANDOM, policy(manual()))
        .await
        .unwrap();
    let again = running
        .create_model("weekly", RANDOM, policy(manual()))
        .await;
    assert_eq!(again.unwrap_err().code(), Code::AlreadyExists);
    let wrong = CreateModelRequest {
        parent: CATALOG.into(),
        model: Some(Model {
            pipeline: "sources = []".into(),
            ..Model::default()
        }),
        model_id: "export".into(),
        validate_only: true,
        ..CreateModelRequest::default()
    };
    let refused = running.models().create_model(wrong).await.unwrap_err();
    assert_eq!(fields(&refused), ["model_id", "model.pipeline"]);
    let list = ListModelsRequest {
        parent: CATALOG.into(),
        page_size: 1,
        page_token: String::new(),
    };
    let page = running
        .models()
        .list_models(list.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.models[0].name, DAILY);
    let next = ListModelsRequest {
        page_token: page.next_page_token,
        ..list
    };
    let page = running
        .models()
        .list_models(next)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.models[0].name, format!("{CATALOG}/models/weekly"));
    assert!(page.next_page_token.is_empty());
    let mut delete = DeleteModelRequest {
        name: DAILY.into(),
        ..DeleteModelRequest::default()
    };
    let refused = running
        .models()
        .delete_model(delete.clone())
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "MODEL_IN_USE");
    delete.name = page.models[0].name.clone();
    running.models().delete_model(delete.clone()).await.unwrap();
    let gone = running.models().delete_model(delete).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}
