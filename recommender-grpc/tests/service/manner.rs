//! Answers in the shopper's language and currency.

use recommender_core::Timestamp;
use recommender_grpc::proto::{
    ExplainRecommendationRequest, NotShownReason, RecommendRequest, RecommendView,
};
use recommender_grpc::serving::{Action, Direction};
use recommender_store::Store;
use recommender_store::catalog::{LocalizedText, Money, ProductRecord, Stock};
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{RANGE, keys};
use crate::stocked::{KINDS, ask, at, control, of, open, open_with, store};

fn money(currency_code: &str, units: i64) -> Money {
    Money {
        currency_code: currency_code.into(),
        units,
        nanos: 0,
    }
}

/// The shop, where lamps cost pounds in the north, and the first of each kind has a German name.
async fn cosmopolitan() -> Store {
    let store = store().await;
    let prices = (0..RANGE).map(|number| Stock {
        place: Some("north".into()),
        item: format!("lamp-{number}"),
        quantity: None,
        price: Some(money("GBP", 1)),
        set_time: Timestamp(1),
    });
    let prices: Vec<Stock> = prices.collect();
    store.set_stock(&prices).unwrap().await.unwrap();
    let named = KINDS.map(|kind| ProductRecord {
        localized_texts: vec![LocalizedText {
            language_code: "de".into(),
            title: format!("{kind} auf Deutsch"),
            description: "Das Original".into(),
        }],
        language_code: Some("en".into()),
        original_price: Some(money("EUR", 9)),
        ..(*store.product(&format!("{kind}-0")).unwrap()).clone()
    });
    store.put_products(&named).unwrap().await.unwrap();
    store
}

fn asked(locale: &str, currency_code: &str, place: &str) -> RecommendRequest {
    let mut request = at("stranger", place);
    let context = request.context.as_mut().unwrap();
    context.locale = locale.into();
    context.currency_code = currency_code.into();
    request.page_size = 1000;
    request.view = RecommendView::WithProduct.into();
    request
}

#[tokio::test]
async fn texts_are_in_the_shoppers_language_where_there_are_any() {
    let store = cosmopolitan().await;
    let mut shop = open(&store).await;
    for (locale, title, language) in [
        ("de-AT", "cup auf Deutsch", "de"),
        ("DE", "cup auf Deutsch", "de"),
        ("fr", "cup number 0", "en"),
        ("", "cup number 0", "en"),
    ] {
        let response = ask(&mut shop, asked(locale, "", "north")).await;
        let mut found = response.results.iter().filter_map(|it| it.product.as_ref());
        let cup = found.find(|product| product.id == "cup-0").unwrap();
        assert_eq!(
            (&*cup.title, &*cup.language_code),
            (title, language),
            "{locale}"
        );
        assert_eq!(cup.localized_texts.is_empty(), !locale.is_empty());
        let mut others = response.results.iter().filter_map(|it| it.product.as_ref());
        let other = others.find(|product| product.id == "cup-1").unwrap();
        assert_eq!(other.title, "cup number 1");
    }
    let mut search = asked("de", "", "north");
    search.context.as_mut().unwrap().search_query = "Deutsch".into();
    let found = ask(&mut shop, search.clone()).await;
    let plain = ask(&mut shop, asked("de", "", "north")).await;
    let score = |of: &recommender_grpc::proto::RecommendResponse, key: &str| {
        let mut results = of.results.iter();
        results.find(|it| it.product_id == key).unwrap().score
    };
    for key in KINDS.map(|kind| format!("{kind}-0")) {
        assert!(score(&found, &key) > score(&plain, &key), "{key}");
    }
    search.context.as_mut().unwrap().locale.clear();
    let elsewhere = ask(&mut shop, search).await;
    assert_eq!(keys(&elsewhere), keys(&plain));
}

