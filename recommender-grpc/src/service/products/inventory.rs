//! How much of a product is where, and what it costs there.

use recommender_core::Timestamp;
use recommender_store::Store;
use recommender_store::catalog::{Stock, StockOutcome};

use super::Products;
use crate::answering::Freshness;
use crate::convert::inventory::{self, MAX_PLACES, Moment, Setting, check_places};
use crate::convert::{self, Violations};
use crate::proto::{
    AddLocalInventoriesRequest, AddLocalInventoriesResponse, BatchSetInventoryRequest,
    BatchSetInventoryResponse, RemoveLocalInventoriesRequest, RemoveLocalInventoriesResponse,
    SetInventoryRequest, SetInventoryResponse, SetInventoryResult,
};
use crate::status::Refusal;

/// Most inventories of a batch.
const MAX_REQUESTS: usize = 1000;

/// Most places of all inventories of a batch.
const MAX_LEVELS: usize = 10_000;

impl Products {
    pub(super) async fn set(
        self,
        request: SetInventoryRequest,
    ) -> Result<SetInventoryResponse, Refusal> {
        let levels = self.levels(&request, self.moment()?)?;
        if request.validate_only {
            return Ok(SetInventoryResponse::default());
        }
        self.write(&levels).await
    }

    /// What is asked to be set, or why it can't be.
    fn levels(&self, request: &SetInventoryRequest, moment: Moment) -> Result<Vec<Stock>, Refusal> {
        let mut wrong = Violations::default();
        let item = self.key(&request.name, "name", &mut wrong);
        let set_time = moment.set_time(request.set_time, "set_time", &mut wrong);
        let setting = Setting {
            item: &item,
            mask: (request.set_mask.as_ref(), "set_mask"),
            set_time,
        };
        let Some(inventory) = &request.inventory else {
            wrong.add("inventory", "expected an inventory, found none");
            return Err(wrong.into());
        };
        let levels = inventory::levels(inventory, setting, &mut wrong);
        wrong.or(())?;
        self.check_known(&item, request.allow_missing)?;
        Ok(levels)
    }

    fn check_known(&self, item: &str, allow_missing: bool) -> Result<(), Refusal> {
        if allow_missing || self.store()?.product(item).is_some() {
            return Ok(());
        }
        Err(self.not_found(item))
    }

    async fn write(&self, levels: &[Stock]) -> Result<SetInventoryResponse, Refusal> {
        let store = self.store()?;
        let outcomes = store.set_stock(levels)?.await?;
        Ok(said(levels, &outcomes, seen(store)))
    }

    pub(super) async fn set_batch(
        &self,
        request: BatchSetInventoryRequest,
    ) -> Result<BatchSetInventoryResponse, Refusal> {
        self.store()?;
        let mut wrong = Violations::default();
        self.check_parent(&request.parent, &mut wrong);
        let requests = request.requests;
        if requests.is_empty() {
            wrong.add("requests", "expected at least one inventory, found none");
        }
        wrong.bound("requests", requests.len(), MAX_REQUESTS);
        let inventories = requests.iter().filter_map(|it| it.inventory.as_ref());
        let places = inventories.map(|it| it.local_inventories.len()).sum();
        wrong.bound("requests.inventory.local_inventories", places, MAX_LEVELS);
        wrong.or(())?;
        Ok(BatchSetInventoryResponse {
            results: self.set_together(&requests).await,
        })
    }

    /// Writes inventories at once, and says what became of each.
    pub(super) async fn set_together(
        &self,
        requests: &[SetInventoryRequest],
    ) -> Vec<SetInventoryResult> {
        let levels: Vec<Result<Vec<Stock>, Refusal>> = requests
            .iter()
            .map(|request| self.one_of_many(request))
            .collect();
        let written = self.write_all(&levels).await;
        let (mut written, seen) = match written {
            Ok((outcomes, seen)) => (outcomes.into_iter(), seen),
            Err(refusal) => {
                let failed = convert::status(&refusal.into());
                let results = levels.into_iter().map(|levels| {
                    let own = levels.map_err(|refusal| convert::status(&refusal.into()));
                    refused(own.err().unwrap_or_else(|| failed.clone()))
                });
                return results.collect();
            }
        };
        let results = levels.into_iter().map(|levels| match levels {
            Ok(levels) => {
                let outcomes: Vec<_> = written.by_ref().take(levels.len()).collect();
                SetInventoryResult {
                    status: Some(tonic_types::Status::default()),
                    response: Some(said(&levels, &outcomes, seen)),
                }
            }
            Err(refusal) => refused(convert::status(&refusal.into())),
        });
        results.collect()
    }

