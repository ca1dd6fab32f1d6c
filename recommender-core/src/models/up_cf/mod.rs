//! What the shopper takes of late, and what shoppers who have the same things take of late (UP-CF).
//!
//! `f(u, i)` is the share of u's last `min(r, n_u)` baskets that hold item i, with r the
//! [`window_baskets`](UpCfConfig::window_baskets) and `n_u` her number of baskets. With `I_u` all items u ever had,
//! `sim(u, v) = |I_u ∩ I_v| / (|I_u|^α · |I_v|^(1−α) + s)` and the scores are `Σ_v sim(u, v)^q · f(v, i)` over u herself
//! and her [`neighbours`](UpCfConfig::neighbours) most like her: the user-wise popularity filtered by neighbours of
//! Faggioli, Polato & Aiolli, *Recency aware collaborative filtering for next basket recommendation* (UMAP 2020), §3.
//!
//! The current visit counts as her last basket. A shopper who was there when the model was fitted and did nothing
//! since would meet herself: the first of the users most like her whose habits equal hers is left out.
//!
//! It answers what the shopper had, unless the query excludes it. **This model keeps the habits of its users**, without
//! their keys: whoever erases a person must update or fit it anew, and [`UpCfConfig::update`], which is exact, leaves
//! nothing of her.

mod config;
mod fit;
mod habits;

pub use config::UpCfConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::baskets::Baskets;
use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::models::Model;
use crate::models::shoppers::others;
use crate::models::stored_config::StoredConfig;
use crate::models::sums::Sums;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::{Accumulator, BestOf, SparseMatrix};

/// The habits of users and an index of them by item; made by [`UpCfConfig::fit`]. Items that neither the shopper nor a
/// neighbour takes of late have no score and are never answered.
#[derive(Debug, Clone, PartialEq)]
pub struct UpCf {
    /// Users × items: the share of her late baskets that hold the item, 0 for what she had before them alone.
    habits: SparseMatrix,
    /// Items × users: 1 for each item a user ever had.
    index: SparseMatrix,
    config: UpCfConfig,
    stored: StoredConfig,
}

/// Room for one answer after the other.
struct Scratch {
    shared: Accumulator,
    nearest: BestOf,
    scores: Sums,
}

impl UpCf {
    fn new(config: UpCfConfig, habits: SparseMatrix) -> Result<Self> {
        Ok(Self {
            index: habits.map_values(|_, _, _| 1.0)?.transpose(),
            habits,
            stored: StoredConfig::of("up_cf", &config)?,
            config,
        })
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let habits = tensors.matrix("habits")?;
        let config: UpCfConfig = StoredConfig::load("up_cf", tensors)?;
        config.validate()?;
        if habits.values().iter().any(|&share| share < 0.0) {
            return Err(Error::data("up_cf", "a share is below 0"));
        }
        Self::new(config, habits)
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            shared: Accumulator::new(self.habits.rows()),
            // One more, in whose place she may stand herself.
            nearest: BestOf::new(self.config.neighbours.saturating_add(1)),
            scores: Sums::new(self.habits.cols()),
        }
    }

    fn answer(&self, query: &Query, scratch: &mut Scratch) -> Result<Ranked> {
        let baskets = Baskets::of_query(query, &self.config.baskets());
        let mut own = self.config.habits(&baskets).shares;
        own.retain(|&(item, _)| (item as usize) < self.habits.cols());
        let nearest = self.nearest(&own, scratch);
        let scores = &mut scratch.scores;
        let of_late = own.iter().filter(|&&(_, share)| share > 0.0);
        scores.add_items(of_late.map(|&(item, share)| (ItemIx(item), share)));
        let theirs = nearest
            .into_iter()
            .map(|(user, near)| (user as usize, near));
        scores.add_rows(&self.habits, theirs);
        scores.take_positive(query)
    }

    /// The users most like the one with `own` habits, herself left out, by index.
    fn nearest(&self, own: &[(u32, f32)], scratch: &mut Scratch) -> Vec<(u32, f32)> {
        let Scratch {
            shared, nearest, ..
        } = scratch;
        for &(item, _) in own {
            shared.add(1.0, self.index.row(item as usize));
        }
        for (user, items) in shared.drain() {
            let theirs = self.habits.row(user as usize).len();
            let near = self.config.similarity(items, (own.len(), theirs));
            nearest.offer(user, near);
        }
        let herself = |user: u32| {
            self.habits
                .row(user as usize)
                .iter()
                .eq(own.iter().copied())
        };
        others(nearest.take_by_index(), self.config.neighbours, herself)
    }
}

impl Recommender for UpCf {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut self.scratch())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let answer = |query: &Query, scratch: &mut Scratch| self.answer(query, scratch);
        in_parallel(queries, || self.scratch(), answer)
    }
}

impl Model for UpCf {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put_matrix("habits", &self.habits);
        self.stored.save(tensors);
    }

    fn item_bound(&self) -> usize {
        self.habits.cols()
    }
}

#[cfg(test)]
mod tests;
