//! What every model promises, tested over one list: a new model is one line in [`subjects`].
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "contract/upkeep.rs"]
mod upkeep;

use std::sync::atomic::Ordering;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::artifact::{TensorSink, Tensors};
use recommender_core::catalog::Product;
use recommender_core::events::{Channel, Event, EventKind, EventTable};
use recommender_core::models::Model;
use recommender_core::pipeline::ModelConfig;
use recommender_core::{
    Candidates, Dataset, DenseIndex, Error, FitOptions, InteractionConfig, ItemBits, ItemIx,
    ItemSet, Query, Ranked, Timestamp, UserIx,
};
use serde_json::{Value, json};

/// What a model can do beyond the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skill {
    /// Learns what goes together: passes the checkerboard.
    Taste,
    /// Learns what follows what, of which the checkerboard, where all happens at once, says nothing.
    Order,
    /// Answers whoever has a history, whatever is in it.
    Chance,
    /// Answers what a shopper had, from her history alone.
    Repeats,
    /// The same, a current visit counting too.
    Visits,
    /// Answers everyone alike, history or none.
    Everyone,
}

/// A model under a configuration.
struct Subject {
    config: ModelConfig,
    skill: Skill,
}

fn subject(name: &str, skill: Skill, settings: Value) -> Subject {
    let Value::Object(settings) = settings else {
        panic!("settings are a JSON object");
    };
    let config = ModelConfig::from_settings(name, settings).unwrap();
    Subject { config, skill }
}

