//! Runs and reports: determinism, comparison, bad recommenders, the printed forms.

use super::*;

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
