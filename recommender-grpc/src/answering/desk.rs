//! What is kept beside a model so that its answers need not work it out again: what may be offered in its numbering,
//! filters made into bits, serving configs made ready.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use recommender_core::engine::Engine;
use recommender_core::{DenseIndex, ItemBits};
use recommender_store::Store;
use recommender_store::catalog::{Currency, EligibilityView, Offer};
use recommender_store::filter::{CompiledFilter, Filter, FilterIndex};

use crate::answering::AskedFilter;
use crate::answering::filters::{Filters, key};
use crate::answering::prepared::Prepared;
use crate::serving::Recipe;
use crate::status::Refusal;

/// What is kept beside a model.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    shelf: OnceLock<Shelf>,
    prepared: Mutex<Vec<Arc<Prepared>>>,
    pace: AtomicU64,
}

/// Serving configs that are kept ready for a model.
const MOST_PREPARED: usize = 256;

/// Filters of callers that are made for a model before it is put in service.
const MOST_TAKEN_OVER: usize = 256;

/// An answer counts for this share of the usual time of an answer.
const PACE_SHARE: u64 = 16;

impl Desk {
    /// What may be offered, in the numbering of the model; made when first asked for.
    pub(crate) fn shelf(&self, engine: &Engine, store: &Store) -> &Shelf {
        self.shelf.get_or_init(|| Shelf::new(engine, store))
    }

    /// A serving config made ready for the model; made when first asked for, and again when it changed.
    ///
    /// # Errors
    /// [`Refusal::NoStore`] if it speaks of products by a filter, and there is no store that knows them.
    pub(crate) fn prepared(
        &self,
        recipe: &Arc<Recipe>,
        engine: &Engine,
        around: (&str, Option<&Store>),
    ) -> Result<Arc<Prepared>, Refusal> {
        if let Some(known) = self.known(recipe) {
            return Ok(known);
        }
        let (catalog, store) = around;
        let shelf = store.map(|store| (store, self.shelf(engine, store)));
        let prepared = Arc::new(Prepared::new(recipe, engine, (catalog, shelf))?);
        let mut all = self.all();
        // The one it takes the place of goes only now, so that both share what their filters have in common.
        all.retain(|other| other.recipe.config.id != recipe.config.id);
        if all.len() >= MOST_PREPARED {
            all.remove(0);
        }
        all.push(Arc::clone(&prepared));
        Ok(prepared)
    }

    /// A serving config that was made ready for the model.
    pub(crate) fn known(&self, recipe: &Arc<Recipe>) -> Option<Arc<Prepared>> {
        let all = self.all();
        let mut all = all.iter();
        all.find(|known| Arc::ptr_eq(&known.recipe, recipe))
            .cloned()
    }

    /// Makes beforehand what was made for the model `before`, which `engine` takes the place of: the first to ask it
    /// would wait for that, and whoever asks meanwhile with them.
    pub(crate) fn take_over(&self, before: &Self, engine: &Engine, around: (&str, &Store)) {
        let (catalog, store) = around;
        let shelf = self.shelf(engine, store);
        let prepared = before.all().clone();
        for old in prepared {
            // What can't be made is refused when it is asked for.
            if let Ok(new) = self.prepared(&old.recipe, engine, (catalog, Some(store))) {
                let filters = old.filters().zip(new.filters());
                filters.for_each(|(old, new)| make_as(store, old, new));
            }
        }
        if let Some(old) = before.shelf.get() {
            shelf.take_over(old, store);
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Prepared>>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long an answer usually takes; nothing before the first.
    pub(crate) fn pace(&self) -> Duration {
        Duration::from_nanos(self.pace.load(Ordering::Relaxed))
    }

    /// Notes how long an answer took.
    pub(crate) fn took(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let before = self.pace.load(Ordering::Relaxed);
        let share = if before == 0 { 1 } else { PACE_SHARE };
        let after = before - before / share + time / share;
        // Of two who note at once one is lost: it is an average.
        self.pace.store(after, Ordering::Relaxed);
    }
}

/// Makes a filter ready to be asked of a place, or without one: that is done when it is first asked, of whatever items.
pub(super) fn make_at(store: &Store, place: Option<&str>, filter: &CompiledFilter) {
    drop(store.filtered(filter, place, &ItemBits::default()));
}

/// Makes a filter ready to be asked of the places that `old` was asked of.
fn make_as(store: &Store, old: &CompiledFilter, filter: &CompiledFilter) {
    for place in &old.places() {
        make_at(store, Some(place), filter);
    }
}

/// What may be offered, in the numbering of a model.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) view: Arc<EligibilityView>,
    index: Arc<FilterIndex>,
    filters: Mutex<Filters>,
}

impl Shelf {
    fn new(engine: &Engine, store: &Store) -> Self {
        let view = store.eligibility(Arc::clone(engine.items()));
        let offer = Offer {
            now: store.now(),
            ..Offer::default()
        };
        if store.allowed(&view, &offer).is_empty() {
            tracing::warn!(
                items = view.items().len(),
                "of the items of a model none is for sale: the store has no product records of them"
            );
        }
        Self {
            index: store.filter_index(Arc::clone(&view)),
            view,
            filters: Mutex::default(),
        }
    }