    fn one_of_many(&self, request: &SetInventoryRequest) -> Result<Vec<Stock>, Refusal> {
        let mut wrong = Violations::default();
        wrong.refuse_if(!request.request_id.is_empty(), "request_id");
        wrong.refuse_if(request.validate_only, "validate_only");
        wrong.or(())?;
        self.levels(request, self.moment()?)
    }

    async fn write_all(
        &self,
        levels: &[Result<Vec<Stock>, Refusal>],
    ) -> Result<(Vec<StockOutcome>, (Timestamp, Freshness)), Refusal> {
        let all: Vec<Stock> = levels.iter().flatten().flatten().cloned().collect();
        let store = self.store()?;
        let outcomes = store.set_stock(&all)?.await?;
        Ok((outcomes, seen(store)))
    }

    pub(super) async fn add_local(
        self,
        request: AddLocalInventoriesRequest,
    ) -> Result<AddLocalInventoriesResponse, Refusal> {
        let moment = self.moment()?;
        let mut wrong = Violations::default();
        let item = self.key(&request.name, "name", &mut wrong);
        let setting = Setting {
            item: &item,
            mask: (request.add_mask.as_ref(), "add_mask"),
            set_time: moment.set_time(request.add_time, "add_time", &mut wrong),
        };
        let local = &request.local_inventories;
        let levels = inventory::levels_at_places(local, setting, &mut wrong);
        wrong.or(())?;
        self.check_known(&item, request.allow_missing)?;
        if request.validate_only {
            return Ok(AddLocalInventoriesResponse::default());
        }
        let written = self.write(&levels).await?;
        Ok(AddLocalInventoriesResponse {
            inventory_as_of: written.inventory_as_of,
            outcomes: written.outcomes,
            freshness_token: written.freshness_token,
        })
    }

    pub(super) async fn remove_local(
        self,
        request: RemoveLocalInventoriesRequest,
    ) -> Result<RemoveLocalInventoriesResponse, Refusal> {
        let moment = self.moment()?;
        let mut wrong = Violations::default();
        let item = self.key(&request.name, "name", &mut wrong);
        let places = &request.place_ids;
        if places.is_empty() {
            wrong.add("place_ids", "expected at least one place, found none");
        }
        wrong.bound("place_ids", places.len(), MAX_PLACES);
        check_places(places.iter().map(String::as_str), "place_ids", &mut wrong);
        let time = moment.set_time(request.remove_time, "remove_time", &mut wrong);
        wrong.or(())?;
        self.check_known(&item, request.allow_missing)?;
        if request.validate_only {
            return Ok(RemoveLocalInventoriesResponse::default());
        }
        let store = self.store()?;
        // All are on their way before the first is waited for, so that they share a trip to the disk.
        let writes: Vec<_> = places
            .iter()
            .map(|place| store.remove_stock(Some(place), &item, time))
            .collect();
        let mut outcomes = Vec::with_capacity(places.len());
        for write in writes {
            outcomes.push(write?.await?);
        }
        let removed = places.iter().map(String::as_str).zip(outcomes);
        let written = inventory::outcomes(removed, seen(store));
        Ok(RemoveLocalInventoriesResponse {
            inventory_as_of: written.inventory_as_of,
            outcomes: written.outcomes,
            freshness_token: written.freshness_token,
        })
    }
}

/// As of when and of which write an answer has seen what was written before.
fn seen(store: &Store) -> (Timestamp, Freshness) {
    (store.now(), Freshness(store.position()))
}

fn said(
    levels: &[Stock],
    outcomes: &[StockOutcome],
    seen: (Timestamp, Freshness),
) -> SetInventoryResponse {
    let places = levels.iter();
    let places = places.map(|level| level.place.as_deref().unwrap_or_default());
    inventory::outcomes(places.zip(outcomes.iter().copied()), seen)
}

fn refused(status: tonic_types::Status) -> SetInventoryResult {
    SetInventoryResult {
        status: Some(status),
        response: None,
    }
}
