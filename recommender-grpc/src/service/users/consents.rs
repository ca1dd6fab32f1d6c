//! What persons agreed to, taken down.

use recommender_store::privacy::ConsentRecord;
use recommender_store::record::FactOutcome;

use super::bound_text;
use crate::answering::Freshness;
use crate::convert::{self, Violations, names};
use crate::proto::{SetConsentRequest, SetConsentResponse};
use crate::security::Caller;
use crate::shop::Shop;
use crate::status::Refusal;

impl Shop {
    pub(super) async fn set_consent(
        &self,
        request: SetConsentRequest,
        by: &Caller,
    ) -> Result<SetConsentResponse, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        let consent = names::consent(request.consent, "consent", &mut wrong);
        bound_text("evidence", &request.evidence, &mut wrong);
        let time = convert::events::timestamp(request.consent_time, "consent_time", &mut wrong);
        let identifier = self.user(&request.name, &mut wrong);
        let (Some(identifier), true) = (identifier, wrong.is_empty()) else {
            return Err(wrong.into());
        };
        let record = ConsentRecord {
            consent: names::stored_consent(consent),
            time: time.unwrap_or_else(|| store.now()),
            by: by.name.to_string(),
            evidence: request.evidence,
        };
        let outcome = store.set_consent(&identifier, record)?.await?;
        Ok(SetConsentResponse {
            stale: outcome == FactOutcome::Stale,
            consent: names::wire_consent(store.consent(&identifier)?).into(),
            freshness_token: Freshness(store.position()).to_string(),
        })
    }
}
