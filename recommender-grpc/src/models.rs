//! The models that answer, by id, swapped whole while requests go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use recommender_store::Store;
use tokio::sync::watch;

use crate::health::Health;

pub use crate::answering::ServedModel;

/// The models of one moment, by id.
pub(crate) type Snapshot = Arc<BTreeMap<String, Arc<ServedModel>>>;

/// The models that answer, by id. A serving config names the one that answers for it.
///
/// A request takes one snapshot and keeps it to its end, so a swap never shows within an answer.
#[derive(Debug, Clone)]
pub struct Models {
    current: Arc<watch::Sender<Snapshot>>,
    expected: Arc<BTreeSet<String>>,
    health: Health,
    /// What is known of products, and the name of their catalogue.
    beside: Option<(Store, Arc<str>)>,
}

impl Models {
    /// No model yet; the server is ready once each of `expected` has one.
    pub(crate) fn new(expected: Vec<String>, health: Health) -> Self {
        Self {
            current: Arc::new(watch::Sender::new(Snapshot::default())),
            expected: Arc::new(expected.into_iter().collect()),
            health,
            beside: None,
        }
    }

    /// What may be offered of `store` is worked out for every model before it is put in service. `catalog` is the name
    /// of the catalogue.
    pub(crate) fn beside(mut self, store: Option<Store>, catalog: &str) -> Self {
        self.beside = store.map(|store| (store, catalog.into()));
        self
    }

    /// Puts a model under an id, in place of the one that was there.
    /// The requests under way keep the old one.
    ///
    /// With a store this goes through all of its products, and makes anew the filters that were asked of the model
    /// before: some tens of milliseconds that no task should wait for.
    pub fn put(&self, id: &str, model: impl Into<Arc<ServedModel>>) {
        let model = model.into();
        if let Some((store, catalog)) = &self.beside {
            let (desk, engine) = (model.desk(), model.engine());
            desk.shelf(engine, store);
            if let Some(before) = self.snapshot().get(id) {
                desk.take_over(before.desk(), engine, (catalog, store));
            }
        }
        self.current.send_modify(|current| {
            let models = Arc::make_mut(current);
            models.insert(id.to_owned(), model);
        });
        self.check();
    }

    /// Takes the model of an id away. The requests under way keep it.
    pub(crate) fn remove(&self, id: &str) {
        self.current.send_modify(|current| {
            Arc::make_mut(current).remove(id);
        });
    }

    /// Says that requests are welcome, if every model that is expected is there.
    pub(crate) fn check(&self) {
        let current = self.snapshot();
        if self.expected.iter().all(|name| current.contains_key(name)) {
            self.health.ready();
        }
    }

    /// Whether a model will be put under this id before the server is ready.
    pub(crate) fn expects(&self, id: &str) -> bool {
        self.expected.contains(id)
    }

    /// The models of this moment.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Arc::clone(&self.current.borrow())
    }
}
