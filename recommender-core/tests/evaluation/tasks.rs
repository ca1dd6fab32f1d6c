//! The questions of sessions and of baskets.

use recommender_core::evaluation::{
    BasketOptions, Reveal, SessionItems, SessionOptions, SlidingWindows,
};

use super::*;

/// A purchase within a session.
fn at(session: &str, item: &str, second: i64) -> Event {
    Event {
        session: Some(session.into()),
        ..event(session, item, second)
    }
}

/// Sessions learned from, items a to e numbered 0 to 4, and two asked about: "x" of a b a c and "y" of d alone.
fn visits() -> (Dataset, Split) {
    let train = [
        at("p", "a", 1),
        at("p", "b", 2),
        at("q", "c", 3),
        at("q", "d", 4),
        at("q", "e", 5),
    ];
    // Out of the order of time, two in one second.
    let test = [
        at("x", "c", 40),
        at("x", "b", 20),
        at("x", "a", 10),
        at("x", "a", 20),
        at("y", "d", 50),
    ];
    let table = table(&[train.as_slice(), &test].concat());
    let split = Split::given_at(&table, train.len()).unwrap();
    (dataset(table, &split), split)
}

fn sessions(items: SessionItems) -> SessionOptions {
    SessionOptions {
        items,
        ..SessionOptions::default()
    }
}

#[test]
fn every_prefix_of_a_session_is_a_question_about_what_comes_after() {
    let (dataset, split) = visits();
    let options = sessions(SessionItems::Allowed);
    let cases = TestCases::sessions(&dataset, &split, options).unwrap();
    let counts = cases.counts();
    assert_eq!((cases.len(), counts.sessions), (3, 1));
    assert_eq!(counts.dropped[&DropReason::ShortSessions], 1);
    let numbers = |items: &[ItemIx]| items.iter().map(|item| item.0).collect::<Vec<_>>();
    let expected = [
        (vec![0], vec![0, 1, 2], 1, 3, 10),
        (vec![0, 1], vec![0, 2], 0, 2, 20),
        (vec![0, 1, 0], vec![2], 2, 1, 20),
    ];
    for (case, (session, truth, next, to_come, second)) in expected.into_iter().enumerate() {
        let query = cases.query(&dataset, case, 5).unwrap();
        assert_eq!(numbers(&query.session), session);
        assert_eq!(numbers(cases.truth(case)), truth);
        assert_eq!(cases.next(case), Some(ItemIx(next)));
        assert_eq!(
            (cases.events_to_come(case), cases.cluster(case)),
            (to_come, 0)
        );
        assert_eq!(query.time, Some(Timestamp::from_seconds(second)));
        assert!(query.history.is_empty() && query.timeline.is_empty());
        assert!(query.exclusions.as_slice().is_empty());
    }
}

#[test]
fn protocols_ask_the_same_and_differ_in_what_may_be_answered() {
    let (dataset, split) = visits();
    let excluded = |items| {
        let cases = TestCases::sessions(&dataset, &split, sessions(items)).unwrap();
        let query = cases.query(&dataset, 1, 5).unwrap();
        (query.exclusions.as_slice().len(), cases.digest().to_owned())
    };
    let (allowed, current, all) = (
        excluded(SessionItems::Allowed),
        excluded(SessionItems::CurrentExcluded),
        excluded(SessionItems::AllExcluded),
    );
    assert_eq!((allowed.0, current.0, all.0), (0, 1, 2));
    assert!(allowed.1 != current.1 && current.1 != all.1);
    let last = SessionOptions {
        reveal: Reveal::Last,
        ..SessionOptions::default()
    };
    let cases = TestCases::sessions(&dataset, &split, last).unwrap();
    assert_eq!((cases.len(), cases.truth(0)), (1, &[ItemIx(2)][..]));
}

