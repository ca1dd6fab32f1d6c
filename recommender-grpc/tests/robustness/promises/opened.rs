//! A whole server, and connections that note which methods gave an answer.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use recommender_grpc::settings::RawSettings;
use recommender_grpc::{ServerBuilder, server};
use tempfile::TempDir;
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::Service;

use crate::shop::store;

const SETTINGS: &str = "
    import_directory = 'imports'
    export_directory = 'exports'
    snapshot_directory = 'snapshots'
    models_directory = 'models'
    training_threads = 1";

/// A connection that notes which methods gave an answer.
#[derive(Debug, Clone)]
pub(crate) struct Noting {
    channel: Channel,
    answered: Arc<Mutex<BTreeSet<String>>>,
}

impl Service<http::Request<Body>> for Noting {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let answering = self.channel.call(request);
        let answered = Arc::clone(&self.answered);
        Box::pin(async move {
            let response = answering.await?;
            // A call that is refused says so in its head.
            if !response.headers().contains_key("grpc-status") {
                answered.lock().unwrap().insert(path);
            }
            Ok(response)
        })
    }
}

/// A server of the shop with all that it can keep, until this is dropped.
pub(crate) struct Opened {
    /// To the services for everyone.
    pub(crate) main: Noting,
    /// To that for those who operate the server.
    pub(crate) admin: Noting,
    dir: TempDir,
}

impl Opened {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["imports", "exports", "snapshots", "models"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let made = tokio::task::spawn_blocking(move || (store(&dir), dir));
        let (store, dir) = made.await.unwrap();
        let mut raw = RawSettings::default();
        raw.add_toml(SETTINGS, "test", dir.path());
        let server = ServerBuilder::new(raw.resolve().unwrap()).with_store(store);
        let (main, admin) = (listener().await, listener().await);
        let addresses = [&main, &admin].map(|it| it.local_addr().unwrap());
        let server = server.build().unwrap().with_admin_listener(admin);
        tokio::spawn(server.serve_with_listener(main, std::future::pending()));
        let answered = Arc::default();
        let [main, admin] = addresses;
        Self {
            main: connect(main, &answered).await,
            admin: connect(admin, &answered).await,
            dir,
        }
    }

    /// A file or directory of the server.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Paths of the methods that gave an answer.
    pub(crate) fn answered(&self) -> BTreeSet<String> {
        self.main.answered.lock().unwrap().clone()
    }
}

async fn listener() -> tokio::net::TcpListener {
    server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

async fn connect(address: std::net::SocketAddr, answered: &Arc<Mutex<BTreeSet<String>>>) -> Noting {
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    Noting {
        channel: endpoint.connect().await.unwrap(),
        answered: Arc::clone(answered),
    }
}

/// Whether some file below `directory` holds `text`, or has it in its name.
pub(crate) fn holds(directory: &Path, text: &str) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        // A merge beside this may have taken a file away meanwhile.
        let bytes = std::fs::read(&path).unwrap_or_default();
        let mut windows = bytes.windows(text.len());
        path.to_string_lossy().contains(text) || windows.any(|window| window == text.as_bytes())
    })
}
