//! Who did what to identities and persons.

use std::sync::atomic::{AtomicU64, Ordering};

use recommender_core::Timestamp;
use recommender_core::events::Consent;
use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};

use crate::digits::hex;
use crate::error::{Result, StoreError};
use crate::identity::{Identifier, Refusal};
use crate::record::{Fact, Table};

/// Something that was done, or refused, to identities and persons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// When.
    pub time: Timestamp,
    /// By whom: a service or a person of the operator.
    #[serde(default)]
    pub by: String,
    /// What.
    pub action: AuditAction,
    /// To whom.
    pub subjects: Vec<Identifier>,
    /// What it rested on.
    #[serde(default)]
    pub evidence: String,
    /// Why it was not done, if it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

/// What can be done to identities and persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// Two identifiers were linked.
    Link,
    /// A link was taken back.
    Unlink,
    /// A person said what may be done with her events.
    Consent(Consent),
    /// Everything about a person was exported.
    Export,
    /// A person was erased: the record names the receipt and nobody.
    Erase,
}

/// Gives audit records keys that no other has.
#[derive(Debug)]
pub(crate) struct AuditKeys {
    process: String,
    next: AtomicU64,
}

impl AuditKeys {
    /// # Errors
    /// [`StoreError::Unavailable`] if the system gives no random numbers.
    pub(crate) fn new() -> Result<Self> {
        let mut random = [0; 8];
        let filled = ring::rand::SystemRandom::new().fill(&mut random);
        filled.map_err(|_| StoreError::Unavailable {
            what: "the system's random numbers".into(),
            reason: "it gave none".into(),
        })?;
        Ok(Self {
            process: hex(&random),
            next: AtomicU64::new(0),
        })
    }

    /// The fact that keeps `record`: its key sorts by time.
    pub(crate) fn fact(&self, record: &AuditRecord) -> Result<Fact> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let key = format!("{:015}-{}-{number}", record.time.0, self.process);
        audit_fact(key, record)
    }
}

/// The fact that keeps `record` under a key of its own: a second one of that key takes its place.
pub(crate) fn audit_fact(key: String, record: &AuditRecord) -> Result<Fact> {
    let value = serde_json::to_vec(record);
    let value = value.map_err(|error| StoreError::invalid("audit record", "a value", error))?;
    Ok(Fact {
        table: Table::Audit,
        key,
        version: 0,
        value: Some(value),
    })
}
