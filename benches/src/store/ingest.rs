//! Events written per second, each batch on disk before the next begins, beside bare engines in the same run.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use recommender_core::events::Event;
use recommender_store::record::Batch;
use recommender_store::{EmbeddedConfig, EmbeddedEngine, Engine, Result, StoreError};
use redb::{Database, TableDefinition};

use super::workload::{SHOP, Workload};

/// Events in a batch.
pub(super) const BATCH: usize = 1_000;

/// One writer's rates, in events a second.
#[derive(Debug, Clone, Copy)]
pub struct Ingest {
    /// This store.
    pub ours: f64,
    /// redb, rows under growing numbers, one commit with quick repair a batch.
    pub redb: f64,
    /// A file that is appended to, one flush to disk a batch.
    pub file: f64,
}

/// Rates of `batches` batches each, one engine after the other in `rounds` rounds.
///
/// # Errors
/// If a disk refuses.
pub fn batches(dir: &Path, batches: usize, rounds: usize) -> Result<Vec<Ingest>> {
    let engine = EmbeddedEngine::open(&dir.join("store"), EmbeddedConfig::default())?;
    let mut file = File::create(dir.join("file")).map_err(|error| StoreError::io(dir, error))?;
    let redb = Redb::open(&dir.join("redb"))?;
    let mut workload = Workload::new(SHOP, 1);
    let mut draw = || -> Vec<Batch> { (0..batches).map(|_| workload.batch(BATCH)).collect() };
    let mut found = Vec::new();
    for round in 0..rounds {
        let drawn = draw();
        let rows: Vec<Vec<Vec<u8>>> = drawn.iter().map(rows).collect();
        let ours = rate(batches, || {
            drawn
                .into_iter()
                .try_for_each(|batch| engine.write(batch)?.wait().map(|_| ()))
        })?;
        let first = round * batches * BATCH;
        let theirs = rate(batches, || {
            let mut at = first as u64;
            rows.iter().try_for_each(|rows| redb.append(&mut at, rows))
        })?;
        let bare = rate(batches, || {
            rows.iter()
                .try_for_each(|rows| append(&mut file, rows))
                .map_err(|error| StoreError::io(dir, error))
        })?;
        found.push(Ingest {
            ours,
            redb: theirs,
            file: bare,
        });
    }
    Ok(found)
}

pub(super) fn rate(batches: usize, write: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    write()?;
    Ok((batches * BATCH) as f64 / start.elapsed().as_secs_f64())
}

/// Each event as a row of text: what a bare engine is given, made before the clock starts.
pub(super) fn rows(batch: &Batch) -> Vec<Vec<u8>> {
    let text = |event: &Event| {
        let Event {
            id, visitor, item, ..
        } = event;
        format!(
            "{id:?} {visitor} {item:?} {} {:?} {:?} {:?}",
            event.kind, event.place, event.time, event.session
        )
    };
    batch
        .events
        .iter()
        .map(|event| text(event).into_bytes())
        .collect()
}

fn append(file: &mut File, rows: &[Vec<u8>]) -> io::Result<()> {
    file.write_all(&rows.concat())?;
    file.sync_data()
}

/// redb as a log.
struct Redb(Database);

const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

impl Redb {
    fn open(path: &Path) -> Result<Self> {
        let database = Database::create(path).map_err(|error| failed(path, &error))?;
        Ok(Self(database))
    }

    fn append(&self, at: &mut u64, rows: &[Vec<u8>]) -> Result<()> {
        let mut commit = || -> Result<(), redb::Error> {
            let mut write = self.0.begin_write()?;
            write.set_quick_repair(true);
            let mut table = write.open_table(LOG)?;
            for row in rows {
                table.insert(*at, row.as_slice())?;
                *at += 1;
            }
            drop(table);
            write.commit()?;
            Ok(())
        };
        commit().map_err(|error| failed(Path::new("redb"), &error))
    }
}

fn failed(path: &Path, error: &impl ToString) -> StoreError {
    StoreError::io(path, io::Error::other(error.to_string()))
}

/// Single events written by `clients` that each wait for every one, as the tasks of a service do: events a second of
/// all together.
///
/// # Errors
/// If the engine refuses.
pub fn singles(engine: &Arc<dyn Engine>, clients: u64, each: usize) -> Result<f64> {
    let none = Path::new("threads");
    let runtime = tokio::runtime::Runtime::new().map_err(|error| StoreError::io(none, error))?;
    let start = Instant::now();
    let write = |client: u64| {
        let engine = Arc::clone(engine);
        async move {
            // Events of one client are of other ids than those of any other, in this call or another.
            let mut workload = Workload::new(SHOP, clients << 32 | client);
            for _ in 0..each {
                engine.write(workload.batch(1))?.await?;
            }
            Ok::<(), StoreError>(())
        }
    };
    let tasks: Vec<_> = (0..clients)
        .map(|client| runtime.spawn(write(client)))
        .collect();
    for task in tasks {
        let failed = |error| StoreError::io(none, io::Error::other(error));
        runtime.block_on(task).map_err(failed)??;
    }
    Ok(clients as f64 * each as f64 / start.elapsed().as_secs_f64())
}
