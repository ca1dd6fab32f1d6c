//! The port of those who operate the server.

use std::fs;
use std::path::{Path, PathBuf};

use recommender_grpc::proto::admin_service_client::AdminServiceClient;
use recommender_grpc::proto::{
    CreateSnapshotRequest, CreateSnapshotResponse, EstimateResourcesRequest, GetStatusRequest,
    ModelShape, ResourceUse, RestoreSnapshotRequest, RestoreSnapshotResponse,
    VerifyIntegrityRequest, VerifyIntegrityResponse,
};
use recommender_store::identity::Identifier;
use recommender_store::store::Submission;
use tonic::Code;

use crate::inventory::inventory;
use crate::shop::{Shop, assert_wrong, at, events, open_store};

fn create(snapshot: &str) -> CreateSnapshotRequest {
    CreateSnapshotRequest {
        snapshot: snapshot.to_owned(),
        ..CreateSnapshotRequest::default()
    }
}

fn restore(snapshot: &str, target: &str) -> RestoreSnapshotRequest {
    RestoreSnapshotRequest {
        snapshot: snapshot.to_owned(),
        target: target.to_owned(),
        ..RestoreSnapshotRequest::default()
    }
}

/// Writes the shop's events, some products and some stock.
async fn fill(shop: &mut Shop) {
    let submissions = events().into_iter().map(Submission::from).collect();
    shop.store.write_events(submissions).unwrap().await.unwrap();
    shop.put(&["item-0", "item-1"]).await;
    let stock = inventory("item-0", vec![at("north", 4.0)]);
    shop.products.set_inventory(stock).await.unwrap();
}

/// The largest file of a directory that ends so.
fn largest(directory: &Path, extension: &str) -> PathBuf {
    let files = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|it| it == extension));
    files
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap()
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_restored_snapshot_answers_as_the_store_did() {
    let mut shop = Shop::open().await;
    fill(&mut shop).await;
    let begun = shop.admin.create_snapshot(create("monday")).await.unwrap();
    let made: CreateSnapshotResponse = shop.answer(begun).await.unwrap();
    let contents = made.contents.unwrap();
    assert_eq!(contents.event_count, i64::try_from(events().len()).unwrap());
    // What comes later is not in it.
    shop.put(&["later"]).await;
    let begun = shop
        .admin
        .restore_snapshot(restore("monday", "again"))
        .await
        .unwrap();
    let restored: RestoreSnapshotResponse = shop.answer(begun).await.unwrap();
    assert_eq!(restored.contents.unwrap().event_count, contents.event_count);

    let again = open_store(&shop.path("snapshots/again"));
    let record = again.product("item-0");
    assert_eq!(record, shop.store.product("item-0"));
    assert!(again.product("later").is_none());
    assert_eq!(again.quantity_at("north", "item-0"), 4.0);
    let whose = [Identifier::visitor("buyer-7").unwrap()];
    let history = again.history(&whose, 50).unwrap();
    assert_eq!(history.len(), 4);
    assert_eq!(history, shop.store.history(&whose, 50).unwrap());
}

#[tokio::test]
async fn snapshots_go_where_they_belong_and_over_nothing() {
    let mut shop = Shop::open().await;
    fill(&mut shop).await;
    for wrong in ["", "..", ".hidden", "a/b", "../store"] {
        assert_wrong(shop.admin.create_snapshot(create(wrong)).await, "snapshot");
    }
    let begun = shop.admin.create_snapshot(create("monday")).await.unwrap();
    shop.answer::<CreateSnapshotResponse>(begun).await.unwrap();
    let begun = shop.admin.create_snapshot(create("monday")).await.unwrap();
    let twice = shop
        .answer::<CreateSnapshotResponse>(begun)
        .await
        .unwrap_err();
    assert_eq!(twice.code, i32::from(Code::InvalidArgument));
    let begun = shop
        .admin
        .restore_snapshot(restore("monday", "monday"))
        .await
        .unwrap();
    let over = shop
        .answer::<RestoreSnapshotResponse>(begun)
        .await
        .unwrap_err();
    assert_eq!(over.code, i32::from(Code::InvalidArgument));
    let begun = shop
        .admin
        .restore_snapshot(restore("tuesday", "new"))
        .await
        .unwrap();
    let absent = shop
        .answer::<RestoreSnapshotResponse>(begun)
        .await
        .unwrap_err();
    assert_eq!(absent.code, i32::from(Code::InvalidArgument));

    flip_a_byte(&largest(&shop.path("snapshots/monday"), "events"));
    let begun = shop
        .admin
        .restore_snapshot(restore("monday", "new"))
        .await
        .unwrap();
    let damaged = shop
        .answer::<RestoreSnapshotResponse>(begun)
        .await
        .unwrap_err();
    assert_eq!(damaged.code, i32::from(Code::FailedPrecondition));
    assert!(damaged.message.contains("events"), "{}", damaged.message);
}

#[tokio::test]
async fn a_flipped_byte_is_found() {
    let mut shop = Shop::open().await;
    fill(&mut shop).await;
    // A snapshot sorts what was written into files.
    let begun = shop.admin.create_snapshot(create("monday")).await.unwrap();
    shop.answer::<CreateSnapshotResponse>(begun).await.unwrap();
    let begun = shop.admin.verify_integrity(VerifyIntegrityRequest {}).await;
    let verified: VerifyIntegrityResponse = shop.answer(begun.unwrap()).await.unwrap();
    assert!(verified.intact && verified.problem.is_empty());
    assert!(verified.contents.unwrap().fact_count > 2);

    flip_a_byte(&largest(&shop.path("store"), "events"));
    let begun = shop.admin.verify_integrity(VerifyIntegrityRequest {}).await;
    let verified: VerifyIntegrityResponse = shop.answer(begun.unwrap()).await.unwrap();
    assert!(!verified.intact && verified.contents.is_none());
    assert!(verified.problem.contains(".events"), "{}", verified.problem);
}

