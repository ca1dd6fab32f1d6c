//! What an event says beyond the fields that models read: kept in its attributes, under names of their own.

use std::collections::BTreeMap;

use recommender_core::events::Event;
use recommender_store::catalog::Money;

use crate::convert::amounts;
use crate::convert::events::length;
use crate::convert::violations::Violations;
use crate::proto::{
    AttributeValue, EventType, Impression, ImpressionItem, PurchaseTransaction, UserEvent,
};
use crate::training::ToldOfList;

/// Before the names of all of them; no attribute of a caller's may begin with it.
const PREFIX: &str = "event.";

const TYPE: &str = "event.type";
const TOKEN: &str = "event.attribution_token";
const TRANSACTION: &str = "event.transaction_id";
const REVENUE: &str = "event.revenue";
const TAX: &str = "event.tax";
const COST: &str = "event.cost";
const RETURN_OF: &str = "event.return_of";
const CART: &str = "event.cart_id";
const QUERY: &str = "event.search_query";
const CATEGORIES: &str = "event.page_categories";
const EXPERIMENTS: &str = "event.experiment_ids";
const DWELL: &str = "event.dwell_ms";
const POSITION: &str = "event.position";
const PROPENSITY: &str = "event.propensity";
/// The variant of the product.
pub(super) const VARIANT: &str = "event.variant_id";
/// The price of a piece, with its currency.
pub(super) const PRICE: &str = "event.price";

/// Most attributes, categories or experiments of an event.
const MOST: usize = 100;

/// Event types that are stored as the kind of another.
const TYPES: [EventType; 4] = [
    EventType::CategoryView,
    EventType::HomeView,
    EventType::CartView,
    EventType::CallInquiry,
];

/// Takes all that is kept in attributes out of `event`; notes what is wrong with it.
pub(super) fn read(
    event: &mut UserEvent,
    field: &str,
    wrong: &mut Violations,
) -> BTreeMap<String, String> {
    let mut kept = own(event, field, wrong);
    if TYPES.contains(&event.event_type()) {
        let name = event.event_type().as_str_name().to_owned();
        put(&mut kept, TYPE, name);
    }
    put(&mut kept, TOKEN, token(event, field, wrong));
    put(&mut kept, CART, std::mem::take(&mut event.cart_id));
    put(&mut kept, QUERY, std::mem::take(&mut event.search_query));
    for (name, list) in [
        (CATEGORIES, &event.page_categories),
        (EXPERIMENTS, &event.experiment_ids),
    ] {
        let of = name.trim_start_matches(PREFIX);
        wrong.bound(&format!("{field}.{of}"), list.len(), MOST);
        if !list.is_empty() {
            let text = serde_json::to_string(list);
            put(&mut kept, name, text.unwrap_or_default());
        }
    }
    put_transaction(&mut kept, event, field, wrong);
    put_dwell(&mut kept, event, field, wrong);
    kept
}

/// Puts `value` under `name`, if there is any.
pub(super) fn put(kept: &mut BTreeMap<String, String>, name: &str, value: String) {
    if !value.is_empty() {
        kept.insert(name.to_owned(), value);
    }
}

/// The caller's own attributes.
fn own(event: &mut UserEvent, field: &str, wrong: &mut Violations) -> BTreeMap<String, String> {
    let attributes = std::mem::take(&mut event.attributes);
    wrong.bound(&format!("{field}.attributes"), attributes.len(), MOST);
    let mut kept = BTreeMap::new();
    for (name, value) in attributes {
        let at = format!("{field}.attributes[{name:?}]");
        if name.is_empty() || name.starts_with(PREFIX) {
            let expected = format!("expected a name that does not begin with \"{PREFIX}\"");
            wrong.add(&at, format!("{expected}, found {name:?}"));
        }
        let AttributeValue { text, numbers } = value;
        match (&text[..], &numbers[..]) {
            ([text], []) => kept.insert(name, text.clone()),
            ([], [number]) if number.is_finite() => kept.insert(name, number.to_string()),
            _ => {
                let found = format!("{} texts and {} numbers", text.len(), numbers.len());
                let expected = "expected one text or one finite number";
                wrong.add(at, format!("{expected}, found {found}"));
                None
            }
        };
    }
    kept
}

/// The token of the answer it follows from, or of the list that was shown.
fn token(event: &mut UserEvent, field: &str, wrong: &mut Violations) -> String {
    let own = std::mem::take(&mut event.attribution_token);
    let shown = event.impression.as_mut();
    let shown = shown.map(|shown| std::mem::take(&mut shown.attribution_token));
    let shown = shown.unwrap_or_default();
    if !own.is_empty() && !shown.is_empty() && own != shown {
        let expected = "expected that of the impression or nothing, found another";
        wrong.add(format!("{field}.attribution_token"), expected);
    }
    if own.is_empty() { shown } else { own }
}

