//! The methods of `recommender.v1.PlaceService`: stores and warehouses, and what they have near by.

mod nearby;

use std::sync::Arc;
use std::time::Duration;

use recommender_store::Store;
use recommender_store::catalog::Place as StoredPlace;
use tonic::{Request, Response, Status};

use crate::convert::places::PLACES;
use crate::convert::{self, List, Page, Violations};
use crate::proto::place_service_server::PlaceService;
use crate::proto::{
    CreatePlaceRequest, DeletePlaceRequest, FindNearbyPlacesRequest, FindNearbyPlacesResponse,
    GetPlaceRequest, ListPlacesRequest, ListPlacesResponse, Place, UpdatePlaceRequest,
};
use crate::resource;
use crate::service::deadline;
use crate::service::replays::{Repeating, Replays};
use crate::service::turns::Turns;
use crate::shop::Shop;
use crate::status::Refusal;

/// What sort of thing a place is.
const PLACE: &str = "recommender.v1.Place";

/// Places of a page where the caller does not say.
const USUAL: usize = 50;

/// Most paths of a mask.
const MAX_PATHS: usize = 100;

/// The service. A handle: clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    shop: Shop,
    replays: Replays,
    turns: Arc<Turns>,
}

impl Places {
    pub(crate) fn new(shop: Shop) -> Self {
        Self {
            shop,
            replays: Replays::default(),
            turns: Arc::default(),
        }
    }

    fn store(&self) -> Result<&Store, Refusal> {
        self.shop.store()
    }

    fn name(&self, key: &str) -> String {
        resource::name_of(&self.shop.catalog, PLACES, key)
    }

    fn key(&self, name: &str, field: &str, wrong: &mut Violations) -> String {
        let catalog = &self.shop.catalog;
        let key = resource::id_of(name, catalog, PLACES);
        if key.is_none() {
            let expected = format!("expected \"catalogs/{catalog}/{PLACES}/{{place}}\"");
            wrong.add(field, format!("{expected}, found {name:?}"));
        }
        key.unwrap_or_default().to_owned()
    }

    fn check_parent(&self, parent: &str, wrong: &mut Violations) {
        let catalog = &self.shop.catalog;
        if !resource::is_catalog(parent, catalog) {
            let expected = format!("expected \"catalogs/{catalog}\"");
            wrong.add("parent", format!("{expected}, found {parent:?}"));
        }
    }

    fn not_found(&self, key: &str) -> Refusal {
        Refusal::NotFound {
            resource_type: PLACE,
            name: self.name(key),
        }
    }

    /// The key that a place gives itself by its name, its id or both; empty if it gives none.
    fn own_key(&self, place: &Place, wrong: &mut Violations) -> String {
        if place.name.is_empty() {
            return place.id.clone();
        }
        let key = self.key(&place.name, "place.name", wrong);
        if !place.id.is_empty() && place.id != key {
            let found = &place.id;
            let expected = "expected nothing or the key in the name";
            wrong.add("place.id", format!("{expected}, found {found:?}"));
        }
        key
    }

