//! The methods of `recommender.v1.ProductService`: what the shop sells, and how much of it is where.

mod batch;
mod catalogue;
mod export;
mod import;
mod inventory;
mod purge;
mod stream;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use recommender_store::Store;
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::convert::Violations;
use crate::convert::inventory::Moment;
use crate::convert::products::PRODUCTS;
use crate::proto::longrunning::Operation;
use crate::proto::product_service_server::ProductService;
use crate::proto::{
    AddLocalInventoriesRequest, AddLocalInventoriesResponse, BatchSetInventoryRequest,
    BatchSetInventoryResponse, BatchUpsertProductsRequest, BatchUpsertProductsResponse,
    CreateProductRequest, DeleteProductRequest, ExportProductsRequest, GetProductRequest,
    ImportProductsRequest, ListProductsRequest, ListProductsResponse, Product,
    PurgeProductsRequest, RemoveLocalInventoriesRequest, RemoveLocalInventoriesResponse,
    SetInventoryRequest, SetInventoryResponse, StreamInventoryRequest, StreamInventoryResponse,
    UpdateProductRequest,
};
use crate::resource;
use crate::service::deadline;
use crate::service::replays::{Repeating, Replays};
use crate::service::turns::Turns;
use crate::shop::Shop;
use crate::status::Refusal;

/// What sort of thing a product is.
const PRODUCT: &str = "recommender.v1.Product";

/// The service. A handle: clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Products {
    shop: Shop,
    replays: Replays,
    turns: Arc<Turns>,
}

impl Products {
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

    /// The key in the name of a product; notes a name that is none.
    fn key(&self, name: &str, field: &str, wrong: &mut Violations) -> String {
        let catalog = &self.shop.catalog;
        let key = resource::id_of(name, catalog, PRODUCTS);
        if key.is_none() {
            let expected = format!("expected \"catalogs/{catalog}/{PRODUCTS}/{{product}}\"");
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
            resource_type: PRODUCT,
            name: resource::name_of(&self.shop.catalog, PRODUCTS, key),
        }
    }

    fn moment(&self) -> Result<Moment, Refusal> {
        let store = self.store()?;
        let now = store.now();
        let skew = i64::from(store.config().max_clock_skew_seconds) * 1000;
        Ok(Moment {
            now,
            horizon: recommender_core::Timestamp(now.0.saturating_add(skew)),
        })
    }

    fn deadline<T>(&self, request: &Request<T>) -> Instant {
        deadline::of(request.metadata(), self.shop.rules.timeout)
    }
}

impl Repeating for Products {
    fn replays(&self) -> &Replays {
        &self.replays
    }

    fn timeout(&self) -> Duration {
        self.shop.rules.timeout
    }
}

#[tonic::async_trait]
impl ProductService for Products {
    async fn create_product(
        &self,
        request: Request<CreateProductRequest>,
    ) -> Result<Response<Product>, Status> {
        let call = ("CreateProduct", request);
        self.once(call, |it| &it.request_id, Self::create).await
    }

    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<Product>, Status> {
        Ok(Response::new(self.get(&request.into_inner())?))
    }

    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        let deadline = self.deadline(&request);
        let page = self.list(request.into_inner(), deadline).await?;
        Ok(Response::new(page))
    }

    async fn update_product(
        &self,
        request: Request<UpdateProductRequest>,
    ) -> Result<Response<Product>, Status> {
        let call = ("UpdateProduct", request);
        self.once(call, |it| &it.request_id, Self::update).await
    }

    async fn delete_product(
        &self,
        request: Request<DeleteProductRequest>,
    ) -> Result<Response<()>, Status> {
        let call = ("DeleteProduct", request);
        self.once(call, |it| &it.request_id, Self::delete).await
    }

    async fn batch_upsert_products(
        &self,
        request: Request<BatchUpsertProductsRequest>,
    ) -> Result<Response<BatchUpsertProductsResponse>, Status> {
        let deadline = self.deadline(&request);
        let call = ("BatchUpsertProducts", request);
        let work =
            move |products: Self, request| async move { products.upsert(request, deadline).await };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn import_products(
        &self,
        request: Request<ImportProductsRequest>,
    ) -> Result<Response<Operation>, Status> {
        let call = ("ImportProducts", request);
        let work = |it: Self, request| async move { it.import(request) };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn export_products(
        &self,
        request: Request<ExportProductsRequest>,
    ) -> Result<Response<Operation>, Status> {
        let call = ("ExportProducts", request);
        let work = |it: Self, request| async move { it.export(request) };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn purge_products(
        &self,
        request: Request<PurgeProductsRequest>,
    ) -> Result<Response<Operation>, Status> {
        let call = ("PurgeProducts", request);
        let work = |it: Self, request| async move { it.purge(request) };
        self.once(call, |it| &it.request_id, work).await
    }

    async fn set_inventory(
        &self,
        request: Request<SetInventoryRequest>,
    ) -> Result<Response<SetInventoryResponse>, Status> {
        let call = ("SetInventory", request);
        self.once(call, |it| &it.request_id, Self::set).await
    }

    async fn batch_set_inventory(
        &self,
        request: Request<BatchSetInventoryRequest>,
    ) -> Result<Response<BatchSetInventoryResponse>, Status> {
        let call = ("BatchSetInventory", request);
        let work = |it: Self, request| async move { it.set_batch(request).await };
        self.once(call, |it| &it.request_id, work).await
    }

    type StreamInventoryStream =
        Pin<Box<dyn Stream<Item = Result<StreamInventoryResponse, Status>> + Send>>;

    async fn stream_inventory(
        &self,
        request: Request<Streaming<StreamInventoryRequest>>,
    ) -> Result<Response<Self::StreamInventoryStream>, Status> {
        self.store()?;
        Ok(Response::new(self.stream(request.into_inner())))
    }

    async fn add_local_inventories(
        &self,
        request: Request<AddLocalInventoriesRequest>,
    ) -> Result<Response<AddLocalInventoriesResponse>, Status> {
        let call = ("AddLocalInventories", request);
        self.once(call, |it| &it.request_id, Self::add_local).await
    }

    async fn remove_local_inventories(
        &self,
        request: Request<RemoveLocalInventoriesRequest>,
    ) -> Result<Response<RemoveLocalInventoriesResponse>, Status> {
        let call = ("RemoveLocalInventories", request);
        self.once(call, |it| &it.request_id, Self::remove_local)
            .await
    }
}
