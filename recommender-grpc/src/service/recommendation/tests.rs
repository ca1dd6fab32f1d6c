mod exploring;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use recommender_core::engine::Engine;
use recommender_core::events::{Event, EventTable};
use recommender_core::{Dataset, Error, FitOptions, PipelineConfig};
use recommender_store::catalog::ProductRecord;
use recommender_store::{MemoryEngine, Store, StoreConfig};
use tonic::Code;

use super::*;
use crate::answering::GivenAnswers;
use crate::health::Health;
use crate::models::{Models, ServedModel};
use crate::operations::Operations;
use crate::proto::{RecommendContext, RecommenderKind};
use crate::security::methods;
use crate::serving::{Recipes, ServingConfig};
use crate::settings::{Settings, WorkerSettings};
use crate::shop::Rules;
use crate::telemetry::traces::tests::{headers, kept_traces};
use crate::training::{Registry, Surroundings};
use crate::workers::Workers;

/// A model of two products.
fn model(version: &str) -> ServedModel {
    let seen = |item: &str| ("zoe".to_owned(), item.to_owned());
    popular(["cup", "pot"].map(seen), version)
}

/// A model of what visitors looked at, the most popular first.
fn popular(seen: impl IntoIterator<Item = (String, String)>, version: &str) -> ServedModel {
    let mut table = EventTable::new();
    for (visitor, item) in seen {
        let event = Event {
            visitor,
            item: Some(item),
            quantity: 1.0,
            ..Event::default()
        };
        table.push(&event).unwrap();
    }
    let recipe = PipelineConfig::from_toml("[[sources]]\nmodel = { kind = \"popularity\" }");
    let recipe = recipe.unwrap();
    let dataset = Dataset::new(table, vec![], recipe.interactions.clone()).unwrap();
    let engine = Engine::fit(&recipe, &dataset, &FitOptions::default()).unwrap();
    ServedModel::new(Arc::new(engine), version)
}

/// A service with one worker thread, of which `popular` stands in for the others.
fn service(models: Vec<(&str, ServedModel)>) -> Recommendations {
    service_over(None, models)
}

/// The same, over a store.
fn service_over(store: Option<Store>, models: Vec<(&str, ServedModel)>) -> Recommendations {
    let served = Models::new(Vec::new(), Health::new(&[]));
    let recipes = Recipes::default();
    let configs = models.iter().map(|(name, _)| ServingConfig::of_model(name));
    recipes.replace(RecipesAt::new(configs, []));
    for (name, model) in models {
        served.put(name, model);
    }
    let workers = WorkerSettings {
        threads: 1,
        max_queued: 0,
    };
    let workers = Workers::start(workers).unwrap();
    let operations = Operations::new();
    let registry = Registry::new(Surroundings {
        catalog: "default".into(),
        store: store.clone(),
        directory: None,
        models: served.clone(),
        operations: operations.clone(),
        threads: 1,
        given: BTreeMap::new(),
    });
    let shop = Shop {
        registry,
        catalog: "default".into(),
        store,
        models: served,
        recipes,
        background: workers.clone(),
        operations,
        workers,
        given: GivenAnswers::within(1 << 20),
        rules: Rules {
            fallback: Some("popular".into()),
            limits: Settings::default().limits,
            timeout: Duration::from_secs(60),
            events: Settings::default().events,
            directories: crate::settings::DirectorySettings::default(),
        },
        metrics: crate::telemetry::Metrics::default(),
    };
    Recommendations::new(shop).unwrap()
}

fn request(serving_config: &str) -> RecommendRequest {
    RecommendRequest {
        serving_config: format!("catalogs/default/servingConfigs/{serving_config}"),
        context: Some(RecommendContext {
            visitor_id: "ann".into(),
            ..RecommendContext::default()
        }),
        ..RecommendRequest::default()
    }
}

async fn recommend(
    service: &Recommendations,
    serving_config: &str,
) -> Result<RecommendResponse, Status> {
    let request = Request::new(request(serving_config));
    let response = service.recommend(request).await;
    response.map(Response::into_inner)
}

fn panics() -> ServedModel {
    model("broken-1").with_fault(|| panic!("a bug"))
}

fn answers() -> ServedModel {
    model("popular-1")
}

#[tokio::test]
async fn the_fallback_answers_for_a_model_that_fails_and_says_so() {
    let fails = model("broken-2").with_fault(|| Err(Error::Internal("a bug".into())));
    let service = service(vec![
        ("home", panics()),
        ("cart", fails),
        ("popular", answers()),
    ]);
    for (serving_config, reason) in [
        ("home", "the work panicked: a bug"),
        ("cart", "internal error: a bug"),
    ] {
        let response = recommend(&service, serving_config).await.unwrap();
        assert!(response.degraded);
        assert_eq!(response.degraded_reason, reason);
        assert_eq!(response.model_version, "popular-1");
    }
    let response = recommend(&service, "popular").await.unwrap();
    assert!(!response.degraded && response.degraded_reason.is_empty());
}

#[tokio::test]
async fn a_panic_without_a_fallback_is_internal_and_the_service_lives_on() {
    let service = service(vec![("home", panics()), ("cart", answers())]);
    for _ in 0..3 {
        let status = recommend(&service, "home").await.unwrap_err();
        assert_eq!(status.code(), Code::Internal);
    }
    assert!(recommend(&service, "cart").await.is_ok());
}

