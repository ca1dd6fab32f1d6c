//! Places, and what they have near by.

use prost_types::FieldMask;
use recommender_grpc::proto::{
    CreatePlaceRequest, DeletePlaceRequest, FindNearbyPlacesRequest, GeoPoint, GetPlaceRequest,
    ListPlacesRequest, Place, UpdatePlaceRequest,
};
use tonic::Code;

use crate::inventory::inventory;
use crate::shop::{PARENT, Shop, assert_wrong, at};

fn place(key: &str, latitude: f64, longitude: f64) -> Place {
    Place {
        id: key.to_owned(),
        display_name: key.to_uppercase(),
        location: Some(GeoPoint {
            latitude,
            longitude,
        }),
        ..Place::default()
    }
}

async fn create(shop: &mut Shop, place: Place) -> Place {
    let request = CreatePlaceRequest {
        parent: PARENT.to_owned(),
        place: Some(place),
        ..CreatePlaceRequest::default()
    };
    shop.places
        .create_place(request)
        .await
        .unwrap()
        .into_inner()
}

fn near(products: &[&str]) -> FindNearbyPlacesRequest {
    FindNearbyPlacesRequest {
        parent: PARENT.to_owned(),
        point: Some(GeoPoint {
            latitude: 52.52,
            longitude: 13.40,
        }),
        radius_km: 50.0,
        product_ids: products.iter().map(|&key| key.to_owned()).collect(),
        ..FindNearbyPlacesRequest::default()
    }
}

#[tokio::test]
async fn a_place_lives_from_creation_to_deletion() {
    let mut shop = Shop::open().await;
    let created = create(&mut shop, place("mitte", 52.52, 13.41)).await;
    assert_eq!(created.name, "catalogs/default/places/mitte");
    let request = CreatePlaceRequest {
        parent: PARENT.to_owned(),
        place: Some(place("mitte", 0.0, 0.0)),
        ..CreatePlaceRequest::default()
    };
    let again = shop.places.create_place(request).await;
    assert_eq!(again.unwrap_err().code(), Code::AlreadyExists);
    let update = UpdatePlaceRequest {
        place: Some(Place {
            name: created.name.clone(),
            closed: true,
            ..Place::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["closed".to_owned()],
        }),
        ..UpdatePlaceRequest::default()
    };
    let updated = shop.places.update_place(update).await.unwrap().into_inner();
    assert!(updated.closed && updated.display_name == "MITTE");
    let get = GetPlaceRequest {
        name: created.name.clone(),
    };
    let got = shop.places.get_place(get.clone()).await.unwrap();
    assert_eq!(got.into_inner(), updated);
    let delete = DeletePlaceRequest {
        name: created.name,
        ..DeletePlaceRequest::default()
    };
    shop.places.delete_place(delete).await.unwrap();
    let gone = shop.places.get_place(get).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn places_are_listed_in_pages() {
    let mut shop = Shop::open().await;
    for key in ["c", "a", "b"] {
        create(&mut shop, place(key, 1.0, 1.0)).await;
    }
    let mut request = ListPlacesRequest {
        parent: PARENT.to_owned(),
        page_size: 2,
        ..ListPlacesRequest::default()
    };
    let mut pages = Vec::new();
    loop {
        let page = shop
            .places
            .list_places(request.clone())
            .await
            .unwrap()
            .into_inner();
        pages.push(
            page.places
                .into_iter()
                .map(|place| place.id)
                .collect::<String>(),
        );
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages, ["ab", "c"]);
}

#[tokio::test]
async fn near_places_say_what_they_have() {
    let mut shop = Shop::open().await;
    shop.put(&["cup", "pan"]).await;
    for (key, latitude) in [("near", 52.53), ("nearest", 52.521), ("far", 53.5)] {
        create(&mut shop, place(key, latitude, 13.40)).await;
    }
    let stock = inventory(
        "cup",
        vec![at("near", 2.0), at("far", 9.0), at("nearest", 0.0)],
    );
    shop.products.set_inventory(stock).await.unwrap();
    let found = shop.places.find_nearby_places(near(&["pan", "cup"])).await;
    let found = found.unwrap().into_inner();
    assert!(found.inventory_as_of.is_some());
    let said: Vec<_> = found
        .places
        .iter()
        .map(|near| {
            (
                near.place.as_ref().unwrap().id.as_str(),
                near.available.len(),
            )
        })
        .collect();
    assert_eq!(said, [("nearest", 0), ("near", 1)]);
    assert_eq!(found.places[1].available[0].product_id, "cup");
    assert_eq!(found.places[1].available[0].available_quantity, 2.0);
    assert!((found.places[1].distance_km - 1.112).abs() < 0.01);
    let stocked = FindNearbyPlacesRequest {
        in_stock_only: true,
        page_size: 1,
        ..near(&["cup"])
    };
    let found = shop
        .places
        .find_nearby_places(stocked)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.places[0].place.as_ref().unwrap().id, "near");
    let wide = FindNearbyPlacesRequest {
        radius_km: f64::NAN,
        ..near(&[])
    };
    assert_wrong(shop.places.find_nearby_places(wide).await, "radius_km");
}
