//! The evaluator through its public face: protocols, ties, leaks, determinism, bad recommenders.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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

#[test]
fn one_example_under_the_lightgcn_and_the_mult_vae_protocol() {
    // Items a to f are 0 to 5. Ann has a, is to find b, c, f: her list of two is b, c.
    // Bob has b, is to find f: his list is a, c.
    let train = [("ann", "a"), ("bob", "b"), ("eve", "c d e f")];
    let (dataset, split) = given(&train, &[("ann", "b c f"), ("bob", "f")]);
    let metrics =
        "recall@2,recall_capped@2,ndcg@2,ndcg_full_ideal@2,precision@2,map@2,mrr@2,hit_rate@2";
    let evaluation = evaluate(metrics, &by_number(6), &dataset, &split);
    assert_mean(&evaluation, "recall@2", (2.0 / 3.0 + 0.0) / 2.0);
    assert_mean(&evaluation, "recall_capped@2", (1.0 + 0.0) / 2.0);
    assert_mean(&evaluation, "ndcg@2", 0.5);
    let full_ideal = (1.0 + 1.0 / 3f64.log2()) / (1.5 + 1.0 / 3f64.log2());
    assert_mean(&evaluation, "ndcg_full_ideal@2", full_ideal / 2.0);
    for metric in ["precision@2", "map@2", "mrr@2", "hit_rate@2"] {
        assert_mean(&evaluation, metric, 0.5);
    }
    assert_eq!(evaluation.per_query("recall@2").unwrap()[1], 0.0);
}

#[test]
fn a_planted_future_item_is_seen_by_nothing_that_learns_and_by_no_answer() {
    let mut events = Vec::new();
    for visitor in ["ann", "bob", "cat", "dan"] {
        events.extend([event(visitor, "cup", 10), event(visitor, "pot", 20)]);
        events.extend([event(visitor, "future", 100), event(visitor, "future", 101)]);
    }
    let table = table(&events);
    let split = "time:100"
        .parse::<Splitter>()
        .unwrap()
        .split(&table, 0)
        .unwrap();
    let dataset = dataset(table, &split);
    let future = dataset.items().get("future").unwrap();
    assert!(
        dataset
            .interactions()
            .by_item()
            .row(future.0 as usize)
            .is_empty()
    );
    // Popularity as learned from the dataset, in the order of this test's own counting.
    let users = dataset.interactions().by_item().clone();
    let popular = Scorer(
        move |item: u32, _: &Query| users.row(item as usize).len() as f32,
        2,
    );
    let evaluation = evaluate("hit_rate@3", &popular, &dataset, &split);
    assert_mean(&evaluation, "hit_rate@3", 0.0);
    assert_eq!(evaluation.report().outside_catalogue, 0);
    // A recommender that knows the future is found out.
    let clairvoyant = Scorer(|item: u32, _: &Query| item as f32, 3);
    let evaluation = evaluate("hit_rate@1", &clairvoyant, &dataset, &split);
    assert_eq!(evaluation.report().outside_catalogue, 4);
}

#[test]
fn no_model_of_this_crate_recommends_the_future() {
    let mut events = Vec::new();
    for visitor in ["ann", "bob", "cat", "dan"] {
        events.extend(["cup", "pot", visitor].map(|item| event(visitor, item, 10)));
        events.push(event(visitor, "future", 100));
    }
    events.extend([event("eve", "cup", 20), event("eve", "future", 90)]);
    let table = table(&events);
    let split = "time:90"
        .parse::<Splitter>()
        .unwrap()
        .split(&table, 0)
        .unwrap();
    let dataset = dataset(table, &split);
    let options = FitOptions::default();
    let popularity = PopularityConfig::default().fit(&dataset, &options).unwrap();
    let item_knn = ItemKnnConfig::default().fit(&dataset, &options).unwrap();
    let ease = EaseConfig::default().fit(&dataset, &options).unwrap();
    for model in [&popularity as &dyn Recommender, &item_knn, &ease] {
        let evaluation = evaluate("hit_rate@50", model, &dataset, &split);
        assert_mean(&evaluation, "hit_rate@50", 0.0);
        assert_eq!(evaluation.report().outside_catalogue, 0);
        assert!(evaluation.report().empty_lists < 5);
    }
}

