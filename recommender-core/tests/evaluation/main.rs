//! The evaluator through its public face: protocols, ties, leaks, determinism, bad recommenders.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod protocols;
mod reports;
mod tasks;
mod ties;

use recommender_core::evaluation::{
    CaseOptions, ColdUsers, DropReason, Evaluation, Evaluator, Report, SeenItems, Split, Splitter,
    TestCases, Ties,
};
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::models::{EaseConfig, ItemKnnConfig, PopularityConfig};
use recommender_core::{
    Dataset, Error, FitOptions, InteractionConfig, ItemIx, Query, Ranked, Recommender, Result,
    Timestamp,
};

/// Scores items by a function of the number of the item and the size of the history.
struct Scorer<F>(F, u32);

impl<F> std::fmt::Debug for Scorer<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scorer")
    }
}

impl<F: Fn(u32, &Query) -> f32 + Send + Sync> Recommender for Scorer<F> {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        let scores = (0..self.1).map(|item| (ItemIx(item), (self.0)(item, query)));
        Ranked::top(query, scores)
    }
    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        queries.iter().map(|query| self.recommend(query)).collect()
    }
}

fn event(visitor: &str, item: &str, second: i64) -> Event {
    Event {
        visitor: visitor.into(),
        item: Some(item.into()),
        kind: EventKind::Purchase,
        quantity: 1.0,
        time: Some(Timestamp::from_seconds(second)),
        ..Event::default()
    }
}

fn table(events: &[Event]) -> EventTable {
    let mut table = EventTable::new();
    for event in events {
        table.push(event).unwrap();
    }
    table
}

/// Training and test purchases (visitor, items) as a given split; items are numbered in the order they come.
fn given(train: &[(&str, &str)], test: &[(&str, &str)]) -> (Dataset, Split) {
    let rows = |part: &[(&str, &str)]| -> Vec<Event> {
        part.iter()
            .flat_map(|(visitor, items)| items.split(' ').map(|item| event(visitor, item, 1)))
            .collect()
    };
    let (train, test) = (rows(train), rows(test));
    let table = table(&[train.clone(), test].concat());
    let split = Split::given_at(&table, train.len()).unwrap();
    (dataset(table, &split), split)
}

fn dataset(table: EventTable, split: &Split) -> Dataset {
    let config = InteractionConfig::default();
    Dataset::of_rows(table, split.train().to_vec(), vec![], config).unwrap()
}

fn evaluate(
    metrics: &str,
    model: &dyn Recommender,
    dataset: &Dataset,
    split: &Split,
) -> Evaluation {
    let cases = TestCases::new(dataset, split, CaseOptions::default()).unwrap();
    let evaluator = Evaluator::new(metrics.parse().unwrap());
    evaluator.evaluate("model", model, dataset, &cases).unwrap()
}

fn assert_mean(evaluation: &Evaluation, metric: &str, expected: f64) {
    let found = evaluation.mean(metric).unwrap();
    assert!(
        (found - expected).abs() < 1e-12,
        "{metric}: {found} is not {expected}"
    );
}

/// Lowest number first.
fn by_number(items: u32) -> impl Recommender {
    Scorer(|item: u32, _: &Query| -(item as f32), items)
}
