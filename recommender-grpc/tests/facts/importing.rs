//! Files of events, taken in.

use std::fmt::Write as _;

use recommender_grpc::proto::import_user_events_request::Source;
use recommender_grpc::proto::{EventFileFormat, ImportUserEventsRequest, ImportUserEventsResponse};
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{CATALOG, Running, apart, visitor};

/// Five rows: two events, one without consent, one of an unknown type, and one that can't be read.
const ROWS: &str = "visitor,item,kind,time,consent\n\
    phone,cup,purchase,2026-01-01,granted\n\
    phone,pot,view,yesterday,granted\n\
    phone,pan,purchase,2026-01-02,denied\n\
    phone,pan,custom:stare,2026-01-03,granted\n\
    till,pot,purchase,2026-01-04,\n";

fn request(source: Source) -> ImportUserEventsRequest {
    let mut request = ImportUserEventsRequest {
        parent: CATALOG.into(),
        source: Some(source),
        ..ImportUserEventsRequest::default()
    };
    request.set_format(EventFileFormat::Csv);
    request
}

fn content() -> ImportUserEventsRequest {
    request(Source::Content(ROWS.into()))
}

async fn import(shop: &mut Running, request: ImportUserEventsRequest) -> ImportUserEventsResponse {
    let begun = shop.events.import_user_events(request).await.unwrap();
    shop.answer(begun.into_inner()).await
}

#[tokio::test]
async fn content_and_files_are_imported_once_and_bad_rows_named() {
    let mut shop = Running::with_settings("import_directory = \"in\"").await;
    let counts = |report: &ImportUserEventsResponse| {
        [
            report.row_count,
            report.imported_count,
            report.duplicate_count,
            report.refused_consent_count,
            report.unknown_type_count,
            report.bad_row_count,
        ]
    };
    let first = import(&mut shop, content()).await;
    assert_eq!(counts(&first), [5, 2, 0, 1, 1, 1]);
    let bad = &first.bad_rows[0];
    assert_eq!(
        (bad.file.as_str(), bad.row, bad.field.as_str()),
        ("content", 3, "time")
    );
    assert_eq!(bad.found, "\"yesterday\"");
    assert!(!first.freshness_token.is_empty());
    assert_eq!(shop.listed(visitor("phone")).await.len(), 1);
    assert_eq!(shop.listed(visitor("till")).await.len(), 1);
    let folder = shop.folder.path().join("in");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("events.csv"), ROWS).unwrap();
    // The same rows in a file are the same events.
    let again = import(&mut shop, request(Source::Path("events.csv".into()))).await;
    assert_eq!(counts(&again), [5, 0, 2, 1, 1, 1]);
    assert_eq!(again.bad_rows[0].file, "events.csv");
}

#[tokio::test]
async fn a_file_with_a_bad_row_is_refused_whole_if_so_asked() {
    let mut shop = Running::with_settings("import_directory = \"in\"").await;
    let folder = shop.folder.path().join("in");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("events.csv"), ROWS).unwrap();
    for source in [
        Source::Content(ROWS.into()),
        Source::Path("events.csv".into()),
    ] {
        let mut request = request(source);
        request.refuse_bad_rows = true;
        let begun = shop
            .events
            .import_user_events(request)
            .await
            .unwrap()
            .into_inner();
        let failure = shop.failure(begun).await;
        assert_eq!(Code::from(failure.code), Code::InvalidArgument);
        assert!(failure.message.contains("row 3"), "{}", failure.message);
        let own = shop.folder.path().to_string_lossy().into_owned();
        assert!(!failure.message.contains(&own), "{}", failure.message);
        assert_eq!(shop.listed(visitor("till")).await, [""; 0]);
    }
}

