//! Controls of the wire and of the store.

use prost_types::FieldMask;
use recommender_core::events::Channel;
use recommender_store::filter::Filter;

use crate::convert::listing::{check_display_name, masked};
use crate::convert::violations::Violations;
use crate::convert::{events, names};
use crate::proto::control::Action as WireAction;
use crate::proto::{
    self, BoostAction, BuryAction, FilterAction, HideAction, PinAction, QuotaAction,
};
use crate::resource::name_of;
use crate::serving::{Action, Condition, Control, Direction, PageType, TimeRange};

/// The collection of controls in resource names.
pub(crate) const CONTROLS: &str = "controls";

/// Most products that a control hides.
const MOST_HIDDEN: usize = 10_000;

/// Last position that a product can be pinned to.
const LAST_POSITION: usize = 1000;

/// Fields that a change can take over. The actions are one field with several names.
const FIELDS: [&str; 8] = [
    "display_name",
    "condition",
    "filter_action",
    "hide_action",
    "boost_action",
    "bury_action",
    "pin_action",
    "quota_action",
];

/// The control `id` that a message describes; none, with something named wrong, if it does nothing.
pub(crate) fn control(
    message: proto::Control,
    id: &str,
    wrong: &mut Violations,
) -> Option<Control> {
    check_display_name(&message.display_name, "control.display_name", wrong);
    let condition = condition(message.condition.unwrap_or_default(), wrong);
    let Some(said) = message.action else {
        wrong.add("control.action", "expected one of the actions, found none");
        return None;
    };
    Some(Control {
        id: id.to_owned(),
        display_name: message.display_name,
        condition,
        action: action(said, wrong)?,
    })
}

/// The message of a control that these serving configs name.
pub(crate) fn of_control(
    control: &Control,
    catalog: &str,
    serving_configs: Vec<String>,
) -> proto::Control {
    let condition = &control.condition;
    proto::Control {
        name: name_of(catalog, CONTROLS, &control.id),
        display_name: control.display_name.clone(),
        condition: (*condition != Condition::default()).then(|| of_condition(condition)),
        action: Some(of_action(&control.action)),
        associated_serving_config_ids: serving_configs,
    }
}

/// `old` with the fields of `new` that the mask names.
pub(crate) fn changed_control(
    mut old: proto::Control,
    new: proto::Control,
    mask: Option<&FieldMask>,
    wrong: &mut Violations,
) -> proto::Control {
    let fields = masked(mask, &FIELDS, wrong);
    if fields.contains(&"display_name") {
        old.display_name = new.display_name;
    }
    if fields.contains(&"condition") {
        old.condition = new.condition;
    }
    if fields.iter().any(|field| field.ends_with("_action")) {
        old.action = new.action;
    }
    old
}

fn condition(message: proto::ControlCondition, wrong: &mut Violations) -> Condition {
    for (field, found, most) in [
        ("channels", message.channels.len(), 20),
        ("place_ids", message.place_ids.len(), 1000),
        ("page_types", message.page_types.len(), 20),
        ("page_categories", message.page_categories.len(), 1000),
        ("segments", message.segments.len(), 100),
        ("active_time_range", message.active_time_range.len(), 100),
    ] {
        wrong.bound(&format!("control.condition.{field}"), found, most);
    }
    Condition {
        channels: channels(&message.channels, wrong),
        places: message.place_ids,
        page_types: page_types(&message.page_types, wrong),
        page_categories: message.page_categories,
        segments: message.segments,
        active: ranges(message.active_time_range, wrong),
    }
}

fn channels(numbers: &[i32], wrong: &mut Violations) -> Vec<Channel> {
    let mut channels = Vec::new();
    for (at, &number) in numbers.iter().enumerate() {
        let field = format!("control.condition.channels[{at}]");
        if number == i32::from(proto::Channel::Unspecified) {
            wrong.add(&*field, "expected a Channel, found CHANNEL_UNSPECIFIED");
        }
        channels.extend(names::channel(number, &field, wrong));
    }
    channels
}

fn page_types(numbers: &[i32], wrong: &mut Violations) -> Vec<PageType> {
    let mut types = Vec::new();
    for (at, &number) in numbers.iter().enumerate() {
        let found = proto::PageType::try_from(number).ok().and_then(page_type);
        if found.is_none() {
            let field = format!("control.condition.page_types[{at}]");
            wrong.add(field, format!("expected a PageType, found {number}"));
        }
        types.extend(found);
    }
    types
}

/// The sort of page of a wire name; none where nothing was said.
pub(super) fn page_type(of: proto::PageType) -> Option<PageType> {
    Some(match of {
        proto::PageType::Unspecified => return None,
        proto::PageType::Home => PageType::Home,
        proto::PageType::Category => PageType::Category,
        proto::PageType::Detail => PageType::Detail,
        proto::PageType::Cart => PageType::Cart,
        proto::PageType::Checkout => PageType::Checkout,
        proto::PageType::Search => PageType::Search,
        proto::PageType::OrderConfirmation => PageType::OrderConfirmation,
        proto::PageType::Assisted => PageType::Assisted,
    })
}

fn ranges(messages: Vec<proto::TimeRange>, wrong: &mut Violations) -> Vec<TimeRange> {
    let mut ranges = Vec::new();
    for (at, message) in messages.into_iter().enumerate() {
        let field = format!("control.condition.active_time_range[{at}]");
        let start = events::timestamp(message.start_time, &format!("{field}.start_time"), wrong);
        let end = events::timestamp(message.end_time, &format!("{field}.end_time"), wrong);
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            let found = "expected a time later than start_time, found an earlier one";
            wrong.add(format!("{field}.end_time"), found);
        }
        ranges.push(TimeRange { start, end });
    }
    ranges
}

