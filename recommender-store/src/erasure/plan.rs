//! What an erasure is to do, and how far it has come.

use std::path::PathBuf;

use recommender_core::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::digits::hex;
use crate::erasure::models::{ErasedModel, ModelPlan};
use crate::erasure::receipt::{ErasedExport, ErasureReceipt};
use crate::error::{Result, StoreError};
use crate::identity::Identifier;
use crate::record::Fact;

/// Whom to forget, and where else something of her may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureRequest {
    /// One of her identifiers: everything of the person is forgotten.
    pub identifier: Identifier,
    /// Who asked for it.
    pub by: String,
    /// Why. The receipt shows it: it must not name her.
    pub reason: String,
    /// Directories of exports to take her out of.
    pub exports: Vec<PathBuf>,
    /// Directories of artefacts to take her out of.
    pub artefacts: Vec<PathBuf>,
    /// Backups that are kept, for the receipt.
    pub retained_backups: Vec<String>,
}

impl ErasureRequest {
    /// Forget the person of `identifier`.
    #[must_use]
    pub fn new(identifier: Identifier, by: &str) -> Self {
        Self {
            identifier,
            by: by.to_owned(),
            reason: String::new(),
            exports: Vec::new(),
            artefacts: Vec::new(),
            retained_backups: Vec::new(),
        }
    }
}

/// What an erasure is to do, and how far it has come: kept from before its first step until after its last. It names
/// the person, and is forgotten with her.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) salt: String,
    pub(crate) requested_time: Timestamp,
    pub(crate) by: String,
    pub(crate) reason: String,
    pub(crate) subject: Identifier,
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) exports: Vec<PathBuf>,
    pub(crate) models: Vec<ModelPlan>,
    pub(crate) retained_backups: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) forgotten: bool,
    pub(crate) erased_exports: Vec<ErasedExport>,
    pub(crate) erased_models: Vec<ErasedModel>,
}

/// How much there was of her.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    pub(crate) links: u64,
    pub(crate) consents: u64,
    pub(crate) audit_records: u64,
}

/// Before the id in the key of a plan.
const OPEN: &str = "open ";

/// Before the id in the key of a receipt.
const RECEIPT: &str = "receipt ";

/// Random bytes of an id and of a salt.
const RANDOM_BYTES: usize = 16;

impl Plan {
    /// A plan for a person, of whom nothing was looked for yet.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the system gives no random numbers.
    pub(crate) fn new(
        request: &ErasureRequest,
        subject: Identifier,
        now: Timestamp,
    ) -> Result<Self> {
        Ok(Self {
            id: random()?,
            salt: random()?,
            requested_time: now,
            by: request.by.clone(),
            reason: request.reason.clone(),
            subject,
            identifiers: Vec::new(),
            exports: request.exports.clone(),
            models: Vec::new(),
            retained_backups: request.retained_backups.clone(),
            counts: Counts::default(),
            forgotten: false,
            erased_exports: Vec::new(),
            erased_models: Vec::new(),
        })
    }

    pub(crate) fn key(&self) -> String {
        format!("{OPEN}{}", self.id)
    }

    pub(crate) fn receipt_key(&self) -> String {
        format!("{RECEIPT}{}", self.id)
    }

    /// What there is to say when everything is gone.
    pub(crate) fn receipt(&self, now: Timestamp) -> ErasureReceipt {
        ErasureReceipt {
            id: self.id.clone(),
            subject_hash: ErasureReceipt::hash_of(&self.salt, &self.subject),
            by: self.by.clone(),
            reason: self.reason.clone(),
            requested_time: self.requested_time,
            completed_time: now,
            events_deleted: self.counts.events,
            links_deleted: self.counts.links,
            consents_deleted: self.counts.consents,
            audit_records_deleted: self.counts.audit_records,
            exports: self.erased_exports.clone(),
            models: self.erased_models.clone(),
            caches_purged: vec!["identity graph".into(), "consents".into()],
            retained_backups: self.retained_backups.clone(),
            digest: String::new(),
            public_key: None,
            signature: None,
        }
    }
}

/// The plan that a fact of the erasures holds, if it is one that is not finished.
pub(crate) fn open_plan(fact: &Fact) -> Result<Option<Plan>> {
    let open = fact.key.starts_with(OPEN);
    let Some(value) = fact.value.as_deref().filter(|_| open) else {
        return Ok(None);
    };
    let plan = serde_json::from_slice(value);
    plan.map(Some)
        .map_err(|error| StoreError::invalid("erasure", "a plan", error))
}

/// The number of the receipt that a fact of the erasures holds, if it is one.
pub(crate) fn receipt_id(fact: &Fact) -> Option<&str> {
    fact.key.strip_prefix(RECEIPT)
}

fn random() -> Result<String> {
    let mut random = [0; RANDOM_BYTES];
    let filled = SystemRandom::new().fill(&mut random);
    filled.map_err(|_| StoreError::Unavailable {
        what: "the system's random numbers".into(),
        reason: "it gave none".into(),
    })?;
    Ok(hex(&random))
}
