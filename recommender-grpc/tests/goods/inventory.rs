//! How much of a product is where.

use std::sync::Arc;

use prost_types::{FieldMask, Timestamp};
use recommender_core::{ItemIx, Vocabulary};
use recommender_grpc::proto::money::Money;
use recommender_grpc::proto::{
    AddLocalInventoriesRequest, BatchSetInventoryRequest, Inventory, InventoryOutcome,
    LocalInventory, RecommendContext, RecommendRequest, RemoveLocalInventoriesRequest,
    SetInventoryRequest,
};
use recommender_store::catalog::Offer;
use tonic::Code;

use crate::shop::{PARENT, Shop, assert_wrong, at, name};

pub(crate) fn inventory(key: &str, local: Vec<LocalInventory>) -> SetInventoryRequest {
    SetInventoryRequest {
        name: name(key),
        inventory: Some(Inventory {
            local_inventories: local,
            ..Inventory::default()
        }),
        ..SetInventoryRequest::default()
    }
}

fn seconds(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

/// Which of `keys` may be offered at a place.
fn allowed(shop: &Shop, place: &str, keys: &[&str]) -> Vec<String> {
    let mut items = Vocabulary::<ItemIx>::new();
    for key in keys {
        items.insert(key).unwrap();
    }
    let view = shop.store.eligibility(Arc::new(items));
    let offer = Offer {
        places: &[place.to_owned()],
        now: shop.store.now(),
        ..Offer::default()
    };
    let allowed = shop.store.allowed(&view, &offer);
    let numbered = (0..).map(ItemIx).zip(keys);
    let kept = numbered.filter(|(item, _)| allowed.contains(*item));
    kept.map(|(_, key)| (*key).to_owned()).collect()
}

#[tokio::test]
async fn what_was_set_is_seen_once_the_call_answers() {
    let mut shop = Shop::open().await;
    shop.put(&["a", "b"]).await;
    for quantity in [2.0, 0.0, 1.0, 0.0] {
        for key in ["a", "b"] {
            let other = 2.0 - quantity;
            let request = inventory(key, vec![at("north", quantity), at("south", other)]);
            let response = shop.products.set_inventory(request).await.unwrap();
            let response = response.into_inner();
            assert!(response.inventory_as_of.is_some());
            assert!(!response.freshness_token.is_empty());
            assert_eq!(response.outcomes.len(), 2);
            for outcome in &response.outcomes {
                assert_eq!(outcome.available_quantity(), InventoryOutcome::Applied);
                assert_eq!(outcome.price(), InventoryOutcome::Unspecified);
            }
            assert_eq!(shop.store.quantity_at("north", key), quantity);
        }
        let expected: &[&str] = if quantity > 0.0 { &["a", "b"] } else { &[] };
        assert_eq!(allowed(&shop, "north", &["a", "b"]), expected);
    }
}

/// Keys of what is recommended at a place, and as of when its stock was read.
async fn recommended(shop: &mut Shop, place: &str) -> (Vec<String>, bool) {
    let request = RecommendRequest {
        serving_config: "catalogs/default/servingConfigs/home".to_owned(),
        context: Some(RecommendContext {
            visitor_id: "stranger".to_owned(),
            place_id: place.to_owned(),
            ..RecommendContext::default()
        }),
        ..RecommendRequest::default()
    };
    let response = shop.recommendations.recommend(request).await.unwrap();
    let response = response.into_inner();
    let results = response.results.into_iter();
    let mut keys: Vec<String> = results.map(|result| result.product_id).collect();
    keys.sort();
    (keys, response.inventory_as_of.is_some())
}

#[tokio::test]
async fn no_answer_shows_what_the_place_has_not() {
    let mut shop = Shop::open().await;
    let keys = ["item-0", "item-1", "item-2", "item-3"];
    shop.put(&keys).await;
    // Every set of the four products is there once, at one of the two places.
    for set in 0..16_u32 {
        let is_there = |number: usize| set & (1 << number) != 0;
        for (number, key) in keys.iter().enumerate() {
            let (north, south) = if is_there(number) {
                (2.0, 0.0)
            } else {
                (0.0, 1.0)
            };
            let request = inventory(key, vec![at("north", north), at("south", south)]);
            shop.products.set_inventory(request).await.unwrap();
        }
        for (place, there) in [("north", true), ("south", false)] {
            let numbered = keys.iter().enumerate();
            let expected = numbered.filter(|(number, _)| is_there(*number) == there);
            let expected: Vec<&str> = expected.map(|(_, key)| *key).collect();
            assert_eq!(
                recommended(&mut shop, place).await,
                (to_owned(&expected), true)
            );
        }
    }
}

fn to_owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}

