//! One small dense system for every item, over its neighbours.

use std::sync::atomic::{AtomicUsize, Ordering};

use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::cholesky::llt;
use faer::{MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::Result;
use crate::models::sansa::gram::{Gram, Ranking};
use crate::models::sansa::rows::{Block, ROWS_PER_BLOCK, Rows};
use crate::models::sansa::{Sansa, SansaConfig};
use crate::recommender::FitOptions;
use crate::sparse::SparseMatrix;

/// Added to the diagonal, as shares of it, until a system is positive definite. Only one whose entries were left out for
/// want of memory, or rounded away, ever needs the second.
const LIFTS: [f32; 3] = [0.0, 0.5, 4.0];

impl SansaConfig {
    /// Solves for the weights of the neighbours of every item of `dataset`.
    ///
    /// Time is proportional to the sum over users of the square of their number of items, and to
    /// `items × neighbours³`; memory to `items × neighbours`.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range; [`crate::Error::Data`] if the weights do not fit the
    /// memory allowed, or the weights of the interactions are of too large a range; [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Sansa> {
        self.validate()?;
        options.run(|| {
            let interactions = dataset.interactions();
            let ranking = Ranking::new(interactions);
            options.step("shared users", 0.0)?;
            let gram = self.gram(&ranking, interactions, options)?;
            let solved = self.solve(gram, options)?;
            let columns = columns(&solved, &ranking, interactions.by_item().rows())?;
            drop(solved);
            options.step("weights", 1.0)?;
            Ok(Sansa {
                weights: columns.transpose(),
            })
        })
    }

    /// Puts each item's weights in the place of what it shares with its neighbours.
    fn solve(&self, gram: Gram, options: &FitOptions) -> Result<Vec<Block>> {
        let Gram {
            diagonal,
            below,
            neighbours,
        } = gram;
        let (blocks, done) = (neighbours.len(), AtomicUsize::new(0));
        let most = self.neighbours.min(diagonal.len());
        let scratch = || System::new(most, diagonal.len());
        neighbours
            .into_par_iter()
            .with_max_len(1)
            .map_init(scratch, |system, mut block| {
                let finished = done.fetch_add(1, Ordering::Relaxed);
                options.step("weights", finished as f64 / blocks as f64)?;
                for row in 0..block.len() {
                    let (places, shared) = block.row_mut(row);
                    system.solve((&below, &diagonal), places, shared);
                }
                Ok(block)
            })
            .collect()
    }
}

/// Room for one system at a time.
struct System {
    /// For each item of the ranking one more than its number in the system, zero outside it.
    numbers: Vec<u32>,
    /// The lower triangle, column by column.
    matrix: Vec<f32>,
    solution: Vec<f32>,
    stack: MemBuffer,
}

impl System {
    fn new(most: usize, items: usize) -> Self {
        let par = Par::Seq;
        let factor =
            llt::factor::cholesky_in_place_scratch::<f32>(most, par, faer::Spec::default());
        let solve = llt::solve::solve_in_place_scratch::<f32>(most, 1, par);
        Self {
            numbers: vec![0; items],
            matrix: Vec::with_capacity(most * most),
            solution: Vec::with_capacity(most),
            stack: MemBuffer::new(StackReq::any_of(&[factor, solve])),
        }
    }

    /// Replaces `shared`, what an item shares with the neighbours at `places`, by their weights for it.
    fn solve(&mut self, gram: (&Rows, &[f32]), places: &[u32], shared: &mut [f32]) {
        let solved = LIFTS.iter().any(|lift| {
            self.fill(gram, places, 1.0 + lift);
            self.solution.clear();
            self.solution.extend_from_slice(shared);
            self.factor_and_solve(places.len())
        });
        for (at, weight) in shared.iter_mut().enumerate() {
            // What no lift makes solvable is predicted by each neighbour as if it were the only one, and there is one.
            *weight = if solved {
                self.solution[at]
            } else {
                *weight / gram.1[places[at] as usize] / places.len() as f32
            };
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a system has at most 4,096 rows"
    )]
    fn fill(&mut self, (below, diagonal): (&Rows, &[f32]), places: &[u32], lift: f32) {
        let size = places.len();
        for (number, &place) in places.iter().enumerate() {
            self.numbers[place as usize] = number as u32 + 1;
        }
        self.matrix.clear();
        self.matrix.resize(size * size, 0.0);
        for (row, &place) in places.iter().enumerate() {
            let (others, values) = below.row(place as usize);
            for (&other, &value) in others.iter().zip(values) {
                let number = self.numbers[other as usize] as usize;
                if number > 0 {
                    self.matrix[(number - 1) * size + row] = value;
                }
            }
            self.matrix[row * size + row] = diagonal[place as usize] * lift;
        }
        for &place in places {
            self.numbers[place as usize] = 0;
        }
    }

    /// Whether there is a solution.
    fn factor_and_solve(&mut self, size: usize) -> bool {
        let matrix = MatMut::from_column_major_slice_mut(&mut self.matrix, size, size);
        let regularization = llt::factor::LltRegularization::default();
        let stack = MemStack::new(&mut self.stack);
        let factored = llt::factor::cholesky_in_place(
            matrix,
            regularization,
            Par::Seq,
            stack,
            faer::Spec::default(),
        );
        if factored.is_err() {
            return false;
        }
        let factor = MatRef::from_column_major_slice(&self.matrix, size, size);
        let solution = MatMut::from_column_major_slice_mut(&mut self.solution, size, 1);
        let stack = MemStack::new(&mut self.stack);
        llt::solve::solve_in_place(factor, solution, Par::Seq, stack);
        self.solution.iter().all(|weight| weight.is_finite())
    }
}

/// The weights of all items (rows) by those they are predicted from (columns), numbered as the data is.
fn columns(solved: &[Block], ranking: &Ranking, items: usize) -> Result<SparseMatrix> {
    let weights = solved.iter().map(Block::entries).sum();
    let mut offsets = Vec::with_capacity(items + 1);
    let (mut indices, mut values) = (Vec::with_capacity(weights), Vec::with_capacity(weights));
    let mut row: Vec<(u32, f32)> = Vec::new();
    offsets.push(0u64);
    for item in 0..items {
        row.clear();
        if let Some(place) = ranking.place(item) {
            let (places, weights) = solved[place / ROWS_PER_BLOCK].row(place % ROWS_PER_BLOCK);
            let known = places.iter().map(|&place| ranking.items[place as usize]);
            row.extend(
                known
                    .zip(weights.iter().copied())
                    .filter(|entry| entry.1 != 0.0),
            );
        }
        row.sort_unstable_by_key(|&(item, _)| item);
        indices.extend(row.iter().map(|entry| entry.0));
        values.extend(row.iter().map(|entry| entry.1));
        offsets.push(indices.len() as u64);
    }
    SparseMatrix::try_new(items, offsets, indices, values)
}
