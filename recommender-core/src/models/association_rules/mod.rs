//! What is taken together with what is at hand: bought together, complete the basket, cross-sell.
//!
//! Rules are mined from baskets as [`crate::rules`] says, those that lead to one item. The basket at hand is the
//! session and the context items, each once, or, where there is neither, the history with its weights. A rule fires
//! if its whole antecedent is in the basket; it then gives its item [`score`](AssociationRulesConfig::score), times the
//! least weight of its antecedent, and what an item is given by several rules comes to their
//! [`aggregation`](AssociationRulesConfig::aggregation). Rules have a direction: a bag may speak for a phone less than
//! the phone for the bag.
//!
//! An item of the basket can be answered if other items speak for it and the query allows it. The model keeps items and
//! no persons. It follows changed data by a new fit.

mod config;
mod fit;

pub use config::{AssociationRulesConfig, RuleAggregation, RuleScore};

use std::ops::{AddAssign, Range};

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::models::Model;
use crate::models::small_sums::SmallSums;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::SparseMatrix;

/// Rules by their antecedents; made by [`AssociationRulesConfig::fit`]. It holds items only, no users.
///
/// Items that no rule leads to have no score and are never answered.
#[derive(Debug, Clone)]
pub struct AssociationRules {
    aggregation: RuleAggregation,
    /// The items of each antecedent, ascending; antecedents in the order of their items.
    antecedents: Buffer<u32>,
    /// Where each antecedent ends in `antecedents`.
    ends: Buffer<u64>,
    /// The code of the aggregation.
    stored: Buffer<u8>,
    /// Antecedents × items: the score of the rule from the row to the column, above zero.
    rules: SparseMatrix,
    /// Where the antecedents begin that begin with an item; one more than there are items.
    starts: Vec<u32>,
}

/// The code of an aggregation is its place here.
const AGGREGATIONS: [RuleAggregation; 2] = [RuleAggregation::Sum, RuleAggregation::Best];

/// A rule that fires: the number of its antecedent and the least weight there.
type Fired = (usize, f32);

impl AssociationRules {
    /// Rules from `antecedents` that end at `ends`, in order.
    fn new(
        aggregation: RuleAggregation,
        (antecedents, ends): (Buffer<u32>, Buffer<u64>),
        rules: SparseMatrix,
    ) -> Result<Self> {
        let wrong = || Error::data("association_rules", "the antecedents and rules do not fit");
        let code = AGGREGATIONS.iter().position(|&it| it == aggregation);
        let code = code.and_then(|code| u8::try_from(code).ok());
        let mut model = Self {
            aggregation,
            antecedents,
            ends,
            stored: vec![code.ok_or_else(wrong)?].into(),
            rules,
            starts: Vec::new(),
        };
        if !model.is_whole() {
            return Err(wrong());
        }
        let mut starts = vec![0u32; model.rules.cols() + 1];
        for row in 0..model.rules.rows() {
            starts[model.antecedent(row)[0] as usize + 1] += 1;
        }
        for item in 1..starts.len() {
            starts[item] += starts[item - 1];
        }
        model.starts = starts;
        Ok(model)
    }

    /// Whether all parts fit one another.
    fn is_whole(&self) -> bool {
        let bounded = self.ends.len() == self.rules.rows()
            && u32::try_from(self.ends.len()).is_ok()
            && self.ends.is_sorted()
            && self.ends.last().copied().unwrap_or(0) == self.antecedents.len() as u64;
        bounded
            && (0..self.rules.rows()).all(|row| self.is_antecedent(row))
            && self.rules.values().iter().all(|&score| score > 0.0)
    }

