use super::*;
use crate::status::Refusal;

fn time(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

/// A control of each action, under a condition with every part.
fn all() -> Vec<proto::Control> {
    let filter = || "brands: \"acme\"".to_owned();
    let actions = vec![
        WireAction::FilterAction(FilterAction { filter: filter() }),
        WireAction::HideAction(HideAction {
            product_ids: vec!["cup".into()],
        }),
        WireAction::BoostAction(BoostAction {
            filter: filter(),
            strength: 0.5,
        }),
        WireAction::BuryAction(BuryAction {
            filter: filter(),
            strength: 1.0,
        }),
        WireAction::PinAction(PinAction {
            product_id: "cup".into(),
            position: 3,
        }),
        WireAction::QuotaAction(QuotaAction {
            filter: filter(),
            percent: 25.0,
        }),
    ];
    let condition = proto::ControlCondition {
        channels: (1..=9).collect(),
        place_ids: vec!["north".into()],
        page_types: (1..=8).collect(),
        page_categories: vec!["Cups".into()],
        segments: vec!["regulars".into()],
        active_time_range: vec![proto::TimeRange {
            start_time: time(-5),
            end_time: time(7),
        }],
    };
    let control = |action| proto::Control {
        name: "catalogs/default/controls/rule".into(),
        display_name: "A rule".into(),
        condition: Some(condition.clone()),
        action: Some(action),
        associated_serving_config_ids: vec!["home".into()],
    };
    actions.into_iter().map(control).collect()
}

fn violations(message: proto::Control) -> Vec<String> {
    let mut wrong = Violations::default();
    control(message, "rule", &mut wrong);
    match wrong.or(()) {
        Err(Refusal::Invalid(violations)) => violations
            .into_iter()
            .map(|violation| violation.field)
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_action_comes_back_as_it_was() {
    for message in all() {
        let mut wrong = Violations::default();
        let read = control(message.clone(), "rule", &mut wrong);
        let read = wrong.or(read).unwrap().unwrap();
        assert_eq!(of_control(&read, "default", vec!["home".into()]), message);
        let stored = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Control>(&stored).unwrap(), read);
    }
}

#[test]
fn a_control_that_does_nothing_or_something_out_of_range_is_refused() {
    assert_eq!(violations(proto::Control::default()), ["control.action"]);
    let text = String::new;
    let cases = [
        (
            WireAction::FilterAction(FilterAction { filter: text() }),
            vec!["filter_action.filter"],
        ),
        (
            WireAction::HideAction(HideAction::default()),
            vec!["hide_action.product_ids"],
        ),
        (
            WireAction::BoostAction(BoostAction {
                filter: "brands =".into(),
                strength: 0.0,
            }),
            vec!["boost_action.strength", "boost_action.filter"],
        ),
        (
            WireAction::BuryAction(BuryAction {
                filter: "colour = red".into(),
                strength: f64::NAN,
            }),
            vec!["bury_action.strength", "bury_action.filter"],
        ),
        (
            WireAction::PinAction(PinAction::default()),
            vec!["pin_action.product_id", "pin_action.position"],
        ),
        (
            WireAction::QuotaAction(QuotaAction {
                filter: "tags: sale".into(),
                percent: 101.0,
            }),
            vec!["quota_action.percent"],
        ),
    ];
    for (action, fields) in cases {
        let message = proto::Control {
            action: Some(action),
            ..proto::Control::default()
        };
        let fields: Vec<String> = fields
            .iter()
            .map(|field| format!("control.{field}"))
            .collect();
        assert_eq!(violations(message), fields);
    }
}

#[test]
fn a_condition_that_can_not_hold_is_refused() {
    let message = proto::Control {
        condition: Some(proto::ControlCondition {
            channels: vec![0, 77],
            page_types: vec![0],
            segments: vec!["s".into(); 101],
            active_time_range: vec![proto::TimeRange {
                start_time: time(5),
                end_time: time(5),
            }],
            ..proto::ControlCondition::default()
        }),
        ..all().remove(0)
    };
    assert_eq!(
        violations(message),
        [
            "segments",
            "channels[0]",
            "channels[1]",
            "page_types[0]",
            "active_time_range[0].end_time"
        ]
        .map(|field| format!("control.condition.{field}"))
    );
}

#[test]
fn a_new_action_takes_the_place_of_the_old_one() {
    let mut wrong = Violations::default();
    let mut controls = all();
    let (old, new) = (controls.remove(0), controls.remove(3));
    let mask = FieldMask {
        paths: vec!["pin_action".into()],
    };
    let new = proto::Control {
        display_name: "not asked for".into(),
        ..new
    };
    let changed = changed_control(old.clone(), new.clone(), Some(&mask), &mut wrong);
    let expected = proto::Control {
        action: new.action,
        ..old
    };
    assert_eq!(wrong.or(changed).unwrap(), expected);
}