#[tokio::test]
async fn prices_are_of_the_currency_asked_for_or_none() {
    let store = cosmopolitan().await;
    let mut shop = open(&store).await;
    // By currency and place: what a lamp and a cup cost.
    let cases = [
        ("", "north", Some("GBP"), Some("EUR")),
        ("EUR", "north", None, Some("EUR")),
        ("GBP", "north", Some("GBP"), None),
        ("EUR", "south", Some("EUR"), Some("EUR")),
        ("USD", "south", None, None),
    ];
    for (currency, place, lamp, cup) in cases {
        let response = ask(&mut shop, asked("", currency, place)).await;
        for result in &response.results {
            let product = result.product.as_ref().unwrap();
            let expected = if product.id.starts_with("lamp") {
                lamp
            } else {
                cup
            };
            let price = product.price.as_ref().map(|price| &*price.currency_code);
            if product.id.starts_with("lamp") || product.id.starts_with("cup") {
                assert_eq!(price, expected, "{} {currency} {place}", product.id);
            }
            let original = product.original_price.as_ref();
            let beside = original.is_none_or(|it| price == Some(&*it.currency_code));
            assert!(beside, "{product:?}");
        }
    }
    let response = ask(&mut shop, asked("", "EUR", "south")).await;
    let mut products = response.results.iter().filter_map(|it| it.product.as_ref());
    let cup = products.find(|product| product.id == "cup-0").unwrap();
    assert_eq!(cup.original_price.as_ref().unwrap().units, 9);
}

#[tokio::test]
async fn filters_and_controls_compare_in_the_currency_asked_for() {
    let store = cosmopolitan().await;
    let boost = Action::Boost {
        filter: "price < 2".parse().unwrap(),
        direction: Direction::Up,
        strength: 1.0,
    };
    let cheap = control("cheap", boost);
    let mut shop = open_with(&store, vec![cheap], |config| {
        config.filter = Some("NOT price > 10".parse().unwrap());
    })
    .await;
    let filtered = |currency: &str| RecommendRequest {
        filter: "price < 3".into(),
        strict_filtering: true,
        ..asked("", currency, "north")
    };
    // A lamp costs a pound in the north, and the number of a product is its price in euros anywhere else.
    let any = ask(&mut shop, filtered("")).await;
    assert_eq!(any.results.len(), RANGE + 2 * 3);
    let pounds = ask(&mut shop, filtered("GBP")).await;
    assert_eq!(pounds.results.len(), RANGE);
    assert!(keys(&pounds).iter().all(|key| key.starts_with("lamp")));
    let stats = pounds.filter_stats.unwrap();
    assert_eq!(stats.clauses[0].clause, "price < 3", "as it was written");
    let euros = ask(&mut shop, filtered("EUR")).await;
    assert_eq!(euros.results.len(), 2 * 3);
    assert_eq!(euros.applied_controls.len(), 1);
    let first: Vec<_> = keys(&euros).into_iter().take(4).collect();
    assert!(
        first
            .iter()
            .all(|key| key.ends_with("-0") || key.ends_with("-1")),
        "{first:?}"
    );
    // The serving config's own filter: what costs no dollars does not cost more than ten of them.
    let dollars = ask(&mut shop, asked("", "USD", "north")).await;
    assert_eq!(dollars.results.len(), 3 * RANGE);
    assert!(dollars.applied_controls.is_empty());
    let usual = ask(&mut shop, asked("", "", "north")).await;
    assert_eq!(usual.results.len(), 3 * RANGE - 2);
    let mut request = filtered("EUR");
    request.view = 0;
    let why = ExplainRecommendationRequest {
        request: Some(request),
        product_id: "lamp-4".into(),
        ..ExplainRecommendationRequest::default()
    };
    let why = shop
        .client
        .explain_recommendation(why)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(why.not_shown[0].reason(), NotShownReason::Filtered);
    assert_eq!(why.not_shown[0].detail, "price < 3");
}

#[tokio::test]
async fn what_is_no_language_or_currency_is_refused() {
    let store = store().await;
    let mut shop = open(&store).await;
    for (locale, currency, field) in [
        ("de_AT", "", "context.locale"),
        ("deutsch!", "", "context.locale"),
        ("", "eur", "context.currency_code"),
        ("", "EURO", "context.currency_code"),
        ("", "EUX", "context.currency_code"),
    ] {
        let mut request = of("ann");
        let context = request.context.as_mut().unwrap();
        context.locale = locale.into();
        context.currency_code = currency.into();
        let status = shop.client.recommend(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, field);
    }
}

#[tokio::test]
async fn a_page_is_of_one_currency() {
    let store = cosmopolitan().await;
    let mut shop = open(&store).await;
    let mut request = asked("", "EUR", "north");
    request.page_size = 3;
    request.page_token = ask(&mut shop, request.clone()).await.next_page_token;
    assert_eq!(ask(&mut shop, request.clone()).await.results.len(), 3);
    request.context.as_mut().unwrap().currency_code = "GBP".into();
    let status = shop.client.recommend(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}
