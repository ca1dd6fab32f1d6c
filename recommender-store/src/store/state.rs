//! What the facts mean, in memory.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::catalog::{Catalogue, Place, ProductRecord};
use crate::error::{Result, StoreError};
use crate::identity::{Identifier, IdentityGraph, Link};
use crate::privacy::{ConsentBook, ConsentRecord};
use crate::record::{Fact, Position, Table};
use crate::stamp::Stamp;
use crate::store::documents::Documents;
use crate::store::hearing::Heard;
use crate::store::leases::Leases;

/// Tables whose facts are held in memory.
pub(super) const HELD: [Table; 11] = [
    Table::Erasure,
    Table::Product,
    Table::Stock,
    Table::Place,
    Table::Link,
    Table::Consent,
    Table::ServingConfig,
    Table::Control,
    Table::Model,
    Table::Evaluation,
    Table::Lease,
];

/// What the facts mean.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) identity: IdentityGraph,
    pub(super) catalogue: Catalogue,
    pub(super) consents: ConsentBook,
    pub(super) documents: Documents,
    pub(super) leases: Leases,
    /// Up to where the facts of other processes were taken in.
    pub(super) cursor: Position,
    /// Erasures that this state has heard of.
    pub(super) erased: FxHashSet<String>,
    /// Who is being erased, by the number of the erasure.
    pub(super) being_erased: FxHashMap<String, Vec<Identifier>>,
    /// Whom other processes have erased, and who may still be known here.
    pub(super) heard: Vec<Heard>,
}

impl State {
    /// Takes in a fact that was written at `position`, in any order of arrival.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] naming the fact if its key or value is not one of its table.
    pub(super) fn apply(&mut self, fact: &Fact, position: Position) -> Result<()> {
        let stamp = Stamp {
            version: fact.version,
            position,
        };
        match fact.table {
            Table::Product => {
                let product: Option<ProductRecord> = value_of(fact)?;
                self.catalogue.apply_product(&fact.key, product, stamp);
            }
            Table::Place => {
                let place: Option<Place> = value_of(fact)?;
                self.catalogue.apply_place(&fact.key, place, stamp);
            }
            Table::Stock => {
                let value = fact.value.as_deref();
                self.catalogue.apply_stock(&fact.key, value, stamp)?;
            }
            Table::Link => {
                let (a, b) = pair_of(&fact.key)?;
                let link: Option<Option<Link>> = value_of(fact)?;
                self.identity.apply((&a, &b), link.flatten(), stamp);
            }
            Table::Consent => {
                let of: Identifier = fact.key.parse()?;
                let record: Option<ConsentRecord> = value_of(fact)?;
                self.consents.apply(&of, record, stamp);
            }
            Table::Erasure => self.hear_of_erasure(fact),
            Table::ServingConfig | Table::Control | Table::Model | Table::Evaluation => {
                self.documents.apply(fact, stamp);
            }
            Table::Lease => self.leases.apply(&fact.key, value_of(fact)?, stamp),
            Table::Audit | Table::Transfer => {}
        }
        Ok(())
    }
}

/// Parts the two sides in the key of a link; an identifier has no such character.
const SEPARATOR: char = '\u{1f}';

/// The fact that there is no link between two identifiers any more. It has a value, so that it is found when one of
/// them is to be forgotten.
pub(super) fn unlinked(pair: (&Identifier, &Identifier)) -> Result<Fact> {
    fact(Table::Link, link_key(pair), &None::<Link>)
}

/// The key of the link between two identifiers.
pub(super) fn link_key((a, b): (&Identifier, &Identifier)) -> String {
    let (a, b) = if a <= b { (a, b) } else { (b, a) };
    format!("{a}{SEPARATOR}{b}")
}

pub(super) fn pair_of(key: &str) -> Result<(Identifier, Identifier)> {
    let Some((a, b)) = key.split_once(SEPARATOR) else {
        return Err(StoreError::invalid("key of a link", "two identifiers", key));
    };
    Ok((a.parse()?, b.parse()?))
}

/// The value of a fact, if it has one.
pub(super) fn value_of<V: DeserializeOwned>(fact: &Fact) -> Result<Option<V>> {
    let read = fact.value.as_deref().map(serde_json::from_slice);
    read.transpose().map_err(|error| {
        let what = format!("fact \"{}\" of table {:?}", fact.key, fact.table);
        StoreError::invalid(what, "a value of this table", error)
    })
}

/// The fact that `key` of `table` has `value` from now on.
pub(super) fn fact(table: Table, key: String, value: &impl Serialize) -> Result<Fact> {
    let value = serde_json::to_vec(value);
    let value = value.map_err(|error| StoreError::invalid(&key, "a value", error))?;
    Ok(Fact {
        table,
        key,
        version: 0,
        value: Some(value),
    })
}

/// The fact that `key` of `table` has no value any more.
pub(super) fn removal(table: Table, key: String) -> Fact {
    Fact {
        table,
        key,
        version: 0,
        value: None,
    }
}
