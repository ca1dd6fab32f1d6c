mod in_step;

use std::sync::Arc;

use recommender_core::events::Channel;
use recommender_core::{DenseIndex, ItemIx, Timestamp, Vocabulary};

use super::*;
use crate::record::Position;
use crate::stamp::Stamp;

const ITEMS: [&str; 6] = ["cup", "cup-blue", "cup-red", "pot", "jar", "lid"];
const PLACES: [&str; 3] = ["soho", "camden", "web"];

fn stamp(position: u64) -> Stamp {
    Stamp {
        version: 0,
        position: Position(position),
    }
}

fn vocabulary(keys: &[&str]) -> Arc<Vocabulary<ItemIx>> {
    let mut items = Vocabulary::new();
    for key in keys {
        items.insert(key).unwrap();
    }
    Arc::new(items)
}

fn product(key: &str) -> ProductRecord {
    ProductRecord {
        key: key.into(),
        ..ProductRecord::default()
    }
}

fn put(catalogue: &mut Catalogue, record: ProductRecord, position: u64) {
    assert!(catalogue.apply_product(&record.key.clone(), Some(record), stamp(position)));
}

fn level(place: Option<&str>, item: &str, quantity: f32, set_time: i64) -> Stock {
    Stock {
        place: place.map(str::to_owned),
        item: item.into(),
        quantity: Some(quantity),
        price: None,
        set_time: Timestamp(set_time),
    }
}

fn stock(catalogue: &mut Catalogue, stock: &Stock) -> bool {
    let changed = stock.facts().unwrap().into_iter().map(|fact| {
        let stamp = Stamp {
            version: fact.version,
            position: Position(1),
        };
        let applied = catalogue.apply_stock(&fact.key, fact.value.as_deref(), stamp);
        applied.unwrap()
    });
    changed.filter(|&changed| changed).count() > 0
}

fn at(place: &str) -> Vec<String> {
    vec![place.to_owned()]
}

fn offered(catalogue: &Catalogue, view: &EligibilityView, offer: &Offer<'_>) -> Vec<String> {
    let allowed = catalogue.allowed(view, offer);
    let keys = allowed.iter().map(|item| view.items().key(item).to_owned());
    keys.collect()
}

#[test]
fn an_old_level_never_beats_a_newer_one_of_its_part() {
    let mut catalogue = Catalogue::default();
    let euros = |units| Money {
        currency_code: "EUR".into(),
        units,
        nanos: 0,
    };
    let priced = |units, set_time| Stock {
        quantity: None,
        price: Some(euros(units)),
        ..level(Some("soho"), "cup", 0.0, set_time)
    };
    assert!(stock(&mut catalogue, &level(Some("soho"), "cup", 3.0, 20)));
    assert!(
        stock(&mut catalogue, &priced(5, 10)),
        "the price has a time of its own"
    );
    assert!(!stock(&mut catalogue, &level(Some("soho"), "cup", 9.0, 19)));
    assert!(!stock(&mut catalogue, &priced(4, 9)));
    assert_eq!(catalogue.quantity_at("soho", "cup"), 3.0);
    assert_eq!(catalogue.price(Some("soho"), "cup"), Some(&euros(5)));
    let removal = Stock::removal(Some("soho"), "cup", Timestamp(30));
    for fact in removal {
        let stamp = Stamp {
            version: fact.version,
            position: Position(2),
        };
        assert!(catalogue.apply_stock(&fact.key, None, stamp).unwrap());
    }
    assert!(!stock(&mut catalogue, &level(Some("soho"), "cup", 1.0, 29)));
    assert_eq!(catalogue.price(Some("soho"), "cup"), None);
    assert!(catalogue.apply_stock("cup", None, stamp(1)).is_err());
}

#[test]
fn nothing_is_offered_without_a_record_nor_where_it_is_not() {
    let mut catalogue = Catalogue::default();
    let view = catalogue.view(vocabulary(&ITEMS));
    stock(&mut catalogue, &level(Some("soho"), "cup", 1.0, 1));
    stock(&mut catalogue, &level(Some("soho"), "pot", 0.0, 1));
    let anywhere = Offer::default();
    assert!(offered(&catalogue, &view, &anywhere).is_empty());
    for key in ["cup", "pot", "jar"] {
        put(&mut catalogue, product(key), 1);
    }
    assert_eq!(offered(&catalogue, &view, &anywhere), ["cup", "jar"]);
    for (places, expected) in [
        (at("soho"), vec!["cup"]),
        (at("nowhere"), vec![]),
        (vec!["nowhere".into(), "soho".into()], vec!["cup"]),
    ] {
        let offer = Offer {
            places: &places,
            ..Offer::default()
        };
        assert_eq!(offered(&catalogue, &view, &offer), expected);
    }
}

#[test]
fn channels_hidden_products_and_closed_places_are_left_out_at_once() {
    let mut catalogue = Catalogue::default();
    let view = catalogue.view(vocabulary(&ITEMS));
    put(&mut catalogue, product("cup"), 1);
    let in_app = ProductRecord {
        eligible_channels: vec![Channel::App],
        ..product("pot")
    };
    put(&mut catalogue, in_app.clone(), 1);
    let mut offer = Offer {
        channel: Some(Channel::Web),
        ..Offer::default()
    };
    assert_eq!(offered(&catalogue, &view, &offer), ["cup"]);
    offer.channel = Some(Channel::App);
    assert_eq!(offered(&catalogue, &view, &offer), ["cup", "pot"]);
    let hidden = ProductRecord {
        hidden: true,
        ..in_app
    };
    put(&mut catalogue, hidden, 2);
    assert_eq!(offered(&catalogue, &view, &offer), ["cup"]);
    stock(&mut catalogue, &level(Some("soho"), "cup", 1.0, 1));
    let places = at("soho");
    offer.places = &places;
    assert_eq!(offered(&catalogue, &view, &offer), ["cup"]);
    let closed = Place {
        key: "soho".into(),
        closed: true,
        ..Place::default()
    };
    catalogue.apply_place("soho", Some(closed), stamp(1));
    assert!(offered(&catalogue, &view, &offer).is_empty());
    assert!(catalogue.apply_product("cup", None, stamp(9)));
    assert!(offered(&catalogue, &view, &Offer::default()).is_empty());
}

