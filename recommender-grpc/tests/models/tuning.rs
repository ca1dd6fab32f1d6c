use recommender_grpc::proto::longrunning::Operation;
use recommender_grpc::proto::{TrainingState, TuneModelRequest, TuneModelResponse};
use tonic::{Code, Status};

use crate::shop::{DAILY, RANDOM, Running, TOGETHER, always, fields, reason, response};

fn asked() -> TuneModelRequest {
    TuneModelRequest {
        name: DAILY.into(),
        trials: 2,
        ..TuneModelRequest::default()
    }
}

async fn begin(running: &Running, request: TuneModelRequest) -> Result<Operation, Status> {
    let begun = running.models().tune_model(request).await?;
    Ok(begun.into_inner())
}

async fn tune(running: &Running, request: TuneModelRequest) -> TuneModelResponse {
    let begun = begin(running, request).await.unwrap();
    response(&running.end(begun).await)
}

#[tokio::test]
async fn the_better_of_two_is_found_and_becomes_the_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), RANDOM, always()).await;
    let both = TuneModelRequest {
        methods: vec!["random".into(), "item_knn".into()],
        validate_only: true,
        ..asked()
    };
    let found = tune(&running, both.clone()).await;
    assert!(!found.applied, "{}", found.verdict);
    assert_eq!(running.model().await.pipeline, RANDOM);

    let both = TuneModelRequest {
        validate_only: false,
        ..both
    };
    let found = tune(&running, both.clone()).await;
    assert!(found.applied, "{}", found.verdict);
    assert!(found.pipeline.contains("item_knn"), "{}", found.pipeline);
    assert_eq!(running.model().await.pipeline, found.pipeline);
    let trials: Vec<(&str, i32)> = (found.trials.iter())
        .map(|trial| (&*trial.method, trial.trial))
        .collect();
    // Nothing of chance is to be set.
    assert_eq!(trials, [("random", 0), ("item_knn", 0), ("item_knn", 1)]);
    let best = found.value.unwrap();
    assert_eq!(best.metric, "ndcg@20");
    assert!(best.low.unwrap() <= best.mean && best.mean <= best.high.unwrap());
    let means = found.trials.iter().filter_map(|trial| trial.value.as_ref());
    assert!(means.into_iter().all(|value| value.mean <= best.mean));
    let comparison = found.comparison.unwrap();
    assert!(comparison.queries > 0 && comparison.difference[0].mean > 0.0);
    assert!(running.train().await.promoted);

    // What was found is no better than itself.
    let again = tune(&running, both).await;
    assert!(!again.applied, "{}", again.verdict);
}

#[tokio::test]
async fn a_committee_is_made_of_what_a_space_says() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    let space = "[models.near]\nkind = \"item_knn\"\nneighbours = { integer = [1, 20] }\n[models.popularity]";
    let request = TuneModelRequest {
        search_space: space.into(),
        metric: "recall@5".into(),
        committee: true,
        validate_only: true,
        ..asked()
    };
    let found = tune(&running, request).await;
    assert!(found.trials.iter().any(|trial| trial.method == "near"));
    let settings = &found.trials[1].settings;
    assert!(settings.starts_with("{\"neighbours\":"), "{settings}");
    assert_eq!(found.value.unwrap().metric, "recall@5");
}

#[tokio::test]
async fn a_search_that_is_cancelled_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let slow = "[[sources]]\nmodel = { kind = \"ials\", factors = 512, epochs = 10000 }";
    let running = Running::with_model(folder.path(), slow, always()).await;
    let space = "[models.ials]\nfactors = 512\nepochs = 10000";
    let request = TuneModelRequest {
        search_space: space.into(),
        ..asked()
    };
    let begun = begin(&running, request.clone()).await.unwrap();
    let busy = begin(&running, request).await.unwrap_err();
    assert_eq!(reason(&busy), "TRAINING_IN_PROGRESS");
    running.cancel(begun).await;
    let model = running.model().await;
    assert_eq!(model.pipeline, slow);
    assert_eq!(model.training_state(), TrainingState::Idle);
}

#[tokio::test]
async fn a_search_of_what_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    let wrong = TuneModelRequest {
        methods: vec!["magic".into()],
        metric: "coverage@20".into(),
        trials: -1,
        ..asked()
    };
    let refused = begin(&running, wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(fields(&refused)[..2], ["methods[0]", "trials"]);
    let unknown = TuneModelRequest {
        name: format!("{DAILY}-not"),
        ..asked()
    };
    let refused = begin(&running, unknown).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let other = TuneModelRequest {
        name: "models/daily".into(),
        ..asked()
    };
    let refused = begin(&running, other).await.unwrap_err();
    assert_eq!(fields(&refused), ["name"]);
}