#[rustfmt::skip]
fn subjects() -> Vec<Subject> {
    use Skill::{Chance, Everyone, Order, Repeats, Taste, Visits};
    vec![
        subject("popularity", Everyone, json!({})),
        subject("popularity", Everyone, json!({ "count": "weights", "window_days": 20.0 })),
        subject("random", Chance, json!({})),
        subject("association_rules", Taste, json!({ "support": 0.005, "gap_minutes": 100_000.0 })),
        subject("association_rules", Taste, json!({ "support": 0.02, "length": 3, "score": "leverage", "aggregation": "sum", "gap_minutes": 100_000.0 })),
        subject("item_knn", Taste, json!({})),
        subject("item_knn", Taste, json!({ "neighbours": 30, "shrinkage": 10.0 })),
        subject("item_knn", Taste, json!({ "similarity": "tf_idf" })),
        subject("item_knn", Taste, json!({ "similarity": "bm25" })),
        subject("item_knn", Taste, json!({ "aggregation": "neighbour_sum" })),
        subject("item_knn", Taste, json!({ "aggregation": "average" })),
        subject("item_knn", Taste, json!({ "aggregation": "centred_average" })),
        subject("ease", Taste, json!({ "regularization": 10.0 })),
        subject("rp3beta", Taste, json!({})),
        subject("rp3beta", Taste, json!({ "alpha": 1.2, "beta": 0.0, "neighbours": 25, "normalize": false })),
        subject("slim", Taste, json!({ "l1_regularization": 0.1, "l2_regularization": 1.0 })),
        subject("slim", Taste, json!({ "l1_regularization": 0.0, "non_negative": false, "candidates": 60 })),
        subject("user_knn", Taste, json!({})),
        subject("user_knn", Taste, json!({ "similarity": "cosine", "neighbours": 40, "shrinkage": 10.0 })),
        subject("user_knn", Taste, json!({ "similarity": "bm25" })),
        subject("vmis_knn", Taste, json!({})),
        subject("vmis_knn", Taste, json!({ "idf": "none", "position_weight": "same", "recent_sessions": 20, "neighbours": 5, "own_boost": 1.0, "reminders": 0.5 })),
        subject("vstan", Taste, json!({})),
        subject("vstan", Taste, json!({ "recent_sessions": 20, "neighbours": 5, "own_boost": 1.0, "reminders": 0.5, "extend_to": 3 })),
        subject("sequential_rules", Order, json!({ "steps": 50, "step_weight": "same", "last_items": 10, "position_decay": 5.0 })),
        subject("sequential_rules", Order, json!({ "last_items": 1, "reminders": 0.5 })),
        subject("sequential_rules", Order, json!({})),
        #[cfg(feature = "sequence-training")]
        subject("sequence", Order, json!({ "factors": 16, "length": 30, "epochs": 2, "validation": 0.3 })),
        #[cfg(feature = "sequence-training")]
        subject("sequence", Order, json!({ "factors": 12, "heads": 3, "blocks": 1, "negatives": 40, "epochs": 2 })),
        subject("edlae", Taste, json!({ "regularization": 10.0 })),
        subject("rdlae", Taste, json!({ "regularization": 10.0 })),
        subject("rdlae", Taste, json!({ "regularization": 10.0, "dropout": 0.0, "diagonal_bound": 0.4 })),
        subject("sansa", Taste, json!({ "regularization": 10.0 })),
        subject("sansa", Taste, json!({ "regularization": 10.0, "dropout": 0.3, "neighbours": 30 })),
        subject("content", Taste, json!({})),
        subject("bpr", Taste, json!({ "factors": 20 })),
        subject("bpr", Taste, json!({ "factors": 20, "negatives": "popularity" })),
        subject("ials", Taste, json!({ "factors": 20 })),
        subject("ials", Taste, json!({ "factors": 100, "regularization": 1.0, "regularization_exponent": 0.0 })),
        subject("personal_frequency", Chance, json!({})),
        subject("personal_frequency", Visits, json!({ "window_baskets": 2, "popularity": false })),
        subject("tifu_knn", Taste, json!({ "neighbours": 24 })),
        subject("tifu_knn", Taste, json!({ "neighbours": 24, "nearness": "euclidean", "groups": 2, "own_weight": 0.2 })),
        subject("up_cf", Taste, json!({ "neighbours": 24 })),
        subject("up_cf", Taste, json!({ "neighbours": 24, "window_baskets": 2, "locality": 3.0, "shrinkage": 5.0, "gap_minutes": 0.0 })),
        subject("repurchase", Repeats, json!({})),
        subject("repurchase", Repeats, json!({ "shrinkage": 1.0, "shopper_shrinkage": 0.5 })),
        subject("graph_filter", Taste, json!({})),
        subject("graph_filter", Taste, json!({ "preset": "gf_cf", "rank": 20 })),
        subject("graph_filter", Taste, json!({ "preset": "turbo_cf" })),
        subject("graph_filter", Taste, json!({ "preset": "bspm", "rank": 20 })),
        subject("graph_filter", Taste, json!({ "preset": "cheby_cf", "rank": 20 })),
    ]
}

impl Subject {
    fn fitted(&self, dataset: &Dataset) -> Box<dyn Model> {
        self.config.fit(dataset, &FitOptions::default()).unwrap()
    }

    fn name(&self) -> String {
        format!("{:?}", self.config)
    }
}

const BOARD: u32 = 50;

/// Even users like even items, odd users odd items; of the diagonal nobody knows. Products say what they are.
fn checkerboard() -> Dataset {
    let mut table = EventTable::new();
    // Every item comes into the numbering in order, with a visitor whose events weigh nothing.
    for item in 0..BOARD {
        let kind = EventKind::Impression;
        table.push(&event(("census", item), kind, 0)).unwrap();
    }
    for user in 0..BOARD {
        for item in (user % 2..BOARD).step_by(2).filter(|&item| item != user) {
            let visitor = format!("user {user}");
            let kind = EventKind::Purchase;
            table.push(&event((&visitor, item), kind, 1)).unwrap();
        }
    }
    let product = |item: u32| {
        let name = ["even", "odd"][item as usize % 2];
        Product {
            key: format!("item {item}"),
            title: format!("{name} thing {item}"),
            categories: vec![vec![name.into()]],
            ..Product::default()
        }
    };
    let products = (0..BOARD).map(product).collect();
    Dataset::new(table, products, InteractionConfig::default()).unwrap()
}

