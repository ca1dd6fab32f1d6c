use serde_json::json;

use super::*;
use crate::dataset::Dataset;
use crate::models::purchases::{asked, baskets};
use crate::recommender::FitOptions;
use crate::rules::RuleCounts;

/// Every rule there is.
fn all() -> AssociationRulesConfig {
    AssociationRulesConfig {
        least_baskets: 1,
        lift: 0.0,
        log_likelihood_ratio: 0.0,
        aggregation: RuleAggregation::Sum,
        ..AssociationRulesConfig::default()
    }
}

fn fitted(config: &AssociationRulesConfig, dataset: &Dataset) -> AssociationRules {
    config.fit(dataset, &FitOptions::default()).unwrap()
}

/// 0 and 1 lead to 2, each alone to 3 as well; 4 stands alone.
fn shop() -> Dataset {
    baskets(
        6,
        &[
            &[&[0, 1, 2], &[0, 3]],
            &[&[0, 1, 2], &[1, 3]],
            &[&[0, 1, 2], &[4], &[0, 3]],
            &[&[1, 3]],
        ],
    )
}

fn visit(items: &[u32]) -> Query {
    let mut query = Query::new(10);
    query.session = items.iter().copied().map(ItemIx).collect();
    query
}

fn answer(model: &AssociationRules, query: &Query) -> Vec<(u32, f32)> {
    let ranked = model.recommend(query).unwrap();
    let entries = ranked.entries().iter();
    entries.map(|entry| (entry.item.0, entry.score)).collect()
}

#[test]
fn what_goes_with_the_basket_is_answered_by_confidence() {
    let model = fitted(&all(), &shop());
    // 0 stands in five baskets, three with 1 and 2, two with 3.
    assert_eq!(answer(&model, &visit(&[0])), [(1, 0.6), (2, 0.6), (3, 0.4)]);
    assert_eq!(
        answer(&model, &visit(&[0, 1, 0]).excluding_seen()),
        [(2, 1.2), (3, 0.8)]
    );
    assert_eq!(answer(&model, &visit(&[4])), []);
}

#[test]
fn a_rule_has_a_direction() {
    let model = fitted(&all(), &shop());
    let score = |from: u32, to: u32| {
        let answer = answer(&model, &visit(&[from]));
        answer.iter().find(|&&(item, _)| item == to).unwrap().1
    };
    assert_eq!((score(0, 2), score(2, 0)), (0.6, 1.0));
}

#[test]
fn items_together_speak_where_the_whole_antecedent_is_in_the_basket() {
    let config = AssociationRulesConfig {
        length: 3,
        aggregation: RuleAggregation::Best,
        ..all()
    };
    let model = fitted(&config, &shop());
    let query = visit(&[1, 0]).excluding_seen();
    // Both together always come with 2; 3 never comes with both.
    assert_eq!(answer(&model, &query), [(2, 1.0), (3, 0.4)]);
    assert_eq!(model.because(&query, ItemIx(2)), [ItemIx(0), ItemIx(1)]);
    assert_eq!(model.because(&query, ItemIx(3)), [ItemIx(0)]);
    assert_eq!(model.because(&query, ItemIx(4)), []);
    let alone = visit(&[0]).excluding_seen();
    assert_eq!(answer(&model, &alone), [(1, 0.6), (2, 0.6), (3, 0.4)]);
}

#[test]
fn context_items_are_of_the_basket_and_the_history_stands_in_for_none() {
    let model = fitted(&all(), &shop());
    let mut query = asked(&[&[4], &[0], &[0]]);
    // The history weighs 0 twice.
    assert_eq!(answer(&model, &query), [(1, 1.2), (2, 1.2), (3, 0.8)]);
    query.context_items = vec![ItemIx(2)];
    assert_eq!(answer(&model, &query), [(0, 1.0), (1, 1.0)]);
    query.session = vec![ItemIx(1)];
    assert_eq!(answer(&model, &query)[0], (0, 1.6));
}

