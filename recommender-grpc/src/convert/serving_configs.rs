//! Serving configs of the wire and of the store.

mod exploration;

use prost_types::FieldMask;
use recommender_core::engine::SeenPolicy;
use recommender_store::filter::Filter;

use crate::convert::listing::{check_display_name, masked};
use crate::convert::violations::Violations;
use crate::proto;
use crate::resource::name_of;
use crate::serving::{Diversity, Fulfillment, ServingConfig};

/// The collection of serving configs in resource names.
pub(crate) const SERVING_CONFIGS: &str = "servingConfigs";

/// Most controls of a serving config.
const MOST_CONTROLS: usize = 100;

/// Most places of a serving config.
const MOST_PLACES: usize = 1000;

/// Most events of a shopper that are read.
const MOST_HISTORY: usize = 10_000;

/// Fields that a change can take over.
const FIELDS: [&str; 10] = [
    "display_name",
    "model_id",
    "fallback_serving_config_id",
    "seen_policy",
    "filter",
    "diversity",
    "fulfillment",
    "control_ids",
    "history_limit",
    "exploration",
];

/// The serving config `id` that a message describes; what is wrong is named below `serving_config`.
pub(crate) fn serving_config(
    message: proto::ServingConfig,
    id: &str,
    wrong: &mut Violations,
) -> ServingConfig {
    check_display_name(&message.display_name, "serving_config.display_name", wrong);
    check_controls(&message.control_ids, wrong);
    let model = match message.model_id.is_empty() {
        true => id.to_owned(),
        false => message.model_id,
    };
    let fallback = message.fallback_serving_config_id;
    if fallback == id {
        let expected = "expected another serving config, found itself";
        wrong.add("serving_config.fallback_serving_config_id", expected);
    }
    let diversity = message.diversity.unwrap_or_default();
    ServingConfig {
        id: id.to_owned(),
        display_name: message.display_name,
        model,
        fallback: (!fallback.is_empty()).then_some(fallback),
        seen: seen(message.seen_policy, wrong),
        filter: optional_filter(&message.filter, "serving_config.filter", wrong),
        diversity: self::diversity(diversity, wrong),
        fulfillment: message.fulfillment.map(|it| fulfillment(it, wrong)),
        controls: message.control_ids,
        history_limit: history_limit(message.history_limit, wrong),
        exploration: message
            .exploration
            .and_then(|it| exploration::read(&it, wrong)),
    }
}

/// The message of a serving config.
pub(crate) fn of_serving_config(
    config: &ServingConfig,
    catalog: &str,
    from_settings: bool,
) -> proto::ServingConfig {
    let diversity = &config.diversity;
    let diversity = proto::DiversitySpec {
        strength: diversity.strength,
        max_per_category: wire_number(diversity.max_per_category),
        max_per_brand: wire_number(diversity.max_per_brand),
    };
    let seen = match config.seen {
        SeenPolicy::Exclude => proto::SeenPolicy::Exclude,
        SeenPolicy::Allow => proto::SeenPolicy::Allow,
    };
    proto::ServingConfig {
        name: name_of(catalog, SERVING_CONFIGS, &config.id),
        display_name: config.display_name.clone(),
        model_id: config.model.clone(),
        fallback_serving_config_id: config.fallback.clone().unwrap_or_default(),
        seen_policy: seen.into(),
        filter: config
            .filter
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        diversity: (config.diversity != Diversity::default()).then_some(diversity),
        fulfillment: config.fulfillment.as_ref().map(of_fulfillment),
        control_ids: config.controls.clone(),
        history_limit: wire_number(config.history_limit),
        from_settings,
        exploration: config.exploration.as_ref().map(exploration::message),
    }
}

