//! What items share: of each item the neighbours that may predict it, and the part of `XᵀX` their systems are made of.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::interactions::Interactions;
use crate::models::sansa::SansaConfig;
use crate::models::sansa::rows::{Block, ROWS_PER_BLOCK, Rows};
use crate::recommender::FitOptions;
use crate::sparse::Accumulator;

/// Bytes of a column and its value.
const ENTRY_BYTES: u64 = 8;

/// The items somebody has, most users first: the numbering of the fit.
///
/// What two items share stands in the row of the rarer one. Rows of rare items are short because few users have them,
/// those of popular items because few items are more popular.
#[derive(Debug)]
pub(super) struct Ranking {
    /// Items, most users first.
    pub(super) items: Vec<u32>,
    /// The place of each item.
    places: Vec<u32>,
}

impl Ranking {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "places number items, which are u32"
    )]
    pub(super) fn new(interactions: &Interactions) -> Self {
        let by_item = interactions.by_item();
        let users = |item: u32| by_item.row(item as usize).len();
        let mut items: Vec<u32> = (0..by_item.rows() as u32)
            .filter(|&item| users(item) > 0)
            .collect();
        items.sort_by_key(|&item| (Reverse(users(item)), item));
        let mut places = vec![u32::MAX; by_item.rows()];
        for (place, &item) in items.iter().enumerate() {
            places[item as usize] = place as u32;
        }
        Self { items, places }
    }

    /// The place of an item; none if nobody has it.
    pub(super) fn place(&self, item: usize) -> Option<usize> {
        Some(self.places[item] as usize).filter(|&place| place < self.items.len())
    }
}

/// What the systems of all items are made of, in the numbering of the ranking.
#[derive(Debug)]
pub(super) struct Gram {
    /// `XᵀX + Λ` on the diagonal.
    pub(super) diagonal: Vec<f32>,
    /// `XᵀX` below the diagonal, as much as fits.
    pub(super) below: Rows,
    /// Of each item the neighbours, ascending, with what it shares with them.
    pub(super) neighbours: Vec<Block>,
}

impl SansaConfig {
    /// How many entries a row of `XᵀX` may keep.
    pub(super) fn most_shared(&self, items: usize) -> Result<usize> {
        let weights = ENTRY_BYTES
            .saturating_mul(items as u64)
            .saturating_mul(self.neighbours.min(items) as u64);
        let needed = weights.saturating_mul(2);
        if needed > self.max_memory_bytes {
            return Err(Error::data(
                "sansa",
                format!(
                    "{items} items with {} neighbours each need {needed} bytes, max_memory_bytes allows {}; \
                     fewer neighbours need less",
                    self.neighbours, self.max_memory_bytes
                ),
            ));
        }
        let entries = (self.max_memory_bytes - weights) / ENTRY_BYTES / (items as u64).max(1);
        Ok(usize::try_from(entries).unwrap_or(usize::MAX))
    }

    pub(super) fn gram(
        &self,
        ranking: &Ranking,
        interactions: &Interactions,
        options: &FitOptions,
    ) -> Result<Gram> {
        let most_shared = self.most_shared(ranking.items.len())?;
        let shared = Shared {
            config: self,
            ranking,
            interactions,
            most_shared,
            diagonal: self.diagonal(ranking, interactions),
        };
        let blocks = ranking.items.len().div_ceil(ROWS_PER_BLOCK);
        let done = AtomicUsize::new(0);
        let scratch = || (Accumulator::new(interactions.by_item().rows()), Vec::new());
        let pairs: Vec<(Block, Block)> = (0..blocks)
            .into_par_iter()
            .with_max_len(1)
            .map_init(scratch, |(sums, strengths), block| {
                let finished = done.fetch_add(1, Ordering::Relaxed);
                options.step("shared users", finished as f64 / blocks as f64)?;
                Ok(shared.block(block, sums, strengths))
            })
            .collect::<Result<_>>()?;
        let (below, neighbours) = pairs.into_iter().unzip();
        Ok(Gram {
            diagonal: shared.diagonal,
            below: Rows(below),
            neighbours,
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    fn diagonal(&self, ranking: &Ranking, interactions: &Interactions) -> Vec<f32> {
        let by_item = interactions.by_item();
        let factor = 1.0 + self.dropout / (1.0 - self.dropout);
        let squares = |&item: &u32| -> f64 {
            let weights = by_item.row(item as usize).values.iter();
            weights.map(|&weight| f64::from(weight).powi(2)).sum()
        };
        let items = ranking.items.iter();
        items
            .map(|item| (self.regularization + factor * squares(item)) as f32)
            .collect()
    }
}

/// An entry of a row and what it is worth there.
struct Strength {
    worth: f32,
    place: u32,
    shared: f32,
}

/// What every task reads.
struct Shared<'a> {
    config: &'a SansaConfig,
    ranking: &'a Ranking,
    interactions: &'a Interactions,
    most_shared: usize,
    diagonal: Vec<f32>,
}

impl Shared<'_> {
    fn block(
        &self,
        block: usize,
        sums: &mut Accumulator,
        strengths: &mut Vec<Strength>,
    ) -> (Block, Block) {
        let start = block * ROWS_PER_BLOCK;
        let end = self.ranking.items.len().min(start + ROWS_PER_BLOCK);
        let (mut below, mut neighbours) = (Block::default(), Block::default());
        for place in start..end {
            let item = self.ranking.items[place];
            let by_user = self.interactions.by_user();
            for (user, weight) in self.interactions.by_item().row(item as usize).iter() {
                sums.add(weight, by_user.row(user as usize));
            }
            let mut row = |most: usize, target: &mut Block, wanted: &dyn Fn(u32) -> bool| {
                self.strengths(sums, strengths, wanted);
                keep_strongest(strengths, most);
                target.push(strengths.iter().map(|entry| (entry.place, entry.shared)));
            };
            row(self.most_shared, &mut below, &|other| {
                (other as usize) < place
            });
            row(self.config.neighbours, &mut neighbours, &|other| {
                other as usize != place
            });
            sums.clear();
        }
        (below.finish(), neighbours.finish())
    }

    /// The wanted entries of a row with what each, alone, takes off the squared error of predicting the row's item:
    /// `G_ij² / (G_jj + Λ_jj)`.
    fn strengths(
        &self,
        sums: &Accumulator,
        strengths: &mut Vec<Strength>,
        wanted: &dyn Fn(u32) -> bool,
    ) {
        strengths.clear();
        for (other, shared) in sums.entries() {
            let place = self.ranking.places[other as usize];
            if wanted(place) {
                let worth = shared / self.diagonal[place as usize] * shared;
                strengths.push(Strength {
                    worth,
                    place,
                    shared,
                });
            }
        }
    }
}

/// Keeps the `most` entries worth most, ties to the more popular, in the order of their places.
fn keep_strongest(strengths: &mut Vec<Strength>, most: usize) {
    if strengths.len() > most {
        strengths.select_nth_unstable_by(most, |a, b| {
            b.worth.total_cmp(&a.worth).then(a.place.cmp(&b.place))
        });
        strengths.truncate(most);
    }
    strengths.sort_unstable_by_key(|entry| entry.place);
}
