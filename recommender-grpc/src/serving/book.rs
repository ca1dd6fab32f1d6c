//! Serving configs and controls as documents of the store, and the recipes that come of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use recommender_store::record::Table;
use recommender_store::{Result, Store};
use serde::Serialize;
use serde::de::IgnoredAny;
use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_blocking;

use crate::error::ServeError;
use crate::serving::{Control, Recipes, RecipesAt, ServingConfig};
use crate::status::Refusal;
use crate::workers::WorkError;

/// How often it looks for what other servers changed.
const INTERVAL: Duration = Duration::from_millis(250);

/// The serving configs and controls, as they are kept: those of the settings, and documents of the store, which take
/// their place. Every change of a document, by this server or another, gives new [`Recipes`].
#[derive(Debug, Clone)]
pub(crate) struct RecipeBook(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    recipes: Recipes,
    defaults: Vec<ServingConfig>,
    store: Option<Store>,
    /// Held while one is changed, so that what was checked still holds when it is written.
    changing: Arc<tokio::sync::Mutex<()>>,
    read: Mutex<Read>,
}

/// What was read last.
#[derive(Debug, Default)]
struct Read {
    /// [`Store::document_changes`] before it was read; none if nothing was.
    changes: Option<u64>,
    /// Ids of the models that are kept as documents.
    models: BTreeSet<String>,
}

impl RecipeBook {
    /// The serving configs of the settings and the documents of `store`, which become `recipes` now and whenever they
    /// change. A document that can't be read is logged, and the recipes stay what they were.
    ///
    /// # Errors
    /// [`ServeError::Workers`] if the system gives no thread to look for changes.
    pub(crate) fn open(
        recipes: Recipes,
        defaults: Vec<ServingConfig>,
        store: Option<Store>,
    ) -> std::result::Result<Self, ServeError> {
        recipes.replace(RecipesAt::new(defaults.clone(), []));
        let book = Self(Arc::new(Inner {
            recipes,
            defaults,
            store,
            changing: Arc::default(),
            read: Mutex::default(),
        }));
        book.0.follow();
        if book.0.store.is_some() {
            let weak = Arc::downgrade(&book.0);
            let thread = thread::Builder::new().name("serving-configs".into());
            let spawned = thread.spawn(move || keep_up(&weak));
            spawned.map_err(|error| ServeError::Workers(error.to_string()))?;
        }
        Ok(book)
    }

    /// The recipes of this moment.
    pub(crate) fn now(&self) -> Arc<RecipesAt> {
        self.0.recipes.now()
    }

    /// Whether this is just what the settings say.
    pub(crate) fn is_of_settings(&self, config: &ServingConfig) -> bool {
        self.0.defaults.contains(config)
    }

    /// Whether there is a model of this id among the documents, trained or not.
    pub(crate) fn knows_model(&self, id: &str) -> bool {
        let read = self.0.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.models.contains(id)
    }

    /// Begins a change. Until it is dropped, nobody else on this server changes anything.
    ///
    /// # Errors
    /// [`Refusal::NoStore`] if there is nowhere to keep it.
    pub(crate) async fn change(&self) -> std::result::Result<Change, Refusal> {
        let store = self.0.store.clone().ok_or(Refusal::NoStore)?;
        let changing = Arc::clone(&self.0.changing).lock_owned().await;
        let change = Change {
            book: self.clone(),
            store,
            _changing: changing,
        };
        // What was written a moment ago, such as a model, may be named.
        change.reread().await?;
        Ok(change)
    }
}

/// A change of serving configs or controls under way.
#[derive(Debug)]
pub(crate) struct Change {
    book: RecipeBook,
    store: Store,
    _changing: OwnedMutexGuard<()>,
}

impl Change {
    /// The recipes that it begins from.
    pub(crate) fn now(&self) -> Arc<RecipesAt> {
        self.book.now()
    }

    /// Writes a document. When it returns, every request that comes after sees it.
    ///
    /// # Errors
    /// If the store can't write it.
    pub(crate) async fn put(
        &self,
        table: Table,
        key: &str,
        document: &(impl Serialize + Sync),
    ) -> std::result::Result<(), Refusal> {
        self.store.put_document(table, key, document)?.await?;
        self.reread().await
    }

    /// Deletes a document, in the same way.
    ///
    /// # Errors
    /// If the store can't write.
    pub(crate) async fn delete(&self, table: Table, key: &str) -> std::result::Result<(), Refusal> {
        self.store.delete_document(table, key)?.await?;
        self.reread().await
    }

