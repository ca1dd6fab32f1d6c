//! What a [`Store`] gives to learn from, and to ask with.

use std::cell::RefCell;
use std::sync::atomic::AtomicBool;

use recommender_core::dataset::Dataset;
use recommender_core::engine::EngineRequest;
use recommender_core::events::{Consent, Event};
use recommender_core::{InteractionConfig, Product};

use crate::error::Result;
use crate::exchange::Progress;
use crate::identity::Identifier;
use crate::join::{Training, training_set, with_history};
use crate::record::Span;
use crate::store::Store;

/// How a training set is read.
#[derive(Clone, Copy, Default)]
pub struct Reading<'a> {
    /// Only events of these times.
    pub span: Span,
    /// Told how many events were read.
    pub progress: Option<Progress<'a>>,
    /// Set to stop early.
    pub cancel: Option<&'a AtomicBool>,
}

impl std::fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("span", &self.span)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The dataset of all events that may be learned from, each counted for its person, and of `products`, such as
    /// [`Store::products`].
    ///
    /// # Errors
    /// As [`training_set`].
    pub fn training_set(
        &self,
        reading: Reading<'_>,
        products: Vec<Product>,
        interactions: InteractionConfig,
    ) -> Result<Dataset> {
        let consents = Consents::of(self);
        let training = Training {
            span: reading.span,
            person: &|visitor| self.person_of_visitor(visitor),
            allowed: &|event| consents.may_train(event),
            progress: reading.progress,
            cancel: reading.cancel,
        };
        training_set(&**self.engine(), &training, products, interactions)
    }

    /// `request` with all that the persons of `identifiers` did, taken as one: the latest `limit` events that may be
    /// served. What an artefact holds of her is not looked at then.
    ///
    /// # Errors
    /// As [`Store::history`].
    pub fn with_history(
        &self,
        request: EngineRequest,
        identifiers: &[Identifier],
        limit: usize,
    ) -> Result<EngineRequest> {
        let history = self.history(identifiers, limit)?;
        // Which events may be served was decided for the persons as a whole.
        Ok(with_history(request, history, &|_| true))
    }
}

/// What visitors allow, asked once for each of many events that come by visitor.
struct Consents<'a> {
    store: &'a Store,
    /// The latest visitor, and what she said.
    latest: RefCell<(String, Consent)>,
}

impl<'a> Consents<'a> {
    fn of(store: &'a Store) -> Self {
        Self {
            store,
            // Nobody has a key without letters.
            latest: RefCell::default(),
        }
    }

    /// As [`Store::may_train`].
    fn may_train(&self, event: &Event) -> bool {
        let shared = &self.store.0;
        let mut latest = self.latest.borrow_mut();
        if latest.0 != event.visitor {
            *latest = (event.visitor.clone(), shared.person_consent(&event.visitor));
        }
        shared.config.consent.uses(event.consent, latest.1).trained
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use recommender_core::events::EventKind;
    use recommender_core::{DenseIndex, FitOptions, PipelineConfig, Timestamp};

    use super::*;
    use crate::MemoryEngine;
    use crate::identity::Link;
    use crate::privacy::ConsentRecord;
    use crate::store::{StoreConfig, Submission};

    fn event(number: i64, visitor: &str, item: &str) -> Submission {
        Submission::from(Event {
            id: Some(format!("e{number}")),
            visitor: visitor.into(),
            item: Some(item.into()),
            kind: EventKind::Purchase,
            time: Some(Timestamp::from_seconds(number)),
            quantity: 1.0,
            ..Event::default()
        })
    }

    fn visitor(key: &str) -> Identifier {
        Identifier::visitor(key).unwrap()
    }

    /// Ann's phone and her card at the till are one person; zoe's are not linked; eve does not want to be known.
    fn store() -> Store {
        let store = Store::open(Arc::new(MemoryEngine::default()), StoreConfig::default()).unwrap();
        let events = [
            (1, "phone", "cup"),
            (2, "card", "pot"),
            (3, "eve", "lid"),
            (4, "zoe", "cup"),
            (5, "card", "cup"),
        ];
        let events = events.map(|(number, visitor, item)| event(number, visitor, item));
        store.write_events(events.into()).unwrap().wait().unwrap();
        let link = Link {
            a: visitor("phone"),
            b: visitor("card"),
            evidence: "showed her card".into(),
            since: store.now(),
            by: "till 7".into(),
        };
        store.link(vec![link]).unwrap().wait().unwrap();
        let record = ConsentRecord {
            consent: Consent::Denied,
            time: store.now(),
            by: "settings page".into(),
            evidence: String::new(),
        };
        let denied = store.set_consent(&visitor("eve"), record);
        denied.unwrap().wait().unwrap();
        store
    }

    #[test]
    fn what_a_person_did_is_one_row_and_one_history_and_what_she_denied_is_none() {
        let store = store();
        let recipe =
            PipelineConfig::from_toml("[[sources]]\nmodel = { kind = \"random\" }").unwrap();
        let interactions = recipe.interactions.clone();
        let dataset = store
            .training_set(Reading::default(), vec![], interactions)
            .unwrap();
        assert_eq!((dataset.users().len(), dataset.items().len()), (2, 2));
        let engine =
            recommender_core::Engine::fit(&recipe, &dataset, &FitOptions::default()).unwrap();
        for (key, pairs) in [
            ("phone", 2),
            ("card", 2),
            ("zoe", 1),
            ("eve", 0),
            ("nobody", 0),
        ] {
            let request = store
                .with_history(EngineRequest::default(), &[visitor(key)], 100)
                .unwrap();
            let query = engine.query(&request, &mut Vec::new()).unwrap();
            let history: Vec<(u32, f32)> = query
                .history
                .iter()
                .map(|entry| (entry.item.0, entry.weight))
                .collect();
            assert_eq!(history.len(), pairs, "{key}");
            if let Some(user) = dataset.users().get(&store.person_of_visitor(key)) {
                let row = dataset.interactions().by_user().row(user.position());
                assert_eq!(history, row.iter().collect::<Vec<_>>(), "{key}");
            }
        }
    }

    #[test]
    fn an_event_counts_in_the_next_history() {
        let store = store();
        for number in 10..40 {
            let written = store.write_events(vec![event(number, "zoe", "pot")]);
            written.unwrap().wait().unwrap();
            let request = store.with_history(EngineRequest::default(), &[visitor("zoe")], 100);
            assert_eq!(request.unwrap().events.len() as i64, number - 8);
        }
    }
}