#[test]
fn session_metrics_judge_the_next_item_and_the_rest_apart() {
    let (dataset, split) = visits();
    let evaluator = Evaluator::new(
        "hit_rate_next@1,mrr_next@2,recall@2,precision@2,recall_events@2"
            .parse()
            .unwrap(),
    );
    let judge = |items| {
        let cases = TestCases::sessions(&dataset, &split, sessions(items)).unwrap();
        let model = by_number(5);
        evaluator
            .evaluate("model", &model, &dataset, &cases)
            .unwrap()
    };
    // The answer is a b to all three questions; next come b, a and c, in all {a b c}, {a c} and {c}.
    let allowed = judge(SessionItems::Allowed);
    assert_mean(&allowed, "hit_rate_next@1", 1.0 / 3.0);
    assert_mean(&allowed, "mrr_next@2", (0.5 + 1.0 + 0.0) / 3.0);
    assert_mean(&allowed, "recall@2", (2.0 / 3.0 + 0.5 + 0.0) / 3.0);
    assert_mean(&allowed, "precision@2", (1.0 + 0.5 + 0.0) / 3.0);
    // Without the current item: b c, a c and b c.
    let excluded = judge(SessionItems::CurrentExcluded);
    assert_mean(&excluded, "hit_rate_next@1", 2.0 / 3.0);
    assert_mean(&excluded, "mrr_next@2", (1.0 + 1.0 + 0.5) / 3.0);
    assert_mean(&excluded, "recall_events@2", (2.0 / 3.0 + 1.0 + 1.0) / 3.0);
    // One session: no interval can be told from it, and none is made up of its prefixes.
    let figure = excluded.report().metrics["recall@2"];
    assert_eq!((figure.low, figure.high), (figure.mean, figure.mean));
    assert_eq!(figure.queries, 3);
}

#[test]
fn a_session_of_one_item_ten_thousand_times_is_as_many_questions() {
    let mut events = vec![at("p", "a", 1), at("p", "b", 2)];
    events.extend((0..10_000).map(|second| at("x", "b", second)));
    let table = table(&events);
    let split = Split::given_at(&table, 2).unwrap();
    let dataset = dataset(table, &split);
    let cases = TestCases::sessions(&dataset, &split, SessionOptions::default()).unwrap();
    assert_eq!((cases.len(), cases.truth(0).len()), (9_999, 1));
    assert_eq!(cases.events_to_come(0), 9_999);
}

#[test]
fn a_known_visitor_brings_her_history_and_visits_without_a_key_are_cut_by_a_gap() {
    let table = table(&[
        event("ann", "a", 0),
        event("ann", "b", 10_000),
        event("ann", "c", 10_010),
        event("ann", "a", 20_000),
        event("ann", "d", 20_010),
    ]);
    let split = "time:10000".parse::<Splitter>().unwrap();
    let split = split.split(&table, 0).unwrap();
    let dataset = dataset(table, &split);
    let cases = TestCases::sessions(&dataset, &split, SessionOptions::default()).unwrap();
    assert_eq!((cases.len(), cases.counts().sessions), (2, 2));
    assert_eq!((cases.cluster(0), cases.cluster(1)), (0, 1));
    let query = cases.query(&dataset, 1, 5).unwrap();
    assert_eq!(query.history.len(), 1);
    assert_eq!(cases.truth(1), [ItemIx(3)]);
    let none = SessionOptions {
        gap_minutes: -1.0,
        ..SessionOptions::default()
    };
    assert!(TestCases::sessions(&dataset, &split, none).is_err());
}

/// Ann and bob have a past, cat has none, dan only brings back; every one comes after the split.
fn shoppers() -> (Dataset, Split) {
    let mut returned = at("r", "a", 60);
    returned.kind = EventKind::Return;
    let by = |visitor: &str, event: Event| Event {
        visitor: visitor.into(),
        ..event
    };
    let train = [
        by("ann", at("1", "a", 1)),
        by("ann", at("2", "b", 2)),
        by("bob", at("3", "c", 3)),
        by("dan", at("4", "a", 4)),
    ];
    let test = [
        by("ann", returned.clone()),
        by("ann", at("5", "b", 100)),
        by("ann", at("5", "c", 101)),
        by("ann", at("6", "d", 200)),
        by("bob", at("7", "e", 300)),
        by("cat", at("8", "a", 400)),
        by("dan", returned),
    ];
    let table = table(&[train.as_slice(), &test].concat());
    let split = Split::given_at(&table, train.len()).unwrap();
    (dataset(table, &split), split)
}

