//! Items of equal scores.

use super::*;

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