#[tokio::test]
async fn what_is_the_callers_fault_does_not_go_to_the_fallback() {
    let refuses = || {
        Err(Error::config(
            "interactions.kinds.custom:x",
            "a weight",
            "none",
        ))
    };
    let service = service(vec![
        ("home", model("1").with_fault(refuses)),
        ("popular", answers()),
    ]);
    let status = recommend(&service, "home").await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_call_whose_deadline_has_passed_is_not_worked_on() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let counts = model("1").with_fault(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let service = service(vec![("home", counts)]);
    let mut late = Request::new(request("home"));
    late.metadata_mut()
        .insert("grpc-timeout", "0n".parse().unwrap());
    let status = service.recommend(late).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert!(recommend(&service, "home").await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// A store that sells both products.
async fn store() -> Store {
    let engine = Arc::new(MemoryEngine::default());
    let open = || Store::open(engine, StoreConfig::default());
    let store = tokio::task::spawn_blocking(open).await.unwrap().unwrap();
    let products = ["cup", "pot"].map(|key| ProductRecord {
        key: key.into(),
        tags: vec![key.into()],
        ..ProductRecord::default()
    });
    store.put_products(&products).unwrap().await.unwrap();
    store
}

/// A question that comes with this much time.
fn within(millis: u32, request: RecommendRequest) -> Request<RecommendRequest> {
    let mut request = Request::new(request);
    let timeout = format!("{millis}m").parse().unwrap();
    request.metadata_mut().insert("grpc-timeout", timeout);
    request
}

fn filtered(filter: &str) -> RecommendRequest {
    RecommendRequest {
        filter: filter.into(),
        strict_filtering: true,
        ..request("home")
    }
}

#[tokio::test]
async fn a_filter_that_is_new_is_made_apart_and_keeps_nobody_waiting() {
    let service = service_over(Some(store().await), vec![("home", model("1"))]);
    assert!(
        recommend(&service, "home").await.is_ok(),
        "its config is made ready"
    );
    let (release, released) = std::sync::mpsc::channel::<()>();
    let later = tokio::time::Instant::now() + Duration::from_secs(60);
    let (start, started) = tokio::sync::oneshot::channel();
    let filters = service.filters.clone();
    let busy = tokio::spawn(async move {
        let work = move |_: &crate::workers::Caller| {
            start.send(()).unwrap();
            let _ = released.recv();
        };
        filters.run(later, work).await
    });
    started.await.unwrap();
    // While the thread that makes filters is busy, a new one has to wait, and is not waited for too long.
    let late = service.recommend(within(50, filtered("tags: cup"))).await;
    assert_eq!(late.unwrap_err().code(), Code::DeadlineExceeded);
    assert!(
        recommend(&service, "home").await.is_ok(),
        "the others go on"
    );
    drop(release);
    busy.await.unwrap().unwrap();
    let answer = service.recommend(Request::new(filtered("tags: cup"))).await;
    assert_eq!(answer.unwrap().get_ref().results.len(), 1);
    // What was made once is there, whether or not the thread has time.
    let (_hold, held) = std::sync::mpsc::channel::<()>();
    let (start, started) = tokio::sync::oneshot::channel();
    let filters = service.filters.clone();
    tokio::spawn(async move {
        let work = move |_: &crate::workers::Caller| {
            start.send(()).unwrap();
            let _ = held.recv();
        };
        filters.run(later, work).await
    });
    started.await.unwrap();
    let again = service.recommend(Request::new(filtered("tags: cup"))).await;
    assert_eq!(again.unwrap().get_ref().results.len(), 1);
}

#[tokio::test]
async fn a_traced_call_has_a_span_for_each_stage_that_names_nobody() {
    let service = service_over(Some(store().await), vec![("home", model("model-1"))]);
    let (traces, kept) = kept_traces();
    let method = methods::of("/recommender.v1.RecommendationService/Recommend");
    let mut call = traces.begin(&headers("01"), method).unwrap();
    let mut request = Request::new(filtered("NOT tags: pot"));
    request
        .extensions_mut()
        .insert(traces.below(&call).unwrap());
    let answer = service.recommend(request).await.unwrap().into_inner();
    assert_eq!(answer.results.len(), 1);
    call.end(Code::Ok);
    let spans = kept.0.lock().unwrap();
    let call = spans.last().unwrap().span_context.span_id();
    let stages = &spans[..spans.len() - 1];
    for name in [
        "convert request",
        "resolve",
        "make filters",
        "queue",
        "history",
        "offer",
        "candidates",
        "order",
        "convert response",
    ] {
        assert_eq!(
            stages.iter().filter(|span| span.name == name).count(),
            1,
            "{name}"
        );
    }
    assert!(stages.iter().all(|span| span.parent_span_id == call));
    let told = format!(
        "{:?}",
        stages
            .iter()
            .map(|span| &span.attributes)
            .collect::<Vec<_>>()
    );
    assert!(told.contains("model-1") && told.contains("recommender.candidates"));
    assert!(!told.contains("ann") && !told.contains("pot"), "{told}");
    drop(spans);
    let untraced = traces.begin(&headers("00"), method).unwrap();
    assert!(traces.below(&untraced).is_none());
}