#[test]
fn the_first_basket_that_holds_anything_is_asked_about_when_it_begins() {
    let (dataset, split) = shoppers();
    let cases = TestCases::baskets(&dataset, &split, BasketOptions::default()).unwrap();
    let counts = cases.counts();
    assert_eq!(
        (cases.len(), counts.cold_users, counts.repeated_items),
        (2, 1, 1)
    );
    assert_eq!(counts.dropped[&DropReason::NoHistory], 1);
    assert_eq!(counts.dropped[&DropReason::NothingRelevant], 1);
    assert_eq!(cases.truth(0), [ItemIx(1), ItemIx(2)]);
    let query = cases.query(&dataset, 0, 5).unwrap();
    assert_eq!(query.time, Some(Timestamp::from_seconds(100)));
    assert_eq!((query.history.len(), query.timeline.len()), (2, 2));
    assert!(query.exclusions.as_slice().is_empty());
    let asked = BasketOptions {
        cold_users: ColdUsers::Asked,
        ..BasketOptions::default()
    };
    let cases = TestCases::baskets(&dataset, &split, asked).unwrap();
    assert_eq!(cases.len(), 3);
}

#[test]
fn repeats_and_new_items_are_judged_apart_over_who_has_any() {
    let (dataset, split) = shoppers();
    let cases = TestCases::baskets(&dataset, &split, BasketOptions::default()).unwrap();
    let evaluator = Evaluator::new(
        "recall@2,recall_repeats@2,recall_new@2,ndcg_new@3"
            .parse()
            .unwrap(),
    );
    let model = by_number(5);
    let evaluation = evaluator
        .evaluate("model", &model, &dataset, &cases)
        .unwrap();
    // The answer is a b (c): ann takes b, which she had, and c; bob takes e.
    assert_mean(&evaluation, "recall@2", 0.25);
    assert_mean(&evaluation, "recall_repeats@2", 1.0);
    assert_mean(&evaluation, "recall_new@2", 0.0);
    assert_mean(&evaluation, "ndcg_new@3", 0.25);
    let queries = |metric: &str| evaluation.report().metrics[metric].queries;
    assert_eq!(
        (queries("recall_repeats@2"), queries("recall_new@2")),
        (1, 2)
    );
}

#[test]
fn the_mean_over_windows_is_of_the_same_models() {
    let day = 86_400;
    let events: Vec<Event> = (0..40)
        .map(|number| {
            let item = ["a", "b", "c"][number % 3];
            event(["ann", "bob"][number % 2], item, number as i64 * day / 4)
        })
        .collect();
    let table = table(&events);
    let windows: SlidingWindows = "windows:3:4:2".parse().unwrap();
    let evaluator = Evaluator::new("recall@1".parse().unwrap());
    let reports: Vec<Report> = windows
        .splits(&table)
        .unwrap()
        .iter()
        .map(|split| {
            let dataset = dataset(table.clone(), split);
            let cases = TestCases::baskets(&dataset, split, BasketOptions::default()).unwrap();
            let model = by_number(3);
            let evaluation = evaluator
                .evaluate("model", &model, &dataset, &cases)
                .unwrap();
            Report::new(&evaluator, split, &cases, &[evaluation]).unwrap()
        })
        .collect();
    let mean = Report::average("windows:3:4:2", &reports).unwrap();
    let figures = reports
        .iter()
        .map(|it| it.models[0].metrics["recall@1"].mean.unwrap());
    let expected = figures.sum::<f64>() / 3.0;
    assert_eq!(mean.models[0].metrics["recall@1"].mean, Some(expected));
    assert_eq!(mean.cases.queries, 6);
    assert!(mean.to_string().contains("windows:3:4:2"), "{mean}");
}
