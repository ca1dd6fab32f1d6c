//! Persons forgotten, and the word that they were.

use recommender_core::Engine;
use recommender_store::erasure::ErasureRequest;
use tokio::time::Instant;

use super::bound_text;
use crate::convert::receipts::{self, RECEIPTS};
use crate::convert::{self, List, Violations};
use crate::operations::Progress;
use crate::proto::longrunning::Operation;
use crate::proto::{
    EraseUserRequest, EraseUserResponse, ErasureReceipt, GetErasureReceiptRequest,
    ListErasureReceiptsRequest, ListErasureReceiptsResponse,
};
use crate::security::Caller;
use crate::shop::Shop;
use crate::status::Refusal;

/// Most backups that a receipt names.
const MAX_BACKUPS: usize = 100;

impl Shop {
    pub(super) fn erase(
        &self,
        request: EraseUserRequest,
        by: &Caller,
    ) -> Result<Operation, Refusal> {
        let store = self.store()?.clone();
        let mut wrong = Violations::default();
        bound_text("reason", &request.reason, &mut wrong);
        let backups = &request.retained_backups;
        wrong.bound("retained_backups", backups.len(), MAX_BACKUPS);
        for (number, backup) in backups.iter().take(MAX_BACKUPS).enumerate() {
            bound_text(&format!("retained_backups[{number}]"), backup, &mut wrong);
        }
        let identifier = self.user(&request.name, &mut wrong);
        let (Some(identifier), true) = (identifier, wrong.is_empty()) else {
            return Err(wrong.into());
        };
        let mut erasure = ErasureRequest {
            reason: request.reason,
            retained_backups: request.retained_backups,
            ..ErasureRequest::new(identifier, &by.name)
        };
        let (registry, catalog) = (self.registry.clone(), self.catalog.clone());
        let work = move |progress: &Progress| {
            progress.stage("forgetting");
            let models = registry.begin_erasure()?;
            erasure.artefacts = models.artefacts().to_vec();
            let retrain = |old: &Engine| {
                progress.stage("fitting a model anew");
                models.retrain(old)
            };
            let done = store.erase(&erasure, &retrain)?;
            progress.stage("loading models");
            models.finish(&done.receipt.models)?;
            Ok(EraseUserResponse {
                receipt: Some(receipts::receipt(done.receipt, &catalog)),
                salt: done.salt,
            })
        };
        // Whom it is about is nobody's business but the caller's.
        let target = format!("catalogs/{}", self.catalog);
        self.operations.begin("EraseUser", target, work)
    }

    pub(super) async fn receipt(
        &self,
        request: &GetErasureReceiptRequest,
        deadline: Instant,
    ) -> Result<ErasureReceipt, Refusal> {
        let mut wrong = Violations::default();
        let id = convert::id_in(
            ("name", &request.name),
            (&self.catalog, RECEIPTS),
            &mut wrong,
        );
        let id = wrong.or(id)?;
        let all = self.all_receipts(deadline).await?;
        let found = all.into_iter().find(|receipt| receipt.id == id);
        let found = found.ok_or_else(|| Refusal::NotFound {
            resource_type: "recommender.v1.ErasureReceipt",
            name: request.name.clone(),
        })?;
        Ok(receipts::receipt(found, &self.catalog))
    }

    pub(super) async fn receipts(
        &self,
        request: &ListErasureReceiptsRequest,
        deadline: Instant,
    ) -> Result<ListErasureReceiptsResponse, Refusal> {
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.catalog, &mut wrong);
        let asked = (request.page_size, request.page_token.as_str());
        let list = List::of("erasureReceipts", [request.parent.as_bytes()]);
        let page = convert::page(asked, list, &mut wrong);
        let page = wrong.or(page)?;
        let mut all = self.all_receipts(deadline).await?;
        all.sort_by(|a, b| a.id.cmp(&b.id));
        let (listed, next_page_token) = page.of_all(all, |receipt| &receipt.id);
        let listed = listed.into_iter();
        let listed = listed.map(|receipt| receipts::receipt(receipt, &self.catalog));
        Ok(ListErasureReceiptsResponse {
            erasure_receipts: listed.collect(),
            next_page_token,
        })
    }

    async fn all_receipts(
        &self,
        deadline: Instant,
    ) -> Result<Vec<recommender_store::erasure::ErasureReceipt>, Refusal> {
        let store = self.store()?.clone();
        let read = move |_: &crate::workers::Caller| store.erasure_receipts();
        Ok(self.background.run(deadline, read).await??)
    }
}
