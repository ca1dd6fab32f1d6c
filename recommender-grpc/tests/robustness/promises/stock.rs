//! Stock, and the places where it is.

use recommender_grpc::proto::{
    AddLocalInventoriesRequest, BatchSetInventoryRequest, CreatePlaceRequest, DeletePlaceRequest,
    FindNearbyPlacesRequest, GeoPoint, GetPlaceRequest, Inventory, InventoryOutcome,
    ListPlacesRequest, LocalInventory, Place, PlaceOutcome, RemoveLocalInventoriesRequest,
    SetInventoryRequest, SetInventoryResponse, StreamInventoryRequest, UpdatePlaceRequest,
};
use tonic::Code;

use crate::promises::run::{Run, moment};
use crate::promises::world::{CATALOG, CORNER, places};

fn place_name(place: &str) -> String {
    format!("{CATALOG}/places/{place}")
}

/// A quantity that is told.
struct Told {
    key: String,
    place: Option<&'static str>,
    quantity: f32,
    time: i64,
}

impl Told {
    fn local(&self) -> LocalInventory {
        LocalInventory {
            place_id: self.place.unwrap_or(CORNER).to_owned(),
            available_quantity: Some(self.quantity),
            ..LocalInventory::default()
        }
    }

    fn name(&self) -> String {
        format!("{CATALOG}/products/{}", self.key)
    }

    fn request(&self) -> SetInventoryRequest {
        let inventory = match self.place {
            Some(_) => Inventory {
                local_inventories: vec![self.local()],
                ..Inventory::default()
            },
            None => Inventory {
                available_quantity: Some(self.quantity),
                ..Inventory::default()
            },
        };
        SetInventoryRequest {
            name: self.name(),
            inventory: Some(inventory),
            set_time: Some(moment(self.time)),
            allow_missing: true,
            ..SetInventoryRequest::default()
        }
    }
}

impl Run {
    fn told(&mut self) -> Told {
        // Seldom what is already out of date.
        let late = self.happens(0.1);
        Told {
            key: self.key(),
            place: Some(self.place()).filter(|_| self.random_place()),
            quantity: if self.happens(0.4) { 0.0 } else { 2.0 },
            time: if late {
                i64::try_from(self.number()).unwrap()
            } else {
                self.later()
            },
        }
    }

    fn random_place(&mut self) -> bool {
        self.happens(0.9)
    }

    /// Takes in what was acknowledged, and holds it against what had to be.
    fn acknowledged(&mut self, told: &Told, answer: SetInventoryResponse) {
        self.freshness = answer.freshness_token;
        self.outcome(told, Some(told.quantity), &answer.outcomes);
    }

    fn outcome(&mut self, told: &Told, quantity: Option<f32>, outcomes: &[PlaceOutcome]) {
        let counts = self.world.set(told.place, &told.key, (told.time, quantity));
        let outcome = outcomes[0].available_quantity();
        assert_eq!(outcome == InventoryOutcome::Applied, counts, "{outcomes:?}");
    }

    pub(crate) async fn set_inventory(&mut self) {
        let told = self.told();
        let answer = self.products().set_inventory(told.request()).await;
        self.acknowledged(&told, answer.unwrap().into_inner());
    }

    pub(crate) async fn set_inventories(&mut self) {
        let told: Vec<Told> = (0..6).map(|_| self.told()).collect();
        let request = BatchSetInventoryRequest {
            parent: CATALOG.to_owned(),
            requests: told.iter().map(Told::request).collect(),
            ..BatchSetInventoryRequest::default()
        };
        let answer = self.products().batch_set_inventory(request).await;
        for (told, result) in told.iter().zip(answer.unwrap().into_inner().results) {
            self.acknowledged(told, result.response.unwrap());
        }
    }

    pub(crate) async fn stream_inventory(&mut self) {
        let told: Vec<Told> = (0..6).map(|_| self.told()).collect();
        let requests = told.iter().map(|told| StreamInventoryRequest {
            request: Some(told.request()),
        });
        let requests = tokio_stream::iter(requests.collect::<Vec<_>>());
        let answers = self.products().stream_inventory(requests).await;
        let mut answers = answers.unwrap().into_inner();
        for told in &told {
            let answer = answers.message().await.unwrap().unwrap();
            self.acknowledged(told, answer.result.unwrap().response.unwrap());
        }
    }

