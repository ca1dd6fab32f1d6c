use recommender_core::evaluation::{CaseOptions, Evaluator, Splitter, TestCases};
use recommender_core::events::{Channel, Event, EventKind};
use recommender_core::{Dataset, FitOptions, PipelineConfig, Timestamp};
use recommender_grpc::client::EvaluationServiceClient;
use recommender_grpc::proto::evaluate_offline_request::Subject;
use recommender_grpc::proto::evaluation_split::{KFold, Kind, LastN};
use recommender_grpc::proto::{
    EvaluateOfflineRequest, Evaluation, EvaluationSplit, GetEvaluationRequest,
    ListEvaluationsRequest, SegmentDimension,
};
use recommender_store::store::{Reading, Submission};
use tokio::task::spawn_blocking;
use tonic::transport::Channel as Connection;
use tonic::{Code, Status};

use crate::shop::{CATALOG, DAILY, Running, TOGETHER, always, fields, response};

fn evaluations(running: &Running) -> EvaluationServiceClient<Connection> {
    EvaluationServiceClient::new(running.channel.clone())
}

fn asked() -> EvaluateOfflineRequest {
    EvaluateOfflineRequest {
        parent: CATALOG.into(),
        subject: Some(Subject::Model(DAILY.into())),
        ..EvaluateOfflineRequest::default()
    }
}

async fn evaluate(
    running: &Running,
    request: EvaluateOfflineRequest,
) -> Result<Evaluation, Status> {
    let begun = evaluations(running).evaluate_offline(request).await?;
    Ok(response(&running.end(begun.into_inner()).await))
}

async fn get(running: &Running, name: &str) -> Result<Evaluation, Status> {
    let request = GetEvaluationRequest { name: name.into() };
    let found = evaluations(running).get_evaluation(request).await?;
    Ok(found.into_inner())
}

/// What was bought on the sixth day: on the web, and at a till in the north.
async fn sell_everywhere(running: &Running) {
    let event = |buyer: usize| {
        let at_till = buyer.is_multiple_of(2);
        Submission::from(Event {
            id: Some(format!("late-{buyer}")),
            visitor: format!("cup-buyer-{buyer}"),
            item: Some(format!("cup-{}", (buyer + 6) % 12)),
            kind: EventKind::Purchase,
            channel: Some(match at_till {
                true => Channel::PointOfSale,
                false => Channel::Web,
            }),
            place: at_till.then(|| "north".to_owned()),
            time: Some(Timestamp::from_seconds(
                86_400 * 5 + i64::try_from(buyer).unwrap(),
            )),
            quantity: 1.0,
            ..Event::default()
        })
    };
    let events = (0..20).map(event).collect();
    running.store.write_events(events).unwrap().await.unwrap();
}

#[tokio::test]
async fn an_evaluation_says_what_the_library_says_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    sell_everywhere(&running).await;
    let request = EvaluateOfflineRequest {
        metrics: vec!["recall".into(), "ndcg".into()],
        k: vec![5, 10],
        segments: [
            SegmentDimension::Users,
            SegmentDimension::Place,
            SegmentDimension::Channel,
        ]
        .map(i32::from)
        .into(),
        evaluation_id: "first".into(),
        seed: 3,
        ..asked()
    };
    let found = evaluate(&running, request.clone()).await.unwrap();
    assert_eq!(found.name, format!("{CATALOG}/evaluations/first"));
    assert_eq!((&*found.model, found.seed), (DAILY, 3));
    let names: Vec<&str> = found.metrics.iter().map(|value| &*value.metric).collect();
    assert_eq!(names, ["recall@5", "ndcg@5", "recall@10", "ndcg@10"]);
    let expected = by_the_library(&running).await;
    for (value, (name, mean)) in found.metrics.iter().zip(expected) {
        assert_eq!((&*value.metric, value.mean), (&*name, mean));
        assert!(value.low.unwrap() <= value.mean && value.mean <= value.high.unwrap());
    }
    let mut parts: Vec<(&str, i64)> = (found.segments.iter())
        .map(|segment| (&*segment.value, segment.queries))
        .collect();
    parts.sort_unstable();
    let (known, all): (Vec<_>, Vec<_>) = parts
        .iter()
        .partition(|(name, _)| ["new", "short_history", "long_history"].contains(name));
    assert_eq!(
        known.iter().map(|(_, queries)| queries).sum::<i64>(),
        found.queries
    );
    assert_eq!(
        all.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["north", "point_of_sale", "web"]
    );
    assert_eq!(all[0].1, all[1].1);

    let again = evaluate(&running, request).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    let second = evaluate(&running, asked()).await.unwrap();
    running.stop().await;
    let running = Running::open(folder.path(), "").await;
    assert_eq!(get(&running, &found.name).await.unwrap(), found);
    let list = ListEvaluationsRequest {
        parent: CATALOG.into(),
        ..ListEvaluationsRequest::default()
    };
    let listed = evaluations(&running).list_evaluations(list).await.unwrap();
    let listed = listed.into_inner().evaluations;
    let names: Vec<&str> = listed.iter().map(|it| &*it.name).collect();
    assert_eq!(names, [&*second.name, &*found.name]);
    assert_eq!(listed[1].metrics, found.metrics);
    assert!(listed[1].pipeline.is_empty() && !found.pipeline.is_empty());
}