#[tokio::test]
async fn the_status_says_how_the_server_stands() {
    let mut shop = Shop::open().await;
    fill(&mut shop).await;
    let status = shop.admin.get_status(GetStatusRequest {}).await.unwrap();
    let status = status.into_inner();
    let store = status.store.unwrap();
    let written = i64::try_from(shop.store.position().0).unwrap();
    assert_eq!(store.position, written);
    assert_eq!(
        store.contents.unwrap().event_count,
        i64::try_from(events().len()).unwrap()
    );
    assert!(store.refusing.is_empty() && store.waiting_writes == 0);
    let queues: Vec<&str> = status
        .queues
        .iter()
        .map(|queue| queue.name.as_str())
        .collect();
    assert_eq!(queues, ["answers", "background"]);
    assert!(
        status
            .queues
            .iter()
            .all(|queue| queue.capacity > queue.depth)
    );
    let memory = status.memory.unwrap();
    assert_eq!(memory.budget_bytes, 1 << 30);
    #[cfg(target_os = "linux")]
    assert!(memory.used_bytes > 1 << 20);
    assert_eq!(status.models[0].model, "home");
    assert_eq!(status.models[0].version, "model-1");
    assert!(status.models[0].data_end_time.is_some() && status.uptime.is_some());
    assert!(!status.version.is_empty());
}

#[tokio::test]
async fn sizes_are_told_by_part() {
    let mut shop = Shop::open().await;
    let model = |kind: &str| ModelShape {
        kind: kind.to_owned(),
        ..ModelShape::default()
    };
    let request = EstimateResourcesRequest {
        users: 1_000_000,
        items: 40_000,
        interactions: 20_000_000,
        models: vec![model("ease"), model("popularity")],
        ..EstimateResourcesRequest::default()
    };
    let estimated = shop
        .admin
        .estimate_resources(request.clone())
        .await
        .unwrap();
    let estimated = estimated.into_inner();
    let ease = estimated
        .parts
        .iter()
        .find(|part| part.name == "model ease")
        .unwrap();
    assert_eq!(ease.bytes, 40_000 * 40_000 * 4 + 12 * 40_000);
    assert!(!ease.formula.is_empty());
    for (used, total) in [
        (ResourceUse::Serving, estimated.serving_bytes),
        (ResourceUse::Training, estimated.training_bytes),
        (ResourceUse::Disk, estimated.disk_bytes),
    ] {
        let parts = estimated.parts.iter().filter(|part| part.r#use() == used);
        assert_eq!(parts.map(|part| part.bytes).sum::<i64>(), total);
    }
    // What answers may take to be explained counts too: as the settings have it, or as it is asked.
    let without = EstimateResourcesRequest {
        kept_answers_bytes: Some(0),
        ..request.clone()
    };
    let without = shop.admin.estimate_resources(without).await.unwrap();
    let kept = estimated.serving_bytes - without.get_ref().serving_bytes;
    assert_eq!(kept, 32 << 20);
    let unknown = EstimateResourcesRequest {
        models: vec![model("oracle")],
        ..request.clone()
    };
    assert_wrong(
        shop.admin.estimate_resources(unknown).await,
        "models[0].kind",
    );
    let negative = EstimateResourcesRequest {
        users: -1,
        ..request
    };
    assert_wrong(shop.admin.estimate_resources(negative).await, "users");
    let negative = EstimateResourcesRequest {
        kept_answers_bytes: Some(-1),
        ..EstimateResourcesRequest::default()
    };
    assert_wrong(
        shop.admin.estimate_resources(negative).await,
        "kept_answers_bytes",
    );
}

#[tokio::test]
async fn the_other_port_offers_no_administration() {
    let shop = Shop::open().await;
    let mut elsewhere = AdminServiceClient::new(shop.channel.clone());
    let refused = elsewhere.get_status(GetStatusRequest {}).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_repeated_call_begins_no_second_snapshot() {
    let mut shop = Shop::open().await;
    fill(&mut shop).await;
    let once = CreateSnapshotRequest {
        request_id: "tonight".to_owned(),
        ..create("monday")
    };
    let begun = shop.admin.create_snapshot(once.clone()).await.unwrap();
    let name = begun.get_ref().name.clone();
    let made: CreateSnapshotResponse = shop.answer(begun).await.unwrap();
    let again = shop.admin.create_snapshot(once).await.unwrap();
    assert_eq!(again.get_ref().name, name);
    let again: CreateSnapshotResponse = shop.answer(again).await.unwrap();
    assert_eq!(again, made);
    let other = CreateSnapshotRequest {
        request_id: "tonight".to_owned(),
        ..create("tuesday")
    };
    assert_wrong(shop.admin.create_snapshot(other).await, "request_id");
    let once = RestoreSnapshotRequest {
        request_id: "tonight".to_owned(),
        ..restore("monday", "copy")
    };
    let begun = shop.admin.restore_snapshot(once.clone()).await.unwrap();
    let again = shop.admin.restore_snapshot(once).await.unwrap();
    assert_eq!(again.get_ref().name, begun.get_ref().name);
    let _: RestoreSnapshotResponse = shop.answer(begun).await.unwrap();
}