/// `old` with the fields of `new` that the mask names.
pub(crate) fn changed_serving_config(
    mut old: proto::ServingConfig,
    new: proto::ServingConfig,
    mask: Option<&FieldMask>,
    wrong: &mut Violations,
) -> proto::ServingConfig {
    let fields = masked(mask, &FIELDS, wrong);
    let asked = |field: &str| fields.contains(&field);
    if asked("display_name") {
        old.display_name = new.display_name;
    }
    if asked("model_id") {
        old.model_id = new.model_id;
    }
    if asked("fallback_serving_config_id") {
        old.fallback_serving_config_id = new.fallback_serving_config_id;
    }
    if asked("seen_policy") {
        old.seen_policy = new.seen_policy;
    }
    if asked("filter") {
        old.filter = new.filter;
    }
    if asked("diversity") {
        old.diversity = new.diversity;
    }
    if asked("fulfillment") {
        old.fulfillment = new.fulfillment;
    }
    if asked("control_ids") {
        old.control_ids = new.control_ids;
    }
    if asked("history_limit") {
        old.history_limit = new.history_limit;
    }
    if asked("exploration") {
        old.exploration = new.exploration;
    }
    old
}

fn check_controls(ids: &[String], wrong: &mut Violations) {
    let field = "serving_config.control_ids";
    wrong.bound(field, ids.len(), MOST_CONTROLS);
    let twice = (1..ids.len().min(MOST_CONTROLS)).find(|&at| ids[..at].contains(&ids[at]));
    if let Some(at) = twice {
        let found = format!("expected each control once, found {:?} twice", ids[at]);
        wrong.add(format!("{field}[{at}]"), found);
    }
}

fn seen(number: i32, wrong: &mut Violations) -> SeenPolicy {
    match proto::SeenPolicy::try_from(number) {
        Ok(proto::SeenPolicy::Unspecified | proto::SeenPolicy::Exclude) => SeenPolicy::Exclude,
        Ok(proto::SeenPolicy::Allow) => SeenPolicy::Allow,
        Err(_) => {
            let found = format!("expected a SeenPolicy, found {number}");
            wrong.add("serving_config.seen_policy", found);
            SeenPolicy::Exclude
        }
    }
}

/// The filter of a text; none of an empty one.
fn optional_filter(text: &str, field: &str, wrong: &mut Violations) -> Option<Filter> {
    let parsed = (!text.is_empty()).then(|| Filter::parse(text))?;
    parsed
        .map_err(|error| wrong.add(field, error.to_string()))
        .ok()
}

fn diversity(message: proto::DiversitySpec, wrong: &mut Violations) -> Diversity {
    let strength = message.strength;
    if !(0.0..=1.0).contains(&strength) {
        let found = format!("expected 0 to 1, found {strength}");
        wrong.add("serving_config.diversity.strength", found);
    }
    let mut count = |number: i32, field: &str| {
        let field = format!("serving_config.diversity.{field}");
        whole_number(number, &field, wrong)
    };
    Diversity {
        strength,
        max_per_category: count(message.max_per_category, "max_per_category"),
        max_per_brand: count(message.max_per_brand, "max_per_brand"),
    }
}

fn fulfillment(message: proto::FulfillmentConstraint, wrong: &mut Violations) -> Fulfillment {
    let types = !message.types.is_empty();
    wrong.refuse_if(types, "serving_config.fulfillment.types");
    let places = message.place_ids.len();
    wrong.bound("serving_config.fulfillment.place_ids", places, MOST_PLACES);
    let field = "serving_config.fulfillment.min_quantity";
    // Whole numbers up to 2^24 have an exact form in 32 bits, and nobody asks for more pieces.
    let most = 1 << 24;
    let least = whole_number(message.min_quantity.min(most), field, wrong);
    Fulfillment {
        places: message.place_ids,
        min_quantity: least as f32,
        allow_preorder: message.allow_preorder,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "float to integer saturates, and what is stored came from an integer"
)]
fn of_fulfillment(fulfillment: &Fulfillment) -> proto::FulfillmentConstraint {
    proto::FulfillmentConstraint {
        types: Vec::new(),
        place_ids: fulfillment.places.clone(),
        min_quantity: fulfillment.min_quantity as i32,
        allow_preorder: fulfillment.allow_preorder,
    }
}

fn history_limit(number: i32, wrong: &mut Violations) -> usize {
    match usize::try_from(number) {
        Ok(0) => ServingConfig::default().history_limit,
        Ok(limit) if limit <= MOST_HISTORY => limit,
        _ => {
            let found = format!("expected 0 to {MOST_HISTORY}, found {number}");
            wrong.add("serving_config.history_limit", found);
            0
        }
    }
}