/// The means of the figures that the library gives for the same questions.
async fn by_the_library(running: &Running) -> Vec<(String, f64)> {
    let store = running.store.clone();
    let working = spawn_blocking(move || {
        let recipe = PipelineConfig::from_toml(TOGETHER).unwrap();
        let weights = recipe.interactions.clone();
        let all = store.training_set(Reading::default(), store.products(), weights.clone());
        let table = std::sync::Arc::clone(all.unwrap().table());
        let splitter = Splitter::TimeShare { train: 0.8 };
        let split = splitter.split(&table, 3).unwrap();
        let rows = split.train().to_vec();
        let train = Dataset::of_rows(table, rows, store.products(), weights).unwrap();
        let cases = TestCases::new(&train, &split, CaseOptions::default()).unwrap();
        let options = FitOptions {
            seed: 3,
            ..FitOptions::default()
        };
        let model = recipe.fit(&train, &options).unwrap();
        let metrics = "recall@5,ndcg@5,recall@10,ndcg@10".parse().unwrap();
        let evaluator = Evaluator::new(metrics).with_options(options);
        let evaluation = evaluator
            .evaluate("library", &model, &train, &cases)
            .unwrap();
        let metrics = evaluation.report().metrics.iter();
        metrics
            .map(|(name, report)| (name.clone(), report.mean.unwrap()))
            .collect()
    });
    working.await.unwrap()
}

#[tokio::test]
async fn every_split_asks_its_own_questions() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    let split = |kind| EvaluateOfflineRequest {
        subject: Some(Subject::Pipeline(TOGETHER.into())),
        split: Some(EvaluationSplit { kind: Some(kind) }),
        segments: vec![SegmentDimension::Items.into()],
        ..asked()
    };
    let last = split(Kind::LastN(LastN { events: 1 }));
    let last = evaluate(&running, last).await.unwrap();
    assert_eq!((last.test_events, last.train_events), (60, 240));
    assert!(last.model.is_empty() && last.split_time.is_none());
    assert!(!last.segments.is_empty());
    // Each of the sixty shoppers is held out once, with the last of her five purchases to be foretold.
    let folds = split(Kind::KFold(KFold { folds: 3 }));
    let folds = evaluate(&running, folds).await.unwrap();
    assert_eq!((folds.test_events, folds.train_events), (60, 600));
    assert_eq!(folds.queries + folds.dropped_users, 60);
    let names: Vec<&str> = folds.metrics.iter().map(|value| &*value.metric).collect();
    assert_eq!(names, ["ndcg@20", "recall@20", "coverage@20"]);
    assert_ne!(last.split_digest, folds.split_digest);
}

#[tokio::test]
async fn what_can_not_be_judged_is_refused_and_what_is_cancelled_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    let wrong = EvaluateOfflineRequest {
        subject: Some(Subject::Pipeline("sources = 7".into())),
        metrics: vec!["beauty".into()],
        k: vec![0],
        segments: vec![0],
        ..asked()
    };
    let refused = evaluate(&running, wrong).await.unwrap_err();
    assert_eq!(
        fields(&refused),
        ["pipeline", "k[0]", "metrics[0]", "segments[0]"]
    );
    let unknown = EvaluateOfflineRequest {
        subject: Some(Subject::Model(format!("{DAILY}-not"))),
        ..asked()
    };
    let refused = evaluate(&running, unknown).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let slow = "[[sources]]\nmodel = { kind = \"ials\", factors = 512, epochs = 10000 }";
    let slow = EvaluateOfflineRequest {
        subject: Some(Subject::Pipeline(slow.into())),
        evaluation_id: "slow".into(),
        ..asked()
    };
    let begun = evaluations(&running).evaluate_offline(slow).await.unwrap();
    let begun = begun.into_inner();
    running.cancel(begun).await;
    let name = format!("{CATALOG}/evaluations/slow");
    assert_eq!(
        get(&running, &name).await.unwrap_err().code(),
        Code::NotFound
    );
    assert_eq!(
        get(&running, "slow").await.unwrap_err().code(),
        Code::InvalidArgument
    );
}
