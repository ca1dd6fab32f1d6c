//! Who may call what.

use std::path::Path;

use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use recommender_grpc::client::RecommendationServiceClient;
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::shop::{Open, ROLES, call, contract, key, methods, question, shop, shown};

const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

const GUARDED: &str = "credentials_file = 'credentials.toml'\naudit_file = 'audit.jsonl'\n\
                       reload_interval_ms = 10";

/// A folder with credentials: a key for each role, one for all, and tokens.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let jwk = json!({"kty": "oct", "kid": "one", "alg": "HS256", "k": SECRET});
    std::fs::write(
        folder.path().join("keys.json"),
        json!({"keys": [jwk]}).to_string(),
    )
    .unwrap();
    let tokens = "[tokens]\nissuer = 'https://login.example'\naudience = 'recommender'\n\
                  keys_file = 'keys.json'\nleeway_seconds = 30\n";
    let keys: String = ROLES.iter().map(|role| key(role, &[role])).collect();
    let all = key("all", &ROLES);
    std::fs::write(
        folder.path().join("credentials.toml"),
        format!("{keys}{all}{tokens}"),
    )
    .unwrap();
    folder
}

async fn open(folder: &TempDir) -> Open {
    Open::with(shop(GUARDED, folder.path())).await
}

/// What is sent by who has a token that says this, besides what it must.
fn token(changed: &Value) -> MetadataMap {
    let now = get_current_timestamp();
    let mut claims = json!({"iss": "https://login.example", "aud": "recommender", "sub": "till-7",
                            "exp": now + 300, "roles": ROLES});
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let key = EncodingKey::from_base64_secret(&format!("{SECRET}=")).unwrap();
    let token = encode(&Header::default(), &claims, &key).unwrap();
    shown("authorization", &format!("Bearer {token}"))
}

fn reason(status: &Status) -> String {
    status
        .get_error_details()
        .error_info()
        .unwrap()
        .reason
        .clone()
}

#[tokio::test]
async fn every_method_refuses_who_has_no_credentials_or_wrong_or_expired_ones() {
    let folder = folder();
    let open = open(&folder).await;
    let channel = open.channel().await;
    let reflection = [
        methods(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET),
        methods(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET),
    ];
    let paths = [contract(), reflection.concat()].concat();
    assert!(paths.len() >= 9, "{paths:?}");
    let now = get_current_timestamp();
    let strangers = [
        (MetadataMap::new(), "CREDENTIALS_MISSING"),
        (shown("x-api-key", "secret of nobody"), "CREDENTIALS_WRONG"),
        (shown("authorization", "Bearer a.b.c"), "CREDENTIALS_WRONG"),
        (shown("authorization", "Basic YTpi"), "CREDENTIALS_WRONG"),
        (token(&json!({"exp": now - 40})), "CREDENTIALS_EXPIRED"),
        (
            token(&json!({"nbf": now + 60})),
            "CREDENTIALS_NOT_YET_VALID",
        ),
        (token(&json!({"aud": "elsewhere"})), "CREDENTIALS_WRONG"),
    ];
    for path in &paths {
        for (metadata, expected) in &strangers {
            let status = call(&channel, path, metadata.clone()).await.unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{path}: {status:?}");
            assert_eq!(reason(&status), *expected, "{path}");
        }
    }
}

#[tokio::test]
async fn every_method_refuses_a_role_that_may_not_and_lets_in_one_that_may() {
    let folder = folder();
    let open = open(&folder).await;
    let channel = open.channel().await;
    for path in contract() {
        let mut let_in = Vec::new();
        for role in ROLES {
            let metadata = shown("x-api-key", &format!("secret of {role}"));
            match call(&channel, &path, metadata).await {
                Err(status) if status.code() == Code::PermissionDenied => {
                    assert_eq!(reason(&status), "ROLE_MISSING", "{path}");
                    let info = status.get_details_error_info().unwrap();
                    assert_eq!(info.metadata["method"], path);
                    assert!(!info.metadata["roles"].contains(role), "{path} {role}");
                }
                Err(status) => {
                    assert_ne!(status.code(), Code::Unauthenticated, "{path}: {status:?}");
                    let_in.push(role);
                }
                Ok(_) => let_in.push(role),
            }
        }
        let some = (1..ROLES.len()).contains(&let_in.len());
        assert!(some, "{path} is for {let_in:?}");
        let nothing = token(&json!({"roles": ["theirs"]}));
        let status = call(&channel, &path, nothing).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{path}");
    }
}

