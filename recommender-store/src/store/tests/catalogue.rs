use recommender_core::{ItemIx, Vocabulary};

use super::*;
use crate::catalog::{Currency, Money, Offer, Place, Point, ProductPatch, ProductRecord, Stock};
use crate::error::StoreError;
use crate::record::{Batch, Table};

fn product(key: &str) -> ProductRecord {
    ProductRecord {
        key: key.into(),
        title: key.to_uppercase(),
        ..ProductRecord::default()
    }
}

fn stock(place: &str, item: &str, quantity: f32, set_time: i64) -> Stock {
    Stock {
        place: Some(place.into()),
        item: item.into(),
        quantity: Some(quantity),
        price: None,
        set_time: Timestamp(set_time),
    }
}

fn vocabulary(keys: &[&str]) -> Arc<Vocabulary<ItemIx>> {
    let mut items = Vocabulary::new();
    for key in keys {
        items.insert(key).unwrap();
    }
    Arc::new(items)
}

#[test]
fn stock_that_was_set_is_what_the_next_question_sees_here_and_after_opening_again() {
    let engine = Arc::new(MemoryEngine::default());
    let store = opened(&engine, StoreConfig::default());
    store
        .put_products(&[product("cup"), product("pot")])
        .unwrap()
        .wait()
        .unwrap();
    let view = store.eligibility(vocabulary(&["pot", "cup"]));
    let places = ["soho".to_owned()];
    let offer = Offer {
        places: &places,
        now: store.now(),
        ..Offer::default()
    };
    assert!(store.allowed(&view, &offer).is_empty());
    let levels = [stock("soho", "cup", 2.0, 10), stock("soho", "pot", 0.0, 10)];
    let outcomes = store.set_stock(&levels).unwrap().wait().unwrap();
    assert_eq!(outcomes[0].quantity, Some(FactOutcome::Applied));
    assert_eq!(
        store.allowed(&view, &offer).iter().collect::<Vec<_>>(),
        [ItemIx(1)]
    );
    let late = store
        .set_stock(&[stock("soho", "cup", 0.0, 9)])
        .unwrap()
        .wait()
        .unwrap();
    assert!(late[0].is_stale());
    assert_eq!(store.allowed(&view, &offer).len(), 1);
    let again = opened(&engine, StoreConfig::default());
    let view = again.eligibility(vocabulary(&["pot", "cup"]));
    assert_eq!(
        again.allowed(&view, &offer).iter().collect::<Vec<_>>(),
        [ItemIx(1)]
    );
    again
        .remove_stock(Some("soho"), "cup", Timestamp(11))
        .unwrap()
        .wait()
        .unwrap();
    assert!(again.allowed(&view, &offer).is_empty());
    assert_eq!(again.quantity_at("soho", "cup"), 0.0);
}

#[test]
fn a_price_of_no_currency_is_refused_and_one_that_is_stored_stays() {
    let engine = Arc::new(MemoryEngine::default());
    let guilders = Money {
        currency_code: "NLX".into(),
        units: 3,
        nanos: 0,
    };
    let cup = ProductRecord {
        price: Some(guilders.clone()),
        ..product("cup")
    };
    let at_soho = Stock {
        price: Some(guilders.clone()),
        ..stock("soho", "cup", 1.0, 20)
    };
    let store = opened(&engine, StoreConfig::default());
    let refused = [
        store.put_products(std::slice::from_ref(&cup)).map(|_| ()),
        store.set_stock(&[at_soho]).map(|_| ()),
    ];
    for refused in refused {
        let said = refused.unwrap_err().to_string();
        let parts = ["price", Currency::EXPECTED, "found \"NLX\""];
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }
    // As it was written when any three letters were a currency.
    let fact = state::fact(Table::Product, "cup".into(), &cup).unwrap();
    let batch = Batch {
        facts: vec![fact],
        ..Batch::default()
    };
    engine.write(batch).unwrap().wait().unwrap();
    let again = opened(&engine, StoreConfig::default());
    assert_eq!(again.product("cup").unwrap().price, Some(guilders));
}

#[test]
fn a_price_and_a_quantity_of_one_call_have_outcomes_of_their_own() {
    let store = fresh();
    let euros = |units| Money {
        currency_code: "EUR".into(),
        units,
        nanos: 0,
    };
    store
        .set_stock(&[stock("soho", "cup", 1.0, 20)])
        .unwrap()
        .wait()
        .unwrap();
    let both = Stock {
        price: Some(euros(4)),
        ..stock("soho", "cup", 9.0, 15)
    };
    let outcomes = store.set_stock(&[both]).unwrap().wait().unwrap();
    assert_eq!(outcomes[0].quantity, Some(FactOutcome::Stale));
    assert_eq!(outcomes[0].price, Some(FactOutcome::Applied));
    assert_eq!(
        (
            store.quantity_at("soho", "cup"),
            store.price(Some("soho"), "cup")
        ),
        (1.0, Some(euros(4)))
    );
    let ahead = store.set_stock(&[stock("soho", "cup", 1.0, NOON + 400_000)]);
    assert!(matches!(ahead, Err(StoreError::Invalid { .. })));
}

#[test]
fn products_are_changed_by_field_and_taken_out() {
    let store = fresh();
    let patch = ProductPatch {
        product: ProductRecord {
            hidden: true,
            ..product("cup")
        },
        update_mask: vec!["hidden".into()],
    };
    assert!(store.patch_product(&patch, Missing::Refused).is_err());
    let made = store
        .patch_product(&patch, Missing::Created)
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!((made.hidden, made.title.as_str()), (true, ""));
    store
        .put_products(&[product("cup"), product("ape")])
        .unwrap()
        .wait()
        .unwrap();
    let changed = store
        .patch_product(&patch, Missing::Refused)
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!((changed.hidden, changed.title.as_str()), (true, "CUP"));
    let keys: Vec<String> = store
        .products()
        .into_iter()
        .map(|product| product.key)
        .collect();
    assert_eq!(keys, ["ape", "cup"]);
    store.delete_product("cup").unwrap().wait().unwrap();
    assert!(store.product("cup").is_none() && store.product("ape").is_some());
    let wrong = store.put_products(&[product("jar"), product("")]);
    assert!(
        wrong.is_err() && store.product("jar").is_none(),
        "all or none"
    );
}

#[test]
fn places_near_by_are_found_until_they_go() {
    let store = fresh();
    let soho = Place {
        key: "soho".into(),
        latitude: Some(51.5),
        longitude: Some(-0.1),
        ..Place::default()
    };
    store.put_places(&[soho]).unwrap().wait().unwrap();
    store
        .set_stock(&[stock("soho", "cup", 2.0, 1)])
        .unwrap()
        .wait()
        .unwrap();
    let here = Point {
        latitude: 51.51,
        longitude: -0.1,
    };
    let near = store.nearest_with(here, 5.0, (&["cup".to_owned()], 3));
    assert_eq!(near[0].available, [("cup".to_owned(), 2.0)]);
    store.delete_place("soho").unwrap().wait().unwrap();
    assert!(store.place("soho").is_none() && store.nearest_with(here, 5.0, (&[], 3)).is_empty());
}
