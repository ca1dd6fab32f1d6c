//! The engines, each with two servers on the same records.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use postgres::{Client, NoTls};
use recommender_store::postgres::{PostgresConfig, PostgresEngine};
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Engine, MemoryEngine};
use tempfile::TempDir;

use crate::server::{Binaries, Server, occurrences};

/// Where servers share records.
pub(crate) trait Ground: Send + Sync {
    /// Two servers on new records.
    fn open(&self) -> Servers;
}

/// Two servers' engines on the same records, which are gone when it is dropped.
pub(crate) struct Servers {
    pub(crate) engines: [Arc<dyn Engine>; 2],
    /// Where exports, artefacts and keys may lie.
    pub(crate) root: TempDir,
    records: Records,
}

/// Where an engine keeps its records.
enum Records {
    Memory,
    Files(PathBuf),
    Database { url: String, files: PathBuf },
}

impl Servers {
    fn new(engines: [Arc<dyn Engine>; 2], records: Records) -> Self {
        Self {
            engines,
            root: tempfile::tempdir().unwrap(),
            records,
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// How often `text` stands in what the engine keeps.
    pub(crate) fn occurrences(&self, text: &str) -> usize {
        match &self.records {
            Records::Memory => format!("{:?}", self.engines[0]).matches(text).count(),
            Records::Files(files) => occurrences(files, text),
            Records::Database { url, files } => {
                let mut client = Client::connect(url, NoTls).unwrap();
                client.batch_execute("CHECKPOINT").unwrap();
                occurrences(files, text)
            }
        }
    }
}

/// Records in memory: both servers are in one process.
pub(crate) struct Memory;

impl Ground for Memory {
    fn open(&self) -> Servers {
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
        Servers::new([Arc::clone(&engine), engine], Records::Memory)
    }
}

/// A directory, which is one process's alone.
pub(crate) struct Embedded;

impl Ground for Embedded {
    fn open(&self) -> Servers {
        let root = tempfile::tempdir().unwrap();
        let files = root.path().join("data");
        let config = EmbeddedConfig {
            memory_events: 40,
            ..EmbeddedConfig::default()
        };
        let engine: Arc<dyn Engine> = Arc::new(EmbeddedEngine::open(&files, config).unwrap());
        Servers {
            engines: [Arc::clone(&engine), engine],
            root,
            records: Records::Files(files),
        }
    }
}

/// Databases of one PostgreSQL server, which is started when it is first needed; both servers have connections of their
/// own.
pub(crate) struct Postgres {
    binaries: Binaries,
    server: OnceLock<Server>,
}

impl Postgres {
    /// The ground, or why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        let binaries = Binaries::find()?;
        let server = OnceLock::new();
        Ok(Self { binaries, server })
    }
}

impl Ground for Postgres {
    fn open(&self) -> Servers {
        let start = || Server::start(self.binaries.clone());
        let server = self.server.get_or_init(start);
        let (config, files) = new_database(server);
        let engine = || Arc::new(PostgresEngine::open(&config).unwrap()) as Arc<dyn Engine>;
        let url = config.url.clone();
        Servers::new([engine(), engine()], Records::Database { url, files })
    }
}

/// A database with nothing in it, and where its tables are: a test that looks for a key there finds no other test's.
fn new_database(server: &Server) -> (PostgresConfig, PathBuf) {
    let mut config = server.config();
    let mut client = Client::connect(&config.url, NoTls).unwrap();
    let name = config.schema.clone();
    client
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .unwrap();
    let sql = "SELECT oid::text FROM pg_database WHERE datname = $1";
    let oid: String = client.query_one(sql, &[&name]).unwrap().get(0);
    config.url = config
        .url
        .replace("dbname=postgres", &format!("dbname={name}"));
    (config, server.files().with_file_name(oid))
}
