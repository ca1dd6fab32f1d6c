//! Batches of histories: gradients of all from the same vectors, taken in a fixed order.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::dataset::{Change, Dataset};
use crate::error::{Error, Result};
use crate::factors::{Factors, ItemFactors, on_best_simd};
use crate::ids::{DenseIndex, ItemIx};
use crate::interactions::Interactions;
use crate::models::bpr::step::{Gradients, Pool, Rows, Step, Vectors};
use crate::models::bpr::{BIAS, Bpr, BprConfig};
use crate::recommender::FitOptions;

/// Users whose gradients are taken together, and those of one task. Fixed, so that nothing depends on the number of
/// threads.
const USERS_PER_BATCH: usize = 128;
const USERS_PER_TASK: usize = 16;

/// Parts of the items that take their steps apart from each other.
const SHARDS: usize = 8;

/// Standard deviation of the length of the answers' vectors that learning begins from.
const INITIAL_DEVIATION: f32 = 0.1;

/// The squared gradients a step is taken to have seen at first (Duchi et al. 2011): keeps the first steps short.
const FIRST_SQUARES: f32 = 0.01;

impl BprConfig {
    /// Learns the vectors of every item of `dataset` that has an interaction.
    ///
    /// Time for one epoch: proportional to `interactions × factors × draws`; memory: four vectors for each item.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range; [`crate::Error::Data`] if the steps are so long that the
    /// vectors grow past all bounds; [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Bpr> {
        self.validate()?;
        options.run(|| {
            let items = dataset.interactions().by_item().rows();
            let vectors = self.initial(items, options.seed);
            self.learn(dataset.interactions(), vectors, self.epochs, options)
        })
    }

    /// Goes on from the vectors `fitted` has, for a quarter of the epochs.
    ///
    /// # Errors
    /// As [`BprConfig::fit`].
    pub fn update(&self, fitted: &Bpr, change: &Change<'_>, options: &FitOptions) -> Result<Bpr> {
        self.validate()?;
        options.run(|| {
            let interactions = change.after().interactions();
            let items = interactions.by_item().rows();
            let mut vectors = self.initial(items, options.seed);
            let width = fitted.answers.width();
            let shared = width.min(vectors.answers.width());
            for (row, &item) in (0u32..).zip(fitted.answers.items()) {
                let answer = fitted.answers.view().values(row);
                let part = &fitted.parts[row as usize * width..];
                vectors.answers.row_mut(item as usize)[..shared].copy_from_slice(&answer[..shared]);
                vectors.parts.row_mut(item as usize)[..shared].copy_from_slice(&part[..shared]);
            }
            self.learn(interactions, vectors, self.epochs.div_ceil(4), options)
        })
    }

    /// Answers by chance, and parts of histories that say nothing yet: what they come to say is all learned.
    fn initial(&self, rows: usize, seed: u64) -> Vectors {
        let mut answers = Factors::zeros(rows, BIAS + 1 + self.factors);
        let parts = answers.clone();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        // Uniform on ±√3 σ has standard deviation σ.
        let bound = INITIAL_DEVIATION * (3.0 / self.factors as f32).sqrt();
        for row in 0..rows {
            let factors = &mut answers.row_mut(row)[BIAS + 1..][..self.factors];
            factors.fill_with(|| bound * (2.0 * random.random::<f32>() - 1.0));
        }
        Vectors { answers, parts }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "users are numbered by u32, and numbers are f32 throughout"
    )]
    fn learn(
        &self,
        interactions: &Interactions,
        vectors: Vectors,
        epochs: usize,
        options: &FitOptions,
    ) -> Result<Bpr> {
        let by_user = interactions.by_user();
        let pool = Pool::new(self, interactions.by_item());
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        let mut users: Vec<u32> = (0..by_user.rows() as u32)
            .filter(|&user| !by_user.row(user as usize).is_empty())
            .collect();
        let mut learner = Learner::new(vectors, self.learning_rate as f32);
        for epoch in 0..epochs {
            users.shuffle(&mut random);
            let seed = random.random();
            for (batch, chosen) in users.chunks(USERS_PER_BATCH).enumerate() {
                let done = (batch * USERS_PER_BATCH) as f64 / users.len() as f64;
                options.step("comparisons", (epoch as f64 + done) / epochs as f64)?;
                let step = |users| Step {
                    vectors: &learner.vectors,
                    by_user,
                    users,
                    pool: &pool,
                    regularization: self.regularization as f32,
                    seed,
                };
                let tasks = chosen.par_chunks(USERS_PER_TASK);
                let gradients: Vec<Gradients> =
                    tasks.map(|users| on_best_simd(step(users))).collect();
                learner.take(&gradients);
            }
        }
        options.step("comparisons", 1.0)?;
        model(interactions, &learner.vectors)
    }
}

