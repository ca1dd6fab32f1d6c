//! What shoppers do, told in every way.

use std::fmt::Write as _;

use recommender_grpc::proto::import_user_events_request::Source;
use recommender_grpc::proto::{
    BatchWriteUserEventsRequest, Channel, Consent, EventFileFormat, EventType, ExternalId,
    ImportUserEventsRequest, ImportUserEventsResponse, ListUserEventsRequest, NotStored,
    ProductDetail, PurgeUserEventsRequest, PurgeUserEventsResponse, StreamUserEventsRequest,
    UserEvent, UserEventOutcome, WriteUserEventRequest,
};

use crate::promises::persons::{Deed, Done};
use crate::promises::run::{Run, moment};
use crate::promises::world::CATALOG;

/// Most events that are stored at a time, so that every history is read whole.
const MOST: usize = 45;

/// What is done, the more usual more often.
const DEEDS: [Deed; 5] = [
    Deed::Looks,
    Deed::Looks,
    Deed::Looks,
    Deed::Hides,
    Deed::Buys,
];

/// What an event comes to.
#[derive(Debug, PartialEq)]
enum Fate {
    New,
    Known,
    Denied,
}

/// The identifier of a visitor.
pub(crate) fn visitor(key: &str) -> ExternalId {
    ExternalId {
        namespace: "visitor".to_owned(),
        value: key.to_owned(),
    }
}

impl Run {
    /// Something that somebody did; now and then under the id of what was done before.
    fn did(&mut self) -> (String, Done) {
        let known: Vec<String> = self.persons.events.keys().cloned().collect();
        let again = known.len() >= MOST || self.happens(0.2);
        let known = self.one_of(&known).filter(|_| again);
        let id = known.unwrap_or_else(|| format!("event-{}", self.number()));
        let done = Done {
            shopper: self.shopper(),
            deed: self.one_of(&DEEDS).unwrap(),
            item: self.old_key(),
            time: self.later(),
        };
        (id, done)
    }

    fn event(&self, (id, done): &(String, Done)) -> UserEvent {
        let mut event = UserEvent {
            event_id: id.clone(),
            visitor_id: self.persons.keys[done.shopper].clone(),
            event_time: Some(moment(done.time)),
            product_details: vec![ProductDetail {
                product_id: done.item.clone(),
                ..ProductDetail::default()
            }],
            ..UserEvent::default()
        };
        event.set_event_type(match done.deed {
            Deed::Looks => EventType::ViewItem,
            Deed::Hides => EventType::Hide,
            Deed::Buys => EventType::Purchase,
        });
        event.set_channel(Channel::Web);
        event
    }

    /// What must become of an event, which is then taken in.
    fn fate(&mut self, (id, done): &(String, Done)) -> Fate {
        if self.persons.consent(done.shopper) == Consent::Denied {
            return Fate::Denied;
        }
        if self.persons.events.contains_key(id) {
            return Fate::Known;
        }
        self.persons.events.insert(id.clone(), done.clone());
        Fate::New
    }

    fn fated(&mut self, did: &(String, Done), told: (bool, NotStored)) {
        let fate = self.fate(did);
        let (duplicate, not_stored) = told;
        assert_eq!(fate == Fate::Known, duplicate, "{did:?}: {told:?}");
        let denied = not_stored == NotStored::Denied;
        assert_eq!(fate == Fate::Denied, denied, "{did:?}: {told:?}");
    }

    fn written(&mut self, did: &(String, Done), outcome: &UserEventOutcome) {
        assert_eq!(outcome.status.as_ref().unwrap().code, 0, "{outcome:?}");
        self.fated(did, (outcome.duplicate, outcome.not_stored()));
    }

    pub(crate) async fn write_event(&mut self) {
        let did = self.did();
        let request = WriteUserEventRequest {
            parent: CATALOG.to_owned(),
            user_event: Some(self.event(&did)),
            ..WriteUserEventRequest::default()
        };
        let written = self.events().write_user_event(request).await;
        let written = written.unwrap().into_inner();
        self.freshness.clone_from(&written.freshness_token);
        self.fated(&did, (written.duplicate, written.not_stored()));
    }

