use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use recommender_grpc::proto::download_model_response::Part as Sent;
use recommender_grpc::proto::longrunning::operation::Result as Ending;
use recommender_grpc::proto::upload_model_request::Part;
use recommender_grpc::proto::user_service_client::UserServiceClient;
use recommender_grpc::proto::{
    ArtefactFile, DownloadModelRequest, EraseUserRequest, ModelVersion, PromoteModelRequest,
    UploadModelHeader, UploadModelRequest,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use crate::shop::{DAILY, Running, TOGETHER, always, fields, policy, reason};

/// Files of an artefact by path, with their checksums.
type Files = BTreeMap<String, (String, Vec<u8>)>;

async fn download(running: &Running, version: &str) -> Result<(ModelVersion, Files), Status> {
    let request = DownloadModelRequest {
        name: DAILY.into(),
        version: version.into(),
    };
    let mut pieces = running.models().download_model(request).await?.into_inner();
    let Some(Sent::Version(version)) = pieces.message().await?.unwrap().part else {
        panic!("expected the version first");
    };
    let (mut files, mut path) = (Files::new(), String::new());
    while let Some(piece) = pieces.message().await? {
        match piece.part.unwrap() {
            Sent::Version(_) => panic!("expected one version"),
            Sent::File(file) => {
                path.clone_from(&file.path);
                files.insert(file.path, (file.sha256, Vec::new()));
            }
            Sent::Chunk(bytes) => {
                assert!((1..=1 << 20).contains(&bytes.len()));
                files.get_mut(&path).unwrap().1.extend(bytes);
            }
        }
    }
    Ok((version, files))
}

fn header() -> UploadModelRequest {
    of(Part::Header(UploadModelHeader { name: DAILY.into() }))
}

fn of(part: Part) -> UploadModelRequest {
    UploadModelRequest { part: Some(part) }
}

fn file(path: &str, bytes: usize, sha256: &str) -> UploadModelRequest {
    of(Part::File(ArtefactFile {
        path: path.into(),
        size_bytes: i64::try_from(bytes).unwrap(),
        sha256: sha256.into(),
    }))
}

/// The messages that send these files.
fn messages(files: &Files) -> Vec<UploadModelRequest> {
    let mut messages = vec![header()];
    for (path, (sha256, bytes)) in files {
        messages.push(file(path, bytes.len(), sha256));
        let chunks = bytes.chunks(1000).map(<[u8]>::to_vec);
        messages.extend(chunks.map(|chunk| of(Part::Chunk(chunk))));
    }
    messages
}

async fn upload(
    running: &Running,
    messages: Vec<UploadModelRequest>,
) -> Result<ModelVersion, Status> {
    let sent = tokio_stream::iter(messages);
    let answer = running.models().upload_model(sent).await?;
    Ok(answer.into_inner().version.unwrap())
}

/// What lies in the directory of the model.
fn lying(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("models/daily")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_artefact_goes_out_and_comes_back_and_answers_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    running.train().await;
    let before = running.ask().await.unwrap();
    let (version, files) = download(&running, "").await.unwrap();
    assert_eq!(version.version, "1");
    let copy = tempfile::tempdir().unwrap();
    for (path, (_, bytes)) in &files {
        let kept = fs::read(folder.path().join("models/daily/1").join(path)).unwrap();
        assert_eq!(kept, *bytes, "{path}");
        let target = copy.path().join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
    let (_, manifest) = recommender_files::load_engine(copy.path()).unwrap();
    assert_eq!(manifest.model_version(), before.model_version);

    let uploaded = upload(&running, messages(&files)).await.unwrap();
    assert_eq!(
        (&*uploaded.version, &*uploaded.verdict),
        ("2", "held back: imported")
    );
    assert_eq!(lying(folder.path()), ["1", "2"]);
    let promote = PromoteModelRequest {
        name: DAILY.into(),
        version: "2".into(),
        ..PromoteModelRequest::default()
    };
    running.models().promote_model(promote).await.unwrap();
    let after = running.ask().await.unwrap();
    assert_ne!(after.model_version, before.model_version);
    assert!(!after.results.is_empty());
    assert_eq!(after.results, before.results);
    let (_, again) = download(&running, "2").await.unwrap();
    let contents = |files: &Files| -> Files {
        let files = files.iter().filter(|(path, _)| *path != "manifest.json");
        files
            .map(|(path, file)| (path.clone(), file.clone()))
            .collect()
    };
    assert_eq!(contents(&again), contents(&files));
    let unknown = download(&running, "7").await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn what_is_damaged_or_cut_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    running.train().await;
    let (_, files) = download(&running, "1").await.unwrap();
    let whole = messages(&files);

    let mut flipped = whole.clone();
    let chunk = flipped
        .iter_mut()
        .rev()
        .find_map(|message| match &mut message.part {
            Some(Part::Chunk(bytes)) => Some(bytes),
            _ => None,
        });
    chunk.unwrap()[0] ^= 1;
    let refused = upload(&running, flipped).await.unwrap_err();
    assert_eq!(fields(&refused), ["file.sha256"]);

    let cut = whole[..whole.len() - 1].to_vec();
    let refused = upload(&running, cut).await.unwrap_err();
    assert_eq!(fields(&refused), ["chunk"]);

    // Its own checksum is right, that of the artefact is not.
    let mut foreign = files.clone();
    let (_, places) = foreign.remove("places.json").unwrap();
    let items = foreign.remove("items.json").unwrap();
    foreign.insert("places.json".into(), items.clone());
    foreign.insert("items.json".into(), items);
    assert!(!places.is_empty());
    let mut missing = files.clone();
    missing.remove("catalog.jsonl");
    for wrong in [foreign, missing, Files::new()] {
        let refused = upload(&running, messages(&wrong)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(&refused), "UNUSABLE_ARTEFACT");
    }

    for (wrong, field) in [
        (vec![], "header"),
        (vec![file("manifest.json", 1, "")], "header"),
        (vec![header(), header()], "header"),
        (vec![header(), of(Part::Chunk(vec![1]))], "chunk"),
        (vec![header(), file("../../x", 1, "")], "file.path"),
        (vec![header(), file("a", 0, "00")], "file.sha256"),
        (vec![header(), UploadModelRequest::default()], "part"),
    ] {
        let refused = upload(&running, wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{field}: {refused}");
        assert_eq!(fields(&refused), [field]);
    }
    assert_eq!(lying(folder.path()), ["1"]);
    assert_eq!(running.model().await.versions.len(), 1);
}

async fn erase(running: &Running, visitor: &str) {
    let request = EraseUserRequest {
        name: format!("catalogs/default/users/visitor:{visitor}"),
        ..EraseUserRequest::default()
    };
    let mut users = UserServiceClient::new(running.channel.clone());
    let erasing = users.erase_user(request).await.unwrap().into_inner();
    let done = running.end(erasing).await;
    assert!(matches!(done.result, Some(Ending::Response(_))), "{done:?}");
}

#[tokio::test]
async fn an_artefact_of_before_an_erasure_does_not_bring_the_person_back() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    running.train().await;
    let (_, before) = download(&running, "1").await.unwrap();
    erase(&running, "cup-buyer-3").await;
    let (_, after) = download(&running, "1").await.unwrap();
    for _ in 0..2 {
        let refused = upload(&running, messages(&before)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(&refused), "ERASED_PERSON");
        assert_eq!(lying(folder.path()), ["1"]);
    }
    // The one that took its place does not know her; that it can't know others who were erased nothing can tell.
    let uploaded = upload(&running, messages(&after)).await.unwrap();
    let expected = "held back: imported; erased since its last event: 1 person";
    assert_eq!(uploaded.verdict, expected);
    assert_eq!(lying(folder.path()), ["1", "2"]);
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path(), "max_upload_bytes = 2048").await;
    let policy = policy(always());
    running
        .create_model("daily", TOGETHER, policy)
        .await
        .unwrap();
    let large = vec![header(), file("manifest.json", 2049, "")];
    let refused = upload(&running, large).await.unwrap_err();
    assert_eq!(fields(&refused), ["file.size_bytes"]);
    let bytes = [0; 2000];
    let sum = vec![
        header(),
        file("manifest.json", 2000, "00"),
        of(Part::Chunk(bytes.to_vec())),
        file("items.json", 49, "00"),
    ];
    let refused = upload(&running, sum).await.unwrap_err();
    assert_eq!(
        fields(&refused),
        ["file.sha256"],
        "files are held against their sums one by one"
    );
    assert!(lying(folder.path()).is_empty());
}

#[tokio::test]
async fn who_hangs_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, always()).await;
    let (parts, sent) = mpsc::channel(4);
    let mut models = running.models();
    let call = tokio::spawn(async move { models.upload_model(ReceiverStream::new(sent)).await });
    parts.send(header()).await.unwrap();
    parts.send(file("manifest.json", 4000, "")).await.unwrap();
    parts.send(of(Part::Chunk(vec![7; 1000]))).await.unwrap();
    let staged = folder.path().join("models/daily/.upload-1/manifest.json");
    until(|| fs::metadata(&staged).is_ok_and(|file| file.len() == 1000)).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    until(|| lying(folder.path()).is_empty()).await;
}

async fn until(is_so: impl Fn() -> bool) {
    let late = std::time::Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(std::time::Instant::now() < late);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
