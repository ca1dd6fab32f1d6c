mod in_step;
mod reading;

use recommender_core::Timestamp;
use recommender_core::catalog::AttributeValue;
use recommender_core::events::Channel;

use super::*;
use crate::catalog::{Availability, Currency, RatingSummary};

fn euros(units: i64, nanos: i32) -> Money {
    Money {
        currency_code: "EUR".into(),
        units,
        nanos,
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn cup() -> ProductRecord {
    ProductRecord {
        key: "cup-1".into(),
        title: "A \"blue\" cup".into(),
        categories: vec![
            texts(&["Home", "Kitchen", "Cups"]),
            texts(&["Gifts", "Under 20"]),
        ],
        brands: texts(&["acme", "ajax"]),
        price: Some(euros(19, 990_000_000)),
        original_price: Some(euros(25, 0)),
        margin: Some(0.3),
        rating: Some(RatingSummary {
            average: 4.5,
            count: 12,
        }),
        tags: texts(&["sale", "new"]),
        attributes: [
            ("volume".to_owned(), AttributeValue::Number(0.25)),
            ("glaze".to_owned(), AttributeValue::Text("matt".into())),
            ("year".to_owned(), AttributeValue::Text("2024".into())),
            ("made in".to_owned(), AttributeValue::Text("Stoke".into())),
        ]
        .into(),
        availability: Availability::Preorder,
        available_time: Some(Timestamp(1_767_225_600_000)),
        eligible_channels: vec![Channel::Web, Channel::PointOfSale],
        age_restricted: true,
        ..ProductRecord::default()
    }
}

fn holds(text: &str) -> bool {
    let product = cup();
    let at = AtPlace {
        price: product.price.as_ref(),
        quantity: 3.0,
    };
    let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    filter.matches(&product, &at)
}

#[test]
fn a_product_is_meant_where_its_fields_say_so() {
    for text in [
        "",
        "key = cup-1",
        "id: ANY(cup-1, pot)",
        r#"title = 'A "blue" cup'"#,
        r#"title = "A \"blue\" cup""#,
        "categories: Kitchen",
        r#"categories: "Home > Kitchen""#,
        r#"categories: "Kitchen > Cups""#,
        r#"categories: ANY("Garden", "Under 20")"#,
        "brands: ajax brands = acme",
        "price = 19.99",
        "price <= 19.99 price > 19.989999999",
        "original_price > 19.99",
        "currency_code = EUR",
        "margin >= 0.3 AND margin < 0.30001",
        "rating.average > 4 rating.count = 12",
        "tags != old",
        "-tags:old",
        "attributes.volume < 1 attributes.volume >= 0.25",
        "attributes.glaze: ANY(matt, gloss)",
        r#"attributes."made in" = Stoke"#,
        r#"attributes.year = "2024""#,
        "availability = PREORDER",
        "available_time = 2026-01-01T00:00:00Z",
        "available_time > '2025-12-31T23:59:59.999Z'",
        "available_time < 2026-01-01T00:00:00.001+00:00",
        "eligible_channels: ANY(kiosk, web)",
        "hidden = false age_restricted = true",
        "available_quantity >= 3",
        "price:* AND NOT expire_time:*",
        "attributes.missing != 5",
        "expire_time != 2026-01-01T00:00:00Z",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn a_product_is_not_meant_where_its_fields_say_otherwise() {
    for text in [
        "key = CUP-1",
        "key: ANY(cup, pot)",
        "categories: kitchen",
        r#"categories: "Home > Cups""#,
        r#"categories: "Kitchen > Home""#,
        r#"categories: "Home > Kitchen > Cups > Blue""#,
        "brands != ajax",
        "price < 19.99",
        "price = 19.990000001",
        "currency_code != EUR",
        "margin > 0.3",
        "tags: old",
        // A star asks for any value only behind a colon.
        "tags = *",
        "-tags:sale",
        "attributes.volume = \"0.25\"",
        "attributes.year = 2024",
        "attributes.year > 2000",
        "attributes.missing:*",
        "attributes.missing < 5",
        "availability = in_stock",
        "available_time > 2026-01-01T00:00:00Z",
        "expire_time < 2099-01-01T00:00:00Z",
        "eligible_channels: app",
        "primary_key:*",
        "available_quantity > 3",
        "language_code = en",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn money_of_another_currency_is_none() {
    let product = cup();
    let [euro, pound] = ["EUR", "GBP"].map(|code| Currency::parse(code).unwrap());
    for (text, in_euros, in_pounds) in [
        ("price < 20", true, false),
        ("NOT price < 20", false, true),
        ("price:* OR tags: old", true, false),
        ("original_price > 24", true, false),
        ("currency_code = EUR", true, false),
        ("tags: sale", true, true),
    ] {
        let filter = Filter::parse(text).unwrap();
        assert_eq!(filter.asks_for_money(), text != "tags: sale");
        let at = AtPlace {
            price: product.price.as_ref(),
            quantity: 1.0,
        };
        for (currency, expected) in [(euro, in_euros), (pound, in_pounds)] {
            let filter = filter.in_currency(currency);
            assert_eq!(filter.matches(&product, &at), expected, "{text}");
            assert_eq!(filter.to_string(), Filter::parse(text).unwrap().to_string());
        }
    }
}

#[test]
fn where_no_channel_is_named_all_are_meant() {
    let everywhere = ProductRecord::default();
    let filter = Filter::parse("eligible_channels: social eligible_channels:*").unwrap();
    assert!(filter.matches(&everywhere, &AtPlace::default()));
}

#[test]
fn or_binds_tighter_than_and_and_nothing_is_and() {
    for (text, normal) in [
        (
            "tags:a AND tags:b OR tags:c",
            r#"tags: "a" AND tags: "b" OR tags: "c""#,
        ),
        (
            "(tags:a AND tags:b) OR tags:c",
            r#"(tags: "a" AND tags: "b") OR tags: "c""#,
        ),
        (
            "tags:a tags:b AND (tags:c)",
            r#"tags: "a" AND tags: "b" AND tags: "c""#,
        ),
        (
            "tags:a OR (tags:b OR tags:c)",
            r#"tags: "a" OR tags: "b" OR tags: "c""#,
        ),
        (
            "NOT tags:a OR -(tags:b AND tags:c)",
            r#"NOT tags: "a" OR NOT (tags: "b" AND tags: "c")"#,
        ),
        ("NOT (NOT (tags:a))", r#"tags: "a""#),
        ("-(gtin != 5)", r#"gtin = "5""#),
        ("brands: ANY(b, a, b)", r#"brands: ANY("a", "b")"#),
        ("price > -0.50 price<1000", "price > -0.5 AND price < 1000"),
        ("margin=1e-3", "margin = 0.001"),
        ("id:*", "key:*"),
        ("  ", ""),
    ] {
        let filter = Filter::parse(text).unwrap();
        assert_eq!(filter.to_string(), normal, "{text}");
        assert_eq!(Filter::parse(normal), Ok(filter));
    }
    // The cup is a sale, and neither old nor last: grouped the other way round the first would hold.
    assert!(!holds("tags:old AND tags:last OR tags:sale"));
    assert!(holds("(tags:old AND tags:last) OR tags:sale"));
    assert!(holds("tags:sale OR tags:old AND tags:last OR tags:new"));
}

#[test]
fn a_filter_is_kept_as_its_text() {
    let filter = Filter::parse("tags:sale OR price<5").unwrap();
    let json = serde_json::to_string(&filter).unwrap();
    assert_eq!(json, r#""tags: \"sale\" OR price < 5""#);
    assert_eq!(serde_json::from_str::<Filter>(&json).unwrap(), filter);
    let refused = serde_json::from_str::<Filter>(r#""tags:""#).unwrap_err();
    assert!(refused.to_string().contains("column 6"), "{refused}");
    assert!(Filter::default().is_empty() && !filter.is_empty());
}
