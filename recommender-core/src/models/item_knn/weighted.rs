//! The user × item matrix as a similarity wants it.

use std::borrow::Cow;

use crate::error::Result;
use crate::interactions::Interactions;
use crate::models::item_knn::{ItemKnnConfig, Similarity};
use crate::sparse::{Nearest, SparseMatrix};

/// The weighted matrix both ways, and what the dot products are divided by.
#[derive(Debug)]
pub(super) struct Weighted<'a> {
    pub(super) by_user: Cow<'a, SparseMatrix>,
    pub(super) by_item: Cow<'a, SparseMatrix>,
    /// Norm of each item; one where a similarity divides by none.
    pub(super) norms: Vec<f32>,
}

impl<'a> Weighted<'a> {
    pub(super) fn new(config: &ItemKnnConfig, interactions: &'a Interactions) -> Result<Self> {
        let (by_user, by_item) = match config.similarity {
            Similarity::Cosine => (
                Cow::Borrowed(interactions.by_user()),
                Cow::Borrowed(interactions.by_item()),
            ),
            Similarity::TfIdf => owned(tf_idf(interactions)?),
            Similarity::Bm25 => owned(bm25(config, interactions)?),
        };
        let norms = match config.similarity {
            Similarity::Cosine | Similarity::TfIdf => norms(&by_item),
            Similarity::Bm25 => vec![1.0; by_item.rows()],
        };
        Ok(Self {
            by_user,
            by_item,
            norms,
        })
    }

    /// The dot products of all items, each row to be cut to `neighbours`.
    pub(super) fn similarities(&self, neighbours: usize) -> Nearest<'_> {
        Nearest {
            left: &self.by_item,
            right: &self.by_user,
            limit: neighbours,
        }
    }

    /// The similarity of two items, given their dot product: none of an item to itself.
    pub(super) fn score(&self, shrinkage: f32) -> impl Fn(u32, u32, f32) -> f32 + Sync {
        move |item, other, dot| {
            if item == other {
                return 0.0;
            }
            dot / (self.norms[item as usize] * self.norms[other as usize] + shrinkage)
        }
    }
}

fn owned(by_item: SparseMatrix) -> (Cow<'static, SparseMatrix>, Cow<'static, SparseMatrix>) {
    (Cow::Owned(by_item.transpose()), Cow::Owned(by_item))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "weights are f32 throughout"
)]
fn tf_idf(interactions: &Interactions) -> Result<SparseMatrix> {
    let rarity = rarity_of_users(interactions);
    interactions
        .by_item()
        .map_values(|_, user, x| (f64::from(x).sqrt() * rarity[user as usize]) as f32)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "weights are f32 throughout"
)]
fn bm25(config: &ItemKnnConfig, interactions: &Interactions) -> Result<SparseMatrix> {
    let rarity = rarity_of_users(interactions);
    let by_item = interactions.by_item();
    let lengths: Vec<f64> = by_item
        .iter_rows()
        .map(|row| row.values.iter().map(|&x| f64::from(x)).sum())
        .collect();
    let mean = lengths.iter().sum::<f64>() / lengths.len() as f64;
    let (saturation, b) = (
        f64::from(config.bm25_saturation),
        f64::from(config.bm25_length),
    );
    by_item.map_values(|item, user, x| {
        let x = f64::from(x);
        let length = 1.0 - b + b * lengths[item] / mean;
        (x * (saturation + 1.0) / (x + saturation * length) * rarity[user as usize]) as f32
    })
}

/// `ln(N / (1 + n_u))` of each user. Below zero only for a user who has all items, and its square is what counts.
fn rarity_of_users(interactions: &Interactions) -> Vec<f64> {
    let items = interactions.by_item().rows() as f64;
    interactions
        .by_user()
        .iter_rows()
        .map(|row| (items / (1.0 + row.len() as f64)).ln().abs())
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "weights are f32 throughout"
)]
fn norms(by_item: &SparseMatrix) -> Vec<f32> {
    by_item
        .iter_rows()
        .map(|row| {
            let squares = row.values.iter().map(|&x| f64::from(x) * f64::from(x));
            squares.sum::<f64>().sqrt() as f32
        })
        .collect()
}