#[tokio::test]
async fn what_comes_late_is_stale_and_changes_nothing() {
    let mut shop = Shop::open().await;
    shop.put(&["a"]).await;
    let set = |time, quantity| SetInventoryRequest {
        set_time: seconds(time),
        ..inventory("a", vec![at("north", quantity)])
    };
    let mut outcomes = Vec::new();
    for (time, quantity) in [(100, 5.0), (50, 9.0), (100, 4.0)] {
        let response = shop.products.set_inventory(set(time, quantity)).await;
        outcomes.push(response.unwrap().into_inner().outcomes[0].available_quantity());
    }
    use InventoryOutcome::{Applied, Stale};
    assert_eq!(outcomes, [Applied, Stale, Applied]);
    assert_eq!(shop.store.quantity_at("north", "a"), 4.0);
    let ahead = SetInventoryRequest {
        set_time: seconds(253_402_300_799),
        ..inventory("a", vec![at("north", 1.0)])
    };
    assert_wrong(shop.products.set_inventory(ahead).await, "set_time");
}

#[tokio::test]
async fn a_mask_says_which_parts_are_taken() {
    let mut shop = Shop::open().await;
    shop.put(&["a"]).await;
    let price = Money {
        currency_code: "EUR".to_owned(),
        units: 3,
        nanos: 0,
    };
    let both = LocalInventory {
        price: Some(price.clone()),
        ..at("north", 2.0)
    };
    let masked = |path: &str| SetInventoryRequest {
        set_mask: Some(FieldMask {
            paths: vec![path.to_owned()],
        }),
        ..inventory("a", vec![both.clone()])
    };
    let response = shop.products.set_inventory(masked("price")).await.unwrap();
    let outcome = &response.into_inner().outcomes[0];
    assert_eq!(outcome.price(), InventoryOutcome::Applied);
    assert_eq!(outcome.available_quantity(), InventoryOutcome::Unspecified);
    assert_eq!(shop.store.quantity_at("north", "a"), 0.0);
    assert_eq!(shop.store.price(Some("north"), "a").unwrap().units, 3);
    assert_wrong(
        shop.products.set_inventory(masked("stock")).await,
        "set_mask",
    );
}

#[tokio::test]
async fn stock_of_what_is_not_known_needs_leave() {
    let mut shop = Shop::open().await;
    let request = inventory("new", vec![at("north", 2.0)]);
    let refused = shop.products.set_inventory(request.clone()).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    let checked = SetInventoryRequest {
        allow_missing: true,
        validate_only: true,
        ..request.clone()
    };
    shop.products.set_inventory(checked).await.unwrap();
    assert_eq!(shop.store.quantity_at("north", "new"), 0.0);
    let allowed = SetInventoryRequest {
        allow_missing: true,
        ..request
    };
    shop.products.set_inventory(allowed).await.unwrap();
    assert_eq!(shop.store.quantity_at("north", "new"), 2.0);
}

#[tokio::test]
async fn one_bad_inventory_of_a_batch_fails_alone() {
    let mut shop = Shop::open().await;
    shop.put(&["a", "b"]).await;
    let with_id = SetInventoryRequest {
        request_id: "1".to_owned(),
        ..inventory("a", vec![at("north", 8.0)])
    };
    let request = BatchSetInventoryRequest {
        parent: PARENT.to_owned(),
        requests: vec![
            inventory("a", vec![at("north", 1.0), at("south", 2.0)]),
            inventory("a", vec![at("north", -1.0)]),
            inventory("unknown", vec![at("north", 1.0)]),
            with_id,
            inventory("b", vec![at("north", 3.0)]),
        ],
        ..BatchSetInventoryRequest::default()
    };
    let response = shop.products.batch_set_inventory(request).await.unwrap();
    let results = response.into_inner().results;
    let codes: Vec<i32> = results
        .iter()
        .map(|result| result.status.as_ref().unwrap().code)
        .collect();
    assert_eq!(codes, [0, 3, 5, 3, 0]);
    assert_eq!(results[0].response.as_ref().unwrap().outcomes.len(), 2);
    assert_eq!(
        results[4].response.as_ref().unwrap().outcomes[0].place_id,
        "north"
    );
    let there = [("north", "a"), ("south", "a"), ("north", "b")];
    let there = there.map(|(place, key)| shop.store.quantity_at(place, key));
    assert_eq!(there, [1.0, 2.0, 3.0]);
}

#[tokio::test]
async fn places_are_added_and_removed() {
    let mut shop = Shop::open().await;
    shop.put(&["a"]).await;
    let addition = AddLocalInventoriesRequest {
        name: name("a"),
        local_inventories: vec![at("north", 1.0), at("south", 2.0)],
        ..AddLocalInventoriesRequest::default()
    };
    let added = shop.products.add_local_inventories(addition).await.unwrap();
    assert_eq!(added.into_inner().outcomes.len(), 2);
    let removal = RemoveLocalInventoriesRequest {
        name: name("a"),
        place_ids: vec!["north".to_owned()],
        ..RemoveLocalInventoriesRequest::default()
    };
    let removed = shop
        .products
        .remove_local_inventories(removal.clone())
        .await;
    let outcome = removed.unwrap().into_inner().outcomes.remove(0);
    assert_eq!(outcome.available_quantity(), InventoryOutcome::Applied);
    let there = ["north", "south"].map(|place| shop.store.quantity_at(place, "a"));
    assert_eq!(there, [0.0, 2.0]);
    let twice = RemoveLocalInventoriesRequest {
        place_ids: vec!["north".to_owned(); 2],
        ..removal
    };
    assert_wrong(
        shop.products.remove_local_inventories(twice).await,
        "place_ids[1]",
    );
}