#[test]
fn orders_are_taken_where_there_is_no_stock_if_so_asked() {
    let mut catalogue = Catalogue::default();
    let view = catalogue.view(vocabulary(&ITEMS));
    for (key, availability) in [
        ("cup", Availability::Preorder),
        ("pot", Availability::OutOfStock),
        ("jar", Availability::InStock),
    ] {
        let record = ProductRecord {
            availability,
            ..product(key)
        };
        put(&mut catalogue, record, 1);
        stock(&mut catalogue, &level(None, key, 0.0, 1));
    }
    stock(&mut catalogue, &level(Some("soho"), "pot", 7.0, 1));
    let places = at("soho");
    let mut offer = Offer {
        places: &places,
        ..Offer::default()
    };
    assert!(offered(&catalogue, &view, &offer).is_empty());
    offer.orders = Orders::Taken;
    assert_eq!(offered(&catalogue, &view, &offer), ["cup"]);
    offer.min_quantity = 4.0;
    assert_eq!(offered(&catalogue, &view, &offer), ["cup"]);
}

#[test]
fn what_is_wrong_with_a_product_or_place_is_named() {
    let wrong = [
        (product(""), "key"),
        (product("a\nb"), "key"),
        (
            ProductRecord {
                primary_key: Some("cup".into()),
                ..product("cup")
            },
            "primary_key",
        ),
        (
            ProductRecord {
                categories: vec![vec![]],
                ..product("cup")
            },
            "categories",
        ),
        (
            ProductRecord {
                margin: Some(1.5),
                ..product("cup")
            },
            "margin",
        ),
        (
            ProductRecord {
                embedding: vec![f32::NAN],
                ..product("cup")
            },
            "embedding",
        ),
        (
            ProductRecord {
                available_time: Some(Timestamp(5)),
                expire_time: Some(Timestamp(5)),
                ..product("cup")
            },
            "expire_time",
        ),
    ];
    for (record, field) in wrong {
        let error = record.validate().unwrap_err().to_string();
        assert!(error.contains(&format!("field {field}")), "{error}");
    }
    let lost = Place {
        key: "soho".into(),
        latitude: Some(51.5),
        ..Place::default()
    };
    assert!(
        lost.validate()
            .unwrap_err()
            .to_string()
            .contains("longitude")
    );
    let north = Place {
        latitude: Some(91.0),
        longitude: Some(0.0),
        ..lost
    };
    assert!(
        north
            .validate()
            .unwrap_err()
            .to_string()
            .contains("latitude")
    );
}

#[test]
fn a_record_becomes_the_product_that_models_read() {
    let record = ProductRecord {
        brands: vec!["Hay".into(), "Muuto".into()],
        colors: vec!["red".into()],
        tags: vec!["gift".into()],
        price: Some(Money {
            currency_code: "EUR".into(),
            units: 12,
            nanos: 500_000_000,
        }),
        ..product("cup")
    };
    let product = record.product();
    assert_eq!(
        (product.brand.as_deref(), product.price),
        (Some("Hay"), Some(12.5))
    );
    assert_eq!(product.tags, ["gift", "brand=Muuto", "color=red"]);
    let back = ProductRecord::from(product);
    assert_eq!((back.brands.len(), back.price), (1, None));
}

#[test]
fn stores_near_by_say_what_they_have() {
    let mut catalogue = Catalogue::default();
    for (key, latitude) in [("soho", 51.513), ("camden", 51.539), ("leeds", 53.8)] {
        let place = Place {
            key: key.into(),
            latitude: Some(latitude),
            longitude: Some(-0.136),
            ..Place::default()
        };
        catalogue.apply_place(key, Some(place), stamp(1));
        stock(&mut catalogue, &level(Some(key), "cup", 2.0, 1));
    }
    stock(&mut catalogue, &level(Some("camden"), "cup", 0.0, 2));
    let here = Point {
        latitude: 51.5,
        longitude: -0.13,
    };
    let items = ["pot".to_owned(), "cup".to_owned()];
    let near = catalogue.nearest_with(here, 10.0, (&items, 5));
    let found: Vec<(&str, usize)> = near
        .iter()
        .map(|stock| (stock.near.place.key.as_str(), stock.available.len()))
        .collect();
    assert_eq!(found, [("soho", 1), ("camden", 0)]);
    assert_eq!(near[0].available, [("cup".to_owned(), 2.0)]);
}

#[test]
fn a_view_that_nobody_holds_is_let_go() {
    let mut catalogue = Catalogue::default();
    let view = catalogue.view(vocabulary(&ITEMS));
    let watch = Arc::downgrade(&view);
    drop(view);
    assert!(watch.upgrade().is_none());
    put(&mut catalogue, product("cup"), 1);
    let view = catalogue.view(vocabulary(&ITEMS));
    let allowed = catalogue.allowed(&view, &Offer::default());
    assert_eq!(allowed.iter().collect::<Vec<_>>(), [ItemIx::at(0)]);
}
