//! Splits, questions and metrics: published protocols, leaks, who is asked.

use super::*;

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
fn what_is_hidden_in_the_test_part_is_not_in_the_truth() {
    let mut hidden = event("ann", "pot", 6);
    hidden.kind = EventKind::Hide;
    let events = [
        event("ann", "cup", 1),
        event("ann", "pot", 5),
        event("ann", "jug", 5),
        hidden,
    ];
    let table = table(&events);
    let split = Split::given_at(&table, 1).unwrap();
    let dataset = dataset(table, &split);
    for relevant_kinds in [Vec::new(), vec![EventKind::Purchase]] {
        let options = CaseOptions {
            relevant_kinds,
            ..CaseOptions::default()
        };
        let cases = TestCases::new(&dataset, &split, options).unwrap();
        let jug = dataset.items().get("jug").unwrap();
        assert_eq!(cases.truth(0), [jug]);
    }
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
