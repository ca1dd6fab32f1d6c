//! The engine that keeps a directory, with files so small that all sorts of them come about.

use std::path::Path;
use std::sync::Arc;

use recommender_store::embedded::restore;
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Engine};
use tempfile::TempDir;

use crate::bench::{Bench, Stand};

/// Opens directories.
pub(crate) struct EmbeddedBench;

/// A directory with its engine.
struct Directory {
    dir: TempDir,
    engine: Option<Arc<EmbeddedEngine>>,
}

/// Few events in memory, so that tests meet files, merges and journals read back.
fn config() -> EmbeddedConfig {
    EmbeddedConfig {
        memory_events: 7,
        journal_bytes: 4 << 10,
        max_segment_events: 60,
        ..EmbeddedConfig::default()
    }
}

impl Directory {
    fn open(dir: TempDir) -> Box<dyn Stand> {
        let mut directory = Self { dir, engine: None };
        directory.reopen();
        Box::new(directory)
    }

    fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }
}

impl Bench for EmbeddedBench {
    fn open(&self) -> Box<dyn Stand> {
        Directory::open(tempfile::tempdir().unwrap())
    }

    fn sequences(&self) -> u32 {
        60
    }
}

impl Stand for Directory {
    fn engine(&self) -> Arc<dyn Engine> {
        let engine = self.engine.as_ref().unwrap();
        Arc::clone(engine) as Arc<dyn Engine>
    }

    fn reopen(&mut self) {
        self.engine = None;
        let engine = EmbeddedEngine::open(&self.data(), config()).unwrap();
        self.engine = Some(Arc::new(engine));
    }

    fn restore(&self, snapshot: &Path) -> Box<dyn Stand> {
        let dir = tempfile::tempdir().unwrap();
        restore(snapshot, &dir.path().join("data")).unwrap();
        Directory::open(dir)
    }
}