#[tokio::test]
async fn columns_have_names_of_their_own_and_parquet_comes_from_an_export() {
    let mut shop = Running::new().await;
    let mut jsonl = request(Source::Content(
        "{\"who\":\"phone\",\"sku\":\"cup\",\"time\":\"2026-01-01\",\"kind\":\"purchase\"}\n"
            .into(),
    ));
    jsonl.set_format(EventFileFormat::Jsonl);
    jsonl.columns = vec!["who=visitor".into(), "sku=item".into()];
    assert_eq!(import(&mut shop, jsonl).await.imported_count, 1);
    let store = shop.store.as_ref().unwrap();
    let folder = shop.folder.path().join("export");
    let options = recommender_store::exchange::ExportOptions::default();
    let export =
        apart(|| recommender_store::exchange::export(&**store.engine(), &folder, &options));
    let files = export.unwrap();
    assert_eq!(files.rows, 1);
    let mut other = Running::with_settings(&format!("import_directory = {folder:?}")).await;
    let day = std::fs::read_dir(&folder).unwrap();
    let day = day
        .map(|entry| entry.unwrap())
        .find(|entry| entry.path().is_dir())
        .unwrap();
    let day = day.file_name().into_string().unwrap();
    let mut parquet = request(Source::Path(day));
    parquet.set_format(EventFileFormat::Parquet);
    assert_eq!(import(&mut other, parquet).await.imported_count, 1);
    assert_eq!(other.listed(visitor("phone")).await.len(), 1);
}

#[tokio::test]
async fn nothing_beyond_the_import_directory_is_read() {
    let mut shop = Running::with_settings("import_directory = \"in\"").await;
    std::fs::create_dir(shop.folder.path().join("in")).unwrap();
    std::fs::write(shop.folder.path().join("secret.csv"), ROWS).unwrap();
    for path in ["../secret.csv", "/etc/passwd", ""] {
        let request = request(Source::Path(path.into()));
        let refused = shop.events.import_user_events(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{path}");
    }
    let outside = shop.folder.path().join("secret.csv");
    std::os::unix::fs::symlink(outside, shop.folder.path().join("in/link.csv")).unwrap();
    for path in ["link.csv", "none.csv"] {
        let request = request(Source::Path(path.into()));
        let begun = shop
            .events
            .import_user_events(request)
            .await
            .unwrap()
            .into_inner();
        let failure = shop.failure(begun).await;
        assert_eq!(Code::from(failure.code), Code::InvalidArgument, "{path}");
    }
    let mut bare = Running::new().await;
    let request = request(Source::Path("a.csv".into()));
    let refused = bare.events.import_user_events(request).await.unwrap_err();
    let reason = &refused
        .get_error_details()
        .error_info()
        .unwrap()
        .reason
        .clone();
    assert_eq!(
        (refused.code(), reason.as_str()),
        (Code::FailedPrecondition, "NO_IMPORT_DIRECTORY")
    );
}

#[tokio::test]
async fn an_import_can_be_cancelled_and_taken_up_again() {
    let mut shop = Running::with_settings("import_directory = \"in\"").await;
    let folder = shop.folder.path().join("in");
    std::fs::create_dir(&folder).unwrap();
    let mut rows = String::from("visitor,item,time\n");
    for row in 0..400_000 {
        writeln!(rows, "visitor-{},item-{},2026-01-01", row % 1000, row % 777).unwrap();
    }
    std::fs::write(folder.join("large.csv"), rows).unwrap();
    let large = || request(Source::Path("large.csv".into()));
    let begun = shop
        .events
        .import_user_events(large())
        .await
        .unwrap()
        .into_inner();
    let cancel = recommender_grpc::proto::longrunning::CancelOperationRequest {
        name: begun.name.clone(),
    };
    shop.operations.cancel_operation(cancel).await.unwrap();
    let failure = shop.failure(begun).await;
    assert_eq!(Code::from(failure.code), Code::Cancelled);
    let report = import(&mut shop, large()).await;
    assert_eq!(report.imported_count + report.duplicate_count, 400_000);
}
