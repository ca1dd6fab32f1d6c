//! The clauses of filters over the items of a view.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use recommender_core::ItemIx;
use rustc_hash::FxHashMap;

use crate::catalog::{AtomicBits, Catalogue, Change, EligibilityView, Follow, Lend, for_each_item};
use crate::filter::Filter;
use crate::filter::compiled::{CompiledFilter, Node};
use crate::filter::expression::{Clause, Expression};
use crate::filter::leaf::Leaf;

/// The clauses of filters in the numbering of a view: a bit for each item and clause, kept in step with the catalogue as
/// long as someone holds a filter with the clause. Filters of one index share what they have in common, so make one of a
/// view and compile all filters with it.
///
/// A clause takes a bit for each item; one on `price`, `currency_code` or `available_quantity` takes as much again for every
/// place that was asked for and has prices or stock of its own. A change to a product takes a look at each clause; one of
/// price or stock, at the clauses that read it.
#[derive(Debug)]
pub struct FilterIndex {
    view: Arc<EligibilityView>,
    /// Items with a product record: no filter means others.
    known: AtomicBits,
    leaves: Mutex<Leaves>,
    making: Mutex<()>,
}

/// Clauses by their normal form.
type Leaves = FxHashMap<String, Weak<Leaf>>;

impl FilterIndex {
    /// An index over `view`, which must be one of `catalogue`.
    #[must_use]
    pub fn new(catalogue: &Catalogue, view: Arc<EligibilityView>) -> Arc<Self> {
        Self::by_pieces(view, &mut |work| work(catalogue))
    }

    /// As [`FilterIndex::new`], for some items at a time.
    pub(crate) fn by_pieces(view: Arc<EligibilityView>, lend: &mut Lend<'_>) -> Arc<Self> {
        let items = view.items().len();
        let index = Arc::new(Self {
            view,
            known: AtomicBits::new(items),
            leaves: Mutex::default(),
            making: Mutex::default(),
        });
        let follower = Arc::downgrade(&index);
        index.view.follow(follower);
        for_each_item(items, lend, |catalogue, item| index.know(catalogue, item));
        index
    }

    /// Takes in whether an item has a product record.
    fn know(&self, catalogue: &Catalogue, item: ItemIx) {
        let key = self.view.items().key(item);
        self.known.set(item, catalogue.product(key).is_some());
    }

    /// The view whose items it numbers.
    #[must_use]
    pub fn view(&self) -> &Arc<EligibilityView> {
        &self.view
    }

    /// Makes bits of a filter. `catalogue` must be that of the view.
    ///
    /// All clauses that no other filter has are made in one pass over the products.
    #[must_use]
    pub fn compile(self: &Arc<Self>, catalogue: &Catalogue, filter: &Filter) -> CompiledFilter {
        self.compile_by_pieces(filter, &mut |work| work(catalogue))
    }

    /// As [`FilterIndex::compile`], for some items at a time. Who lends under a lock must not hold it in between: filters are made one at a time, and two
    /// would wait for each other.
    pub(crate) fn compile_by_pieces(
        self: &Arc<Self>,
        filter: &Filter,
        lend: &mut Lend<'_>,
    ) -> CompiledFilter {
        // Whoever finds a clause here finds it filled: only one filter is made at a time.
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let (clauses, fresh) = self.nodes(filter);
        // What changes meanwhile is followed already, filled or not.
        let items = if fresh.is_empty() {
            0
        } else {
            self.view.items().len()
        };
        for_each_item(items, lend, |catalogue, item| {
            self.fill(catalogue, item, &fresh);
        });
        CompiledFilter::new(Arc::clone(self), filter.clone(), clauses)
    }

    /// What a filter is made of, and those of its clauses that are to be filled.
    fn nodes(&self, filter: &Filter) -> (Vec<(String, Node)>, Vec<Arc<Leaf>>) {
        let mut leaves = self.leaves();
        leaves.retain(|_, leaf| leaf.strong_count() > 0);
        let mut making = Making {
            leaves: &mut leaves,
            items: self.view.items().len(),
            fresh: Vec::new(),
        };
        let parts = filter.parts().iter();
        let clauses = parts.map(|part| (part.to_string(), making.node(part)));
        (clauses.collect(), making.fresh)
    }

    fn fill(&self, catalogue: &Catalogue, item: ItemIx, fresh: &[Arc<Leaf>]) {
        if let Some(record) = catalogue.product(self.view.items().key(item)) {
            for leaf in fresh {
                leaf.take_in(catalogue, item, record);
            }
        }
    }

    pub(super) fn known(&self) -> &AtomicBits {
        &self.known
    }

    fn leaves(&self) -> MutexGuard<'_, Leaves> {
        self.leaves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follow for FilterIndex {
    fn item_changed(&self, catalogue: &Catalogue, item: ItemIx, change: Change<'_>) {
        let key = self.view.items().key(item);
        if change == Change::Record {
            self.know(catalogue, item);
        }
        for leaf in self.leaves().values().filter_map(Weak::upgrade) {
            leaf.refresh(catalogue, (item, key), change);
        }
    }
}

/// Makes the nodes of a filter.
struct Making<'a> {
    leaves: &'a mut Leaves,
    items: usize,
    /// Leaves that are not filled yet.
    fresh: Vec<Arc<Leaf>>,
}

impl Making<'_> {
    fn node(&mut self, expression: &Expression) -> Node {
        match expression {
            Expression::All(parts) => Node::All(parts.iter().map(|it| self.node(it)).collect()),
            Expression::Any(parts) => Node::Any(parts.iter().map(|it| self.node(it)).collect()),
            Expression::Not(part) => Node::Not(Box::new(self.node(part))),
            Expression::Clause(clause) => Node::Leaf(self.leaf(clause)),
        }
    }

    fn leaf(&mut self, clause: &Clause) -> Arc<Leaf> {
        let text = clause.key();
        if let Some(leaf) = self.leaves.get(&text).and_then(Weak::upgrade) {
            return leaf;
        }
        let leaf = Arc::new(Leaf::new(clause.clone(), self.items));
        self.leaves.insert(text, Arc::downgrade(&leaf));
        self.fresh.push(Arc::clone(&leaf));
        leaf
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_share_their_clauses_and_let_them_go() {
        let catalogue = Catalogue::default();
        let view = catalogue.view(Arc::default());
        let index = FilterIndex::new(&catalogue, view);
        let compiled = |text: &str| index.compile(&catalogue, &Filter::parse(text).unwrap());
        let held = |index: &FilterIndex| {
            let leaves = index.leaves();
            leaves
                .values()
                .filter(|leaf| leaf.strong_count() > 0)
                .count()
        };
        let first = compiled("tags: a AND price < 5");
        let second = compiled("NOT tags = \"a\" OR tags != a OR price < 5.00");
        assert_eq!(held(&index), 2);
        drop(first);
        assert_eq!(held(&index), 2);
        drop(second);
        let third = compiled("brands: x");
        assert_eq!((held(&index), index.leaves().len()), (1, 1));
        assert_eq!(third.filter().to_string(), "brands: \"x\"");
    }
}