    /// Makes bits of a filter.
    pub(crate) fn compile(&self, store: &Store, filter: &Filter) -> Arc<CompiledFilter> {
        Arc::new(store.compile(&self.index, filter))
    }

    /// The bits of the filter of this key, if they were made and are still here.
    pub(crate) fn known(&self, key: &str) -> Option<Arc<CompiledFilter>> {
        self.filters().find(key)
    }

    /// As [`Shelf::in_currency`], if it was made and is still here.
    pub(crate) fn known_in_currency(
        &self,
        filter: &Arc<CompiledFilter>,
        currency: Option<Currency>,
    ) -> Option<Arc<CompiledFilter>> {
        match currency.filter(|_| filter.filter().asks_for_money()) {
            Some(currency) => self.known(&key(&filter.filter().to_string(), currency)),
            None => Some(Arc::clone(filter)),
        }
    }

    /// The bits of a filter, made when first asked for and kept as long as there is room.
    pub(crate) fn compiled(&self, store: &Store, asked: &AskedFilter) -> Arc<CompiledFilter> {
        if let Some(known) = self.known(&asked.key) {
            return known;
        }
        let made = self.compile(store, &asked.filter);
        self.filters()
            .keep(&asked.key, &made, self.view.items().len());
        made
    }

    /// A filter as it is where money counts in `currency` alone.
    pub(crate) fn in_currency(
        &self,
        store: &Store,
        filter: &Arc<CompiledFilter>,
        currency: Option<Currency>,
    ) -> Arc<CompiledFilter> {
        let own = filter.filter();
        let Some(currency) = currency.filter(|_| own.asks_for_money()) else {
            return Arc::clone(filter);
        };
        let asked = AskedFilter::new(own.to_string(), own.clone(), Some(currency));
        self.compiled(store, &asked)
    }

    /// Makes the filters that callers asked of another model lately.
    fn take_over(&self, before: &Self, store: &Store) {
        let lately = before.filters().latest(MOST_TAKEN_OVER);
        for (key, old) in lately {
            let filter = old.filter().clone();
            let new = self.compiled(store, &AskedFilter { key, filter });
            make_as(store, &old, &new);
        }
    }

    fn filters(&self) -> MutexGuard<'_, Filters> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets of items, as words with a bit for each.
pub(crate) mod bits {
    use recommender_core::{ItemBits, ItemIx};

    use super::DenseIndex;

    /// Those of `all` that are not in `others`.
    pub(crate) fn without(all: &ItemBits, others: &ItemBits) -> ItemBits {
        let mut words = all.words().to_vec();
        for (word, other) in words.iter_mut().zip(others.words()) {
            *word &= !other;
        }
        ItemBits::from_words(words)
    }

    /// `all` and `items`.
    pub(crate) fn with(all: &ItemBits, items: &[ItemIx]) -> ItemBits {
        let mut words = all.words().to_vec();
        for item in items {
            let (place, bit) = (item.position() / 64, item.position() % 64);
            if place >= words.len() {
                words.resize(place + 1, 0);
            }
            words[place] |= 1 << bit;
        }
        ItemBits::from_words(words)
    }
}
