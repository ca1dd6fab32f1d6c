//! Small documents of the service that stands on a store: its serving configs, controls, models and evaluations. The
//! store keeps them and shares them between servers; what they mean is the service's own business.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Result, StoreError};
use crate::record::{Batch, Fact, Table};
use crate::stamp::{Slot, Stamp};
use crate::store::Store;
use crate::store::state::{fact, removal};
use crate::store::writing::Writing;

/// The tables that hold documents.
pub(super) const DOCUMENTS: [Table; 4] = [
    Table::ServingConfig,
    Table::Control,
    Table::Model,
    Table::Evaluation,
];

/// Documents by table and key.
#[derive(Debug, Default)]
pub(super) struct Documents {
    held: BTreeMap<(u8, String), Slot<Arc<[u8]>>>,
    changes: u64,
}

impl Documents {
    pub(super) fn apply(&mut self, fact: &Fact, stamp: Stamp) {
        let slot = self.held.entry((fact.table.code(), fact.key.clone()));
        let value = fact.value.as_deref().map(Arc::from);
        self.changes += u64::from(slot.or_default().put(stamp, value));
    }

    fn of(&self, table: Table) -> impl Iterator<Item = (&str, &Arc<[u8]>)> {
        let code = table.code();
        let from = self.held.range((code, String::new())..);
        from.take_while(move |((table, _), _)| *table == code)
            .filter_map(|((_, key), slot)| Some((key.as_str(), slot.value()?)))
    }
}

impl Store {
    /// Writes the document `key` of `table`: [`Table::ServingConfig`], [`Table::Control`], [`Table::Model`] or
    /// [`Table::Evaluation`]. Of two writers the later one stands.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if the table holds no documents or the document can't be written as JSON; as
    /// [`Engine::write`](crate::Engine::write).
    pub fn put_document(
        &self,
        table: Table,
        key: &str,
        document: &impl Serialize,
    ) -> Result<Writing<()>> {
        check_table(table)?;
        self.write_document(fact(table, key.to_owned(), document)?)
    }

    /// Deletes the document `key` of `table`.
    ///
    /// # Errors
    /// As [`Store::put_document`].
    pub fn delete_document(&self, table: Table, key: &str) -> Result<Writing<()>> {
        check_table(table)?;
        self.write_document(removal(table, key.to_owned()))
    }

    fn write_document(&self, fact: Fact) -> Result<Writing<()>> {
        let batch = Batch {
            facts: vec![fact],
            ..Batch::default()
        };
        self.0.write(batch, |_| ())
    }

    /// The documents of `table` by key, in order of their keys.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] naming the one that can't be read as a `D`.
    pub fn documents<D: DeserializeOwned>(&self, table: Table) -> Result<Vec<(String, D)>> {
        let state = self.0.read();
        let read = |(key, value): (&str, &Arc<[u8]>)| {
            let document = serde_json::from_slice(value).map_err(|error| {
                let what = format!("document \"{key}\" of table {table:?}");
                StoreError::invalid(what, "a document of this table", error)
            })?;
            Ok((key.to_owned(), document))
        };
        state.documents.of(table).map(read).collect()
    }

    /// A number that rises with every change of a document, by this process or, once it is taken in, by another.
    #[must_use]
    pub fn document_changes(&self) -> u64 {
        self.0.read().documents.changes
    }
}

fn check_table(table: Table) -> Result<()> {
    if DOCUMENTS.contains(&table) {
        return Ok(());
    }
    let expected = "a table of documents";
    Err(StoreError::invalid("table", expected, format!("{table:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryEngine;
    use crate::store::StoreConfig;

    fn store(engine: &Arc<MemoryEngine>) -> Store {
        Store::open(Arc::clone(engine) as _, StoreConfig::default()).unwrap()
    }

    #[test]
    fn documents_are_kept_and_shared() {
        let engine = Arc::new(MemoryEngine::default());
        let (one, other) = (store(&engine), store(&engine));
        let before = other.document_changes();
        for key in ["home", "cart"] {
            let write = one.put_document(Table::ServingConfig, key, &key.len());
            write.unwrap().wait().unwrap();
        }
        let rule = one.put_document(Table::Control, "rule", &"text");
        rule.unwrap().wait().unwrap();
        other.refresh().unwrap();
        assert!(other.document_changes() > before);
        let all = |store: &Store| store.documents::<usize>(Table::ServingConfig).unwrap();
        let expected = [("cart".to_owned(), 4), ("home".to_owned(), 4)];
        assert_eq!(all(&one), expected);
        assert_eq!(all(&other), expected);
        let gone = other.delete_document(Table::ServingConfig, "cart");
        gone.unwrap().wait().unwrap();
        assert_eq!(all(&other), expected[1..]);
        assert_eq!(all(&store(&engine)), expected[1..]);
        let error = one.documents::<usize>(Table::Control).unwrap_err();
        assert!(error.to_string().contains("\"rule\""), "{error}");
        assert!(one.put_document(Table::Link, "a", &1).is_err());
    }
}
