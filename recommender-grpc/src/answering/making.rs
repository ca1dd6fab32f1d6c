//! Filters made ready before an answer is worked out.
//!
//! The first use of a filter goes through all products, and that of a clause on prices or quantities at a place through
//! what is known there. A thread that answers would keep all who wait behind it waiting; so it is done elsewhere, one
//! filter after the other, within the time that the caller has.

use std::sync::Arc;

use recommender_store::Store;
use recommender_store::catalog::Currency;
use recommender_store::filter::CompiledFilter;

use crate::answering::desk::make_at;
use crate::answering::{AskedFilter, ServedModel, Task};
use crate::serving::Recipe;

/// What has to be made before a question is answered.
#[derive(Debug)]
pub(crate) struct Making {
    recipe: Arc<Recipe>,
    /// The model that is to answer, and the one that does if it fails.
    models: Vec<Arc<ServedModel>>,
    store: Store,
    catalog: Arc<str>,
    asked: Option<AskedFilter>,
    place: Option<String>,
    currency: Option<Currency>,
}

impl Task {
    /// What has to be made before this can be worked out; none if all of it is there.
    pub(crate) fn unmade(&self) -> Option<Making> {
        let store = self.store.as_ref()?;
        if self.is_made(store) {
            return None;
        }
        let models = [Some(&self.model), self.fallback.as_ref()];
        Some(Making {
            recipe: Arc::clone(&self.recipe),
            models: models.into_iter().flatten().cloned().collect(),
            store: store.clone(),
            catalog: Arc::clone(&self.catalog),
            asked: self.question.scope.filter.clone(),
            place: self.question.engine.place.clone(),
            currency: self.question.manner.currency,
        })
    }

    fn is_made(&self, store: &Store) -> bool {
        let question = &self.question;
        let desk = self.model.desk();
        let Some(prepared) = desk.known(&self.recipe) else {
            return false;
        };
        let shelf = desk.shelf(self.model.engine(), store);
        let currency = question.manner.currency;
        let own = prepared.filters();
        let own = own.map(|filter| shelf.known_in_currency(filter, currency));
        let asked = question.scope.filter.as_ref();
        let all = own.chain(asked.map(|asked| shelf.known(&asked.key)));
        let place = question.engine.place.as_deref();
        let all: Option<Vec<Arc<CompiledFilter>>> = all.collect();
        all.is_some_and(|all| store.are_made(&all, place))
    }
}

impl Making {
    /// Makes it. What can't be made is refused when the question is answered.
    pub(crate) fn make(&self) {
        for model in &self.models {
            let desk = model.desk();
            let around = (&*self.catalog, Some(&self.store));
            let Ok(prepared) = desk.prepared(&self.recipe, model.engine(), around) else {
                continue;
            };
            let shelf = desk.shelf(model.engine(), &self.store);
            let own = prepared.filters();
            let own = own.map(|filter| shelf.in_currency(&self.store, filter, self.currency));
            let asked = self.asked.iter();
            let asked = asked.map(|asked| shelf.compiled(&self.store, asked));
            for filter in own.chain(asked) {
                make_at(&self.store, self.place.as_deref(), &filter);
            }
        }
    }
}
