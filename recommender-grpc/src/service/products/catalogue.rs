//! One product at a time, and lists of them.

use recommender_store::catalog::{ProductPatch, ProductRecord};
use recommender_store::filter::Filter;
use tokio::time::Instant;

use super::{PRODUCT, Products};
use crate::convert::inventory::{MAX_PLACES, check_places};
use crate::convert::{self, List, Page, Violations};
use crate::proto::{
    self, CreateProductRequest, DeleteProductRequest, GetProductRequest, ListProductsRequest,
    ListProductsResponse, Product, UpdateProductRequest,
};
use crate::status::Refusal;

/// Products of a page where the caller does not say.
const USUAL: usize = 50;

/// Fields of a product that a mask may name, by the wire's name and the store's.
const MASKED: [(&str, &str); 26] = [
    ("primary_product_id", "primary_key"),
    ("title", "title"),
    ("description", "description"),
    ("language_code", "language_code"),
    ("categories", "categories"),
    ("brands", "brands"),
    ("gtin", "gtin"),
    ("price", "price"),
    ("original_price", "original_price"),
    ("margin", "margin"),
    ("rating", "rating"),
    ("colors", "colors"),
    ("sizes", "sizes"),
    ("materials", "materials"),
    ("tags", "tags"),
    ("attributes", "attributes"),
    ("embedding", "embedding"),
    ("availability", "availability"),
    ("available_time", "available_time"),
    ("expire_time", "expire_time"),
    ("eligible_channels", "eligible_channels"),
    ("hidden", "hidden"),
    ("age_restricted", "age_restricted"),
    ("uri", "uri"),
    ("images", "images"),
    ("localized_texts", "localized_texts"),
];

/// Most paths of a mask.
const MAX_PATHS: usize = 1000;