    async fn reread(&self) -> std::result::Result<(), Refusal> {
        let inner = Arc::clone(&self.book.0);
        let reading = spawn_blocking(move || inner.follow());
        reading
            .await
            .map_err(|error| WorkError::Panicked(error.to_string()).into())
    }
}

impl Inner {
    /// Reads the documents, if any has changed.
    fn follow(&self) {
        let Some(store) = &self.store else {
            return;
        };
        let mut last = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = store.document_changes();
        if last.changes == Some(changes) {
            return;
        }
        match self.recipes_of(store) {
            Ok((recipes, models)) => {
                self.recipes.replace(recipes);
                last.models = models;
            }
            Err(error) => {
                tracing::error!(%error, "serving configs stay as they were");
            }
        }
        // A document that can't be read is not read again before another changes.
        last.changes = Some(changes);
    }

    fn recipes_of(&self, store: &Store) -> Result<(RecipesAt, BTreeSet<String>)> {
        let configs = store.documents::<ServingConfig>(Table::ServingConfig)?;
        let controls = store.documents::<Control>(Table::Control)?;
        let models = store.documents::<IgnoredAny>(Table::Model)?;
        let defaults = self.defaults.iter().cloned();
        // Of two with one id, the later one stands.
        let configs = defaults.chain(configs.into_iter().map(|(_, config)| config));
        let recipes = RecipesAt::new(configs, controls.into_iter().map(|(_, control)| control));
        Ok((recipes, models.into_iter().map(|(id, _)| id).collect()))
    }
}

/// Takes over what others change, until the book is gone.
fn keep_up(book: &Weak<Inner>) {
    loop {
        thread::sleep(INTERVAL);
        let Some(book) = book.upgrade() else {
            return;
        };
        book.follow();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use recommender_store::{MemoryEngine, StoreConfig};

    use super::*;

    fn store(engine: &Arc<MemoryEngine>) -> Store {
        let config = StoreConfig {
            refresh_ms: Some(20),
            ..StoreConfig::default()
        };
        let engine = Arc::clone(engine);
        // Opening waits for a write, which a task may not.
        let opening = thread::spawn(move || Store::open(engine, config).unwrap());
        opening.join().unwrap()
    }

    fn open(store: Option<Store>) -> RecipeBook {
        let defaults = vec![ServingConfig::of_model("home")];
        RecipeBook::open(Recipes::default(), defaults, store).unwrap()
    }

    #[tokio::test]
    async fn documents_take_the_place_of_settings_and_give_it_back() {
        let engine = Arc::new(MemoryEngine::default());
        let book = open(Some(store(&engine)));
        let changed = ServingConfig {
            history_limit: 7,
            ..ServingConfig::of_model("home")
        };
        let change = book.change().await.unwrap();
        let put = change.put(Table::ServingConfig, "home", &changed).await;
        put.unwrap();
        let config = |book: &RecipeBook| book.now().get("home").unwrap().config.clone();
        assert_eq!(config(&book), changed);
        assert!(!book.is_of_settings(&config(&book)));
        assert_eq!(config(&open(Some(store(&engine)))), changed);
        change.delete(Table::ServingConfig, "home").await.unwrap();
        assert_eq!(config(&book), ServingConfig::of_model("home"));
        assert!(book.is_of_settings(&config(&book)));
    }

    #[tokio::test]
    async fn what_another_server_changes_is_taken_over() {
        let engine = Arc::new(MemoryEngine::default());
        let (one, other) = (open(Some(store(&engine))), open(Some(store(&engine))));
        let cart = ServingConfig::of_model("cart");
        let change = one.change().await.unwrap();
        change
            .put(Table::ServingConfig, "cart", &cart)
            .await
            .unwrap();
        let late = Instant::now() + Duration::from_secs(20);
        while other.now().get("cart").is_none() {
            assert!(
                Instant::now() < late,
                "the other server never saw the change"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn without_a_store_nothing_can_be_changed() {
        let book = open(None);
        assert!(matches!(book.change().await, Err(Refusal::NoStore)));
        assert!(book.now().get("home").is_some() && !book.knows_model("home"));
    }

    #[tokio::test]
    async fn a_document_that_can_not_be_read_changes_nothing() {
        let engine = Arc::new(MemoryEngine::default());
        let book = open(Some(store(&engine)));
        let change = book.change().await.unwrap();
        let put = change.put(Table::ServingConfig, "home", &"no serving config");
        put.await.unwrap();
        let recipes = book.now();
        assert_eq!(recipes.get("home").unwrap().config.id, "home");
    }
}