#[test]
fn every_score_is_of_the_measure_named() {
    let counts = RuleCounts {
        baskets: 8,
        antecedent: 5,
        consequent: 3,
        both: 3,
    };
    let expected = [
        (RuleScore::Confidence, counts.confidence()),
        (RuleScore::Lift, counts.lift()),
        (RuleScore::Leverage, counts.leverage()),
        (RuleScore::LogLikelihoodRatio, counts.log_likelihood_ratio()),
    ];
    for (score, expected) in expected {
        let model = fitted(&AssociationRulesConfig { score, ..all() }, &shop());
        let found = answer(&model, &visit(&[0]));
        let found = found.iter().find(|&&(item, _)| item == 2).unwrap().1;
        let error = f64::from(found) - expected;
        assert!(error.abs() < 1e-6, "{score:?}: {found} {expected}");
    }
}

#[test]
fn odd_baskets_and_odd_data_have_an_answer() {
    let nothing = fitted(&AssociationRulesConfig::default(), &baskets(3, &[&[&[1]]]));
    assert!(nothing.is_empty());
    assert_eq!(answer(&nothing, &visit(&[0, 1, 2, 99])), []);
    let model = fitted(&all(), &shop());
    assert_eq!(answer(&model, &visit(&[77])), []);
    assert_eq!(answer(&model, &visit(&[2; 10_000])).len(), 2);
    let mut asked = asked(&[&[0]]);
    asked.history[0].weight = f32::MAX;
    let ranked = model.recommend(&asked).unwrap();
    assert!(ranked.entries().iter().all(|entry| entry.score.is_finite()));
}

#[test]
fn a_mine_that_is_too_large_is_refused_as_by_the_mine_itself() {
    let config = AssociationRulesConfig {
        max_memory_bytes: 100,
        ..all()
    };
    let error = config.fit(&shop(), &FitOptions::default()).unwrap_err();
    assert!(error.to_string().contains("max_memory_bytes"), "{error}");
    let config = AssociationRulesConfig {
        support: 0.0,
        ..all()
    };
    let error = config.fit(&shop(), &FitOptions::default()).unwrap_err();
    assert!(error.to_string().contains("all 15 itemsets"), "{error}");
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let wrong = [
        ("support", json!(2)),
        ("least_baskets", json!(0)),
        ("confidence", json!(-1)),
        ("lift", json!(-1)),
        ("log_likelihood_ratio", json!(-1)),
        ("length", json!(1)),
        ("gap_minutes", json!(-1)),
    ];
    for (field, value) in wrong {
        let config: AssociationRulesConfig =
            serde_json::from_value(json!({ field: value })).unwrap();
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn damaged_tensors_are_refused() {
    let model = fitted(&AssociationRulesConfig { length: 3, ..all() }, &shop());
    let load = |antecedents: &[u32], ends: &[u64], code: u8| {
        let mut sink = TensorSink::default();
        let code = [code];
        sink.put("aggregation", &[1], &code);
        sink.put("antecedents", &[antecedents.len()], antecedents);
        sink.put("ends", &[ends.len()], ends);
        sink.put_matrix("rules", &model.rules);
        let mut bytes = Vec::new();
        sink.write(&mut bytes).unwrap();
        AssociationRules::load(&Tensors::open("test", bytes.into()).unwrap())
    };
    let (antecedents, ends) = (model.antecedents.to_vec(), model.ends.to_vec());
    assert!(load(&antecedents, &ends, 1).is_ok());
    assert!(load(&antecedents, &ends, 2).is_err());
    assert!(load(&antecedents[1..], &ends, 0).is_err());
    assert!(load(&antecedents, &ends[1..], 0).is_err());
    let mut falling = antecedents.clone();
    falling.reverse();
    assert!(load(&falling, &ends, 0).is_err());
    let mut unknown = antecedents;
    *unknown.last_mut().unwrap() = 6;
    assert!(load(&unknown, &ends, 0).is_err());
}
