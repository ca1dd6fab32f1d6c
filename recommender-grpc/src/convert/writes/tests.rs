use recommender_core::events::Consent as StoredConsent;

use super::*;
use crate::proto::money::Money;
use crate::proto::{
    AttributeValue, EventType, ExternalId, Impression, ImpressionItem, PurchaseTransaction,
};

fn money(units: i64, nanos: i32) -> Option<Money> {
    Some(Money {
        currency_code: "EUR".into(),
        units,
        nanos,
    })
}

/// A purchase that says everything a purchase can.
fn purchase() -> UserEvent {
    let size = AttributeValue {
        text: vec!["L".into()],
        numbers: Vec::new(),
    };
    let mut event = UserEvent {
        event_id: "order-7".into(),
        visitor_id: "phone".into(),
        session_id: "monday".into(),
        place_id: "north".into(),
        event_time: Some(prost_types::Timestamp {
            seconds: 1_700_000_000,
            nanos: 250_000_000,
        }),
        product_details: vec![ProductDetail {
            product_id: "cup".into(),
            variant_id: "cup-red".into(),
            quantity: Some(2.0),
            price: money(4, 990_000_000),
        }],
        attribution_token: "answer".into(),
        purchase_transaction: Some(PurchaseTransaction {
            id: "receipt".into(),
            revenue: money(9, 980_000_000),
            tax: money(1, 0),
            cost: money(0, 1),
        }),
        cart_id: "cart".into(),
        search_query: "red cups".into(),
        page_categories: vec!["Kitchen > Cups".into(), "Red".into()],
        experiment_ids: vec!["home:b".into()],
        dwell: Some(prost_types::Duration {
            seconds: 3,
            nanos: 7_000_000,
        }),
        attributes: [("size".to_owned(), size)].into(),
        ..UserEvent::default()
    };
    event.set_event_type(EventType::Purchase);
    event.set_channel(crate::proto::Channel::Pos);
    event.set_consent(crate::proto::Consent::Granted);
    event
}

fn write(event: UserEvent) -> Result<Written, Violations> {
    let events = EventSettings::default();
    let rules = Rules {
        events: &events,
        now: Timestamp(5),
    };
    written(Some(event), ("user_event", rules), || "new".to_owned())
}

fn wrong(change: impl FnOnce(&mut UserEvent)) -> String {
    let mut event = purchase();
    change(&mut event);
    format!("{:?}", write(event).unwrap_err())
}

#[test]
fn everything_an_event_says_is_kept_and_listed() {
    let written = write(purchase()).unwrap();
    assert_eq!(
        (written.id.as_str(), written.submissions.len()),
        ("order-7", 1)
    );
    let event = written.submissions[0].event.clone();
    assert_eq!((event.price, event.quantity), (Some(4.99), 2.0));
    assert_eq!(event.consent, StoredConsent::Granted);
    assert_eq!(event.attributes["size"], "L");
    assert_eq!(stored(event), purchase());
}

#[test]
fn a_list_that_was_shown_is_kept_as_far_as_it_was_seen() {
    let item = |key: &str, propensity| ImpressionItem {
        product_id: key.into(),
        position: 0,
        propensity,
    };
    let mut event = UserEvent {
        visitor_id: "phone".into(),
        impression: Some(Impression {
            attribution_token: "answer".into(),
            items: vec![
                item("cup", Some(0.25)),
                item("pot", None),
                item("pan", None),
            ],
            viewed_count: 2,
        }),
        ..UserEvent::default()
    };
    event.set_event_type(EventType::ViewItemList);
    let written = write(event.clone()).unwrap();
    let ids: Vec<_> = written
        .submissions
        .iter()
        .map(|one| one.event.id.as_deref())
        .collect();
    assert_eq!(ids, [Some("new"), Some("new#1")]);
    let second = stored(written.submissions[1].event.clone());
    assert_eq!(second.event_time, Some(events::wire_time(Timestamp(5))));
    let shown = second.impression.unwrap();
    assert_eq!(
        (shown.items[0].product_id.as_str(), shown.items[0].position),
        ("pot", 2)
    );
    let first = stored(written.submissions[0].event.clone())
        .impression
        .unwrap();
    assert_eq!(first.items[0].propensity, Some(0.25));
    assert_eq!(first.attribution_token, "answer");
    event.product_details = purchase().product_details;
    assert!(write(event).is_err());
}

