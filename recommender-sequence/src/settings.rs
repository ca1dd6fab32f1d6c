//! What is learned, and for how long.

/// Settings of [`train`](crate::train). The caller checks the ranges that its users are told; what can't be trained at
/// all is an error of [`train`](crate::train).
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How many items there are: sequences hold numbers below it.
    pub items: usize,
    /// d, the numbers of a hidden state and of each item's vector; a multiple of `heads`.
    pub factors: usize,
    /// Self-attention blocks, one upon the other.
    pub blocks: usize,
    /// Heads of each block's attention.
    pub heads: usize,
    /// Most items that are looked back on.
    pub length: usize,
    /// Share of the numbers that are left out at random in training, from 0 to below 1.
    pub dropout: f32,
    /// How many items each target is told from, drawn anew each time; none tells it from all.
    pub negatives: Option<usize>,
    /// The step width of Adam.
    pub learning_rate: f32,
    /// How much of itself each weight loses per step, times the learning rate.
    pub regularization: f32,
    /// Most passes over the sequences.
    pub epochs: usize,
    /// Training ends after so many epochs without a better model; the best is kept.
    pub patience: usize,
    /// Sequences per step.
    pub batch_size: usize,
    /// Share of the sequences whose last item is kept back to judge the model by, from 0 to 1. At 0 all `epochs` are
    /// run and the last model is kept.
    pub validation: f32,
    /// Seed of everything random.
    pub seed: u64,
}
