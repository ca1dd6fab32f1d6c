//! The published rules of the Groceries baskets (Hahsler, Hornik & Reutterer 2006), met again on the baskets themselves,
//! which are not part of the repository. `RECOMMENDER_GROCERIES` is the directory with `baskets.csv.gz`, a basket a line:
//!
//! `RECOMMENDER_GROCERIES=… cargo test --release -p recommender-files --test groceries -- --ignored`
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use flate2::read::GzDecoder;
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::rules::{Grouping, MiningConfig, Rule, Rules};
use recommender_core::{Dataset, FitOptions, InteractionConfig, ItemIx};

fn groceries() -> Dataset {
    let directory = env::var_os("RECOMMENDER_GROCERIES");
    let directory = PathBuf::from(directory.expect("RECOMMENDER_GROCERIES names the directory"));
    let file = File::open(directory.join("baskets.csv.gz")).unwrap();
    let mut table = EventTable::new();
    for (number, line) in BufReader::new(GzDecoder::new(file)).lines().enumerate() {
        for item in line.unwrap().split(',') {
            let event = Event {
                visitor: number.to_string(),
                item: Some(item.into()),
                kind: EventKind::Purchase,
                quantity: 1.0,
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
    }
    Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
}

/// All rules of the support and confidence given, and of any length.
fn mined(dataset: &Dataset, support: f64, confidence: f64) -> Rules {
    let config = MiningConfig {
        support,
        least_baskets: 1,
        confidence,
        lift: 0.0,
        log_likelihood_ratio: 0.0,
        length: 20,
        ..MiningConfig::default()
    };
    let tables = config.mine(dataset, Grouping::None, &FitOptions::default());
    tables.unwrap().remove(0).rules
}

fn found<'a>(dataset: &Dataset, rules: &'a Rules, sides: [&[&str]; 2]) -> Rule<'a> {
    let [antecedent, consequent] = sides.map(|side| {
        let item = |key: &&str| dataset.items().get(key).unwrap();
        let mut items: Vec<ItemIx> = side.iter().map(item).collect();
        items.sort_unstable();
        items
    });
    let same = |rule: &Rule<'_>| rule.antecedent == antecedent && rule.consequent == consequent;
    rules.iter().find(same).unwrap()
}

/// Figures as published, to the last digit given.
fn assert_figures(rule: &Rule<'_>, published: [f64; 3]) {
    let counts = rule.counts;
    let found = [counts.support(), counts.confidence(), counts.lift()];
    let near = |(found, published): (f64, f64)| (found - published).abs() < 5e-6 * found.max(1.0);
    assert!(found.into_iter().zip(published).all(near), "{found:?}");
}

#[test]
#[ignore = "needs the Groceries baskets, named by RECOMMENDER_GROCERIES"]
fn rules_of_a_thousandth_and_four_fifths_are_those_of_arules() {
    let dataset = groceries();
    let rules = mined(&dataset, 0.001, 0.8);
    assert_eq!((rules.baskets(), rules.len()), (9_835, 410));
    let wine = [&["liquor", "red/blush wine"][..], &["bottled beer"]];
    let rule = found(&dataset, &rules, wine);
    assert_figures(&rule, [0.001_931_876, 0.904_761_9, 11.235_269]);
}

#[test]
#[ignore = "needs the Groceries baskets, named by RECOMMENDER_GROCERIES"]
fn rules_of_six_thousandths_and_a_quarter_are_those_of_arules() {
    let dataset = groceries();
    let rules = mined(&dataset, 0.006, 0.25);
    assert_eq!(rules.len(), 463);
    let herbs = [&["herbs"][..], &["root vegetables"]];
    let rule = found(&dataset, &rules, herbs);
    assert_figures(&rule, [0.007_015_760, 0.431_250_0, 3.956_477]);
}