#[test]
fn a_query_of_a_time_split_holds_only_the_past_and_is_asked_at_the_split() {
    let table = table(&[
        event("ann", "cup", 10),
        event("ann", "pot", 50),
        event("ann", "jug", 60),
    ]);
    let split = "time:50"
        .parse::<Splitter>()
        .unwrap()
        .split(&table, 0)
        .unwrap();
    let dataset = dataset(table, &split);
    let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
    let query = cases.query(&dataset, 0, 5).unwrap();
    assert_eq!(query.time, Some(Timestamp::from_seconds(50)));
    assert_eq!(query.history.len(), 1);
    assert!(!query.allows(query.history[0].item));
    assert_eq!(cases.truth(0), [ItemIx(1), ItemIx(2)]);
}

#[test]
fn a_constant_score_gains_nothing_from_ties() {
    // 40 items seen in training by eve; ann is to find the two with the lowest numbers.
    let names: Vec<String> = (0..40).map(|item| format!("i{item}")).collect();
    let all = names.join(" ");
    let (dataset, split) = given(&[("eve", &all), ("ann", "own")], &[("ann", "i0 i1")]);
    let constant = |items| Scorer(|_: u32, _: &Query| 1.0, items);
    let evaluation = evaluate("recall@20,mrr@1", &constant(40), &dataset, &split);
    assert_mean(&evaluation, "recall@20", 0.0);
    assert_eq!(evaluation.report().unsettled_ties, 0);
    // With 21 candidates, 19 irrelevant ones come first and one relevant item is left within the cut.
    let evaluation = evaluate("recall@20,mrr@20", &constant(21), &dataset, &split);
    assert_mean(&evaluation, "recall@20", 0.5);
    assert_mean(&evaluation, "mrr@20", 1.0 / 20.0);
    // A hit alone on its score keeps its rank, although it ends the list.
    let evaluation = evaluate("mrr@2", &by_number(40), &dataset, &split);
    assert_mean(&evaluation, "mrr@2", 1.0);
}

#[test]
fn ties_as_served_are_reported_beside_the_worst_and_on_demand() {
    let (dataset, split) = given(
        &[("eve", "i0 i1 i2 i3"), ("ann", "own"), ("bob", "his")],
        &[("ann", "i0"), ("bob", "i3")],
    );
    let constant = Scorer(|_: u32, _: &Query| 1.0, 4);
    let evaluation = evaluate("mrr@4,novelty@4", &constant, &dataset, &split);
    assert_mean(&evaluation, "mrr@4", 0.25);
    let figures = &evaluation.report().metrics;
    assert_eq!(figures["mrr@4"].as_served, Some((1.0 + 0.25) / 2.0));
    assert_eq!(figures["novelty@4"].as_served, None);
    let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
    let evaluator = Evaluator::new("mrr@4".parse().unwrap()).with_ties(Ties::Served);
    let served = evaluator
        .evaluate("model", &constant, &dataset, &cases)
        .unwrap();
    assert_mean(&served, "mrr@4", (1.0 + 0.25) / 2.0);
    assert_eq!(served.report().metrics["mrr@4"].as_served, None);
}

#[test]
fn a_list_that_changes_with_its_length_leaves_ties_unsettled_and_counted() {
    // Asked for one item it begins with item 0, asked for more with item 1.
    let fickle = |item: u32, query: &Query| match (query.limit, item) {
        (1, 0) | (2.., 1) => 2.0,
        _ => 1.0,
    };
    let (dataset, split) = given(&[("eve", "i0 i1 i2"), ("ann", "own")], &[("ann", "i0")]);
    let evaluation = evaluate("mrr@1", &Scorer(fickle, 3), &dataset, &split);
    assert_eq!(evaluation.report().unsettled_ties, 1);
    assert_mean(&evaluation, "mrr@1", 1.0);
}