fn put_transaction(
    kept: &mut BTreeMap<String, String>,
    event: &mut UserEvent,
    field: &str,
    wrong: &mut Violations,
) {
    let return_of = std::mem::take(&mut event.return_of);
    if !return_of.is_empty() && event.event_type() != EventType::Return {
        let expected = "expected one for EVENT_TYPE_RETURN only, found one";
        wrong.add(format!("{field}.return_of"), expected);
    }
    put(kept, RETURN_OF, return_of);
    let Some(transaction) = event.purchase_transaction.take() else {
        return;
    };
    let at = format!("{field}.purchase_transaction");
    if event.event_type() != EventType::Purchase {
        wrong.add(&at, "expected one for EVENT_TYPE_PURCHASE only, found one");
    }
    for (name, missing) in [
        ("id", transaction.id.is_empty()),
        ("revenue", transaction.revenue.is_none()),
    ] {
        if missing {
            wrong.add(format!("{at}.{name}"), "expected a value, found none");
        }
    }
    put(kept, TRANSACTION, transaction.id);
    for (name, amount) in [
        (REVENUE, transaction.revenue),
        (TAX, transaction.tax),
        (COST, transaction.cost),
    ] {
        let at = format!("{at}.{}", name.trim_start_matches(PREFIX));
        let amount = amount.and_then(|amount| amounts::not_negative(amount, &at, wrong));
        let text = amount.as_ref().map(Money::to_string);
        put(kept, name, text.unwrap_or_default());
    }
}

fn put_dwell(
    kept: &mut BTreeMap<String, String>,
    event: &mut UserEvent,
    field: &str,
    wrong: &mut Violations,
) {
    let Some(dwell) = event.dwell.take() else {
        return;
    };
    match length(dwell) {
        Some(dwell) => put(kept, DWELL, dwell.as_millis().to_string()),
        None => wrong.add(
            format!("{field}.dwell"),
            "expected a length of time that is not negative, found another",
        ),
    }
}

/// What a list says of the `place`th of its products.
pub(super) fn of_shown(
    item: &ImpressionItem,
    place: i32,
    field: &str,
    wrong: &mut Violations,
) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    if item.position < 0 {
        let found = format!("expected at least 0, found {}", item.position);
        wrong.add(format!("{field}.position"), found);
    }
    let position = if item.position == 0 {
        place
    } else {
        item.position
    };
    kept.insert(POSITION.to_owned(), position.to_string());
    if let Some(propensity) = item.propensity {
        if !(propensity > 0.0 && propensity <= 1.0) {
            let expected = "expected a probability above 0 and at most 1";
            wrong.add(
                format!("{field}.propensity"),
                format!("{expected}, found {propensity}"),
            );
        }
        kept.insert(PROPENSITY.to_owned(), propensity.to_string());
    }
    kept
}

/// What a stored event says of the list that it was shown in, or of what it follows from.
pub(super) fn told_of_list(event: &Event) -> ToldOfList {
    let text = |name: &str| event.attributes.get(name);
    let list = |name: &str| text(name).and_then(|text| serde_json::from_str(text).ok());
    ToldOfList {
        position: text(POSITION).and_then(|text| text.parse().ok()),
        propensity: text(PROPENSITY).and_then(|text| text.parse().ok()),
        token: text(TOKEN).cloned().unwrap_or_default(),
        search: text(QUERY).cloned().unwrap_or_default(),
        categories: list(CATEGORIES).unwrap_or_default(),
    }
}

/// Puts what `kept` holds back where it came from. The first product of the event, if it has one, is `product`.
pub(super) fn put_back(mut kept: BTreeMap<String, String>, event: &mut UserEvent) {
    if let Some(name) = kept.remove(TYPE)
        && let Some(event_type) = EventType::from_str_name(&name)
    {
        event.set_event_type(event_type);
    }
    let mut text = |name: &str| kept.remove(name).unwrap_or_default();
    event.attribution_token = text(TOKEN);
    event.return_of = text(RETURN_OF);
    event.cart_id = text(CART);
    event.search_query = text(QUERY);
    let list = |text: String| serde_json::from_str(&text).unwrap_or_default();
    event.page_categories = list(text(CATEGORIES));
    event.experiment_ids = list(text(EXPERIMENTS));
    let dwell = text(DWELL)
        .parse()
        .ok()
        .map(std::time::Duration::from_millis);
    event.dwell = dwell.and_then(|dwell| dwell.try_into().ok());
    let id = text(TRANSACTION);
    let mut amount = |name: &str| amounts::of_text(&text(name));
    let transaction = PurchaseTransaction {
        revenue: amount(REVENUE),
        tax: amount(TAX),
        cost: amount(COST),
        id,
    };
    event.purchase_transaction = (!transaction.id.is_empty()).then_some(transaction);
    for detail in &mut event.product_details {
        detail.variant_id = kept.remove(VARIANT).unwrap_or_default();
        detail.price = kept
            .remove(PRICE)
            .and_then(|price| amounts::of_text(&price));
    }
    put_back_shown(&mut kept, event);
    let attributes = kept.into_iter().map(|(name, value)| {
        let value = AttributeValue {
            text: vec![value],
            numbers: Vec::new(),
        };
        (name, value)
    });
    event.attributes = attributes.collect();
}

/// Makes the list of an event that was one product of it.
fn put_back_shown(kept: &mut BTreeMap<String, String>, event: &mut UserEvent) {
    let Some(position) = kept.remove(POSITION) else {
        return;
    };
    let propensity = kept.remove(PROPENSITY);
    let items = event.product_details.drain(..);
    let items = items.map(|detail| ImpressionItem {
        product_id: detail.product_id,
        position: position.parse().unwrap_or_default(),
        propensity: propensity.as_ref().and_then(|text| text.parse().ok()),
    });
    event.impression = Some(Impression {
        items: items.collect(),
        attribution_token: event.attribution_token.clone(),
        ..Impression::default()
    });
}