/// The vectors, and the squares of all gradients so far.
struct Learner {
    vectors: Vectors,
    squares: Vectors,
    rate: f32,
}

impl Learner {
    fn new(vectors: Vectors, rate: f32) -> Self {
        let mut squares = vectors.clone();
        squares.answers.values_mut().fill(FIRST_SQUARES);
        squares.parts.values_mut().fill(FIRST_SQUARES);
        Self {
            vectors,
            squares,
            rate,
        }
    }

    fn take(&mut self, gradients: &[Gradients]) {
        let Self {
            vectors,
            squares,
            rate,
        } = self;
        let answers: Vec<&Rows> = gradients.iter().map(|all| &all.answers).collect();
        let parts: Vec<&Rows> = gradients.iter().map(|all| &all.parts).collect();
        rayon::join(
            || {
                take(
                    &mut vectors.answers,
                    &mut squares.answers,
                    (*rate, &answers),
                )
            },
            || take(&mut vectors.parts, &mut squares.parts, (*rate, &parts)),
        );
    }
}

/// Takes the steps of each item in their order.
fn take(vectors: &mut Factors, squares: &mut Factors, (rate, gradients): (f32, &[&Rows])) {
    let width = vectors.width();
    let rows = (vectors.values_mut().len() / width).div_ceil(SHARDS);
    let shards = vectors.values_mut().par_chunks_mut(rows * width);
    let shards = shards.zip(squares.values_mut().par_chunks_mut(rows * width));
    shards.enumerate().for_each(|(shard, (vectors, squares))| {
        let own = shard * rows..(shard + 1) * rows;
        on_best_simd(Take {
            vectors,
            squares,
            own,
            width,
            rate,
            gradients,
        });
    });
}

/// The steps of the items `own`, whose vectors and squares stand one after another.
struct Take<'a> {
    vectors: &'a mut [f32],
    squares: &'a mut [f32],
    own: Range<usize>,
    width: usize,
    rate: f32,
    gradients: &'a [&'a Rows],
}

impl WithSimd for Take<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.width;
        for gradients in self.gradients {
            let steps = gradients.values.chunks_exact(width);
            for (&row, steps) in gradients.rows.iter().zip(steps) {
                if !self.own.contains(&(row as usize)) {
                    continue;
                }
                let start = (row as usize - self.own.start) * width;
                let vector = &mut self.vectors[start..start + width];
                let squares = &mut self.squares[start..start + width];
                for ((value, square), step) in vector.iter_mut().zip(squares).zip(steps) {
                    *square += step * step;
                    *value += self.rate * step / square.sqrt();
                }
            }
        }
    }
}

fn model(interactions: &Interactions, vectors: &Vectors) -> Result<Bpr> {
    let rows = interactions.by_item().iter_rows().enumerate();
    let items: Vec<ItemIx> = rows
        .filter(|(_, row)| !row.is_empty())
        .map(|(item, _)| ItemIx::at(item))
        .collect();
    let parts: Vec<f32> = items
        .iter()
        .flat_map(|item| vectors.parts.row(item.position()))
        .copied()
        .collect();
    let answers = ItemFactors::new(&items, &vectors.answers);
    let finite = |row: u32| answers.view().values(row).iter().all(|x| x.is_finite());
    if parts.iter().any(|x| !x.is_finite()) || !(0..answers.rows()).all(finite) {
        let reason = "the vectors grew past all bounds; take a smaller learning_rate";
        return Err(Error::data("bpr", reason));
    }
    Ok(Bpr {
        answers,
        parts: parts.into(),
    })
}