fn whole_number(number: i32, field: &str, wrong: &mut Violations) -> usize {
    usize::try_from(number).unwrap_or_else(|_| {
        wrong.add(field, format!("expected at least 0, found {number}"));
        0
    })
}

fn wire_number(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Refusal;

    fn full() -> proto::ServingConfig {
        proto::ServingConfig {
            name: "catalogs/default/servingConfigs/home".into(),
            display_name: "Home page".into(),
            model_id: "daily".into(),
            fallback_serving_config_id: "popular".into(),
            seen_policy: proto::SeenPolicy::Allow.into(),
            filter: "price < 20".into(),
            diversity: Some(proto::DiversitySpec {
                strength: 0.5,
                max_per_category: 3,
                max_per_brand: 2,
            }),
            fulfillment: Some(proto::FulfillmentConstraint {
                types: Vec::new(),
                place_ids: vec!["north".into()],
                min_quantity: 2,
                allow_preorder: true,
            }),
            control_ids: vec!["b".into(), "a".into()],
            history_limit: 70,
            from_settings: false,
            exploration: Some(proto::ExplorationSpec {
                policy: Some(proto::exploration_spec::Policy::Epsilon(0.1)),
                max_items: 2,
            }),
        }
    }

    fn violations(message: proto::ServingConfig) -> Vec<String> {
        let mut wrong = Violations::default();
        let config = serving_config(message, "home", &mut wrong);
        match wrong.or(config) {
            Err(Refusal::Invalid(violations)) => violations
                .into_iter()
                .map(|violation| violation.field)
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_serving_config_comes_back_as_it_was() {
        let mut wrong = Violations::default();
        let config = serving_config(full(), "home", &mut wrong);
        let config = wrong.or(config).unwrap();
        assert_eq!(of_serving_config(&config, "default", false), full());
        let mut wrong = Violations::default();
        let usual = serving_config(proto::ServingConfig::default(), "home", &mut wrong);
        assert_eq!(wrong.or(usual).unwrap(), ServingConfig::of_model("home"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = proto::ServingConfig {
            display_name: "x".repeat(201),
            fallback_serving_config_id: "home".into(),
            seen_policy: 9,
            filter: "price <".into(),
            diversity: Some(proto::DiversitySpec {
                strength: f64::NAN,
                max_per_category: -1,
                max_per_brand: -1,
            }),
            fulfillment: Some(proto::FulfillmentConstraint {
                types: vec![1],
                place_ids: vec!["p".into(); 1001],
                min_quantity: -1,
                allow_preorder: false,
            }),
            control_ids: vec!["a".into(), "b".into(), "a".into()],
            history_limit: 10_001,
            exploration: Some(proto::ExplorationSpec::default()),
            ..proto::ServingConfig::default()
        };
        assert_eq!(
            violations(wrong),
            [
                "display_name",
                "control_ids[2]",
                "fallback_serving_config_id",
                "seen_policy",
                "filter",
                "diversity.strength",
                "diversity.max_per_category",
                "diversity.max_per_brand",
                "fulfillment.types",
                "fulfillment.place_ids",
                "fulfillment.min_quantity",
                "history_limit",
                "exploration.policy",
                "exploration.max_items",
            ]
            .map(|field| format!("serving_config.{field}"))
        );
    }

    #[test]
    fn a_change_takes_over_what_its_mask_names() {
        let mut wrong = Violations::default();
        let mask = FieldMask {
            paths: vec!["filter".into(), "control_ids".into()],
        };
        let new = proto::ServingConfig {
            filter: "brands: acme".into(),
            display_name: "not asked for".into(),
            ..proto::ServingConfig::default()
        };
        let changed = changed_serving_config(full(), new, Some(&mask), &mut wrong);
        let expected = proto::ServingConfig {
            filter: "brands: acme".into(),
            control_ids: Vec::new(),
            ..full()
        };
        assert_eq!(wrong.or(changed).unwrap(), expected);
    }

    #[test]
    fn every_field_of_the_mask_is_taken_over() {
        let mut wrong = Violations::default();
        let empty = proto::ServingConfig::default();
        let changed = changed_serving_config(empty, full(), None, &mut wrong);
        let expected = proto::ServingConfig {
            name: String::new(),
            ..full()
        };
        assert_eq!(wrong.or(changed).unwrap(), expected);
    }
}