#[test]
fn views_of_pages_name_no_product_and_are_listed_as_they_were() {
    let mut event = UserEvent {
        event_id: "1".into(),
        visitor_id: "phone".into(),
        event_time: purchase().event_time,
        page_categories: vec!["Cups".into()],
        ..UserEvent::default()
    };
    event.set_event_type(EventType::CategoryView);
    let mut written = write(event.clone()).unwrap();
    let kept = written.submissions.remove(0).event;
    assert_eq!(
        (kept.kind.clone(), kept.item.clone()),
        (EventKind::View, None)
    );
    assert_eq!(stored(kept), event);
    event.product_details = purchase().product_details;
    assert!(write(event).is_err());
}

#[test]
fn a_custom_type_must_be_known() {
    let mut event = purchase();
    event.purchase_transaction = None;
    event.custom_event_type = "stare".into();
    event.set_event_type(EventType::Custom);
    assert!(write(event.clone()).is_err());
    let events = EventSettings {
        custom_types: ["stare".to_owned()].into(),
        ..EventSettings::default()
    };
    let rules = Rules {
        events: &events,
        now: Timestamp(5),
    };
    let written = written(Some(event.clone()), ("user_event", rules), String::new).unwrap();
    let kept = written.submissions[0].event.clone();
    assert!(is_known_type(&kept, &events));
    assert!(!is_known_type(&kept, &EventSettings::default()));
    assert_eq!(stored(kept), event);
}

#[test]
fn what_else_she_is_known_by_goes_with_every_product() {
    let mut event = purchase();
    event.user_id = "ann".into();
    event.external_ids = vec![ExternalId {
        namespace: "pos".into(),
        value: "till-7".into(),
    }];
    event.product_details.push(event.product_details[0].clone());
    let written = write(event).unwrap();
    for submission in &written.submissions {
        let known: Vec<String> = submission
            .identifiers
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(known, ["point_of_sale:till-7", "account:ann"]);
    }
}

#[test]
fn what_is_wrong_is_named() {
    type Change = fn(&mut UserEvent);
    let cases: [(&str, Change); 14] = [
        ("user_event.visitor_id", |event| event.visitor_id.clear()),
        ("user_event.event_type", |event| event.event_type = 999),
        ("user_event.channel", |event| event.channel = 99),
        ("user_event.consent", |event| event.consent = 9),
        ("user_event.product_details", |event| {
            event.product_details.clear()
        }),
        ("product_details[0].price", |event| {
            event.product_details[0].price = money(-1, 0)
        }),
        ("purchase_transaction.id", |event| {
            event.purchase_transaction.as_mut().unwrap().id.clear()
        }),
        ("purchase_transaction.revenue", |event| {
            event.purchase_transaction.as_mut().unwrap().revenue = None;
        }),
        ("user_event.return_of", |event| {
            event.return_of = "receipt".into()
        }),
        ("user_event.dwell", |event| {
            event.dwell.as_mut().unwrap().seconds = -3
        }),
        ("user_event.attributes", |event| {
            let value = event.attributes["size"].clone();
            event.attributes.insert("event.type".into(), value);
        }),
        ("user_event.attributes", |event| {
            event
                .attributes
                .insert("none".into(), AttributeValue::default());
        }),
        ("user_event.impression", |event| {
            event.impression = Some(Impression::default())
        }),
        ("item of event 0", |event| {
            event.product_details[0].product_id = "x".repeat(2000)
        }),
    ];
    for (field, change) in cases {
        let said = wrong(change);
        assert!(said.contains(field), "{field}: {said}");
    }
}