    /// Whether antecedent `row` is a set of known items that comes behind the one before it.
    fn is_antecedent(&self, row: usize) -> bool {
        let items = self.antecedent(row);
        let ascending = items.windows(2).all(|pair| pair[0] < pair[1]);
        let last = items
            .last()
            .is_some_and(|&item| (item as usize) < self.rules.cols());
        ascending && last && (row == 0 || self.antecedent(row - 1) < items)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "both ends lie within the items, whose number memory holds"
    )]
    fn antecedent(&self, row: usize) -> &[u32] {
        let begin = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.antecedents[begin as usize..self.ends[row] as usize]
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.nnz()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items of the shopper's that speak loudest for `item`: the antecedent of the rule with the largest part in its
    /// score, of equals the one with the lower items; nothing if no rule fires for it.
    #[must_use]
    pub fn because(&self, query: &Query, item: ItemIx) -> Vec<ItemIx> {
        let mut best = (0.0, &[][..]);
        for (row, weight) in self.fired(&basket(query)) {
            let rules = self.rules.row(row);
            if let Ok(place) = rules.indices.binary_search(&item.0) {
                let part = weight * rules.values[place];
                if part > best.0 {
                    best = (part, self.antecedent(row));
                }
            }
        }
        best.1.iter().copied().map(ItemIx).collect()
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let code = tensors.vector::<u8>("aggregation", 1)?[0];
        let Some(&aggregation) = AGGREGATIONS.get(usize::from(code)) else {
            return Err(Error::data("association_rules", "an unknown aggregation"));
        };
        let (_, antecedents) = tensors.get("antecedents")?;
        let (_, ends) = tensors.get("ends")?;
        Self::new(aggregation, (antecedents, ends), tensors.matrix("rules")?)
    }

    /// The rules that fire for `basket`, whose items ascend, in the order of their antecedents.
    fn fired<'a>(&'a self, basket: &'a [(u32, f32)]) -> impl Iterator<Item = Fired> + 'a {
        let known = basket.iter().enumerate();
        let known = known.filter(|(_, (item, _))| (*item as usize) < self.rules.cols());
        known.flat_map(move |(place, &(item, weight))| {
            let rest = &basket[place + 1..];
            self.beginning_with(item).filter_map(move |row| {
                let others = &self.antecedent(row)[1..];
                let weight = others.iter().try_fold(weight, |least, other| {
                    let at = rest.binary_search_by_key(other, |&(item, _)| item).ok()?;
                    Some(rest[at].1.min(least))
                })?;
                Some((row, weight))
            })
        })
    }

    fn beginning_with(&self, item: u32) -> Range<usize> {
        let item = item as usize;
        self.starts[item] as usize..self.starts[item + 1] as usize
    }

    fn answer(&self, query: &Query, scratch: &mut Scratch) -> Result<Ranked> {
        let basket = basket(query);
        scratch.fired.clear();
        scratch.fired.extend(self.fired(&basket));
        let Scratch { fired, sums, best } = scratch;
        match self.aggregation {
            RuleAggregation::Sum => self.gather(fired, sums, query),
            RuleAggregation::Best => self.gather(fired, best, query),
        }
    }

    fn gather<T: Copy + Default + AddAssign + From<f32> + Into<f32>>(
        &self,
        fired: &[Fired],
        sums: &mut SmallSums<T>,
        query: &Query,
    ) -> Result<Ranked> {
        let lengths = fired.iter().map(|&(row, _)| self.rules.row(row).len());
        sums.reserve(lengths.sum::<usize>().min(self.rules.cols()));
        for &(row, weight) in fired {
            let rules = self.rules.row(row).iter();
            rules.for_each(|(item, score)| sums.add(item, T::from(weight * score)));
        }
        let scores = sums.entries().map(|(item, sum)| (ItemIx(item), sum.into()));
        let ranked = Ranked::top(query, scores);
        sums.clear();
        ranked
    }
}

/// What is at hand, items ascending: session and context items with a weight of 1 each, or else the history.
fn basket(query: &Query) -> Vec<(u32, f32)> {
    let visit = query.session.iter().chain(&query.context_items);
    let mut basket: Vec<(u32, f32)> = visit.map(|item| (item.0, 1.0)).collect();
    if basket.is_empty() {
        let history = query.history.iter().filter(|entry| entry.weight > 0.0);
        basket.extend(history.map(|entry| (entry.item.0, entry.weight)));
    }
    basket.sort_unstable_by_key(|&(item, _)| item);
    basket.dedup_by_key(|&mut (item, _)| item);
    basket
}

/// Room for one answer after the other.
struct Scratch {
    fired: Vec<Fired>,
    sums: SmallSums<f32>,
    best: SmallSums<Largest>,
}

impl Scratch {
    fn new() -> Self {
        Self {
            fired: Vec::new(),
            sums: SmallSums::new(),
            best: SmallSums::new(),
        }
    }
}

/// A number to which adding another leaves the larger of the two.
#[derive(Debug, Clone, Copy, Default)]
struct Largest(f32);

impl AddAssign for Largest {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.max(other.0);
    }
}

impl From<f32> for Largest {
    fn from(number: f32) -> Self {
        Self(number)
    }
}

impl From<Largest> for f32 {
    fn from(Largest(number): Largest) -> Self {
        number
    }
}

impl Recommender for AssociationRules {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut Scratch::new())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let answer = |query: &Query, scratch: &mut Scratch| self.answer(query, scratch);
        in_parallel(queries, Scratch::new, answer)
    }
}

impl Model for AssociationRules {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put("aggregation", &[1], &self.stored);
        tensors.put("antecedents", &[self.antecedents.len()], &self.antecedents);
        tensors.put("ends", &[self.ends.len()], &self.ends);
        tensors.put_matrix("rules", &self.rules);
    }

    fn item_bound(&self) -> usize {
        self.rules.cols()
    }
}

#[cfg(test)]
mod tests;