    pub(crate) async fn write_events(&mut self) {
        let did: Vec<_> = (0..3).map(|_| self.did()).collect();
        let request = BatchWriteUserEventsRequest {
            parent: CATALOG.to_owned(),
            user_events: did.iter().map(|did| self.event(did)).collect(),
            ..BatchWriteUserEventsRequest::default()
        };
        let written = self.events().batch_write_user_events(request).await;
        let written = written.unwrap().into_inner();
        self.freshness = written.freshness_token;
        for (did, outcome) in did.iter().zip(written.outcomes) {
            self.written(did, &outcome);
        }
    }

    pub(crate) async fn stream_events(&mut self) {
        let did: Vec<_> = (0..3).map(|_| self.did()).collect();
        let requests = did
            .iter()
            .zip(0..)
            .map(|(did, sequence)| StreamUserEventsRequest {
                parent: CATALOG.to_owned(),
                sequence,
                user_event: Some(self.event(did)),
            });
        let requests = tokio_stream::iter(requests.collect::<Vec<_>>());
        let answers = self.events().stream_user_events(requests).await;
        let mut answers = answers.unwrap().into_inner();
        for did in &did {
            let answer = answers.message().await.unwrap().unwrap();
            self.freshness = answer.freshness_token;
            self.written(did, &answer.outcome.unwrap());
        }
    }

    pub(crate) async fn import_events(&mut self) {
        let did: Vec<_> = (0..3).map(|_| self.did()).collect();
        let mut rows = "id,visitor,item,kind,channel,time\n".to_owned();
        for (id, done) in &did {
            let (visitor, time) = (&self.persons.keys[done.shopper], moment(done.time));
            let (item, kind) = (&done.item, done.deed.kind());
            writeln!(rows, "{id},{visitor},{item},{kind},web,{time}").unwrap();
        }
        let mut request = ImportUserEventsRequest {
            parent: CATALOG.to_owned(),
            source: Some(Source::Content(rows.into_bytes())),
            ..ImportUserEventsRequest::default()
        };
        request.set_format(EventFileFormat::Csv);
        let begun = self.events().import_user_events(request).await;
        let imported: ImportUserEventsResponse = self.answer(begun).await;
        let fates: Vec<Fate> = did.iter().map(|did| self.fate(did)).collect();
        let count = |fate: Fate| fates.iter().filter(|it| **it == fate).count() as u64;
        let told = [
            imported.imported_count,
            imported.duplicate_count,
            imported.refused_consent_count,
        ];
        let expected = [Fate::New, Fate::Known, Fate::Denied].map(count);
        assert_eq!(told, expected, "{imported:?}");
        self.freshness = imported.freshness_token;
    }

    pub(crate) async fn purge_events(&mut self) {
        let (shopper, force) = (self.shopper(), self.happens(0.5));
        let request = PurgeUserEventsRequest {
            parent: CATALOG.to_owned(),
            filter: format!("person = \"visitor:{}\"", self.persons.keys[shopper]),
            force,
            ..PurgeUserEventsRequest::default()
        };
        let stored = self.persons.stored(shopper).len();
        let begun = self.events().purge_user_events(request).await;
        let purged: PurgeUserEventsResponse = self.answer(begun).await;
        assert_eq!(purged.purge_count, stored as u64);
        if force {
            self.persons.purge(shopper);
        }
    }

    /// Ids of the events that are told of a visitor, oldest first.
    pub(crate) async fn listed(&self, key: &str) -> Vec<String> {
        let mut request = ListUserEventsRequest {
            parent: CATALOG.to_owned(),
            person: Some(visitor(key)),
            page_size: 7,
            ..ListUserEventsRequest::default()
        };
        let mut listed = Vec::new();
        loop {
            let page = self.events().list_user_events(request.clone()).await;
            let page = page.unwrap().into_inner();
            listed.extend(page.user_events.into_iter().map(|event| event.event_id));
            if page.next_page_token.is_empty() {
                listed.reverse();
                return listed;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// What is told of a shopper is what she did.
    pub(crate) async fn look_at_events(&mut self) {
        let shopper = self.shopper();
        let listed = self.listed(&self.persons.keys[shopper]).await;
        assert!(listed.iter().eq(self.persons.served(shopper)), "{listed:?}");
    }
}
