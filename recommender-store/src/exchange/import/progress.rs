//! How far the import of a file has come: a fact of the store, gone when the file is done.

use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::error::{Result, StoreError};
use crate::record::{Fact, Table};

/// First part of the keys.
const PREFIX: &str = "import/";

/// What is on disk of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Done {
    /// Rows up to this one, counted from 1, are done.
    pub(super) rows: u64,
    /// Events that were new.
    pub(super) stored: u64,
    /// Events whose id the log had already.
    pub(super) duplicates: u64,
}

/// The key of a file, by its digest and by how it is read: read otherwise, it is not done yet.
pub(super) fn key(digest: &str, reading: &str) -> String {
    format!("{PREFIX}{digest}/{reading}")
}

/// What is done of the file of `key`.
///
/// # Errors
/// If the facts can't be read.
pub(super) fn read(engine: &dyn Engine, key: &str) -> Result<Done> {
    for stored in engine.facts(Table::Transfer)? {
        let fact = stored?.fact;
        if fact.key != key {
            continue;
        }
        let value = fact.value.unwrap_or_default();
        return serde_json::from_slice(&value).map_err(|error| {
            let expected = "how far an import came";
            StoreError::invalid(format!("fact {key}"), expected, error)
        });
    }
    Ok(Done::default())
}

/// The fact that says how far the file has come, or that it is done. The last one written stands.
///
/// # Errors
/// None that can come up: numbers always are JSON.
pub(super) fn fact(key: &str, done: Option<Done>) -> Result<Fact> {
    let text = |done| {
        let text = serde_json::to_vec(&done);
        text.map_err(|error| recommender_core::Error::Internal(error.to_string()))
    };
    Ok(Fact {
        table: Table::Transfer,
        key: key.to_owned(),
        version: 0,
        value: done.map(text).transpose()?,
    })
}
