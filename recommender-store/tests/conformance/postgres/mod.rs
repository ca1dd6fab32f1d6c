//! PostgreSQL: one server for all tests, a schema for each.

pub(crate) mod server;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use recommender_store::Engine;
use recommender_store::postgres::{PostgresConfig, PostgresEngine, restore};

use self::server::{Binaries, Server};
use crate::bench::{Bench, Stand};

/// Opens engines on one server, which is started when it is first needed.
pub(crate) struct PostgresBench {
    binaries: Binaries,
    server: OnceLock<Arc<Server>>,
}

impl PostgresBench {
    /// A bench, or why there can be none.
    pub(crate) fn find() -> Result<Arc<Self>, String> {
        let binaries = Binaries::find()?;
        let server = OnceLock::new();
        Ok(Arc::new(Self { binaries, server }))
    }

    pub(crate) fn server(&self) -> Arc<Server> {
        let start = || Arc::new(Server::start(self.binaries.clone()));
        Arc::clone(self.server.get_or_init(start))
    }
}

impl Bench for PostgresBench {
    fn open(&self) -> Box<dyn Stand> {
        Box::new(PostgresStand::open(self.server()))
    }

    fn sequences(&self) -> u32 {
        24
    }
}

/// A schema with an engine on it.
pub(crate) struct PostgresStand {
    server: Arc<Server>,
    config: PostgresConfig,
    engine: Option<Arc<PostgresEngine>>,
}

impl PostgresStand {
    fn open(server: Arc<Server>) -> Self {
        let config = server.config();
        Self::of(server, config)
    }

    fn of(server: Arc<Server>, config: PostgresConfig) -> Self {
        let engine = Some(Arc::new(PostgresEngine::open(&config).unwrap()));
        Self {
            server,
            config,
            engine,
        }
    }
}

impl Stand for PostgresStand {
    fn engine(&self) -> Arc<dyn Engine> {
        let engine = self.engine.as_ref().unwrap();
        Arc::<PostgresEngine>::clone(engine)
    }

    fn reopen(&mut self) {
        self.engine = None;
        self.engine = Some(Arc::new(PostgresEngine::open(&self.config).unwrap()));
    }

    fn restore(&self, snapshot: &Path) -> Box<dyn Stand> {
        let config = self.server.config();
        restore(snapshot, &config).unwrap();
        Box::new(Self::of(Arc::clone(&self.server), config))
    }
}
