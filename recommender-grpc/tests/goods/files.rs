//! Imports, exports and purges.

use recommender_grpc::proto::import_products_request::Source;
use recommender_grpc::proto::{
    ExportProductsRequest, ExportProductsResponse, ImportProductsRequest, ImportProductsResponse,
    ProductFormat, PurgeProductsRequest, PurgeProductsResponse,
};
use tonic::Code;

use crate::shop::{PARENT, Shop, assert_wrong, name};

fn import(source: Source, format: ProductFormat) -> ImportProductsRequest {
    ImportProductsRequest {
        parent: PARENT.to_owned(),
        source: Some(source),
        format: format.into(),
        ..ImportProductsRequest::default()
    }
}

async fn imported(shop: &mut Shop, request: ImportProductsRequest) -> ImportProductsResponse {
    let begun = shop.products.import_products(request).await.unwrap();
    shop.answer(begun).await.unwrap()
}

#[tokio::test]
async fn bad_rows_are_reported_and_the_others_written() {
    let mut shop = Shop::open().await;
    let lines = concat!(
        "{\"id\": \"a\", \"title\": \"A\", \"price\": {\"currency_code\": \"EUR\", \"units\": 3}}\n",
        "{\"id\": \"b\", \"titel\": \"B\"}\n",
        "\n",
        "not json\n",
        "{\"id\": \"c\", \"categories\": [\"Home > Cups\"], \"price\": 4.5}",
    );
    let inline = || Source::Inline(lines.as_bytes().to_vec());
    let checked = ImportProductsRequest {
        validate_only: true,
        ..import(inline(), ProductFormat::Jsonl)
    };
    let response = imported(&mut shop, checked).await;
    assert_eq!((response.success_count, response.failure_count), (1, 3));
    assert!(shop.store.product("a").is_none());

    let in_euros = ImportProductsRequest {
        currency_code: "EUR".to_owned(),
        ..import(inline(), ProductFormat::Jsonl)
    };
    let response = imported(&mut shop, in_euros).await;
    assert_eq!((response.row_count, response.success_count), (4, 2));
    let rows: Vec<i64> = response.errors.iter().map(|error| error.row).collect();
    assert_eq!(rows, [2, 4]);
    let said = &response.errors[0].status.as_ref().unwrap().message;
    assert!(said.contains("titel"), "{said}");
    let cup = shop.store.product("c").unwrap();
    assert_eq!(cup.categories, [["Home", "Cups"]]);
    assert_eq!(cup.price.as_ref().unwrap().to_string(), "4.50 EUR");
}

#[tokio::test]
async fn tables_come_from_the_directory_of_imports_and_nowhere_else() {
    let mut shop = Shop::open().await;
    let table = "key,title,category,price\na,A,Home > Cups,1.5\n,nobody,,\nb,B,,cheap\nc,C,,\n";
    std::fs::write(shop.path("imports/goods.csv"), table).unwrap();
    std::fs::write(shop.path("secret.csv"), "key\nsecret\n").unwrap();
    let path = |path: &str| Source::Path(path.to_owned());
    let request = ImportProductsRequest {
        currency_code: "EUR".to_owned(),
        ..import(path("goods.csv"), ProductFormat::Unspecified)
    };
    let response = imported(&mut shop, request).await;
    assert_eq!((response.row_count, response.success_count), (4, 2));
    assert_eq!(response.failure_count, 2);
    assert!(shop.store.product("c").is_some());

    for (wrong, field) in [("../secret.csv", "path"), ("/etc/passwd", "path")] {
        let request = import(path(wrong), ProductFormat::Csv);
        assert_wrong(shop.products.import_products(request).await, field);
    }
    let unknown = ImportProductsRequest {
        currency_code: "EUX".to_owned(),
        ..import(path("goods.csv"), ProductFormat::Csv)
    };
    let refused = shop.products.import_products(unknown).await;
    assert_wrong(refused, "currency_code");
    let nameless = import(path("goods.xml"), ProductFormat::Unspecified);
    assert_wrong(shop.products.import_products(nameless).await, "format");
    let absent = import(path("absent.csv"), ProductFormat::Unspecified);
    let begun = shop.products.import_products(absent).await.unwrap();
    let error = shop
        .answer::<ImportProductsResponse>(begun)
        .await
        .unwrap_err();
    assert_eq!(error.code, i32::from(Code::InvalidArgument));
}

#[tokio::test]
async fn what_is_exported_is_imported_as_it_was() {
    let mut shop = Shop::open().await;
    shop.put(&["a", "b", "c"]).await;
    let request = ExportProductsRequest {
        parent: PARENT.to_owned(),
        path: "all.jsonl".to_owned(),
        filter: "key: ANY(\"a\", \"b\")".to_owned(),
        ..ExportProductsRequest::default()
    };
    let begun = shop
        .products
        .export_products(request.clone())
        .await
        .unwrap();
    let response: ExportProductsResponse = shop.answer(begun).await.unwrap();
    assert_eq!(
        (response.product_count, response.path.as_str()),
        (2, "all.jsonl")
    );
    let begun = shop.products.export_products(request).await.unwrap();
    let again = shop
        .answer::<ExportProductsResponse>(begun)
        .await
        .unwrap_err();
    assert_eq!(again.code, i32::from(Code::InvalidArgument), "{again:?}");

    let mut other = Shop::open().await;
    let lines = std::fs::read(shop.path("exports/all.jsonl")).unwrap();
    let response = imported(
        &mut other,
        import(Source::Inline(lines), ProductFormat::Jsonl),
    )
    .await;
    assert_eq!((response.success_count, response.failure_count), (2, 0));
    for key in ["a", "b"] {
        assert_eq!(other.store.product(key), shop.store.product(key));
    }
}

#[tokio::test]
async fn a_purge_counts_before_it_deletes() {
    let mut shop = Shop::open().await;
    shop.put(&["a", "b", "c"]).await;
    let purge = |filter: &str, force| PurgeProductsRequest {
        parent: PARENT.to_owned(),
        filter: filter.to_owned(),
        force,
        ..PurgeProductsRequest::default()
    };
    assert_wrong(
        shop.products.purge_products(purge("", true)).await,
        "filter",
    );
    let begun = shop.products.purge_products(purge("key != a", false)).await;
    let counted: PurgeProductsResponse = shop.answer(begun.unwrap()).await.unwrap();
    assert_eq!(counted.purge_count, 2);
    assert_eq!(counted.purge_sample, [name("b"), name("c")]);
    assert!(shop.store.product("b").is_some());
    let begun = shop.products.purge_products(purge("key != a", true)).await;
    let purged: PurgeProductsResponse = shop.answer(begun.unwrap()).await.unwrap();
    assert_eq!((purged.purge_count, purged.purge_sample.len()), (2, 0));
    assert!(shop.store.product("b").is_none() && shop.store.product("a").is_some());
    let begun = shop.products.purge_products(purge("*", true)).await;
    let purged: PurgeProductsResponse = shop.answer(begun.unwrap()).await.unwrap();
    assert_eq!(purged.purge_count, 1);
}