#[tokio::test]
async fn clocks_may_be_apart_by_the_leeway_and_no_more() {
    let folder = folder();
    let open = open(&folder).await;
    let channel = open.channel().await;
    let mut client = RecommendationServiceClient::new(channel);
    let now = get_current_timestamp();
    for (changed, code) in [
        (json!({"exp": now - 20}), Code::Ok),
        (json!({"exp": now - 40}), Code::Unauthenticated),
        (json!({"nbf": now + 20}), Code::Ok),
        (json!({"nbf": now + 45}), Code::Unauthenticated),
    ] {
        let mut request = tonic::Request::new(question());
        *request.metadata_mut() = token(&changed);
        let answered = client.recommend(request).await;
        let found = answered.map_or_else(|status| status.code(), |_| Code::Ok);
        assert_eq!(found, code, "{changed}");
    }
}

#[tokio::test]
async fn health_is_told_to_everybody_and_reflection_where_the_settings_say_so() {
    let folder = folder();
    let settings = format!("{GUARDED}\nopen_reflection = true");
    let open = Open::with(shop(&settings, folder.path())).await;
    let channel = open.channel().await;
    let mut health = HealthClient::new(channel.clone());
    assert!(health.check(HealthCheckRequest::default()).await.is_ok());
    for path in methods(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET) {
        let called = call(&channel, &path, MetadataMap::new()).await;
        let code = called.map_or_else(|status| status.code(), |_| Code::Ok);
        assert_ne!(code, Code::Unauthenticated);
    }
}

#[tokio::test]
async fn keys_are_changed_without_a_restart_and_a_broken_file_changes_nothing() {
    let folder = folder();
    let open = open(&folder).await;
    let channel = open.channel().await;
    let file = folder.path().join("credentials.toml");
    let path = "/recommender.v1.RecommendationService/Recommend";
    let code = async |name: &str| {
        let metadata = shown("x-api-key", &format!("secret of {name}"));
        let called = call(&channel, path, metadata).await;
        called.map_or_else(|status| status.code(), |_| Code::Ok)
    };
    assert_eq!(code("new").await, Code::Unauthenticated);
    std::fs::write(&file, key("new", &["read"])).unwrap();
    while code("new").await == Code::Unauthenticated {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        code("read").await,
        Code::Unauthenticated,
        "the old key is gone"
    );
    std::fs::write(&file, "[[keys]]\nname = ").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(
        code("new").await,
        Code::InvalidArgument,
        "what was read before holds on"
    );
}

#[tokio::test]
async fn calls_about_persons_are_written_down_without_naming_them() {
    let folder = folder();
    let open = open(&folder).await;
    let channel = open.channel().await;
    let path = "/recommender.v1.ControlService/CreateControl";
    let metadata = shown("x-api-key", "secret of read");
    assert!(call(&channel, path, metadata).await.is_err());
    assert!(
        call(&channel, path, shown("x-api-key", "ann's own secret"))
            .await
            .is_err()
    );
    let metadata = shown("x-api-key", "secret of manage_catalogue");
    assert!(call(&channel, path, metadata).await.is_err());
    let file = folder.path().join("audit.jsonl");
    let lines = loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if text.lines().count() >= 3 {
            break text;
        }
        tokio::task::yield_now().await;
    };
    let entries: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said = entries
        .iter()
        .map(|entry| [&entry["caller"], &entry["outcome"]]);
    let said: Vec<_> = said
        .map(|said| said.map(|word| word.as_str().unwrap()))
        .collect();
    assert_eq!(said[0], ["read", "PermissionDenied"]);
    assert_eq!(said[1], ["stranger", "Unauthenticated"]);
    assert_eq!(said[2][0], "manage_catalogue");
    assert!(entries.iter().all(|entry| entry["method"] == path));
    assert!(!lines.contains("secret"), "{lines}");
}

#[test]
fn nothing_listens_beyond_this_machine_without_a_word_that_it_should() {
    let folder = folder();
    for (settings, open) in [
        ("listen = '127.0.0.1:0'", true),
        ("listen = '[::1]:0'", true),
        ("listen = '0.0.0.0:0'", false),
        ("listen = '[::]:0'", false),
        (
            "listen = '192.0.2.1:50051'\ncredentials_file = 'credentials.toml'",
            false,
        ),
        (
            "listen = '0.0.0.0:0'\ninsecure_listen_beyond_loopback = true",
            true,
        ),
        ("metrics_listen = 9464", true),
        ("metrics_listen = '0.0.0.0:9464'", false),
        (
            "metrics_listen = '0.0.0.0:9464'\ninsecure_metrics_beyond_loopback = true",
            true,
        ),
    ] {
        let built = shop(settings, folder.path()).build();
        match built {
            Ok(_) => assert!(open, "{settings}"),
            Err(error) => {
                let error = error.to_string();
                assert!(!open && error.contains("insecure_"), "{settings}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_listener_beyond_this_machine_is_not_served_either() {
    let server = shop("", Path::new("")).build().unwrap();
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let served = server
        .serve_with_listener(listener, std::future::pending())
        .await;
    let error = served.unwrap_err().to_string();
    assert!(error.contains("insecure_listen_beyond_loopback"), "{error}");
}
