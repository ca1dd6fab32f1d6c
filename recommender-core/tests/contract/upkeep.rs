//! How models follow changed data: what is exact equals a new fit, what is approximate keeps the promises of an answer,
//! and of a person given back nothing is left.

use recommender_core::dataset::Change;
use recommender_core::models::Upkeep;

use super::*;

/// Models whose upkeep is exact to rounding, and by how much of a score they may differ.
const TO_ROUNDING: &[(&str, f32)] = &[("ease", 1e-3), ("edlae", 1e-3), ("rdlae", 1e-3)];

impl Subject {
    /// By how much of a score its upkeep may differ; nothing if not at all.
    fn rounding(&self) -> Option<f32> {
        let name = self.config.name();
        let found = TO_ROUNDING.iter().find(|(model, _)| *model == name);
        found.map(|&(_, rounding)| rounding)
    }

    fn updated(&self, fitted: &dyn Model, change: &Change<'_>) -> Box<dyn Model> {
        let options = FitOptions::default();
        self.config.update(fitted, change, &options).unwrap()
    }
}

fn bought(visitor: &str, item: u32, day: i64) -> Event {
    Event {
        place: Some("place 1".into()),
        channel: Some(Channel::App),
        ..event((visitor, item), EventKind::Purchase, day)
    }
}

/// Data before and after: a day of old and new users with old and new items, people given back, and both at once, with
/// weights that stay as they were and with weights that all fade as time goes on.
fn changes() -> Vec<(Dataset, Dataset)> {
    let fading = InteractionConfig {
        half_life_days: Some(30.0),
        ..InteractionConfig::default()
    };
    let steady = long_tail();
    let table = steady.table().clone();
    let fading = Dataset::new(table, vec![], fading).unwrap();
    let day = [
        bought("user 3", 0, 51),
        bought("user 3", 399, 51),
        bought("user 7", 7, 40),
        bought("a new user", 3, 50),
        bought("a new user", 5_000, 51),
        bought("another new user", 5_000, 51),
    ];
    let known = [bought("user 3", 0, 49), bought("user 11", 2, 30)];
    let mut changes = Vec::new();
    for before in [checkerboard(), steady, fading] {
        let gone = [user(&before, 3), user(&before, 20)];
        let later = before.with(&day).unwrap();
        changes.push((before.clone(), before.with(&known).unwrap()));
        changes.push((before.clone(), before.without(&gone).unwrap()));
        changes.push((later.clone(), later.without(&gone).unwrap()));
        changes.push((before, later));
    }
    changes
}

/// Asserts that both answer alike: the same items, but for those whose scores are the same to `rounding`.
fn assert_near(models: [&dyn Model; 2], question: &Query, rounding: f32) {
    let [found, expected] = models.map(|model| model.recommend(question).unwrap());
    assert_eq!(found.len(), expected.len());
    let most = expected.entries().iter().map(|entry| entry.score.abs());
    // A history of weight 1 gives scores up to about 1; what is zero but for rounding may differ by more than its size.
    let room = rounding * most.fold(0.01, f32::max);
    for (found, expected) in found.entries().iter().zip(expected.entries()) {
        let apart = (found.score - expected.score).abs();
        assert!(apart <= room, "{found:?} {expected:?}");
    }
}

#[test]
fn exact_upkeep_equals_a_new_fit() {
    for (before, after) in changes() {
        let change = Change::between(&before, &after).unwrap();
        for subject in subjects() {
            if subject.config.upkeep() != Upkeep::Exact {
                continue;
            }
            let updated = subject.updated(&*subject.fitted(&before), &change);
            let refitted = subject.fitted(&after);
            if let Some(rounding) = subject.rounding() {
                for question in questions(&after) {
                    assert_near([&*updated, &*refitted], &question, rounding);
                }
            } else {
                assert!(saved(&*updated) == saved(&*refitted), "{}", subject.name());
            }
        }
    }
}

#[test]
fn an_updated_model_keeps_the_promises_of_an_answer() {
    for (before, after) in changes() {
        let change = Change::between(&before, &after).unwrap();
        for subject in subjects() {
            let updated = subject.updated(&*subject.fitted(&before), &change);
            let questions = questions(&after);
            for question in &questions {
                assert_promises(&subject, &*updated, question);
            }
            let single: Vec<Ranked> = questions
                .iter()
                .map(|question| updated.recommend(question).unwrap())
                .collect();
            let batch = updated.recommend_batch(&questions).unwrap();
            assert_eq!(batch, single, "{}", subject.name());
        }
    }
}

#[test]
fn an_update_is_the_same_on_any_number_of_threads() {
    let before = long_tail();
    let after = before.with(&[bought("user 3", 1, 49)]).unwrap();
    let change = Change::between(&before, &after).unwrap();
    for subject in subjects() {
        let fitted = subject.fitted(&before);
        let updated = |threads: usize| {
            let options = FitOptions {
                threads: Some(threads),
                ..FitOptions::default()
            };
            let model = subject.config.update(&*fitted, &change, &options);
            saved(&*model.unwrap())
        };
        assert!(updated(1) == updated(3), "{}", subject.name());
    }
}

#[test]
fn after_forgetting_a_person_a_model_answers_as_if_it_had_never_known_her() {
    let never = long_tail();
    let her_events = [2, 3, 5, 8, 13].map(|item| bought("she", item, 20));
    let before = never.with(&her_events).unwrap();
    let after = before.without(&[before.users().get("she").unwrap()]);
    let after = after.unwrap();
    let change = Change::between(&before, &after).unwrap();
    for subject in subjects() {
        if subject.config.upkeep() == Upkeep::Approximate {
            continue;
        }
        let updated = subject.updated(&*subject.fitted(&before), &change);
        let innocent = subject.fitted(&never);
        for question in questions(&never) {
            match subject.rounding() {
                Some(rounding) => {
                    assert_near([&*updated, &*innocent], &question, rounding);
                }
                None => assert_eq!(
                    updated.recommend(&question).unwrap(),
                    innocent.recommend(&question).unwrap(),
                    "{}",
                    subject.name()
                ),
            }
        }
    }
}