#[test]
fn ties_are_settled_at_every_cutoff_of_one_run() {
    // Scores: i0 2, all others 1; relevant are i0 and i1, so i1 ranks last of its run.
    let (dataset, split) = given(
        &[("eve", "i0 i1 i2 i3 i4"), ("ann", "own")],
        &[("ann", "i0 i1")],
    );
    let scores = |item: u32, _: &Query| if item == 0 { 2.0 } else { 1.0 };
    let model = Scorer(scores, 5);
    let evaluation = evaluate(
        "recall@1,recall@2,recall@4,recall@5",
        &model,
        &dataset,
        &split,
    );
    for (metric, expected) in [
        ("recall@1", 0.5),
        ("recall@2", 0.5),
        ("recall@4", 0.5),
        ("recall@5", 1.0),
    ] {
        assert_mean(&evaluation, metric, expected);
    }
}

#[test]
fn users_are_dropped_for_a_reason_and_cold_ones_are_asked_unless_told_otherwise() {
    let mut searched = event("dan", "pot", 9);
    searched.kind = EventKind::Search;
    let table = table(&[
        event("ann", "cup", 1),
        event("bob", "cup", 1),
        event("eve", "pot", 1),
        event("ann", "cup", 9),
        event("bob", "pot", 9),
        event("cold", "cup", 9),
        searched,
    ]);
    let split = Split::given_at(&table, 3).unwrap();
    let dataset = dataset(table, &split);
    let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
    let counts = cases.counts();
    assert_eq!(
        (counts.test_users, counts.queries, counts.users_without_test),
        (4, 2, 1)
    );
    assert_eq!((counts.cold_users, counts.seen_items_left_out), (2, 1));
    assert_eq!(counts.dropped[&DropReason::OnlySeenItems], 1);
    assert_eq!(counts.dropped[&DropReason::NothingRelevant], 1);
    let options = CaseOptions {
        seen: SeenItems::Allowed,
        cold_users: ColdUsers::Dropped,
        ..CaseOptions::default()
    };
    let cases = TestCases::new(&dataset, &split, options).unwrap();
    assert_eq!(cases.counts().dropped[&DropReason::NoHistory], 1);
    assert_eq!(cases.counts().queries, 2);
    assert!(
        cases
            .query(&dataset, 0, 1)
            .unwrap()
            .exclusions
            .as_slice()
            .is_empty()
    );
    let nobody = CaseOptions {
        relevant_kinds: vec![EventKind::Wishlist],
        ..CaseOptions::default()
    };
    let error = TestCases::new(&dataset, &split, nobody).unwrap_err();
    assert!(error.to_string().contains("nobody is left"), "{error}");
}

#[test]
fn a_return_in_the_test_part_takes_its_purchase_out_of_the_truth() {
    let mut returned = event("ann", "pot", 6);
    returned.kind = EventKind::Return;
    let events = [
        event("ann", "cup", 1),
        event("ann", "pot", 5),
        event("ann", "jug", 5),
        returned,
    ];
    let table = table(&events);
    let split = Split::given_at(&table, 1).unwrap();
    let dataset = dataset(table, &split);
    let options = CaseOptions {
        relevant_kinds: vec![EventKind::Purchase],
        ..CaseOptions::default()
    };
    let cases = TestCases::new(&dataset, &split, options).unwrap();
    assert_eq!(cases.truth(0), [dataset.items().get("jug").unwrap()]);
}