impl Products {
    pub(super) async fn create(self, request: CreateProductRequest) -> Result<Product, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        self.check_parent(&request.parent, &mut wrong);
        let Some(product) = request.product else {
            wrong.add("product", "expected a product, found none");
            return Err(wrong.into());
        };
        let mut key = self.own_key(&product, "product", &mut wrong);
        if key.is_empty() {
            key.clone_from(&request.product_id);
        }
        if key.is_empty() {
            wrong.add("product_id", "expected a key, found none");
        } else if !request.product_id.is_empty() && request.product_id != key {
            let found = &request.product_id;
            let expected = "expected the key in the product's name or id";
            wrong.add("product_id", format!("{expected}, found {found:?}"));
        }
        let record = convert::products::record(product, key, "product", &mut wrong);
        wrong.or(())?;
        let _turn = self.turns.take(&record.key).await;
        if store.product(&record.key).is_some() {
            return Err(Refusal::AlreadyExists {
                resource_type: PRODUCT,
                name: self.name(&record.key),
            });
        }
        let answer = convert::products::product(&record, &self.shop.catalog);
        if !request.validate_only {
            store.put_products(&[record])?.await?;
        }
        Ok(answer)
    }

    /// The key that a product gives itself by its name, its id or both; empty if it gives none.
    pub(super) fn own_key(&self, product: &Product, field: &str, wrong: &mut Violations) -> String {
        if product.name.is_empty() {
            return product.id.clone();
        }
        let key = self.key(&product.name, &format!("{field}.name"), wrong);
        if !product.id.is_empty() && product.id != key {
            let found = &product.id;
            let expected = "expected nothing or the key in the name";
            wrong.add(
                format!("{field}.id"),
                format!("{expected}, found {found:?}"),
            );
        }
        key
    }

    pub(super) fn name(&self, key: &str) -> String {
        crate::resource::name_of(&self.shop.catalog, convert::products::PRODUCTS, key)
    }

    pub(super) fn get(&self, request: &GetProductRequest) -> Result<Product, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        let key = self.key(&request.name, "name", &mut wrong);
        let places = &request.place_ids;
        wrong.bound("place_ids", places.len(), MAX_PLACES);
        check_places(places.iter().map(String::as_str), "place_ids", &mut wrong);
        wrong.or(())?;
        let record = store.product(&key).ok_or_else(|| self.not_found(&key))?;
        let mut product = convert::products::product(&record, &self.shop.catalog);
        let local = places.iter().map(|place| {
            let price = store.price(Some(place), &key);
            proto::LocalInventory {
                place_id: place.clone(),
                available_quantity: Some(store.quantity_at(place, &key)),
                price: price.as_ref().map(convert::products::wire_money),
            }
        });
        product.local_inventories = local.collect();
        Ok(product)
    }

    pub(super) async fn list(
        &self,
        request: ListProductsRequest,
        deadline: Instant,
    ) -> Result<ListProductsResponse, Refusal> {
        let store = self.store()?.clone();
        let mut wrong = Violations::default();
        self.check_parent(&request.parent, &mut wrong);
        let asked = (request.page_size, request.page_token.as_str());
        let words = [&request.parent, &request.filter].map(|word| word.as_bytes());
        let page = Page::asked(asked, USUAL, List::of("products", words), &mut wrong);
        let filter = filter(&request.filter, &mut wrong);
        wrong.or(())?;
        let catalog = self.shop.catalog.clone();
        let work = move |_: &crate::Caller| {
            let mut records = store.product_page(&filter, page.after.as_deref(), page.size + 1);
            let next_page_token = page.cut(&mut records, |record| &record.key);
            let products = records.iter();
            ListProductsResponse {
                products: products
                    .map(|record| convert::products::product(record, &catalog))
                    .collect(),
                next_page_token,
            }
        };
        Ok(self.shop.background.run(deadline, work).await?)
    }

    pub(super) async fn update(self, request: UpdateProductRequest) -> Result<Product, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        let Some(product) = request.product else {
            wrong.add("product", "expected a product, found none");
            return Err(wrong.into());
        };
        if product.name.is_empty() {
            wrong.add("product.name", "expected a name, found none");
            return Err(wrong.into());
        }
        let key = self.own_key(&product, "product", &mut wrong);
        let update_mask = store_mask(request.update_mask, &mut wrong);
        let product = convert::products::record(product, key.clone(), "product", &mut wrong);
        wrong.or(())?;
        let _turn = self.turns.take(&key).await;
        let known = store.product(&key);
        if known.is_none() && !request.allow_missing {
            return Err(self.not_found(&key));
        }
        let patch = ProductPatch {
            product,
            update_mask,
        };
        let new = || ProductRecord {
            key: key.clone(),
            ..ProductRecord::default()
        };
        let record = patch.apply_to(&known.map_or_else(new, |known| (*known).clone()));
        let record = record.map_err(|error| {
            let mut wrong = Violations::default();
            convert::products::note_fault(&error, "product", &mut wrong);
            Refusal::from(wrong)
        })?;
        let answer = convert::products::product(&record, &self.shop.catalog);
        if !request.validate_only {
            store.put_products(&[record])?.await?;
        }
        Ok(answer)
    }

    pub(super) async fn delete(self, request: DeleteProductRequest) -> Result<(), Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        let key = self.key(&request.name, "name", &mut wrong);
        wrong.or(())?;
        let _turn = self.turns.take(&key).await;
        if store.product(&key).is_none() {
            return match request.allow_missing {
                true => Ok(()),
                false => Err(self.not_found(&key)),
            };
        }
        if !request.validate_only {
            store.delete_product(&key)?.await?;
        }
        Ok(())
    }
}

/// Reads a filter; notes what is wrong with it.
pub(super) fn filter(text: &str, wrong: &mut Violations) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| {
        wrong.add("filter", error.to_string());
        Filter::default()
    })
}

/// The mask as the store names the fields; notes names that are none.
fn store_mask(mask: Option<prost_types::FieldMask>, wrong: &mut Violations) -> Vec<String> {
    let paths = mask.map(|mask| mask.paths).unwrap_or_default();
    wrong.bound("update_mask", paths.len(), MAX_PATHS);
    let mut masked = Vec::with_capacity(paths.len().min(MAX_PATHS));
    for path in paths {
        let field = MASKED.iter().find(|(wire, _)| *wire == path);
        if let Some((_, field)) = field {
            masked.push((*field).to_owned());
        } else if path == "*" || path.starts_with("attributes.") {
            masked.push(path);
        } else {
            let names = MASKED.map(|(wire, _)| wire).join(", ");
            let expected = format!("expected one of {names}, attributes.NAME or *");
            wrong.add("update_mask", format!("{expected}; found {path:?}"));
        }
    }
    masked
}
