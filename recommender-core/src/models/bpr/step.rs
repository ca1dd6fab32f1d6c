//! The gradients of one history after another, from vectors that stand still meanwhile.

use pulp::{Simd, WithSimd};
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::factors::{Factors, dot};
use crate::models::bpr::{BIAS, BprConfig, Negatives};
use crate::sparse::SparseMatrix;

/// Vectors of all items, as answers and as parts of histories.
#[derive(Debug, Clone)]
pub(super) struct Vectors {
    pub(super) answers: Factors,
    pub(super) parts: Factors,
}

/// Steps to take, in this order.
#[derive(Debug, Default)]
pub(super) struct Gradients {
    /// Items, as answers.
    pub(super) answers: Rows,
    /// Items, as parts of histories.
    pub(super) parts: Rows,
}

/// Rows and a vector for each, one after another.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) rows: Vec<u32>,
    pub(super) values: Vec<f32>,
}

impl Rows {
    fn add(&mut self, row: u32, values: impl Iterator<Item = f32>) {
        self.rows.push(row);
        self.values.extend(values);
    }
}

/// What negatives are drawn from.
#[derive(Debug)]
pub(super) struct Pool {
    /// Items with an interaction.
    items: Vec<u32>,
    /// Sums of the chances of the items up to each; empty if all are alike.
    chances: Vec<f64>,
    /// Draws for one comparison.
    draws: usize,
}

impl Pool {
    #[expect(clippy::cast_possible_truncation, reason = "items are numbered by u32")]
    pub(super) fn new(config: &BprConfig, by_item: &SparseMatrix) -> Self {
        let known = |item: &u32| !by_item.row(*item as usize).is_empty();
        let items: Vec<u32> = (0..by_item.rows() as u32).filter(known).collect();
        let mut sum = 0.0;
        let chance = |&item: &u32| {
            sum += (by_item.row(item as usize).len() as f64).sqrt();
            sum
        };
        let chances = match config.negatives {
            Negatives::Popularity => items.iter().map(chance).collect(),
            Negatives::Uniform | Negatives::Adaptive => Vec::new(),
        };
        let draws = match config.negatives {
            Negatives::Adaptive => config.draws,
            Negatives::Uniform | Negatives::Popularity => 1,
        };
        Self {
            items,
            chances,
            draws,
        }
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> u32 {
        let Some(sum) = self.chances.last() else {
            return self.items[random.random_range(0..self.items.len())];
        };
        let at = random.random::<f64>() * sum;
        let place = self.chances.partition_point(|&chance| chance <= at);
        self.items[place.min(self.items.len() - 1)]
    }
}

/// The gradients of the histories of `users`.
pub(super) struct Step<'a> {
    pub(super) vectors: &'a Vectors,
    pub(super) by_user: &'a SparseMatrix,
    pub(super) users: &'a [u32],
    pub(super) pool: &'a Pool,
    pub(super) regularization: f32,
    /// Seed of the epoch.
    pub(super) seed: u64,
}

impl WithSimd for Step<'_> {
    type Output = Gradients;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients {
        let mut gradients = Gradients::default();
        for &user in self.users {
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(u64::from(user));
            let history = self.by_user.row(user as usize).indices;
            self.learn(simd, history, &mut random, &mut gradients);
        }
        gradients
    }
}

impl Step<'_> {
    #[inline(always)]
    fn learn<S: Simd>(
        &self,
        simd: S,
        history: &[u32],
        random: &mut ChaCha8Rng,
        gradients: &mut Gradients,
    ) {
        let Vectors { answers, parts } = self.vectors;
        let width = answers.width();
        let mut whole = vec![0.0f32; width];
        for &item in history {
            let part = parts.row(item as usize);
            whole.iter_mut().zip(part).for_each(|(x, p)| *x += p);
        }
        let share = 1.0 / ((history.len() - 1).max(1) as f32).sqrt();
        let mut shopper = vec![0.0f32; width];
        let mut pulls = vec![0.0f32; history.len() * width];
        let mut pull = vec![0.0f32; width];
        for (&item, own) in history.iter().zip(pulls.chunks_exact_mut(width)) {
            let part = parts.row(item as usize);
            for ((x, all), p) in shopper.iter_mut().zip(&whole).zip(part) {
                *x = share * (all - p);
            }
            shopper[BIAS] = 1.0;
            let Some((other, score)) = self.negative(simd, &shopper, (history, random)) else {
                continue;
            };
            let (good, bad) = (answers.row(item as usize), answers.row(other as usize));
            let slope = 1.0 / (1.0 + (dot(simd, good, &shopper) - score).exp());
            let held = self.regularization;
            let toward = good.iter().zip(&shopper).map(|(q, x)| slope * x - held * q);
            gradients.answers.add(item, toward);
            let away = bad.iter().zip(&shopper).map(|(q, x)| -slope * x - held * q);
            gradients.answers.add(other, away);
            for ((own, sum), (good, bad)) in own.iter_mut().zip(&mut pull).zip(good.iter().zip(bad))
            {
                *own = share * slope * (good - bad);
                *sum += *own;
            }
        }
        for (&item, own) in history.iter().zip(pulls.chunks_exact_mut(width)) {
            let part = parts.row(item as usize);
            own[BIAS] = pull[BIAS];
            let held = self.regularization;
            let sums = pull.iter().zip(&*own).zip(part);
            gradients
                .parts
                .add(item, sums.map(|((all, own), p)| all - own - held * p));
        }
    }

    /// An item outside the history, and its score; none if chance finds none.
    #[inline(always)]
    fn negative<S: Simd>(
        &self,
        simd: S,
        shopper: &[f32],
        (history, random): (&[u32], &mut ChaCha8Rng),
    ) -> Option<(u32, f32)> {
        let mut best: Option<(u32, f32)> = None;
        let mut drawn = 0;
        for _ in 0..TRIES * self.pool.draws {
            let item = self.pool.draw(random);
            if history.binary_search(&item).is_ok() {
                continue;
            }
            let score = dot(simd, self.vectors.answers.row(item as usize), shopper);
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((item, score));
            }
            drawn += 1;
            if drawn == self.pool.draws {
                break;
            }
        }
        best
    }
}

/// Most draws for each that is wanted: whoever has nearly everything is compared with little.
const TRIES: usize = 4;