#[test]
fn an_item_only_in_test_is_a_miss_and_a_limit_past_the_catalogue_a_short_list() {
    let (dataset, split) = given(&[("ann", "a"), ("eve", "a b c")], &[("ann", "b z")]);
    let evaluation = evaluate(
        "recall@1000,precision@1000,coverage@1000",
        &by_number(3),
        &dataset,
        &split,
    );
    assert_mean(&evaluation, "recall@1000", 0.5);
    assert_mean(&evaluation, "precision@1000", 0.001);
    assert_mean(&evaluation, "coverage@1000", 2.0 / 3.0);
    assert_eq!(evaluation.report().short_lists, 1);
    let unseen = &evaluation.report().slices["items_unseen"];
    assert_eq!(
        (unseen.queries, unseen.metrics["recall@1000"].mean),
        (1, Some(0.0))
    );
}

#[test]
fn a_user_with_no_history_is_a_query_whose_empty_answer_counts_as_misses() {
    let (dataset, split) = given(&[("eve", "a b")], &[("cold", "a"), ("eve", "c")]);
    let silent = Scorer(
        |item: u32, query: &Query| item as f32 + query.limit as f32,
        0,
    );
    let evaluation = evaluate("recall@2,novelty@2", &silent, &dataset, &split);
    assert_mean(&evaluation, "recall@2", 0.0);
    let report = evaluation.report();
    assert_eq!(
        (report.empty_lists, report.slices["users_cold"].queries),
        (2, 1)
    );
    assert_eq!(report.metrics["novelty@2"].mean, None);
    assert_eq!(report.metrics["novelty@2"].queries, 0);
}

#[test]
fn held_out_users_are_asked_with_their_fold_in_part() {
    let mut events = Vec::new();
    for visitor in 0..10 {
        events.extend((0..5).map(|item| event(&format!("u{visitor}"), &format!("i{item}"), item)));
    }
    let table = table(&events);
    let split = "users:0.2"
        .parse::<Splitter>()
        .unwrap()
        .split(&table, 5)
        .unwrap();
    let dataset = dataset(table, &split);
    let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
    assert_eq!((cases.len(), cases.counts().cold_users), (2, 0));
    for case in 0..cases.len() {
        let row = dataset
            .interactions()
            .by_user()
            .row(cases.user(case).0 as usize);
        assert!(row.is_empty());
        assert_eq!(cases.query(&dataset, case, 1).unwrap().history.len(), 4);
        assert_eq!(cases.truth(case), [ItemIx(4)]);
    }
}

/// 3,000 users, pseudo-random purchases: more than one chunk.
fn many() -> (Dataset, Split) {
    let mut events = Vec::new();
    for visitor in 0..3000u32 {
        for step in 0..6u32 {
            let item = visitor
                .wrapping_mul(2_654_435_761)
                .wrapping_add(step * step * 77_777)
                >> 7;
            events.push(event(
                &format!("u{visitor}"),
                &format!("i{}", item % 97),
                i64::from(step),
            ));
        }
    }
    let table = table(&events);
    let split = "random:0.3"
        .parse::<Splitter>()
        .unwrap()
        .split(&table, 1)
        .unwrap();
    (dataset(table, &split), split)
}

#[test]
fn one_two_and_three_threads_give_the_same_report() {
    let (dataset, split) = many();
    let models: [&dyn Recommender; 2] = [
        &by_number(97),
        &Scorer(
            |item: u32, query: &Query| ((item * 31 + query.history[0].item.0) % 13) as f32,
            97,
        ),
    ];
    let report = |threads| {
        let options = FitOptions {
            threads: Some(threads),
            seed: 9,
            ..FitOptions::default()
        };
        let metrics = recommender_core::evaluation::MetricList::all_at(&[5, 20]).unwrap();
        let evaluator = Evaluator::new(metrics)
            .with_options(options)
            .with_resamples(50);
        let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
        let run = |model| {
            evaluator
                .evaluate("model", model, &dataset, &cases)
                .unwrap()
        };
        let evaluations = models.map(run);
        let report = Report::new(&evaluator, &split, &cases, &evaluations).unwrap();
        serde_json::to_string(&report).unwrap()
    };
    let one = report(1);
    assert_eq!(one, report(2));
    assert_eq!(one, report(3));
    assert!(one.contains("\"significant\":true"));
}