fn event((visitor, item): (&str, u32), kind: EventKind, day: i64) -> Event {
    Event {
        visitor: visitor.into(),
        item: Some(format!("item {item}")),
        kind,
        quantity: 1.0,
        time: Some(Timestamp::from_seconds(day * 86_400)),
        ..Event::default()
    }
}

/// Purchases with a long tail, at places and on channels: more items than any block or task of a fit holds.
fn long_tail() -> Dataset {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut table = EventTable::new();
    for user in 0..300 {
        for _ in 0..random.random_range(1..30) {
            let tail = (0..4).map(|_| random.random_range(0..400)).min();
            let item = tail.unwrap();
            let visitor = format!("user {user}");
            let day = random.random_range(0..50);
            table
                .push(&Event {
                    quantity: random.random_range(1..4) as f32,
                    channel: Some(Channel::ALL[random.random_range(0..3)]),
                    place: Some(format!("place {}", random.random_range(0..5))),
                    ..event((&visitor, item), EventKind::Purchase, day)
                })
                .unwrap();
        }
    }
    let known = table.items().clone();
    let products = known.iter().map(|(_, key)| Product {
        key: key.into(),
        title: key.into(),
        ..Product::default()
    });
    let products = products.collect();
    Dataset::new(table, products, InteractionConfig::default()).unwrap()
}

fn user(dataset: &Dataset, user: u32) -> UserIx {
    dataset.users().get(&format!("user {user}")).unwrap()
}

fn items(ranked: &Ranked) -> Vec<ItemIx> {
    ranked.items().collect()
}

/// Queries of every sort about the first users.
fn questions(dataset: &Dataset) -> Vec<Query> {
    let mut questions = Vec::new();
    for number in 0..40 {
        let mut query = dataset.query_of(user(dataset, number), 10).unwrap();
        query.place = dataset.places().iter().next().map(|(place, _)| place);
        query.place = query.place.filter(|_| number % 3 == 0);
        query.channel = (number % 4 == 1).then_some(Channel::App);
        questions.push(query.clone());
        questions.push(query.clone().excluding_seen());
        query.candidates = Candidates::Only((number..number + 7).map(ItemIx).collect());
        questions.push(query.clone());
        query.candidates = Candidates::Only((0..200).map(ItemIx).collect());
        questions.push(query.clone());
        let bits: ItemBits = (number..200).step_by(3).map(ItemIx).collect();
        query.candidates = Candidates::Within(bits.into());
        questions.push(query.clone());
        query.limit = 1_000_000;
        questions.push(query);
    }
    questions
}

