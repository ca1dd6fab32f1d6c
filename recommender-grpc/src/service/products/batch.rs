//! Many products at once.

use recommender_store::catalog::ProductRecord;
use tokio::time::Instant;

use super::Products;
use crate::answering::Freshness;
use crate::convert::{self, Violations};
use crate::proto::{
    BatchUpsertProductsRequest, BatchUpsertProductsResponse, Product, UpsertProductResult,
};
use crate::status::Refusal;

/// Most products of a batch.
const MAX_PRODUCTS: usize = 1000;

impl Products {
    pub(super) async fn upsert(
        self,
        request: BatchUpsertProductsRequest,
        deadline: Instant,
    ) -> Result<BatchUpsertProductsResponse, Refusal> {
        let store = self.store()?.clone();
        let mut wrong = Violations::default();
        self.check_parent(&request.parent, &mut wrong);
        if request.products.is_empty() {
            wrong.add("products", "expected at least one product, found none");
        }
        wrong.bound("products", request.products.len(), MAX_PRODUCTS);
        wrong.or(())?;
        let (products, validate_only) = (request.products, request.validate_only);
        let me = self.clone();
        let work = move |_: &crate::Caller| {
            let read: Vec<_> = products
                .into_iter()
                .enumerate()
                .map(|(number, product)| me.read(product, number))
                .collect();
            let records: Vec<ProductRecord> = read.iter().flatten().cloned().collect();
            (read, records)
        };
        let (read, records) = self.shop.background.run(deadline, work).await?;
        if !validate_only {
            store.put_products(&records)?.await?;
        }
        let seen = Freshness(store.position());
        let results = read.into_iter().map(|read| self.result(read));
        Ok(BatchUpsertProductsResponse {
            results: results.collect(),
            freshness_token: seen.to_string(),
        })
    }

    fn read(&self, product: Product, number: usize) -> Result<ProductRecord, Refusal> {
        let field = format!("products[{number}]");
        let mut wrong = Violations::default();
        let key = self.own_key(&product, &field, &mut wrong);
        if key.is_empty() {
            let at = format!("{field}.name");
            wrong.add(at, "expected a name or an id, found neither");
        }
        let record = convert::products::record(product, key, &field, &mut wrong);
        wrong.or(record)
    }

    fn result(&self, read: Result<ProductRecord, Refusal>) -> UpsertProductResult {
        match read {
            Ok(record) => UpsertProductResult {
                name: self.name(&record.key),
                status: Some(tonic_types::Status::default()),
            },
            Err(refusal) => UpsertProductResult {
                name: String::new(),
                status: Some(convert::status(&refusal.into())),
            },
        }
    }
}