#[test]
fn a_model_does_not_differ_from_itself_and_strangers_are_not_compared() {
    let (dataset, split) = many();
    let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
    let evaluator = Evaluator::new("recall@5".parse().unwrap());
    let once = evaluator
        .evaluate("a", &by_number(97), &dataset, &cases)
        .unwrap();
    let difference = &evaluator.compare(&once, &once).unwrap()[0];
    assert_eq!((difference.mean, difference.significant), (0.0, false));
    assert_eq!((difference.low, difference.high), (Some(0.0), Some(0.0)));
    let (small, small_split) = given(&[("ann", "a b")], &[("ann", "c")]);
    let other = evaluate("recall@5", &by_number(3), &small, &small_split);
    assert!(matches!(
        evaluator.compare(&once, &other),
        Err(Error::Data { .. })
    ));
}

#[test]
fn a_score_that_is_not_a_number_and_a_broken_promise_are_errors_that_name_the_model() {
    #[derive(Debug)]
    struct Stubborn;
    impl Recommender for Stubborn {
        fn recommend(&self, query: &Query) -> Result<Ranked> {
            let seen = query.history[0].item;
            Ranked::top(&Query::new(1), [(seen, 1.0)])
        }
        fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
            queries.iter().map(|query| self.recommend(query)).collect()
        }
    }
    let (dataset, split) = given(&[("ann", "a b")], &[("ann", "c")]);
    let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
    let evaluator = Evaluator::new("recall@5".parse().unwrap());
    let not_a_number = Scorer(|_: u32, _: &Query| f32::NAN, 3);
    for model in [&not_a_number as &dyn Recommender, &Stubborn] {
        let error = evaluator
            .evaluate("odd", model, &dataset, &cases)
            .unwrap_err();
        assert!(error.to_string().contains("odd: "), "{error}");
    }
}

#[test]
fn the_report_is_the_documented_json_and_a_table() {
    let (dataset, split) = given(
        &[("ann", "a"), ("eve", "a b c")],
        &[("ann", "b"), ("eve", "d")],
    );
    let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
    let ticks = std::sync::atomic::AtomicU32::new(0);
    let clock = move || f64::from(ticks.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
    let evaluator = Evaluator::new("recall@20,coverage@20".parse().unwrap()).with_clock(clock);
    let run = |name: &str| {
        let evaluation = evaluator
            .evaluate(name, &by_number(3), &dataset, &cases)
            .unwrap();
        evaluation
            .with_fit_seconds(1.5)
            .with_peak_memory_bytes(3 << 20)
    };
    let report = Report::new(&evaluator, &split, &cases, &[run("first"), run("second")]).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    let model = &json["models"][0];
    assert_eq!(model["name"], "first");
    assert_eq!(
        (
            model["fit_seconds"].as_f64(),
            model["queries_per_second"].as_f64()
        ),
        (Some(1.5), Some(2.0))
    );
    for bound in ["mean", "low", "high"] {
        assert!(model["metrics"]["recall@20"][bound].is_f64());
    }
    assert_eq!(json["split"]["sha256"], split.digest());
    let back: Report = serde_json::from_value(json).unwrap();
    assert_eq!(back, report);
    let text = report.to_string();
    let line = text
        .lines()
        .find(|line| line.starts_with("recall@20"))
        .unwrap();
    assert!(line.contains("0.5000 [0.0000, 1.0000]"), "{text}");
    assert!(text.contains("Differences to first"), "{text}");
    assert!(text.contains("items_unseen (1)"), "{text}");
}

#[test]
fn a_cancelled_run_stops() {
    let (dataset, split) = given(&[("ann", "a b")], &[("ann", "c")]);
    let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
    let options = FitOptions::default();
    options
        .cancel
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let evaluator = Evaluator::new("recall@5".parse().unwrap()).with_options(options);
    let stopped = evaluator.evaluate("model", &by_number(3), &dataset, &cases);
    assert!(matches!(stopped, Err(Error::Cancelled)));
}