fn saved(model: &dyn Model) -> Vec<u8> {
    let mut sink = TensorSink::default();
    model.save(&mut sink);
    let mut bytes = Vec::new();
    sink.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn the_right_first_answer_on_the_checkerboard_is_the_diagonal() {
    let dataset = checkerboard();
    let learns = |subject: &Subject| subject.skill == Skill::Taste;
    for subject in subjects().into_iter().filter(learns) {
        let model = subject.fitted(&dataset);
        for number in 0..BOARD {
            let query = dataset.query_of(user(&dataset, number), 3).unwrap();
            let ranked = model.recommend(&query.excluding_seen()).unwrap();
            assert_eq!(
                ranked.items().next(),
                Some(ItemIx(number)),
                "{}",
                subject.name()
            );
        }
    }
}

/// Asserts that the answer is a list as every answer has to be.
fn assert_promises(subject: &Subject, model: &dyn Model, query: &Query) {
    let ranked = model.recommend(query).unwrap();
    assert!(ranked.len() <= query.limit, "{}", subject.name());
    assert!(ranked.items().all(|item| query.allows(item)));
    assert!(ranked.entries().iter().all(|entry| entry.score.is_finite()));
    for pair in ranked.entries().windows(2) {
        let ordered = pair[0].score > pair[1].score
            || (pair[0].score == pair[1].score && pair[0].item < pair[1].item);
        assert!(ordered, "{}: {pair:?}", subject.name());
    }
    let unique: ItemSet = ranked.items().collect();
    assert_eq!(unique.as_slice().len(), ranked.len(), "{}", subject.name());
}

#[test]
fn a_list_is_sorted_finite_and_unique_with_ties_to_the_lower_index() {
    for dataset in [checkerboard(), long_tail()] {
        for subject in subjects() {
            let model = subject.fitted(&dataset);
            for query in questions(&dataset) {
                assert_promises(&subject, &*model, &query);
            }
        }
    }
}

#[test]
fn limit_exclusions_and_candidates_come_before_the_cut() {
    for dataset in [checkerboard(), long_tail()] {
        for subject in subjects() {
            let model = subject.fitted(&dataset);
            for number in [0, 7, 20] {
                let everything = dataset.query_of(user(&dataset, number), 1_000_000).unwrap();
                let all = items(&model.recommend(&everything).unwrap());
                assert!(!all.is_empty() && all.len() <= dataset.items().len());
                let ask = |change: &dyn Fn(&mut Query)| {
                    let mut query = everything.clone();
                    change(&mut query);
                    items(&model.recommend(&query).unwrap())
                };
                for limit in [0, 1, all.len() - 1, all.len()] {
                    assert_eq!(ask(&|query| query.limit = limit), all[..limit]);
                }
                let last = all[all.len() - 1];
                let others = || all.iter().copied().filter(|&item| item != last);
                let one = ask(&|query| query.exclusions.extend(others()));
                assert_eq!(one, [last], "{}", subject.name());
                let few: ItemSet = all.iter().copied().skip(1).step_by(3).collect();
                let among = ask(&|query| query.candidates = Candidates::Only(few.clone()));
                let expected: Vec<ItemIx> = all.iter().copied().skip(1).step_by(3).collect();
                assert_eq!(among, expected, "{}", subject.name());
            }
        }
    }
}

#[test]
fn candidates_as_bits_give_the_answers_of_the_same_listed() {
    for dataset in [checkerboard(), long_tail()] {
        let items = u32::try_from(dataset.items().len()).unwrap();
        for subject in subjects() {
            let model = subject.fitted(&dataset);
            for number in 0..24 {
                let mut query = dataset.query_of(user(&dataset, number), 7).unwrap();
                query = if number % 2 == 0 {
                    query
                } else {
                    query.excluding_seen()
                };
                query.channel = (number % 4 == 1).then_some(Channel::App);
                // From a few items to all and more.
                let step = [1, 2, 5, 40][number as usize % 4];
                let set: ItemSet = (number % 3..items + 90).step_by(step).map(ItemIx).collect();
                let bits: ItemBits = set.as_slice().iter().copied().collect();
                query.candidates = Candidates::Only(set);
                let listed = model.recommend(&query).unwrap();
                query.candidates = Candidates::Within(bits.into());
                assert_eq!(
                    model.recommend(&query).unwrap(),
                    listed,
                    "{}",
                    subject.name()
                );
            }
        }
    }
}

#[test]
fn one_event_is_enough_and_none_gives_an_empty_list() {
    let dataset = checkerboard();
    for subject in subjects() {
        let model = subject.fitted(&dataset);
        let nobody = model.recommend(&Query::new(5)).unwrap();
        assert_eq!(nobody.is_empty(), subject.skill != Skill::Everyone);
        let mut anonymous = Query::new(5);
        anonymous.session = vec![ItemIx(8)];
        if matches!(subject.skill, Skill::Repeats | Skill::Visits) {
            let ranked = model.recommend(&anonymous).unwrap();
            let expected = usize::from(subject.skill == Skill::Visits);
            assert_eq!(ranked.len(), expected, "{}", subject.name());
            continue;
        }
        let ranked = model.recommend(&anonymous.excluding_seen()).unwrap();
        assert_eq!(ranked.len(), 5, "{}", subject.name());
        if subject.skill == Skill::Taste {
            assert!(ranked.items().all(|item| item.0 % 2 == 0), "{ranked:?}");
        }
    }
}

#[test]
fn an_item_the_model_never_saw_is_no_error() {
    let dataset = checkerboard();
    for subject in subjects() {
        let model = subject.fitted(&dataset);
        let mut query = Query::new(5);
        query.session = vec![ItemIx::at(dataset.items().len() + 3)];
        query.candidates = Candidates::Only(query.session.iter().copied().collect());
        assert!(model.recommend(&query).unwrap().is_empty());
    }
}

#[test]
fn a_batch_equals_one_by_one() {
    let dataset = long_tail();
    let questions = questions(&dataset);
    for subject in subjects() {
        let model = subject.fitted(&dataset);
        let batch = model.recommend_batch(&questions).unwrap();
        let single: Vec<Ranked> = questions
            .iter()
            .map(|query| model.recommend(query).unwrap())
            .collect();
        assert_eq!(batch, single, "{}", subject.name());
    }
}

#[test]
fn a_saved_and_loaded_model_answers_the_same() {
    let dataset = long_tail();
    let questions = questions(&dataset);
    for subject in subjects() {
        let model = subject.fitted(&dataset);
        let tensors = Tensors::open(&subject.name(), saved(&*model).into()).unwrap();
        let loaded = subject.config.load(&tensors).unwrap();
        assert_eq!(
            model.recommend_batch(&questions).unwrap(),
            loaded.recommend_batch(&questions).unwrap(),
            "{}",
            subject.name()
        );
        let nothing = {
            let mut bytes = Vec::new();
            TensorSink::default().write(&mut bytes).unwrap();
            Tensors::open("empty", bytes.into()).unwrap()
        };
        assert!(subject.config.load(&nothing).is_err(), "{}", subject.name());
    }
}

#[test]
fn the_same_bytes_are_learned_on_any_number_of_threads() {
    let dataset = long_tail();
    for subject in subjects() {
        let learned = |threads: usize| {
            let options = FitOptions {
                threads: Some(threads),
                ..FitOptions::default()
            };
            saved(&*subject.config.fit(&dataset, &options).unwrap())
        };
        let one = learned(1);
        assert!(one == learned(2) && one == learned(3), "{}", subject.name());
    }
}

#[test]
fn a_cancelled_fit_stops_with_cancelled() {
    let dataset = checkerboard();
    for subject in subjects() {
        let options = FitOptions::default();
        options.cancel.store(true, Ordering::Relaxed);
        let result = subject.config.fit(&dataset, &options);
        assert!(
            matches!(result, Err(Error::Cancelled)),
            "{}",
            subject.name()
        );
    }
}

#[test]
fn unknown_settings_are_refused_by_name() {
    for subject in subjects() {
        let Value::Object(unknown) = json!({ "no_such_setting": 1 }) else {
            unreachable!("it is an object");
        };
        let error = ModelConfig::from_settings(subject.config.name(), unknown).unwrap_err();
        assert!(error.to_string().contains("no_such_setting"), "{error}");
    }
}

#[test]
fn every_model_stands_in_the_list() {
    let listed: Vec<&str> = subjects()
        .iter()
        .map(|subject| subject.config.name())
        .collect();
    let untaught = |name: &&str| *name == "sequence" && cfg!(not(feature = "sequence-training"));
    for name in ModelConfig::NAMES.iter().filter(|name| !untaught(name)) {
        assert!(listed.contains(name), "{name} has no line in subjects()");
    }
}
