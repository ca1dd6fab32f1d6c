//! Taking down what persons agreed to.

use crate::audit::{AuditAction, AuditRecord};
use crate::error::Result;
use crate::identity::Identifier;
use crate::privacy::ConsentRecord;
use crate::record::{Batch, FactOutcome, Table};
use crate::store::Store;
use crate::store::state::fact;
use crate::store::writing::Writing;

impl Store {
    /// Takes down what a person said under one of her identifiers. Of all she said, the latest by its time counts, for
    /// all of her events; the outcome is stale if something later is known of the identifier.
    ///
    /// # Errors
    /// [`StoreError::Invalid`](crate::StoreError::Invalid) if its time is ahead; as
    /// [`Engine::write`](crate::Engine::write).
    pub fn set_consent(
        &self,
        identifier: &Identifier,
        record: ConsentRecord,
    ) -> Result<Writing<FactOutcome>> {
        let shared = &self.0;
        shared.check_time("a consent", record.time)?;
        let identifier = shared.replaced(identifier)?;
        let mut consent = fact(Table::Consent, identifier.to_string(), &record)?;
        consent.version = record.time.0;
        let audit = shared.audit.fact(&AuditRecord {
            time: shared.now(),
            by: record.by,
            action: AuditAction::Consent(record.consent),
            subjects: vec![identifier],
            evidence: record.evidence,
            refused: None,
        })?;
        let batch = Batch {
            facts: vec![consent, audit],
            ..Batch::default()
        };
        let outcome = |outcomes: &[FactOutcome]| outcomes.first().copied();
        shared.write(batch, move |written| {
            outcome(&written.facts).unwrap_or(FactOutcome::Stale)
        })
    }

    /// What the person of an identifier said last under any of hers.
    ///
    /// # Errors
    /// If the key can't be replaced by a pseudonym.
    pub fn consent(&self, identifier: &Identifier) -> Result<recommender_core::events::Consent> {
        let identifier = self.0.replaced(identifier)?;
        Ok(self.0.consent_of([&identifier]))
    }
}
