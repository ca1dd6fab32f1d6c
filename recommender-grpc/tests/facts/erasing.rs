//! Persons forgotten, and the word that they were.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use recommender_core::pipeline::PipelineConfig;
use recommender_core::{Engine, FitOptions};
use recommender_grpc::proto;
use recommender_grpc::proto::recommendation_service_client::RecommendationServiceClient;
use recommender_grpc::proto::{
    EraseUserRequest, EraseUserResponse, ErasureMethod, GetErasureReceiptRequest,
    ListErasureReceiptsRequest, RecommendContext, RecommendRequest,
};
use recommender_store::Store;
use recommender_store::erasure::ErasureReceipt;
use tempfile::TempDir;
use tonic::Code;

use crate::shop::{CATALOG, PIPELINE, Running, id, purchase, store, visitor};

/// A key that stands nowhere else.
const SECRET: &str = "ann-4711-secret";

/// Fits a model to what the store holds, and saves it in `folder`.
fn train(store: &Store, folder: &Path) {
    let config = PipelineConfig::from_toml(PIPELINE).unwrap();
    let interactions = config.interactions.clone();
    let dataset = store.training_set(
        recommender_store::store::Reading::default(),
        store.products(),
        interactions,
    );
    let engine = Engine::fit(&config, &dataset.unwrap(), &FitOptions::default()).unwrap();
    recommender_files::save_engine(&engine, &BTreeMap::new(), folder).unwrap();
}

async fn served_version(shop: &Running) -> String {
    let request = RecommendRequest {
        serving_config: format!("{CATALOG}/servingConfigs/home"),
        context: Some(RecommendContext {
            visitor_id: "stranger".into(),
            ..RecommendContext::default()
        }),
        ..RecommendRequest::default()
    };
    let mut client = RecommendationServiceClient::new(shop.channel.clone());
    for _ in 0..600 {
        match client.recommend(request.clone()).await {
            Ok(answer) => return answer.into_inner().model_version,
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the model was never loaded");
}

/// Whether a file below `folder` holds the key.
fn is_found(folder: &Path, key: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_found(&path, key);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes
            .windows(key.len())
            .any(|window| window == key.as_bytes())
    })
}

/// A server of a model that learned from four shoppers, one of them under the secret key.
async fn shop_with_model() -> (Arc<TempDir>, Running) {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let store = store(folder.path());
    let mut shop = Running::open(Arc::clone(&folder), Some(store.clone()), "").await;
    for (number, who) in ["phone", "till", "tablet", SECRET].into_iter().enumerate() {
        for (item, second) in [("cup", 1), ("pot", 2), ("pan", 3)] {
            shop.write(purchase(&format!("{number}{item}"), who, item, second))
                .await;
        }
    }
    shop.stop().await.unwrap().unwrap();
    let model = folder.path().join("model");
    train(&store, &model);
    let settings = "serving_configs = { home = \"model\" }";
    let shop = Running::open(Arc::clone(&folder), Some(store), settings).await;
    (folder, shop)
}

/// That a receipt is the card's, and its digest that of what it says.
fn check_seal(receipt: &proto::ErasureReceipt, salt: &str) {
    assert!(receipt.genuine && !receipt.signature.is_empty());
    let hash = ErasureReceipt::hash_of(salt, &"loyalty:4711".parse().unwrap());
    assert_eq!(receipt.subject_hash, hash);
    let digest = ring::digest::digest(&ring::digest::SHA256, receipt.signed_text.as_bytes());
    let digest: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(receipt.digest, digest);
}

#[tokio::test]
async fn nothing_of_an_erased_person_is_left_and_her_models_are_served_anew() {
    let (folder, mut shop) = shop_with_model().await;
    let before = served_version(&shop).await;
    let mut event = purchase("card", SECRET, "lid", 4);
    event.external_ids = vec![id("loyalty", "4711")];
    shop.write(event).await;
    let request = EraseUserRequest {
        name: format!("{CATALOG}/users/loyalty:4711"),
        reason: "she asked".into(),
        retained_backups: vec!["tape 7".into()],
        request_id: "erase-1".into(),
    };
    let begun = shop
        .users
        .erase_user(request.clone())
        .await
        .unwrap()
        .into_inner();
    let again = shop.users.erase_user(request).await.unwrap().into_inner();
    assert_eq!(begun.name, again.name);
    assert!(!format!("{begun:?}").contains("4711"));
    let answer: EraseUserResponse = shop.answer(begun).await;
    let receipt = answer.receipt.unwrap();
    assert_eq!((receipt.events_deleted, receipt.links_deleted), (4, 1));
    assert_eq!(
        (&*receipt.reason, &*receipt.requested_by),
        ("she asked", "anonymous")
    );
    assert_eq!(receipt.retained_backups, ["tape 7"]);
    check_seal(&receipt, &answer.salt);
    let [erased] = &receipt.model_versions_affected[..] else {
        panic!("{receipt:?}");
    };
    assert_ne!(erased.method(), ErasureMethod::PendingRetrain);
    assert_eq!(erased.version, before);
    assert_eq!(served_version(&shop).await, erased.new_version);
    assert_eq!(shop.listed(visitor(SECRET)).await, [""; 0]);
    assert!(!is_found(folder.path(), SECRET));
    let get = GetErasureReceiptRequest {
        name: receipt.name.clone(),
    };
    let got = shop
        .users
        .get_erasure_receipt(get)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(got, receipt);
    let list = ListErasureReceiptsRequest {
        parent: CATALOG.into(),
        ..ListErasureReceiptsRequest::default()
    };
    let listed = shop
        .users
        .list_erasure_receipts(list)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.erasure_receipts, [receipt]);
}

#[tokio::test]
async fn receipts_that_are_not_there_are_not_found() {
    let mut shop = Running::new().await;
    let request = GetErasureReceiptRequest {
        name: format!("{CATALOG}/erasureReceipts/none"),
    };
    let missing = shop.users.get_erasure_receipt(request).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}
