//! One product at a time, batches and lists.

use prost_types::FieldMask;
use recommender_grpc::proto::import_products_request::Source;
use recommender_grpc::proto::{
    BatchSetInventoryRequest, BatchUpsertProductsRequest, CreateProductRequest,
    DeleteProductRequest, GetProductRequest, ImportProductsRequest, ImportProductsResponse,
    ListProductsRequest, Product, ProductFormat, PurgeProductsRequest, PurgeProductsResponse,
    UpdateProductRequest,
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::inventory::inventory;
use crate::shop::{PARENT, Shop, assert_wrong, at, name, product};

fn creation(key: &str) -> CreateProductRequest {
    CreateProductRequest {
        parent: PARENT.to_owned(),
        product: Some(product(key)),
        ..CreateProductRequest::default()
    }
}

fn get(key: &str) -> GetProductRequest {
    GetProductRequest {
        name: name(key),
        place_ids: Vec::new(),
    }
}

fn update(product: Product, paths: &[&str]) -> UpdateProductRequest {
    UpdateProductRequest {
        product: Some(product),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        }),
        ..UpdateProductRequest::default()
    }
}

#[tokio::test]
async fn a_product_lives_from_creation_to_deletion() {
    let mut shop = Shop::open().await;
    let checked = CreateProductRequest {
        validate_only: true,
        ..creation("a/1")
    };
    let created = shop.products.create_product(checked).await.unwrap();
    assert_eq!(created.into_inner().id, "a/1");
    let missing = shop.products.get_product(get("a/1")).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let details = missing.get_error_details();
    assert_eq!(details.resource_info().unwrap().resource_name, name("a/1"));

    shop.products.create_product(creation("a/1")).await.unwrap();
    let again = shop.products.create_product(creation("a/1")).await;
    assert_eq!(again.unwrap_err().code(), Code::AlreadyExists);
    let got = shop.products.get_product(get("a/1")).await.unwrap();
    assert_eq!(got.into_inner().title, "The a/1");

    let deletion = DeleteProductRequest {
        name: name("a/1"),
        ..DeleteProductRequest::default()
    };
    shop.products
        .delete_product(deletion.clone())
        .await
        .unwrap();
    let gone = shop.products.delete_product(deletion.clone()).await;
    assert_eq!(gone.unwrap_err().code(), Code::NotFound);
    let allowed = DeleteProductRequest {
        allow_missing: true,
        ..deletion
    };
    shop.products.delete_product(allowed).await.unwrap();
    assert!(shop.store.product("a/1").is_none());
}

#[tokio::test]
async fn a_repeated_request_id_is_answered_as_the_first_was() {
    let mut shop = Shop::open().await;
    let request = CreateProductRequest {
        request_id: "order-66".to_owned(),
        ..creation("a")
    };
    let first = shop.products.create_product(request.clone()).await.unwrap();
    let again = shop.products.create_product(request).await.unwrap();
    assert_eq!(first.into_inner(), again.into_inner());
    let other = CreateProductRequest {
        request_id: "order-66".to_owned(),
        ..creation("b")
    };
    assert_wrong(shop.products.create_product(other).await, "request_id");
    assert!(shop.store.product("b").is_none());
}

