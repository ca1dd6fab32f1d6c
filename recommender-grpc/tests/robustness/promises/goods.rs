//! Products that come, change and go.

use recommender_grpc::proto::import_products_request::Source;
use recommender_grpc::proto::{
    BatchUpsertProductsRequest, CreateProductRequest, DeleteProductRequest, ExportProductsRequest,
    ExportProductsResponse, GetProductRequest, ImportProductsRequest, ImportProductsResponse,
    ListProductsRequest, ProductFormat, PurgeProductsRequest, PurgeProductsResponse,
    UpdateProductRequest,
};
use tonic::Code;

use crate::promises::run::Run;
use crate::promises::world::{CATALOG, Goods, ODD};

/// Fields of a product that are changed.
const MASK: [&str; 5] = [
    "brands",
    "hidden",
    "availability",
    "expire_time",
    "eligible_channels",
];

fn name(key: &str) -> String {
    format!("{CATALOG}/products/{key}")
}

impl Run {
    pub(crate) async fn create_product(&mut self) {
        let Some(key) = self.key_that(false) else {
            return self.delete_product().await;
        };
        let goods = self.goods();
        let mut request = CreateProductRequest {
            parent: CATALOG.to_owned(),
            product: Some(goods.product(&key)),
            ..CreateProductRequest::default()
        };
        // What is only checked is not there.
        request.validate_only = true;
        self.products()
            .create_product(request.clone())
            .await
            .unwrap();
        request.validate_only = false;
        self.products()
            .create_product(request.clone())
            .await
            .unwrap();
        self.world.products.insert(key, goods);
        let twice = self.products().create_product(request).await.unwrap_err();
        assert_eq!(twice.code(), Code::AlreadyExists);
    }

    pub(crate) async fn update_product(&mut self) {
        let (key, goods) = (self.key(), self.goods());
        let known = self.world.products.contains_key(&key);
        let request = UpdateProductRequest {
            product: Some(goods.product(&key)),
            update_mask: Some(prost_types::FieldMask {
                paths: MASK.map(str::to_owned).to_vec(),
            }),
            allow_missing: self.happens(0.5),
            ..UpdateProductRequest::default()
        };
        let allowed = known || request.allow_missing;
        let updated = self.products().update_product(request).await;
        assert_eq!(updated.is_ok(), allowed, "{key}: {updated:?}");
        if allowed {
            self.world.products.insert(key, goods);
        }
    }

    pub(crate) async fn delete_product(&mut self) {
        let Some(key) = self.key_that(true) else {
            return;
        };
        let request = DeleteProductRequest {
            name: name(&key),
            ..DeleteProductRequest::default()
        };
        self.products().delete_product(request).await.unwrap();
        self.world.products.remove(&key);
    }

    /// Brings back most of what is gone, and changes some of the rest.
    pub(crate) async fn upsert_products(&mut self) {
        let mut upserted = Vec::new();
        for key in crate::promises::world::keys() {
            let gone = !self.world.products.contains_key(&key);
            if self.happens(if gone { 0.8 } else { 0.1 }) {
                upserted.push((key, self.goods()));
            }
        }
        let products = upserted.iter().map(|(key, goods)| goods.product(key));
        let request = BatchUpsertProductsRequest {
            parent: CATALOG.to_owned(),
            products: products.collect(),
            ..BatchUpsertProductsRequest::default()
        };
        let answer = self.products().batch_upsert_products(request).await;
        let answer = answer.unwrap().into_inner();
        for result in answer.results {
            assert_eq!(result.status.unwrap().code, 0);
        }
        self.freshness = answer.freshness_token;
        self.world.products.extend(upserted);
    }

    pub(crate) async fn import_products(&mut self) {
        let (key, hidden, brand) = (self.key(), self.happens(0.3), self.brand());
        let line = format!(r#"{{"id": "{key}", "hidden": {hidden}, "brands": ["{brand}"]}}"#);
        let mut request = ImportProductsRequest {
            parent: CATALOG.to_owned(),
            source: Some(Source::Inline(line.into_bytes())),
            ..ImportProductsRequest::default()
        };
        request.set_format(ProductFormat::Jsonl);
        let begun = self.products().import_products(request).await;
        let imported: ImportProductsResponse = self.answer(begun).await;
        assert_eq!(imported.success_count, 1, "{imported:?}");
        let goods = Goods {
            brand,
            hidden,
            ..Goods::default()
        };
        self.world.products.insert(key, goods);
    }

    pub(crate) async fn export_products(&mut self) {
        let path = format!("{}.jsonl", self.number());
        let request = ExportProductsRequest {
            parent: CATALOG.to_owned(),
            path: path.clone(),
            ..ExportProductsRequest::default()
        };
        let begun = self.products().export_products(request).await;
        let exported: ExportProductsResponse = self.answer(begun).await;
        let text = std::fs::read_to_string(self.server.path("exports").join(path)).unwrap();
        let known = self.world.products.len();
        assert_eq!(text.lines().count(), known);
        assert_eq!(exported.product_count, i64::try_from(known).unwrap());
    }

    pub(crate) async fn purge_products(&mut self) {
        let force = self.happens(0.5);
        let request = PurgeProductsRequest {
            parent: CATALOG.to_owned(),
            filter: format!("brands: ANY(\"{ODD}\")"),
            force,
            ..PurgeProductsRequest::default()
        };
        let begun = self.products().purge_products(request).await;
        let purged: PurgeProductsResponse = self.answer(begun).await;
        let all = self.world.products.len();
        let is_kept = |goods: &Goods| goods.brand != ODD;
        let odd = self
            .world
            .products
            .values()
            .filter(|it| !is_kept(it))
            .count();
        assert_eq!(purged.purge_count, i64::try_from(odd).unwrap(), "of {all}");
        if force {
            self.world.products.retain(|_, goods| is_kept(goods));
        }
    }

    /// What is told of products is what they are.
    pub(crate) async fn look_at_products(&mut self) {
        let key = self.key();
        let get = GetProductRequest {
            name: name(&key),
            place_ids: Vec::new(),
        };
        let got = self.products().get_product(get).await;
        match self.world.products.get(&key) {
            None => assert_eq!(got.unwrap_err().code(), Code::NotFound),
            Some(goods) => {
                let got = got.unwrap().into_inner();
                let brand = got.brands.first().map_or("", |brand| brand);
                assert_eq!((got.hidden, brand), (goods.hidden, goods.brand));
            }
        }
        let mut request = ListProductsRequest {
            parent: CATALOG.to_owned(),
            page_size: 17,
            ..ListProductsRequest::default()
        };
        let mut listed = Vec::new();
        loop {
            let page = self.products().list_products(request.clone()).await;
            let page = page.unwrap().into_inner();
            listed.extend(page.products.into_iter().map(|product| product.id));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert!(listed.iter().eq(self.world.products.keys()), "{listed:?}");
    }
}