    pub(crate) async fn add_local(&mut self) {
        let mut told = self.told();
        told.place = Some(told.place.unwrap_or(CORNER));
        let request = AddLocalInventoriesRequest {
            name: told.name(),
            local_inventories: vec![told.local()],
            add_time: Some(moment(told.time)),
            allow_missing: true,
            ..AddLocalInventoriesRequest::default()
        };
        let answer = self.products().add_local_inventories(request).await;
        let answer = answer.unwrap().into_inner();
        self.freshness = answer.freshness_token;
        self.outcome(&told, Some(told.quantity), &answer.outcomes);
    }

    pub(crate) async fn remove_local(&mut self) {
        let mut told = self.told();
        told.place = Some(told.place.unwrap_or(CORNER));
        let request = RemoveLocalInventoriesRequest {
            name: told.name(),
            place_ids: vec![told.local().place_id],
            remove_time: Some(moment(told.time)),
            allow_missing: true,
            ..RemoveLocalInventoriesRequest::default()
        };
        let answer = self.products().remove_local_inventories(request).await;
        let answer = answer.unwrap().into_inner();
        self.freshness = answer.freshness_token;
        self.outcome(&told, None, &answer.outcomes);
    }

    fn new_place(&mut self, place: &str) -> Place {
        Place {
            name: place_name(place),
            closed: self.happens(0.3),
            location: Some(GeoPoint {
                latitude: 52.5,
                longitude: 13.4,
            }),
            ..Place::default()
        }
    }

    pub(crate) async fn create_place(&mut self) {
        let missing = places().into_iter();
        let missing = missing.filter(|place| !self.world.places.contains_key(place));
        let missing: Vec<&'static str> = missing.collect();
        let Some(place) = self.one_of(&missing) else {
            return self.delete_place().await;
        };
        let new = self.new_place(place);
        let request = CreatePlaceRequest {
            parent: CATALOG.to_owned(),
            place: Some(new.clone()),
            ..CreatePlaceRequest::default()
        };
        self.places().create_place(request).await.unwrap();
        self.world.places.insert(place, new.closed);
    }

    pub(crate) async fn update_place(&mut self) {
        let place = self.place();
        let new = self.new_place(place);
        let request = UpdatePlaceRequest {
            place: Some(new.clone()),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["closed".to_owned(), "location".to_owned()],
            }),
            allow_missing: true,
            ..UpdatePlaceRequest::default()
        };
        self.places().update_place(request).await.unwrap();
        self.world.places.insert(place, new.closed);
    }

    pub(crate) async fn delete_place(&mut self) {
        let place = self.place();
        let request = DeletePlaceRequest {
            name: place_name(place),
            allow_missing: true,
            ..DeletePlaceRequest::default()
        };
        self.places().delete_place(request).await.unwrap();
        self.world.places.remove(place);
    }

    /// What is told of places is what they are, and nobody is sent to a closed one.
    pub(crate) async fn look_at_places(&mut self) {
        let place = self.place();
        let get = GetPlaceRequest {
            name: place_name(place),
        };
        let got = self.places().get_place(get).await;
        match self.world.places.get(place) {
            None => assert_eq!(got.unwrap_err().code(), Code::NotFound),
            Some(&closed) => assert_eq!(got.unwrap().into_inner().closed, closed),
        }
        let list = ListPlacesRequest {
            parent: CATALOG.to_owned(),
            ..ListPlacesRequest::default()
        };
        let listed = self.places().list_places(list).await.unwrap().into_inner();
        let listed: Vec<&str> = listed.places.iter().map(|place| &*place.id).collect();
        assert!(listed.iter().eq(self.world.places.keys()), "{listed:?}");
        let key = self.key();
        let find = FindNearbyPlacesRequest {
            parent: CATALOG.to_owned(),
            point: Some(GeoPoint {
                latitude: 52.4,
                longitude: 13.3,
            }),
            radius_km: 100.0,
            product_ids: vec![key.clone()],
            ..FindNearbyPlacesRequest::default()
        };
        let found = self.places().find_nearby_places(find).await;
        for near in found.unwrap().into_inner().places {
            let place = near.place.unwrap();
            let known = self.world.places.get(&*place.id);
            assert_eq!(known, Some(&false), "{place:?}");
            let here = places().into_iter().find(|it| *it == place.id);
            let level = self.world.stock.get(&(here, key.clone()));
            let some = level.is_some_and(|level| level.1.is_some_and(|it| it > 0.0));
            assert_eq!(!near.available.is_empty(), some, "{key} at {place:?}");
        }
    }
}