    async fn create(self, request: CreatePlaceRequest) -> Result<Place, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        self.check_parent(&request.parent, &mut wrong);
        let Some(place) = request.place else {
            wrong.add("place", "expected a place, found none");
            return Err(wrong.into());
        };
        let mut key = self.own_key(&place, &mut wrong);
        if key.is_empty() {
            key.clone_from(&request.place_id);
        }
        if key.is_empty() {
            wrong.add("place_id", "expected a key, found none");
        } else if !request.place_id.is_empty() && request.place_id != key {
            let found = &request.place_id;
            let expected = "expected the key in the place's name or id";
            wrong.add("place_id", format!("{expected}, found {found:?}"));
        }
        let place = convert::places::record(place, key, &mut wrong);
        wrong.or(())?;
        let _turn = self.turns.take(&place.key).await;
        if store.place(&place.key).is_some() {
            return Err(Refusal::AlreadyExists {
                resource_type: PLACE,
                name: self.name(&place.key),
            });
        }
        self.put(place, request.validate_only).await
    }

    async fn put(&self, place: StoredPlace, validate_only: bool) -> Result<Place, Refusal> {
        let answer = convert::places::place(&place, &self.shop.catalog);
        if !validate_only {
            self.store()?.put_places(&[place])?.await?;
        }
        Ok(answer)
    }

    fn get(&self, request: &GetPlaceRequest) -> Result<Place, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        let key = self.key(&request.name, "name", &mut wrong);
        wrong.or(())?;
        let place = store.place(&key).ok_or_else(|| self.not_found(&key))?;
        Ok(convert::places::place(&place, &self.shop.catalog))
    }

    fn list(&self, request: &ListPlacesRequest) -> Result<ListPlacesResponse, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        self.check_parent(&request.parent, &mut wrong);
        let asked = (request.page_size, request.page_token.as_str());
        let list = List::of("places", [request.parent.as_bytes()]);
        let page = Page::asked(asked, USUAL, list, &mut wrong);
        wrong.or(())?;
        let (places, next_page_token) = page.of_all(store.places(), |place| &place.key);
        let places = places.iter();
        Ok(ListPlacesResponse {
            places: places
                .map(|place| convert::places::place(place, &self.shop.catalog))
                .collect(),
            next_page_token,
        })
    }

    async fn update(self, request: UpdatePlaceRequest) -> Result<Place, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        let Some(place) = request.place else {
            wrong.add("place", "expected a place, found none");
            return Err(wrong.into());
        };
        if place.name.is_empty() {
            wrong.add("place.name", "expected a name, found none");
            return Err(wrong.into());
        }
        let key = self.own_key(&place, &mut wrong);
        let paths = request.update_mask.map(|mask| mask.paths);
        let paths = paths.unwrap_or_default();
        wrong.bound("update_mask", paths.len(), MAX_PATHS);
        let new = convert::places::record(place, key.clone(), &mut wrong);
        let _turn = self.turns.take(&key).await;
        let known = store.place(&key);
        let current = StoredPlace {
            key: key.clone(),
            ..StoredPlace::default()
        };
        let current = known.as_deref().unwrap_or(&current);
        let place = convert::places::patched(current, new, &paths, &mut wrong);
        wrong.or(())?;
        if known.is_none() && !request.allow_missing {
            return Err(self.not_found(&key));
        }
        self.put(place, request.validate_only).await
    }

    async fn delete(self, request: DeletePlaceRequest) -> Result<(), Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        let key = self.key(&request.name, "name", &mut wrong);
        wrong.or(())?;
        let _turn = self.turns.take(&key).await;
        if store.place(&key).is_none() {
            return match request.allow_missing {
                true => Ok(()),
                false => Err(self.not_found(&key)),
            };
        }
        if !request.validate_only {
            store.delete_place(&key)?.await?;
        }
        Ok(())
    }
}

impl Repeating for Places {
    fn replays(&self) -> &Replays {
        &self.replays
    }

    fn timeout(&self) -> Duration {
        self.shop.rules.timeout
    }
}

#[tonic::async_trait]
impl PlaceService for Places {
    async fn create_place(
        &self,
        request: Request<CreatePlaceRequest>,
    ) -> Result<Response<Place>, Status> {
        let call = ("CreatePlace", request);
        self.once(call, |it| &it.request_id, Self::create).await
    }

    async fn get_place(
        &self,
        request: Request<GetPlaceRequest>,
    ) -> Result<Response<Place>, Status> {
        Ok(Response::new(self.get(&request.into_inner())?))
    }

    async fn list_places(
        &self,
        request: Request<ListPlacesRequest>,
    ) -> Result<Response<ListPlacesResponse>, Status> {
        Ok(Response::new(self.list(&request.into_inner())?))
    }

    async fn update_place(
        &self,
        request: Request<UpdatePlaceRequest>,
    ) -> Result<Response<Place>, Status> {
        let call = ("UpdatePlace", request);
        self.once(call, |it| &it.request_id, Self::update).await
    }

    async fn delete_place(
        &self,
        request: Request<DeletePlaceRequest>,
    ) -> Result<Response<()>, Status> {
        let call = ("DeletePlace", request);
        self.once(call, |it| &it.request_id, Self::delete).await
    }

    async fn find_nearby_places(
        &self,
        request: Request<FindNearbyPlacesRequest>,
    ) -> Result<Response<FindNearbyPlacesResponse>, Status> {
        let deadline = deadline::of(request.metadata(), self.shop.rules.timeout);
        let found = self.nearby(request.into_inner(), deadline).await?;
        Ok(Response::new(found))
    }
}
