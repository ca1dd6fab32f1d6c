//! Trains a causal self-attention model of what follows in sequences of items (SASRec: Kang and McAuley, ICDM 2018).
//!
//! Sequences of item numbers and [`Settings`] go in, named arrays come out ([`train`]); who answers from them needs
//! nothing of this crate. [`scores`] answers too, to compare with.
//!
//! The model: an item's vector times the root of its length, plus the vector of its place, goes through blocks of causal
//! self-attention and of two layers with a ramp between, each normed before and added to what came in; attention also
//! gains a learned number for each distance. The last state, normed, times the items' vectors is an item's score. The
//! loss is the cross-entropy of all items, or of a sample of them whose scores are raised to stand for all
//! ([`Settings::negatives`]). Adam with weight decay minimises it; the best model by the last items of some sequences,
//! which are kept back, is the one returned.
//!
//! # Determinism
//! Batches are cut into tasks of a fixed size, whose gradients are added up in their order; what is drawn at random comes
//! from the seed, the batch and the task. So the same sequences, settings and seed give the same bytes on any number of
//! threads of one processor.
//!
//! # The tensor library
//! `candle-core` differentiates the blocks and multiplies the matrices. Beside burn 0.22 (`flex` and `autodiff`) it took
//! 229 processor seconds to build against 365, with 126 crates against 137, and added 46 entries to the lock file of the
//! whole repository where burn added some 500, as that locks the back ends of every graphics card whether asked for or not.
//! Two things of it are worked around: it sums and multiplies large tensors on waiting threads of its own, so tasks are
//! kept below that size; and a softmax over all items, a layer norm and attention's softmax take it many passes each,
//! so these are worked out in one.
//!
//! ```
//! use recommender_sequence::{Settings, scores, train};
//! let settings = Settings {
//!     items: 3, factors: 8, blocks: 1, heads: 2, length: 4, dropout: 0.0, negatives: None, learning_rate: 0.02,
//!     regularization: 0.0, epochs: 60, patience: 60, batch_size: 8, validation: 0.0, seed: 1,
//! };
//! let round = [vec![0, 1, 2, 0, 1], vec![1, 2, 0, 1, 2], vec![2, 0, 1, 2, 0]];
//! let parameters = train(&round, &settings, &mut |_progress| true)?;
//! let scores = scores(&settings, &parameters, &[&[0, 1]])?;
//! assert!(scores[0][2] > scores[0][0]);
//! # Ok::<(), recommender_sequence::Error>(())
//! ```

mod adam;
mod batches;
mod body;
mod gradients;
mod operations;
mod output;
mod parameters;
mod settings;
mod train;
mod validation;

pub use parameters::Parameter;
pub use settings::Settings;
pub use train::{Progress, train};
pub use validation::scores;

/// Why there is no model. These are all there are, so that whoever maps them names each.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings do not fit one another or the sequences.
    #[error("{0}")]
    Settings(String),
    /// The caller said to stop.
    #[error("training was cancelled")]
    Cancelled,
    /// The weights grew past all numbers.
    #[error("the weights grew past all numbers: a smaller learning rate may help")]
    Diverged,
    /// The tensor library failed.
    #[error("{0}")]
    Tensors(#[from] candle_core::Error),
}

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