fn action(message: WireAction, wrong: &mut Violations) -> Option<Action> {
    Some(match message {
        WireAction::FilterAction(said) => {
            Action::Filter(filter(&said.filter, "filter_action", wrong)?)
        }
        WireAction::HideAction(said) => hide(said, wrong),
        WireAction::BoostAction(BoostAction { filter, strength }) => {
            let boost = ("boost_action", Direction::Up);
            moved(boost, (&filter, strength), wrong)?
        }
        WireAction::BuryAction(BuryAction { filter, strength }) => {
            let bury = ("bury_action", Direction::Down);
            moved(bury, (&filter, strength), wrong)?
        }
        WireAction::PinAction(said) => pin(said, wrong),
        WireAction::QuotaAction(said) => {
            let percent = said.percent;
            above_zero(percent, 100.0, "control.quota_action.percent", wrong);
            let filter = filter(&said.filter, "quota_action", wrong)?;
            Action::Quota { filter, percent }
        }
    })
}

fn filter(text: &str, action: &str, wrong: &mut Violations) -> Option<Filter> {
    let field = format!("control.{action}.filter");
    if text.is_empty() {
        wrong.add(field, "expected a filter, found none");
        return None;
    }
    Filter::parse(text)
        .map_err(|error| wrong.add(field, error.to_string()))
        .ok()
}

fn hide(said: HideAction, wrong: &mut Violations) -> Action {
    let field = "control.hide_action.product_ids";
    wrong.bound(field, said.product_ids.len(), MOST_HIDDEN);
    if said.product_ids.is_empty() || said.product_ids.iter().any(String::is_empty) {
        wrong.add(
            field,
            "expected keys of products, found none or an empty one",
        );
    }
    Action::Hide {
        products: said.product_ids,
    }
}

fn moved(
    (field, direction): (&str, Direction),
    (text, strength): (&str, f64),
    wrong: &mut Violations,
) -> Option<Action> {
    above_zero(strength, 1.0, &format!("control.{field}.strength"), wrong);
    Some(Action::Boost {
        filter: filter(text, field, wrong)?,
        direction,
        strength,
    })
}

fn pin(said: PinAction, wrong: &mut Violations) -> Action {
    if said.product_id.is_empty() {
        let expected = "expected the key of a product, found none";
        wrong.add("control.pin_action.product_id", expected);
    }
    let position = usize::try_from(said.position).unwrap_or(0);
    if !(1..=LAST_POSITION).contains(&position) {
        let found = format!("expected 1 to {LAST_POSITION}, found {}", said.position);
        wrong.add("control.pin_action.position", found);
    }
    Action::Pin {
        product: said.product_id,
        position,
    }
}

fn above_zero(number: f64, most: f64, field: &str, wrong: &mut Violations) {
    if !(number > 0.0 && number <= most) {
        let expected = format!("expected above 0, at most {most}");
        wrong.add(field, format!("{expected}, found {number}"));
    }
}

fn of_condition(condition: &Condition) -> proto::ControlCondition {
    let channels = condition.channels.iter();
    let page_types = condition.page_types.iter();
    let ranges = condition.active.iter().map(|range| proto::TimeRange {
        start_time: range.start.map(events::wire_time),
        end_time: range.end.map(events::wire_time),
    });
    proto::ControlCondition {
        channels: channels
            .map(|&channel| names::wire_channel(channel).into())
            .collect(),
        place_ids: condition.places.clone(),
        page_types: page_types.map(|&page| of_page_type(page).into()).collect(),
        page_categories: condition.page_categories.clone(),
        segments: condition.segments.clone(),
        active_time_range: ranges.collect(),
    }
}

fn of_page_type(page: PageType) -> proto::PageType {
    match page {
        PageType::Home => proto::PageType::Home,
        PageType::Category => proto::PageType::Category,
        PageType::Detail => proto::PageType::Detail,
        PageType::Cart => proto::PageType::Cart,
        PageType::Checkout => proto::PageType::Checkout,
        PageType::Search => proto::PageType::Search,
        PageType::OrderConfirmation => proto::PageType::OrderConfirmation,
        PageType::Assisted => proto::PageType::Assisted,
    }
}

fn of_action(action: &Action) -> WireAction {
    match action {
        Action::Filter(filter) => WireAction::FilterAction(FilterAction {
            filter: filter.to_string(),
        }),
        Action::Hide { products } => WireAction::HideAction(HideAction {
            product_ids: products.clone(),
        }),
        Action::Boost {
            filter,
            direction,
            strength,
        } => {
            let (filter, strength) = (filter.to_string(), *strength);
            match direction {
                Direction::Up => WireAction::BoostAction(BoostAction { filter, strength }),
                Direction::Down => WireAction::BuryAction(BuryAction { filter, strength }),
            }
        }
        Action::Pin { product, position } => WireAction::PinAction(PinAction {
            product_id: product.clone(),
            position: i32::try_from(*position).unwrap_or(i32::MAX),
        }),
        Action::Quota { filter, percent } => WireAction::QuotaAction(QuotaAction {
            filter: filter.to_string(),
            percent: *percent,
        }),
    }
}

#[cfg(test)]
mod tests;
