use super::*;
use crate::models::purchases::{asked, baskets};
use crate::recommender::FitOptions;

/// Item 0 is bought every second day, item 1 every tenth, item 2 once only.
fn fitted() -> Repurchase {
    fitted_by(&gaps_alone())
}

/// Without habit and sales.
fn gaps_alone() -> RepurchaseConfig {
    RepurchaseConfig {
        shrinkage: 20.0,
        habit_weight: 0.0,
        sales_weight: 0.0,
        ..RepurchaseConfig::default()
    }
}

fn fitted_by(config: &RepurchaseConfig) -> Repurchase {
    let often: Vec<&[u32]> = (0..21)
        .map(|day| match day {
            0 => &[0, 1, 2][..],
            10 | 20 => &[0, 1],
            day if day % 2 == 0 => &[0],
            _ => &[],
        })
        .collect();
    let users: Vec<&[&[u32]]> = vec![&often; 30];
    let dataset = baskets(4, &users);
    config.fit(&dataset, &FitOptions::default()).unwrap()
}

fn items(model: &Repurchase, query: &Query) -> Vec<u32> {
    let ranked = model.recommend(query).unwrap();
    ranked.items().map(|item| item.0).collect()
}

#[test]
fn what_is_due_comes_first_and_what_was_never_bought_is_not_answered() {
    let model = fitted();
    // Bought together; two days later the one is due, ten days later the other, whose gap the first has overstayed.
    let mut query = asked(&[&[0, 1, 2], &[]]);
    assert_eq!(items(&model, &query)[0], 0);
    query.time = Some(Timestamp::from_seconds(10 * 86_400));
    assert_eq!(items(&model, &query)[0], 1);
    assert_eq!(items(&model, &query).len(), 3);
    query.session = vec![ItemIx(3)];
    assert_eq!(items(&model, &query).len(), 3);
    assert!(items(&model, &query.excluding_seen()).is_empty());
}

#[test]
fn her_own_gaps_overrule_those_of_the_product() {
    let trusting = RepurchaseConfig {
        shopper_shrinkage: 0.5,
        ..gaps_alone()
    };
    let model = fitted_by(&trusting);
    // She buys item 0 every ten days and item 1 every other day: two days on, item 1 is due.
    let mut days: Vec<&[u32]> = vec![&[]; 31];
    for day in [0, 10, 20, 30] {
        days[day] = &[0];
    }
    for day in [22, 24, 26, 28] {
        days[day] = &[1];
    }
    days[30] = &[0, 1];
    let mut query = asked(&days);
    query.time = Some(Timestamp::from_seconds(32 * 86_400));
    assert_eq!(items(&model, &query), [1, 0]);
}

#[test]
fn habit_and_sales_of_late_raise_the_intensity() {
    let rarely: [&[u32]; 9] = [&[0, 1], &[], &[], &[], &[], &[], &[], &[], &[2]];
    let lately: [&[u32]; 9] = [&[2], &[], &[], &[], &[], &[], &[], &[], &[1]];
    let dataset = baskets(3, &[&rarely, &lately, &[&[0]]]);
    let order = |habit_weight, sales_weight, query: &Query| {
        let config = RepurchaseConfig {
            habit_weight,
            sales_weight,
            sales_days: 3.0,
            ..RepurchaseConfig::default()
        };
        let model = config.fit(&dataset, &FitOptions::default()).unwrap();
        items(&model, query)
    };
    // Of two products taken once at the same time the one that sells now comes first.
    let once = asked(&[&[0, 1]]);
    assert_eq!(order(0.0, 0.0, &once), [0, 1]);
    assert_eq!(order(0.0, 1.0, &once), [1, 0]);
    // Of two taken last at the same time the one taken more often, if that counts for enough.
    let often = asked(&[&[1], &[1], &[1], &[0, 1]]);
    assert_eq!(order(9.0, 0.0, &often), [1, 0]);
}

#[test]
fn clocks_that_run_wild_and_order_numbers_give_finite_scores() {
    let model = fitted();
    for now in [i64::MIN, -1, 0, i64::MAX] {
        let mut query = asked(&[&[0, 1], &[0]]);
        query.time = Some(Timestamp(now));
        assert_eq!(items(&model, &query).len(), 2);
        query.timeline[0].time = Timestamp(i64::MIN);
        query.time = None;
        assert_eq!(items(&model, &query).len(), 2);
    }
    let numbered = RepurchaseConfig {
        gap_minutes: 0.0,
        ..RepurchaseConfig::default()
    };
    assert!(numbered.validate().is_ok());
}

#[test]
fn nobody_who_buys_twice_is_no_reason_to_fail() {
    let dataset = baskets(3, &[&[&[0]], &[&[1, 2]]]);
    let model = RepurchaseConfig::default().fit(&dataset, &FitOptions::default());
    assert_eq!(items(&model.unwrap(), &asked(&[&[2, 1]])), [1, 2]);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (field, found) in [
        ("shrinkage", 0.0),
        ("shopper_shrinkage", -1.0),
        ("habit_weight", -1.0),
        ("sales_weight", -0.1),
        ("sales_days", 0.0),
        ("gap_minutes", -1.0),
    ] {
        let config = serde_json::from_value(serde_json::json!({ field: found }));
        let config: RepurchaseConfig = config.unwrap();
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
}
