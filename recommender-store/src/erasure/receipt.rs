//! The signed word that a person was forgotten.

use std::path::PathBuf;

use recommender_core::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::digits::hex;
use crate::erasure::models::ErasedModel;
use crate::erasure::signing::{SigningKey, is_signed};
use crate::error::{Result, StoreError};
use crate::identity::Identifier;

/// What went of a person, and the word of the operator that it did. It names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureReceipt {
    /// Its number, which tells nothing of her.
    pub id: String,
    /// SHA-256 of the salt she was given and the identifier that was asked to be erased, in hexadecimal digits: with
    /// the salt she can show that it is hers, and without it nobody can find out whose it is.
    pub subject_hash: String,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub requested_time: Timestamp,
    /// When everything was gone.
    pub completed_time: Timestamp,
    /// How many events went from the log.
    pub events_deleted: u64,
    /// How many links between her identifiers, those taken back included.
    pub links_deleted: u64,
    /// How many records of what she agreed to.
    pub consents_deleted: u64,
    /// How many audit records that named her.
    pub audit_records_deleted: u64,
    /// What went from exports.
    pub exports: Vec<ErasedExport>,
    /// What became of the models that had learned from her.
    pub models: Vec<ErasedModel>,
    /// What held something of her in memory only.
    pub caches_purged: Vec<String>,
    /// Backups that may still hold her, as the operator named them: they go when they expire, and whoever restores one
    /// must erase her again.
    pub retained_backups: Vec<String>,
    /// SHA-256 of everything above, in hexadecimal digits.
    #[serde(default)]
    pub digest: String,
    /// Public key of the signature, in hexadecimal digits; none if receipts are not signed.
    #[serde(default)]
    pub public_key: Option<String>,
    /// Signature of the digest by Ed25519, in hexadecimal digits.
    #[serde(default)]
    pub signature: Option<String>,
}

/// What went from an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedExport {
    /// The directory of the export.
    pub directory: PathBuf,
    /// How many events. Of an interrupted erasure those that went before the interruption are not counted.
    pub events: u64,
    /// How many files are gone or have been written anew.
    pub files: u64,
}

/// A receipt, and what only the person is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// What the operator keeps.
    pub receipt: ErasureReceipt,
    /// What the operator does not keep: with it the receipt can be shown to be hers.
    pub salt: String,
}

impl ErasureReceipt {
    /// The hash of a person's identifier under a salt.
    #[must_use]
    pub fn hash_of(salt: &str, identifier: &Identifier) -> String {
        let text = format!("{salt} {identifier}");
        hex(digest(&SHA256, text.as_bytes()).as_ref())
    }

    /// Whether its digest is that of what it says, and the signature, if it has one, that of its public key. Whose
    /// that is the reader must know.
    #[must_use]
    pub fn is_genuine(&self) -> bool {
        let Ok(digest) = self.digest_of_content() else {
            return false;
        };
        let signed = match (&self.signature, &self.public_key) {
            (None, None) => true,
            (Some(signature), Some(key)) => is_signed(&digest, signature, key),
            _ => false,
        };
        signed && digest == self.digest
    }

    /// The receipt with its digest, and signed if there is a key.
    pub(crate) fn sealed(mut self, key: Option<&SigningKey>) -> Result<Self> {
        self.digest = self.digest_of_content()?;
        self.public_key = key.map(SigningKey::public_key);
        self.signature = key.map(|key| key.sign(&self.digest));
        Ok(self)
    }

    fn digest_of_content(&self) -> Result<String> {
        let content = Self {
            digest: String::new(),
            public_key: None,
            signature: None,
            ..self.clone()
        };
        let text = serde_json::to_vec(&content);
        let text = text.map_err(|error| StoreError::invalid("receipt", "a text", error))?;
        Ok(hex(digest(&SHA256, &text).as_ref()))
    }
}
