use super::*;
use crate::models::purchases::{answer, sessions};
use crate::query::HistoryItem;
use crate::recommender::FitOptions;
use crate::time::Timestamp;

/// The rules of the last item alone.
fn last_alone() -> SequentialRulesConfig {
    SequentialRulesConfig {
        last_items: 1,
        ..SequentialRulesConfig::default()
    }
}

fn fitted(config: &SequentialRulesConfig, visits: &[&[u32]]) -> SequentialRules {
    let dataset = sessions(
        8,
        visits
            .iter()
            .map(|items| (items.to_vec(), Timestamp::default())),
    );
    config.fit(&dataset, &FitOptions::default()).unwrap()
}

fn visit(items: &[u32]) -> Query {
    crate::models::purchases::visit(items, 10)
}

#[test]
fn a_rule_gains_the_reciprocal_of_the_distance_each_time_and_is_divided_by_how_often_it_starts() {
    let model = fitted(&last_alone(), &[&[0, 1, 2], &[0, 2], &[3, 0]]);
    let expected = [(2, (0.5 + 1.0) / 3.0), (1, 1.0 / 3.0)];
    assert_eq!(answer(&model, &visit(&[7, 0])), expected);
    // Nothing leads backwards.
    assert_eq!(answer(&model, &visit(&[2])), []);
}

#[test]
fn steps_and_their_weights_are_a_choice() {
    let sessions: &[&[u32]] = &[&[0, 1, 2, 3]];
    let config = |step_weight, steps| SequentialRulesConfig {
        step_weight,
        steps,
        ..last_alone()
    };
    let rules = |config: SequentialRulesConfig| answer(&fitted(&config, sessions), &visit(&[0]));
    let same = rules(config(StepWeight::Same, 2));
    assert_eq!(same, [(1, 1.0), (2, 1.0)]);
    let linear = rules(config(StepWeight::Linear, 10));
    assert_eq!(linear, [(1, 1.0), (2, 0.9), (3, 0.8)]);
    let quadratic = rules(config(StepWeight::Quadratic, 10));
    assert_eq!(quadratic, [(1, 1.0), (2, 0.25), (3, 1.0 / 9.0)]);
}

#[test]
fn an_item_that_came_again_leads_to_itself_unless_the_current_one_is_no_answer() {
    let sessions: &[&[u32]] = &[&[0, 0, 1]];
    let model = fitted(&last_alone(), sessions);
    assert_eq!(answer(&model, &visit(&[0])), [(1, 0.75), (0, 0.5)]);
    let config = SequentialRulesConfig {
        current_item: false,
        ..last_alone()
    };
    assert_eq!(
        answer(&fitted(&config, sessions), &visit(&[0])),
        [(1, 0.75)]
    );
}

#[test]
fn several_items_lead_on_the_earlier_the_less() {
    let config = SequentialRulesConfig {
        last_items: 2,
        position_decay: 1.0,
        neighbours: 1,
        ..last_alone()
    };
    let model = fitted(&config, &[&[0, 1], &[2, 3]]);
    let earlier = (-1.0f32).exp();
    assert_eq!(answer(&model, &visit(&[2, 0, 2])), [(3, 1.0), (1, earlier)]);
    assert_eq!(answer(&model, &visit(&[2, 0, 0])), [(1, 1.0)]);
}

#[test]
fn only_the_strongest_rules_are_kept_with_ties_to_the_lower_item() {
    let config = SequentialRulesConfig {
        neighbours: 2,
        ..last_alone()
    };
    let model = fitted(&config, &[&[0, 3], &[0, 2], &[0, 1], &[0, 3]]);
    assert_eq!(answer(&model, &visit(&[0])), [(3, 0.5), (1, 0.25)]);
}

#[test]
fn reminders_and_the_history_of_an_empty_visit() {
    let config = SequentialRulesConfig {
        reminders: 0.5,
        ..last_alone()
    };
    let model = fitted(&config, &[&[0, 1]]);
    let mut query = visit(&[]);
    query.history = vec![HistoryItem {
        item: ItemIx(0),
        weight: 1.0,
        time: Timestamp(5),
    }];
    assert_eq!(answer(&model, &query), [(1, 1.0), (0, 0.5)]);
}

#[test]
fn odd_visits_and_odd_data_have_an_answer() {
    let model = fitted(&last_alone(), &[&[1; 10_000], &[4]]);
    assert_eq!(answer(&model, &visit(&[77])), []);
    assert_eq!(answer(&model, &visit(&[4])), []);
    assert_eq!(answer(&model, &visit(&[1; 100])).len(), 1);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let wrong = [
        ("steps", serde_json::json!(0)),
        ("steps", serde_json::json!(101)),
        ("neighbours", serde_json::json!(0)),
        ("last_items", serde_json::json!(33)),
        ("position_decay", serde_json::json!(0.0)),
        ("extend_to", serde_json::json!(6)),
        ("reminders", serde_json::json!(-1.0)),
        ("gap_minutes", serde_json::json!(0)),
    ];
    for (field, value) in wrong {
        let object = serde_json::json!({ field: value });
        let config: SequentialRulesConfig = serde_json::from_value(object).unwrap();
        let error = config.validate().unwrap_err().to_string();
        assert!(
            error.contains(&format!("sequential_rules.{field}")),
            "{error}"
        );
    }
}