#[tokio::test]
async fn repeated_calls_for_many_products_do_nothing_twice() {
    let mut shop = Shop::open().await;
    let import = ImportProductsRequest {
        parent: PARENT.to_owned(),
        source: Some(Source::Inline(
            b"{\"id\": \"a\", \"title\": \"A\"}".to_vec(),
        )),
        format: ProductFormat::Jsonl.into(),
        request_id: "nightly".to_owned(),
        ..ImportProductsRequest::default()
    };
    let begun = shop.products.import_products(import.clone()).await.unwrap();
    let again = shop.products.import_products(import).await.unwrap();
    assert_eq!(begun.get_ref().name, again.get_ref().name);
    let _: ImportProductsResponse = shop.answer(begun).await.unwrap();
    let set = |quantity: f32| BatchSetInventoryRequest {
        parent: PARENT.to_owned(),
        requests: vec![inventory("a", vec![at("north", quantity)])],
        request_id: "count".to_owned(),
    };
    let first = shop.products.batch_set_inventory(set(5.0)).await.unwrap();
    let later = inventory("a", vec![at("north", 1.0)]);
    shop.products.set_inventory(later).await.unwrap();
    let again = shop.products.batch_set_inventory(set(5.0)).await.unwrap();
    assert_eq!(first.into_inner(), again.into_inner());
    assert_eq!(
        shop.store.quantity_at("north", "a"),
        1.0,
        "it was not set again"
    );
    let other = shop.products.batch_set_inventory(set(6.0)).await;
    assert_wrong(other, "request_id");
    let purge = PurgeProductsRequest {
        parent: PARENT.to_owned(),
        filter: "*".to_owned(),
        force: true,
        request_id: "end".to_owned(),
    };
    let begun = shop.products.purge_products(purge.clone()).await.unwrap();
    let name = begun.get_ref().name.clone();
    let purged: PurgeProductsResponse = shop.answer(begun).await.unwrap();
    assert_eq!(purged.purge_count, 1);
    shop.put(&["b"]).await;
    let again = shop.products.purge_products(purge).await.unwrap();
    assert_eq!(again.get_ref().name, name);
    assert!(shop.store.product("b").is_some());
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names() {
    let mut shop = Shop::open().await;
    let first = CreateProductRequest {
        product: Some(Product {
            tags: vec!["new".to_owned()],
            hidden: true,
            ..product("a")
        }),
        ..creation("a")
    };
    shop.products.create_product(first).await.unwrap();
    let change = Product {
        title: "Better".to_owned(),
        ..product("a")
    };
    let request = update(change.clone(), &["title", "hidden"]);
    let checked = UpdateProductRequest {
        validate_only: true,
        ..request.clone()
    };
    let answered = shop.products.update_product(checked).await.unwrap();
    assert_eq!(answered.into_inner().title, "Better");
    assert_eq!(shop.store.product("a").unwrap().title, "The a");
    let updated = shop.products.update_product(request).await.unwrap();
    let updated = updated.into_inner();
    assert_eq!((updated.title.as_str(), updated.hidden), ("Better", false));
    assert_eq!(updated.tags, ["new"]);

    let wrong = shop
        .products
        .update_product(update(change, &["titel"]))
        .await;
    assert_wrong(wrong, "update_mask");
    let new = update(product("b"), &[]);
    let missing = shop.products.update_product(new.clone()).await;
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
    let allowed = UpdateProductRequest {
        allow_missing: true,
        ..new
    };
    shop.products.update_product(allowed).await.unwrap();
    assert_eq!(shop.store.product("b").unwrap().title, "The b");
}

#[tokio::test]
async fn updates_of_one_product_at_once_lose_nothing() {
    let mut shop = Shop::open().await;
    shop.put(&["a"]).await;
    let updates = (0..20).map(|number| {
        let mut products = shop.products.clone();
        let mut change = product("a");
        let value = recommender_grpc::proto::AttributeValue {
            text: Vec::new(),
            numbers: vec![f64::from(number)],
        };
        change.attributes.insert(format!("n{number}"), value);
        let path = format!("attributes.n{number}");
        tokio::spawn(async move { products.update_product(update(change, &[&path])).await })
    });
    for update in updates.collect::<Vec<_>>() {
        update.await.unwrap().unwrap();
    }
    assert_eq!(shop.store.product("a").unwrap().attributes.len(), 20);
}

#[tokio::test]
async fn one_bad_product_of_a_batch_fails_alone() {
    let mut shop = Shop::open().await;
    let bad = Product {
        margin: Some(2.0),
        ..product("bad")
    };
    let nameless = Product {
        name: String::new(),
        ..product("x")
    };
    let request = BatchUpsertProductsRequest {
        parent: PARENT.to_owned(),
        products: vec![product("a"), bad, nameless, product("b")],
        ..BatchUpsertProductsRequest::default()
    };
    let response = shop.products.batch_upsert_products(request).await.unwrap();
    let results = response.into_inner().results;
    let codes: Vec<i32> = results
        .iter()
        .map(|result| result.status.as_ref().unwrap().code)
        .collect();
    assert_eq!(codes, [0, 3, 3, 0]);
    assert!(
        results[1]
            .status
            .as_ref()
            .unwrap()
            .message
            .contains("products[1].margin")
    );
    assert_eq!(results[3].name, name("b"));
    assert!(shop.store.product("a").is_some() && shop.store.product("bad").is_none());
}

#[tokio::test]
async fn lists_come_in_pages_by_key() {
    let mut shop = Shop::open().await;
    shop.put(&["d", "a", "c", "b", "e"]).await;
    let mut request = ListProductsRequest {
        parent: PARENT.to_owned(),
        page_size: 2,
        filter: "key != \"c\"".to_owned(),
        ..ListProductsRequest::default()
    };
    let mut pages = Vec::new();
    loop {
        let page = shop.products.list_products(request.clone()).await.unwrap();
        let page = page.into_inner();
        let keys: Vec<String> = page
            .products
            .into_iter()
            .map(|product| product.id)
            .collect();
        pages.push(keys.join(""));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages, ["ab", "de"]);
    request.filter = String::new();
    assert_wrong(
        shop.products.list_products(request.clone()).await,
        "page_token",
    );
    request.page_token = String::new();
    request.page_size = -1;
    assert_wrong(
        shop.products.list_products(request.clone()).await,
        "page_size",
    );
    request.filter = "colour = red".to_owned();
    assert_wrong(shop.products.list_products(request.clone()).await, "filter");
    request.parent = "catalogs/other".to_owned();
    assert_wrong(shop.products.list_products(request).await, "parent");
}

#[tokio::test]
async fn a_product_tells_what_places_have_of_it() {
    let mut shop = Shop::open().await;
    shop.put(&["a"]).await;
    let request = recommender_grpc::proto::AddLocalInventoriesRequest {
        name: name("a"),
        local_inventories: vec![at("north", 3.0)],
        ..Default::default()
    };
    shop.products.add_local_inventories(request).await.unwrap();
    let request = GetProductRequest {
        place_ids: vec!["south".to_owned(), "north".to_owned()],
        ..get("a")
    };
    let got = shop
        .products
        .get_product(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(got.local_inventories, [at("south", 0.0), at("north", 3.0)]);
}
