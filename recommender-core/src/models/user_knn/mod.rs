//! Shoppers with a like history: what they have is recommended.
//!
//! The users most like the shopper's profile, at most [`neighbours`](UserKnnConfig::neighbours) with ties to the lower
//! index, give their items: the score of an item is the sum over them of similarity times the item's weight
//! (Herlocker, Konstan, Borchers & Riedl, *An algorithmic framework for performing collaborative filtering*,
//! SIGIR 1999, with the sum in place of the average, as recommending, unlike rating, wants it: Deshpande & Karypis, TOIS
//! 2004, §3). [`UserKnnConfig::similarity`] has the formulas.
//!
//! **This model keeps the rows of its users**, without their keys: whoever erases a person must update or fit it anew,
//! and [`UserKnnConfig::update`] leaves nothing of her.
//!
//! A shopper who was there when the model was fitted meets her own row, her nearest neighbour as long as she did nothing
//! new. It adds only items she has, which are mostly excluded, and takes the place of one neighbour. It cannot be left
//! out: a model answers histories and does not know whose they are. With one more of `neighbours` the answer is that of
//! a model which would.
//!
//! It follows changed data exactly: [`UserKnnConfig::update`].

mod config;
mod fit;
mod weighing;

pub use config::UserKnnConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::models::Model;
use crate::models::sums::Sums;
use crate::models::user_knn::weighing::{Settings, Weighing};
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::{Accumulator, BestOf, SparseMatrix};

/// The users and an index of them by item; made by [`UserKnnConfig::fit`]. It holds the rows of all users.
///
/// Items that no neighbour has have no score and are never answered.
#[derive(Debug, Clone, PartialEq)]
pub struct UserKnn {
    /// Users × items: the weights in the data.
    users: SparseMatrix,
    /// Items × users: the weights as the similarity wants them.
    index: SparseMatrix,
    /// Per user: the norm of her row as the similarity wants it.
    norms: Buffer<f32>,
    weighing: Weighing,
    /// One number: how many neighbours have a say.
    neighbours: Buffer<u64>,
}

/// Room for one answer after the other.
struct Scratch {
    dots: Accumulator,
    nearest: BestOf,
    scores: Sums,
}

impl UserKnn {
    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let wrong = || {
            Error::data(
                "user_knn",
                "the users, the index and the settings do not fit",
            )
        };
        let users = tensors.matrix("users")?;
        let index = tensors.matrix("index")?;
        let stored: Buffer<f32> = tensors.vector("settings", Settings::LEN)?;
        let settings: [f32; Settings::LEN] = (*stored).try_into().map_err(|_| wrong())?;
        let model = Self {
            norms: tensors.vector("norms", users.rows())?,
            weighing: Weighing {
                rarity: tensors.vector("rarity", users.cols())?,
                settings: Settings::from_array(settings).ok_or_else(wrong)?,
                stored,
            },
            neighbours: tensors.vector("neighbours", 1)?,
            users,
            index,
        };
        let transposed = (model.index.cols(), model.index.rows());
        let fits = |value: &f32| value.is_finite() && *value >= 0.0;
        let numbers = [model.users.values(), model.index.values(), &model.norms];
        let numbers = numbers.into_iter().chain([&model.weighing.rarity]);
        let all_fit = numbers.flat_map(|numbers| numbers.iter()).all(fits);
        if transposed != (model.users.rows(), model.users.cols())
            || model.neighbours[0] == 0
            || !all_fit
        {
            return Err(wrong());
        }
        Ok(model)
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            dots: Accumulator::new(self.users.rows()),
            nearest: BestOf::new(usize::try_from(self.neighbours[0]).unwrap_or(usize::MAX)),
            scores: Sums::new(self.users.cols()),
        }
    }

    fn answer(&self, query: &Query, scratch: &mut Scratch) -> Result<Ranked> {
        let Scratch {
            dots,
            nearest,
            scores,
        } = scratch;
        let known =
            |&(item, weight): &(ItemIx, f32)| item.position() < self.index.rows() && weight > 0.0;
        let profile = query.profile().into_iter().filter(known);
        let profile: Vec<(u32, f32)> = profile.map(|(item, weight)| (item.0, weight)).collect();
        let weighed = self.weighing.weigh(&profile);
        for &(item, weight) in &weighed {
            dots.add(weight, self.index.row(item as usize));
        }
        let norm = self.weighing.norm(&weighed);
        for (user, dot) in dots.drain() {
            let norms = (norm, self.norms[user as usize]);
            nearest.offer(user, self.weighing.similarity(dot, norms));
        }
        let nearest = nearest.take_by_index().iter();
        scores.add_rows(
            &self.users,
            nearest.map(|&(user, near)| (user as usize, near)),
        );
        scores.take_ranked(query)
    }
}

impl Recommender for UserKnn {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut self.scratch())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let answer = |query: &Query, scratch: &mut Scratch| self.answer(query, scratch);
        in_parallel(queries, || self.scratch(), answer)
    }
}

impl Model for UserKnn {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put_matrix("users", &self.users);
        tensors.put_matrix("index", &self.index);
        tensors.put("norms", &[self.norms.len()], &self.norms);
        let rarity = &self.weighing.rarity;
        tensors.put("rarity", &[rarity.len()], rarity);
        tensors.put("settings", &[Settings::LEN], &self.weighing.stored);
        tensors.put("neighbours", &[1], &self.neighbours);
    }

    fn item_bound(&self) -> usize {
        self.users.cols()
    }
}

#[cfg(test)]
mod tests;
