//! Identifiers linked and unlinked.

use recommender_store::identity::{Identifier, Link, LinkOutcome as Outcome};

use super::bound_text;
use crate::answering::Freshness;
use crate::convert::{self, Violations, identities};
use crate::proto::{
    IdentityLink, LinkIdentitiesRequest, LinkIdentitiesResponse, LinkOutcome,
    UnlinkIdentitiesRequest, UnlinkIdentitiesResponse,
};
use crate::security::Caller;
use crate::shop::Shop;
use crate::status::Refusal;

impl Shop {
    pub(super) async fn link(
        &self,
        request: LinkIdentitiesRequest,
        by: &Caller,
    ) -> Result<LinkIdentitiesResponse, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.catalog, &mut wrong);
        bound_text("evidence", &request.evidence, &mut wrong);
        let since = convert::events::timestamp(request.valid_from, "valid_from", &mut wrong);
        let ids = identities::of_externals(&request.ids, "ids", &mut wrong);
        if request.ids.len() < 2 {
            let found = format!("expected at least two, found {}", request.ids.len());
            wrong.add("ids", found);
        }
        check_unique(&ids, &mut wrong);
        wrong.or(())?;
        let since = since.unwrap_or_else(|| store.now());
        let Some(strongest) = ids.iter().min().cloned() else {
            return Err(Violations::default().into());
        };
        let others = ids.iter().enumerate().filter(|(_, id)| **id != strongest);
        let (places, links): (Vec<usize>, Vec<Link>) = others
            .map(|(place, id)| {
                let link = Link {
                    a: strongest.clone(),
                    b: id.clone(),
                    evidence: request.evidence.clone(),
                    since,
                    by: by.name.to_string(),
                };
                (place, link)
            })
            .unzip();
        let outcomes = store.link(links)?.await?;
        let links = places.into_iter().zip(outcomes);
        Ok(LinkIdentitiesResponse {
            links: links
                .map(|(place, outcome)| told(place, &outcome))
                .collect(),
            freshness_token: Freshness(store.position()).to_string(),
        })
    }

    pub(super) async fn unlink(
        &self,
        request: UnlinkIdentitiesRequest,
        by: &Caller,
    ) -> Result<UnlinkIdentitiesResponse, Refusal> {
        let store = self.store()?;
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.catalog, &mut wrong);
        bound_text("evidence", &request.evidence, &mut wrong);
        let ids = identities::of_externals(&request.ids, "ids", &mut wrong);
        if request.ids.len() != 2 {
            let found = format!("expected two, found {}", request.ids.len());
            wrong.add("ids", found);
        }
        check_unique(&ids, &mut wrong);
        let ([a, b], true) = (&ids[..], wrong.is_empty()) else {
            return Err(wrong.into());
        };
        let link = Link {
            a: a.clone(),
            b: b.clone(),
            evidence: request.evidence,
            since: store.now(),
            by: by.name.to_string(),
        };
        let unlinked = store.unlink(link)?.await?;
        Ok(UnlinkIdentitiesResponse {
            unlinked,
            freshness_token: Freshness(store.position()).to_string(),
        })
    }
}

fn check_unique(ids: &[Identifier], wrong: &mut Violations) {
    let mut sorted: Vec<&Identifier> = ids.iter().collect();
    sorted.sort();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        wrong.add("ids", "expected different identifiers, found one twice");
    }
}

/// What became of the link of the identifier at `place`. It names nobody: an answer may be remembered for its
/// repetition.
fn told(place: usize, outcome: &Outcome) -> IdentityLink {
    let (outcome, refused_reason) = match outcome {
        Outcome::Linked => (LinkOutcome::Linked, String::new()),
        Outcome::Known => (LinkOutcome::Known, String::new()),
        Outcome::Refused(refusal) => {
            let cap = identities::cap(refusal);
            let (allowed, found) = (refusal.allowed, refusal.found);
            let reason = format!("{cap} is {allowed}, and there would have been {found}");
            (LinkOutcome::Refused, reason)
        }
    };
    IdentityLink {
        index: i32::try_from(place).unwrap_or(i32::MAX),
        outcome: outcome.into(),
        refused_reason,
    }
}
