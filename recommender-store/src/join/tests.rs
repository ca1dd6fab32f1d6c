use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use recommender_core::events::EventKind;
use recommender_core::{DenseIndex, FitOptions, PipelineConfig, Timestamp};

use super::*;
use crate::record::Batch;
use crate::{MemoryEngine, StoreError};

fn event() -> impl Strategy<Value = Event> {
    let kinds = prop_oneof![
        4 => Just(EventKind::Purchase),
        3 => Just(EventKind::Return),
        1 => Just(EventKind::AddToCart),
        1 => Just(EventKind::RemoveFromCart),
        1 => Just(EventKind::Search),
    ];
    let consents = prop_oneof![6 => Just(Consent::Unspecified), 1 => Just(Consent::Denied)];
    let rest = (0..6u8, 0..5u8, 0..9i64, 1..7u8);
    (kinds, consents, rest).prop_map(|(kind, consent, (visitor, item, hour, quantity))| Event {
        visitor: format!("v{visitor}"),
        item: (kind != EventKind::Search).then(|| format!("i{item}")),
        kind,
        consent,
        time: Some(Timestamp::from_seconds(hour * 3600)),
        quantity: f32::from(quantity) / 2.0,
        ..Event::default()
    })
}

/// Two visitors are one person.
fn person(visitor: &str) -> String {
    match visitor {
        "v3" => "v1".into(),
        "v0" => "v5".into(),
        alone => alone.into(),
    }
}

/// Events of `v2` at an even hour are not to be learned from.
fn allowed(event: &Event) -> bool {
    event.visitor != "v2" || event.time.is_some_and(|time| time.0 / 3_600_000 % 2 == 1)
}

fn config() -> InteractionConfig {
    InteractionConfig {
        half_life_days: Some(0.3),
        ..InteractionConfig::default()
    }
}

fn dataset(store: &MemoryEngine) -> Result<Dataset> {
    let training = Training {
        person: &person,
        allowed: &allowed,
        ..Training::default()
    };
    training_set(store, &training, vec![], config())
}

/// A store into which the events came in another order, a few at a time.
fn store_of(events: &[Event], order: &[Index]) -> MemoryEngine {
    let mut events = events.to_vec();
    for (place, other) in order.iter().enumerate().take(events.len()) {
        let other = other.index(events.len());
        events.swap(place, other);
    }
    let store = MemoryEngine::default();
    for batch in events.chunks(1 + order.len() % 3) {
        let events = batch.to_vec();
        let batch = Batch {
            events,
            ..Batch::default()
        };
        store.write(batch).unwrap().wait().unwrap();
    }
    store
}

fn numbered(events: Vec<Event>) -> Vec<Event> {
    let number = |(number, event): (usize, Event)| Event {
        id: Some(format!("e{number}")),
        ..event
    };
    events.into_iter().enumerate().map(number).collect()
}

fn history_of(store: &MemoryEngine, key: &str) -> Vec<StoredEvent> {
    let visitors = ["v0", "v1", "v2", "v3", "v4", "v5"].into_iter();
    let hers = visitors.filter(|visitor| person(visitor) == key);
    hers.flat_map(|visitor| store.recent(visitor, 1_000).unwrap())
        .collect()
}

proptest! {
    #[test]
    fn the_same_events_give_the_same_dataset_however_they_came(
        events in vec(event(), 1..60),
        order in vec(any::<Index>(), 60..63),
    ) {
        let events = numbered(events);
        let (one, other) = (store_of(&events, &[]), store_of(&events, &order));
        match (dataset(&one), dataset(&other)) {
            (Ok(one), Ok(other)) => {
                prop_assert_eq!(one.digest().unwrap(), other.digest().unwrap());
                prop_assert_eq!(one.interactions(), other.interactions());
            }
            (one, other) => prop_assert!(one.is_err() && other.is_err()),
        }
    }

    #[test]
    fn a_history_from_the_store_is_the_row_learned_from_the_store(
        events in vec(event(), 1..60),
        order in vec(any::<Index>(), 60..63),
    ) {
        let store = store_of(&numbered(events), &order);
        let Ok(dataset) = dataset(&store) else { return Ok(()) };
        let recipe = PipelineConfig {
            interactions: config(),
            ..PipelineConfig::from_toml("[[sources]]\nmodel = { kind = \"random\" }").unwrap()
        };
        let engine = recommender_core::Engine::fit(&recipe, &dataset, &FitOptions::default()).unwrap();
        for (user, key) in dataset.users().iter() {
            let request = EngineRequest { user: Some(key.into()), limit: 3, ..EngineRequest::default() };
            let told = history_of(&store, key);
            let query = query(&engine, request.clone(), told, &allowed, &mut Vec::new()).unwrap();
            let history: Vec<(u32, f32)> =
                query.history.iter().map(|entry| (entry.item.0, entry.weight)).collect();
            let row: Vec<(u32, f32)> =
                dataset.interactions().by_user().row(user.position()).iter().collect();
            prop_assert_eq!(history, row, "{}", key);
            // The artefact's own memory of her says the same.
            prop_assert_eq!(engine.query(&request, &mut Vec::new()).unwrap(), query);
        }
    }
}

fn bought(id: &str, visitor: &str, hour: i64) -> Event {
    Event {
        id: Some(id.into()),
        visitor: visitor.into(),
        item: Some("cup".into()),
        kind: EventKind::Purchase,
        time: Some(Timestamp::from_seconds(hour * 3600)),
        quantity: 1.0,
        ..Event::default()
    }
}

#[test]
fn a_return_that_comes_late_takes_back_what_its_time_says() {
    let returned = Event {
        kind: EventKind::Return,
        ..bought("3", "v3", 2)
    };
    // Bought, returned at the till under another key, bought again; the return is heard of last.
    let events = [bought("1", "v1", 1), bought("2", "v1", 3), returned];
    let store = store_of(&events, &[]);
    let dataset = dataset(&store).unwrap();
    let report = dataset.interactions().report();
    assert_eq!(
        (report.returns, report.taken_back, report.weighed),
        (1, 1, 1)
    );
    let user = dataset.users().get("v1").unwrap();
    let times: Vec<i64> = dataset
        .history_of(user)
        .iter()
        .map(|event| event.time.0 / 3_600_000)
        .collect();
    assert_eq!(times, [1, 2, 3]);
}

#[test]
fn only_the_span_is_learned_from_and_products_come_along() {
    let store = store_of(&[bought("1", "v1", 1), bought("2", "v4", 5)], &[]);
    let until = Some(Timestamp::from_seconds(5 * 3600));
    let training = Training {
        span: Span { from: None, until },
        ..Training::default()
    };
    let lamp = Product {
        key: "lamp".into(),
        ..Product::default()
    };
    let dataset = training_set(&store, &training, vec![lamp], config()).unwrap();
    assert_eq!((dataset.users().len(), dataset.items().len()), (1, 2));
    let nothing = Training {
        allowed: &|_| false,
        ..Training::default()
    };
    let error = training_set(&store, &nothing, vec![], config()).unwrap_err();
    assert!(
        error.to_string().contains("no event to learn from"),
        "{error}"
    );
    let stop = AtomicBool::new(true);
    let stopped = Training {
        cancel: Some(&stop),
        ..Training::default()
    };
    let error = training_set(&store, &stopped, vec![], config()).unwrap_err();
    assert!(matches!(
        error,
        StoreError::Core(recommender_core::Error::Cancelled)
    ));
}
