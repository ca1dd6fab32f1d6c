//! Receipts of erasures as the wire says them.

use recommender_store::erasure::{ErasedModel, ErasureMethod, ErasureReceipt};

use crate::convert::events::wire_time;
use crate::proto::{self, ErasedModelVersion};
use crate::resource::name_of;

/// The collection of receipts in resource names.
pub(crate) const RECEIPTS: &str = "erasureReceipts";

/// The receipt as callers are given it.
pub(crate) fn receipt(receipt: ErasureReceipt, catalog: &str) -> proto::ErasureReceipt {
    proto::ErasureReceipt {
        name: name_of(catalog, RECEIPTS, &receipt.id),
        genuine: receipt.is_genuine(),
        signed_text: signed_text(&receipt),
        subject_hash: receipt.subject_hash,
        requested_by: receipt.by,
        reason: receipt.reason,
        requested_time: Some(wire_time(receipt.requested_time)),
        completed_time: Some(wire_time(receipt.completed_time)),
        events_deleted: receipt.events_deleted,
        links_deleted: receipt.links_deleted,
        consents_deleted: receipt.consents_deleted,
        audit_records_deleted: receipt.audit_records_deleted,
        caches_purged: receipt.caches_purged,
        model_versions_affected: receipt.models.into_iter().map(model).collect(),
        retained_backups: receipt.retained_backups,
        digest: receipt.digest,
        public_key: receipt.public_key.unwrap_or_default(),
        signature: receipt.signature.unwrap_or_default(),
    }
}

/// The text whose digest the receipt bears.
fn signed_text(receipt: &ErasureReceipt) -> String {
    let content = ErasureReceipt {
        digest: String::new(),
        public_key: None,
        signature: None,
        ..receipt.clone()
    };
    // Texts, numbers and lists of them always are JSON.
    serde_json::to_string(&content).unwrap_or_default()
}

fn model(model: ErasedModel) -> ErasedModelVersion {
    let method = match model.method {
        ErasureMethod::Downdated => proto::ErasureMethod::Downdated,
        ErasureMethod::Retrained => proto::ErasureMethod::Retrained,
        ErasureMethod::PendingRetrain => proto::ErasureMethod::PendingRetrain,
    };
    ErasedModelVersion {
        artefact: model.artefact.display().to_string(),
        version: model.version,
        new_version: model.new_version,
        method: method.into(),
    }
}
