//! Events written per second into PostgreSQL, beside what its bare tables take in the same run.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use postgres::{Client, NoTls};
use recommender_store::postgres::{PostgresConfig, PostgresEngine};
use recommender_store::record::Batch;
use recommender_store::{Engine, Result, StoreError};

use super::ingest::{BATCH, rate, rows, singles};
use super::workload::{SHOP, Workload};

/// Rates of one round, in events a second.
#[derive(Debug, Clone, Copy)]
pub struct Shared {
    /// This store.
    pub ours: f64,
    /// A table of one text under growing numbers, a statement of 1,000 rows and a commit each batch.
    pub bare: f64,
}

/// Events written one by one, each waited for, in events a second.
#[derive(Debug, Clone, Copy)]
pub struct Singles {
    /// One client of this store.
    pub one: f64,
    /// 64 clients of this store.
    pub many: f64,
    /// One connection that inserts into a bare table.
    pub bare: f64,
}

/// A schema of this measurement alone, which is removed at the end.
pub struct Database {
    engine: Arc<dyn Engine>,
    client: Client,
}

const SCHEMA: &str = "recommender_measured";

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(SCHEMA)
    }
}

impl Database {
    /// Makes the schema anew in the database of `url`, which must be reached without encryption.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn open(url: &str) -> Result<Self> {
        let mut client = Client::connect(url, NoTls).map_err(|error| failed(&error))?;
        let sql = format!(
            "DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA};
             CREATE TABLE {SCHEMA}.bare (position bigserial PRIMARY KEY, body text NOT NULL)"
        );
        client.batch_execute(&sql).map_err(|error| failed(&error))?;
        let config = PostgresConfig {
            url: url.into(),
            schema: SCHEMA.into(),
            ..PostgresConfig::default()
        };
        let engine = Arc::new(PostgresEngine::open(&config)?);
        Ok(Self { engine, client })
    }

    /// Rates of `batches` batches of 1,000 each, one after the other in `rounds` rounds.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn batches(&mut self, batches: usize, rounds: usize) -> Result<Vec<Shared>> {
        let mut workload = Workload::new(SHOP, 1);
        let mut found = Vec::new();
        for _ in 0..rounds {
            let drawn: Vec<Batch> = (0..batches).map(|_| workload.batch(BATCH)).collect();
            let texts: Vec<Vec<String>> = drawn.iter().map(texts).collect();
            let ours = rate(batches, || {
                let mut drawn = drawn.into_iter();
                drawn.try_for_each(|batch| self.engine.write(batch)?.wait().map(drop))
            })?;
            let bare = rate(batches, || {
                texts.iter().try_for_each(|texts| self.insert(texts))
            })?;
            found.push(Shared { ours, bare });
        }
        Ok(found)
    }

    /// Rates of `each` single events a client.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn singles(&mut self, each: usize) -> Result<Singles> {
        let one = singles(&self.engine, 1, each)?;
        let many = singles(&self.engine, 64, each)?;
        let texts = texts(&Workload::new(SHOP, 2).batch(each));
        let start = Instant::now();
        for text in texts.chunks(1) {
            self.insert(text)?;
        }
        let bare = each as f64 / start.elapsed().as_secs_f64();
        Ok(Singles { one, many, bare })
    }

    fn insert(&mut self, texts: &[String]) -> Result<()> {
        let sql = format!("INSERT INTO {SCHEMA}.bare (body) SELECT unnest($1::text[])");
        let inserted = self.client.execute(&sql, &[&texts]);
        inserted.map(drop).map_err(|error| failed(&error))
    }

    /// Removes the schema.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn remove(mut self) -> Result<()> {
        drop(self.engine);
        let sql = format!("DROP SCHEMA {SCHEMA} CASCADE");
        let removed = self.client.batch_execute(&sql);
        removed.map_err(|error| failed(&error))
    }
}

fn texts(batch: &Batch) -> Vec<String> {
    let rows = rows(batch).into_iter();
    rows.map(|row| String::from_utf8_lossy(&row).into_owned())
        .collect()
}

fn failed(error: &postgres::Error) -> StoreError {
    StoreError::io(Path::new("bare table"), io::Error::other(error.to_string()))
}
