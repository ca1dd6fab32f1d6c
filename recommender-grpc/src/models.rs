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

#[cfg(test)]
mod tests {
    use recommender_core::events::{Event, EventKind};
    use recommender_core::{Engine, FitOptions, PipelineConfig, Timestamp};
    use recommender_store::catalog::{Money, ProductRecord, Stock};
    use recommender_store::filter::Filter;
    use recommender_store::store::{Reading, Submission};
    use recommender_store::{MemoryEngine, StoreConfig};

    use super::*;
    use crate::answering::AskedFilter;
    use crate::serving::{Recipe, ServingConfig};

    const RECIPE: &str = "[[sources]]\nmodel = { kind = \"popularity\" }\n";

    /// A cup was bought, which has a price at a place.
    fn store() -> Store {
        let store = Store::open(Arc::new(MemoryEngine::default()), StoreConfig::default()).unwrap();
        let cup = ProductRecord {
            key: "cup".into(),
            ..ProductRecord::default()
        };
        store.put_products(&[cup]).unwrap().wait().unwrap();
        let stock = Stock {
            place: Some("soho".into()),
            item: "cup".into(),
            price: Some(Money {
                currency_code: "EUR".into(),
                units: 3,
                nanos: 0,
            }),
            ..Stock::default()
        };
        store.set_stock(&[stock]).unwrap().wait().unwrap();
        let bought = Submission::from(Event {
            id: Some("e1".into()),
            visitor: "ann".into(),
            item: Some("cup".into()),
            kind: EventKind::Purchase,
            time: Some(Timestamp(0)),
            quantity: 1.0,
            ..Event::default()
        });
        store.write_events(vec![bought]).unwrap().wait().unwrap();
        store
    }

    fn model(store: &Store) -> ServedModel {
        let recipe = PipelineConfig::from_toml(RECIPE).unwrap();
        let interactions = recipe.interactions.clone();
        let dataset = store
            .training_set(Reading::default(), store.products(), interactions)
            .unwrap();
        let engine = Engine::fit(&recipe, &dataset, &FitOptions::default()).unwrap();
        ServedModel::new(Arc::new(engine), "v")
    }

    #[test]
    fn what_was_made_for_a_model_is_made_for_the_one_that_takes_its_place() {
        let store = store();
        let models = Models::new(Vec::new(), Health::new(&[]));
        let models = models.beside(Some(store.clone()), "default");
        let filter = |text: &str| Filter::parse(text).unwrap();
        let recipe = Arc::new(Recipe {
            config: ServingConfig {
                filter: Some(filter("price > 1")),
                ..ServingConfig::of_model("home")
            },
            controls: Vec::new(),
        });
        let asked = AskedFilter::new("price < 5".into(), filter("price < 5"), None);
        let desk_of = |models: &Models| Arc::clone(&models.snapshot()["home"]);
        models.put("home", model(&store));
        let first = desk_of(&models);
        let (desk, engine) = (first.desk(), first.engine());
        let prepared = desk.prepared(&recipe, engine, ("default", Some(&store)));
        let own = prepared.unwrap().filter.clone().unwrap();
        let shelf = desk.shelf(engine, &store);
        for filter in [own, shelf.compiled(&store, &asked)] {
            let none = recommender_core::ItemBits::default();
            assert!(!store.are_made(&[Arc::clone(&filter)], Some("soho")));
            drop(store.filtered(&filter, Some("soho"), &none));
        }
        models.put("home", model(&store));
        let second = desk_of(&models);
        assert!(!Arc::ptr_eq(&first, &second));
        let own = second.desk().known(&recipe).unwrap().filter.clone();
        let shelf = second.desk().shelf(second.engine(), &store);
        let made = [own.unwrap(), shelf.known(&asked.key).unwrap()];
        assert!(store.are_made(&made, Some("soho")));
    }
}
