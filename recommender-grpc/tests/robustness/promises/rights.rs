//! Who is who, and what each has a right to.

use recommender_grpc::proto::{
    Consent, EraseUserRequest, EraseUserResponse, ExportUserDataRequest, GetErasureReceiptRequest,
    GetUserRequest, LinkIdentitiesRequest, LinkOutcome, ListErasureReceiptsRequest,
    ResolveIdentityRequest, SetConsentRequest, UnlinkIdentitiesRequest, User,
};

use crate::promises::facts::visitor;
use crate::promises::opened::holds;
use crate::promises::run::{Run, moment};
use crate::promises::world::CATALOG;

fn name(key: &str) -> String {
    format!("{CATALOG}/users/visitor:{key}")
}

fn keys_of(user: &User) -> Vec<String> {
    let mut keys: Vec<String> = user.ids.iter().map(|id| id.value.clone()).collect();
    keys.sort();
    keys
}

impl Run {
    fn two_shoppers(&mut self) -> (usize, usize) {
        let one = self.shopper();
        (one, (one + 1 + self.shopper() % 5) % 6)
    }

    pub(crate) async fn link(&mut self) {
        let (one, other) = self.two_shoppers();
        let request = LinkIdentitiesRequest {
            parent: CATALOG.to_owned(),
            ids: [one, other]
                .map(|it| visitor(&self.persons.keys[it]))
                .to_vec(),
            evidence: "the same card".to_owned(),
            ..LinkIdentitiesRequest::default()
        };
        let linked = self.users().link_identities(request).await;
        let linked = linked.unwrap().into_inner();
        let known = self.persons.link(one, other);
        let outcome = linked.links[0].outcome();
        let expected = if known {
            LinkOutcome::Known
        } else {
            LinkOutcome::Linked
        };
        assert_eq!(outcome, expected, "{one} and {other}");
        self.freshness = linked.freshness_token;
    }

    pub(crate) async fn unlink(&mut self) {
        let (one, other) = self.two_shoppers();
        let request = UnlinkIdentitiesRequest {
            parent: CATALOG.to_owned(),
            ids: [one, other]
                .map(|it| visitor(&self.persons.keys[it]))
                .to_vec(),
            ..UnlinkIdentitiesRequest::default()
        };
        let unlinked = self.users().unlink_identities(request).await;
        let unlinked = unlinked.unwrap().into_inner();
        let known = self.persons.unlink(one, other);
        assert_eq!(unlinked.unlinked, known, "{one} and {other}");
        self.freshness = unlinked.freshness_token;
    }

    pub(crate) async fn consent(&mut self) {
        let shopper = self.shopper();
        let late = self.happens(0.1);
        let time = if late {
            i64::try_from(self.number()).unwrap()
        } else {
            self.later()
        };
        let said = [Consent::Granted, Consent::Denied, Consent::Unspecified];
        let consent = self.one_of(&said).unwrap();
        let request = SetConsentRequest {
            name: name(&self.persons.keys[shopper]),
            consent: consent.into(),
            consent_time: Some(moment(time)),
            ..SetConsentRequest::default()
        };
        let answer = self.users().set_consent(request).await;
        let answer = answer.unwrap().into_inner();
        let stale = self.persons.say(shopper, time, consent);
        assert_eq!(answer.stale, stale);
        assert_eq!(answer.consent(), self.persons.consent(shopper));
        self.freshness = answer.freshness_token;
    }

    pub(crate) async fn erase(&mut self) {
        let (shopper, turn) = (self.shopper(), self.number());
        let request = EraseUserRequest {
            name: name(&self.persons.keys[shopper]),
            reason: "she asked".to_owned(),
            ..EraseUserRequest::default()
        };
        let stored = self.persons.stored(shopper).len();
        let begun = self.users().erase_user(request).await;
        let erased: EraseUserResponse = self.answer(begun).await;
        let receipt = erased.receipt.unwrap();
        assert_eq!(receipt.events_deleted, stored as u64);
        for key in self.persons.erase(shopper, turn) {
            for place in ["store", "models"] {
                assert!(!holds(&self.server.path(place), &key), "{key} in {place}");
            }
        }
        // A model that knew her was made anew, and that one answers.
        self.serves_what_is_kept().await;
        let get = GetErasureReceiptRequest {
            name: receipt.name.clone(),
        };
        let got = self.users().get_erasure_receipt(get).await;
        assert_eq!(got.unwrap().into_inner().digest, receipt.digest);
        let list = ListErasureReceiptsRequest {
            parent: CATALOG.to_owned(),
            ..ListErasureReceiptsRequest::default()
        };
        let listed = self.users().list_erasure_receipts(list).await;
        let listed = listed.unwrap().into_inner().erasure_receipts;
        assert!(listed.iter().any(|it| it.name == receipt.name));
    }

    async fn exported(&self, key: &str) -> String {
        let request = ExportUserDataRequest { name: name(key) };
        let pieces = self.users().export_user_data(request).await;
        let (mut pieces, mut whole) = (pieces.unwrap().into_inner(), Vec::new());
        while let Some(piece) = pieces.message().await.unwrap() {
            whole.extend(piece.data);
        }
        String::from_utf8(whole).unwrap()
    }

    /// What is told of a shopper is who she is and what she did; of one who was erased there is nothing.
    pub(crate) async fn look_at_persons(&mut self) {
        let shopper = self.shopper();
        let key = self.persons.keys[shopper].clone();
        let get = GetUserRequest { name: name(&key) };
        let user = self.users().get_user(get).await.unwrap().into_inner();
        assert_eq!(keys_of(&user), self.persons.keys_of(shopper));
        assert_eq!(user.consent(), self.persons.consent(shopper));
        let resolve = ResolveIdentityRequest {
            parent: CATALOG.to_owned(),
            id: Some(visitor(&key)),
        };
        let resolved = self.users().resolve_identity(resolve).await;
        assert_eq!(resolved.unwrap().into_inner().user, Some(user));
        let exported = self.exported(&key).await;
        for id in self.persons.stored(shopper) {
            assert!(exported.contains(&format!("\"{id}\"")), "{id}: {exported}");
        }
        let Some(erased) = self.one_of(&self.persons.erased.clone()) else {
            return;
        };
        let exported = self.exported(&erased).await;
        assert!(!exported.contains("\"event-"), "{erased}: {exported}");
    }
}
