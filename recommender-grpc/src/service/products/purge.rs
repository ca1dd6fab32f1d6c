//! Taking many products out of the catalogue.

use std::sync::Arc;

use recommender_core::Error;
use recommender_store::Store;
use recommender_store::catalog::ProductRecord;
use recommender_store::filter::Filter;

use super::{Products, catalogue, export};
use crate::convert::Violations;
use crate::operations::Progress;
use crate::proto::longrunning::Operation;
use crate::proto::{PurgeProductsRequest, PurgeProductsResponse};
use crate::status::Refusal;

/// Names given of products that were only counted.
const SAMPLE: usize = 100;

/// Products taken out at once.
const AT_ONCE: usize = 1000;

impl Products {
    pub(super) fn purge(&self, request: PurgeProductsRequest) -> Result<Operation, Refusal> {
        let store = self.store()?.clone();
        let mut wrong = Violations::default();
        self.check_parent(&request.parent, &mut wrong);
        let filter = match request.filter.as_str() {
            "" => {
                let expected = "expected a filter, or \"*\" for all products; found none";
                wrong.add("filter", expected);
                Filter::default()
            }
            "*" => Filter::default(),
            text => catalogue::filter(text, &mut wrong),
        };
        wrong.or(())?;
        let products = self.clone();
        let force = request.force;
        let work =
            move |progress: &Progress| products.purge_all(&store, (&filter, force), progress);
        self.shop
            .operations
            .begin("PurgeProducts", request.parent, work)
    }

    fn purge_all(
        &self,
        store: &Store,
        (filter, force): (&Filter, bool),
        progress: &Progress,
    ) -> Result<PurgeProductsResponse, Refusal> {
        progress.stage(if force { "deleting" } else { "counting" });
        let mut response = PurgeProductsResponse::default();
        let mut after: Option<String> = None;
        loop {
            if progress.is_cancelled() {
                return Err(Error::Cancelled.into());
            }
            let records = store.product_page(filter, after.as_deref(), export::PIECE);
            let Some(last) = records.last() else {
                return Ok(response);
            };
            after = Some(last.key.clone());
            if force {
                delete(store, &records)?;
            } else {
                let room = SAMPLE.saturating_sub(response.purge_sample.len());
                let names = records.iter().take(room);
                let names = names.map(|record| self.name(&record.key));
                response.purge_sample.extend(names);
            }
            response.purge_count += i64::try_from(records.len()).unwrap_or(i64::MAX);
            progress.succeeded(response.purge_count.unsigned_abs());
        }
    }
}

/// Takes products out, many on one trip to the disk.
fn delete(store: &Store, records: &[Arc<ProductRecord>]) -> Result<(), Refusal> {
    for piece in records.chunks(AT_ONCE) {
        let writes = piece.iter();
        let writes: Vec<_> = writes
            .map(|record| store.delete_product(&record.key))
            .collect();
        for write in writes {
            write?.wait()?;
        }
    }
    Ok(())
}
