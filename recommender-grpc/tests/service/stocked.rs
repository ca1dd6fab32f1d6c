//! The shop with a store: it knows its products, what is in stock where, and what shoppers did.

use std::sync::Arc;

use recommender_core::Timestamp;
use recommender_core::events::{Event, EventKind};
use recommender_grpc::proto::{
    BatchRecommendRequest, RecommendContext, RecommendRequest, RecommendResponse,
};
use recommender_grpc::serving::{Action, Condition, Control, ServingConfig};
use recommender_store::catalog::{Money, ProductRecord, Stock};
use recommender_store::record::Table;
use recommender_store::store::Submission;
use recommender_store::{Engine, MemoryEngine, Store, StoreConfig};

use crate::shop::{RANGE, Running, request_in, shop};

pub(crate) const KINDS: [&str; 3] = ["cup", "lamp", "rope"];

/// A store over `engine` in which every product is sold: all of them at north, and at south those of an even number.
/// A product's price is its number, its brand one of three.
pub(crate) async fn store_over(engine: Arc<dyn Engine>) -> Store {
    let open = || Store::open(engine, StoreConfig::default());
    let store = tokio::task::spawn_blocking(open).await.unwrap().unwrap();
    let all = KINDS
        .iter()
        .flat_map(|kind| (0..RANGE).map(move |number| (kind, number)));
    let mut products = Vec::new();
    let mut levels = Vec::new();
    for (kind, number) in all {
        let key = format!("{kind}-{number}");
        products.push(ProductRecord {
            key: key.clone(),
            title: format!("{kind} number {number}"),
            categories: vec![vec!["goods".into(), (*kind).into()]],
            brands: vec![format!("brand-{}", number % 3)],
            price: Some(Money {
                currency_code: "EUR".into(),
                units: i64::try_from(number).unwrap(),
                nanos: 0,
            }),
            ..ProductRecord::default()
        });
        let places = [Some("north"), (number % 2 == 0).then_some("south")];
        levels.extend(
            places
                .into_iter()
                .flatten()
                .map(|place| stock(place, &key, 5.0)),
        );
    }
    store.put_products(&products).unwrap().await.unwrap();
    store.set_stock(&levels).unwrap().await.unwrap();
    store
}

pub(crate) async fn store() -> Store {
    store_over(Arc::new(MemoryEngine::default())).await
}

pub(crate) fn stock(place: &str, item: &str, quantity: f32) -> Stock {
    Stock {
        place: Some(place.into()),
        item: item.into(),
        quantity: Some(quantity),
        price: None,
        set_time: Timestamp(1),
    }
}

/// That `visitor` bought `item` so many seconds after the shop opened.
pub(crate) fn bought(visitor: &str, item: &str, seconds: i64) -> Submission {
    Submission::from(Event {
        id: Some(format!("{visitor} {item} {seconds}")),
        visitor: visitor.into(),
        item: Some(item.into()),
        kind: EventKind::Purchase,
        quantity: 1.0,
        time: Some(Timestamp::from_seconds(seconds)),
        ..Event::default()
    })
}

pub(crate) async fn write(store: &Store, events: Vec<Submission>) {
    store.write_events(events).unwrap().await.unwrap();
}

/// The control `id` that always does `action`.
pub(crate) fn control(id: &str, action: Action) -> Control {
    Control {
        id: id.into(),
        display_name: String::new(),
        condition: Condition::default(),
        action,
    }
}

/// Serves the store, with these controls and what `change` makes of the serving config.
pub(crate) async fn open_with(
    store: &Store,
    controls: Vec<Control>,
    change: impl FnOnce(&mut ServingConfig),
) -> Running {
    let mut config = ServingConfig::of_model("home");
    config.controls = controls.iter().map(|control| control.id.clone()).collect();
    change(&mut config);
    for control in &controls {
        let written = store.put_document(Table::Control, &control.id, control);
        written.unwrap().await.unwrap();
    }
    let written = store.put_document(Table::ServingConfig, "home", &config);
    written.unwrap().await.unwrap();
    Running::open(shop("").with_store(store.clone()).build().unwrap()).await
}

pub(crate) async fn open(store: &Store) -> Running {
    open_with(store, Vec::new(), |_| ()).await
}

/// A question of `visitor`.
pub(crate) fn of(visitor: &str) -> RecommendRequest {
    request_in(RecommendContext {
        visitor_id: visitor.into(),
        ..RecommendContext::default()
    })
}

/// A question of `visitor` at `place`.
pub(crate) fn at(visitor: &str, place: &str) -> RecommendRequest {
    request_in(RecommendContext {
        visitor_id: visitor.into(),
        place_id: place.into(),
        ..RecommendContext::default()
    })
}

/// Scores never rise, and reasons, where there are any, add up to them.
pub(crate) fn assert_sound(response: &RecommendResponse) {
    let scores: Vec<f64> = response.results.iter().map(|result| result.score).collect();
    assert!(
        scores.windows(2).all(|pair| pair[0] >= pair[1]),
        "{scores:?}"
    );
    for result in &response.results {
        let sum: f64 = result.reasons.iter().map(|reason| reason.weight).sum();
        let explained = result.reasons.is_empty() || (sum - result.score).abs() < 1e-4;
        assert!(explained, "{result:?}");
    }
}

pub(crate) async fn ask(shop: &mut Running, request: RecommendRequest) -> RecommendResponse {
    let response = shop.client.recommend(request).await.unwrap().into_inner();
    assert_sound(&response);
    response
}

/// What two questions of `visitor` are answered, asked as one batch that shows no product twice.
pub(crate) async fn ask_twice(shop: &mut Running, visitor: &str) -> [RecommendResponse; 2] {
    let batch = BatchRecommendRequest {
        requests: vec![of(visitor), of(visitor)],
        distinct_across_requests: true,
    };
    let batch = shop.client.batch_recommend(batch).await.unwrap();
    let results = batch.into_inner().responses.into_iter();
    let answers: Vec<RecommendResponse> = results.filter_map(|it| it.response).collect();
    answers.try_into().unwrap()
}
