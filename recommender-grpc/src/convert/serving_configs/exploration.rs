//! What of an answer is left to chance, on the wire.

use crate::convert::violations::Violations;
use crate::proto::ExplorationSpec;
use crate::proto::exploration_spec::Policy;
use crate::serving::{Exploration, ExplorationPolicy};
use crate::settings::MOST_EXPLORED;

/// What `message` leaves to chance; what is wrong is named below `serving_config.exploration`.
pub(super) fn read(message: &ExplorationSpec, wrong: &mut Violations) -> Option<Exploration> {
    let policy = policy(message.policy.as_ref(), wrong);
    let items = usize::try_from(message.max_items).ok();
    let items = items.filter(|items| (1..=MOST_EXPLORED).contains(items));
    if items.is_none() {
        let found = format!("expected 1 to {MOST_EXPLORED}, found {}", message.max_items);
        wrong.add("serving_config.exploration.max_items", found);
    }
    Some(Exploration {
        policy: policy?,
        max_items: items?,
    })
}

fn policy(message: Option<&Policy>, wrong: &mut Violations) -> Option<ExplorationPolicy> {
    let asked = message.map(|message| match *message {
        Policy::Epsilon(epsilon) => ExplorationPolicy::Epsilon(epsilon),
        Policy::SoftmaxTemperature(t) => ExplorationPolicy::SoftmaxTemperature(t),
    });
    let (field, expected, found) = match asked {
        Some(policy) if policy.is_in_range() => return Some(policy),
        Some(ExplorationPolicy::Epsilon(epsilon)) => {
            ("epsilon", "above 0, at most 1", epsilon.to_string())
        }
        Some(ExplorationPolicy::SoftmaxTemperature(t)) => {
            let expected = "a finite number above 0";
            ("softmax_temperature", expected, t.to_string())
        }
        None => {
            let expected = "epsilon or softmax_temperature";
            ("policy", expected, "neither".to_owned())
        }
    };
    let field = format!("serving_config.exploration.{field}");
    wrong.add(field, format!("expected {expected}, found {found}"));
    None
}

/// The message of what is left to chance.
pub(super) fn message(exploration: &Exploration) -> ExplorationSpec {
    let policy = match exploration.policy {
        ExplorationPolicy::Epsilon(epsilon) => Policy::Epsilon(epsilon),
        ExplorationPolicy::SoftmaxTemperature(t) => Policy::SoftmaxTemperature(t),
    };
    ExplorationSpec {
        policy: Some(policy),
        max_items: i32::try_from(exploration.max_items).unwrap_or(i32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Refusal;

    fn violations(policy: Policy, max_items: i32) -> Vec<(String, String)> {
        let mut wrong = Violations::default();
        let message = ExplorationSpec {
            policy: Some(policy),
            max_items,
        };
        let read = read(&message, &mut wrong);
        match wrong.or(()) {
            Ok(()) => {
                assert_eq!(super::message(&read.unwrap()), message);
                Vec::new()
            }
            Err(Refusal::Invalid(violations)) => {
                assert_eq!(read, None);
                let each = violations.into_iter();
                each.map(|it| (it.field, it.description)).collect()
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_in_range_comes_back_as_it_was() {
        for (policy, items) in [
            (Policy::Epsilon(1.0), 1),
            (Policy::Epsilon(f64::MIN_POSITIVE), 1000),
            (Policy::SoftmaxTemperature(1e9), 7),
        ] {
            assert_eq!(violations(policy, items), []);
        }
    }

    #[test]
    fn what_is_not_is_named_with_what_was_found() {
        for (policy, field) in [
            (Policy::Epsilon(0.0), "epsilon"),
            (Policy::Epsilon(1.01), "epsilon"),
            (Policy::Epsilon(f64::NAN), "epsilon"),
            (Policy::SoftmaxTemperature(-1.0), "softmax_temperature"),
            (
                Policy::SoftmaxTemperature(f64::INFINITY),
                "softmax_temperature",
            ),
        ] {
            let found = violations(policy, 5);
            let (name, text) = &found[0];
            assert_eq!(name, &format!("serving_config.exploration.{field}"));
            assert!(text.contains("found"), "{text}");
        }
        for items in [-1, 0, 1001] {
            let (name, text) = &violations(Policy::Epsilon(0.5), items)[0];
            assert_eq!(name, "serving_config.exploration.max_items");
            assert_eq!(text, &format!("expected 1 to 1000, found {items}"));
        }
    }
}
