//! The learned arrays beside the items' vectors: their names, their shapes, and where each stands.

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::models::sequence::SequenceConfig;

/// Arrays of one block.
const PER_BLOCK: usize = 13;

/// How much wider a block's inner layer is than its hidden state.
const INNER: usize = 4;

/// A learned array.
#[derive(Debug, Clone, PartialEq)]
struct Array {
    name: String,
    shape: Vec<usize>,
    values: Buffer<f32>,
}

/// All of them, in the order of [`layout`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    arrays: Vec<Array>,
}

/// A matrix by which rows are multiplied, a row of it for each input, and what is added.
#[derive(Clone, Copy)]
pub(super) struct Linear<'a> {
    pub(super) weight: &'a [f32],
    pub(super) bias: &'a [f32],
}

/// What a row brought to mean 0 and variance 1 is multiplied by, and what is added.
#[derive(Clone, Copy)]
pub(super) struct Norm<'a> {
    pub(super) scale: &'a [f32],
    pub(super) shift: &'a [f32],
}

/// One block of attention and what follows it.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub(super) attention_norm: Norm<'a>,
    /// To queries, keys and values, side by side.
    pub(super) input: Linear<'a>,
    /// By head: what an item so many places back gains.
    pub(super) distance: &'a [f32],
    pub(super) output: Linear<'a>,
    pub(super) forward_norm: Norm<'a>,
    pub(super) inner: Linear<'a>,
    pub(super) outer: Linear<'a>,
}

/// Names and shapes of all arrays of a model of `config`.
fn layout(config: &SequenceConfig) -> Vec<(String, Vec<usize>)> {
    let d = config.factors;
    let wide = INNER * d;
    let block = [
        ("attention.norm.scale", vec![d]),
        ("attention.norm.shift", vec![d]),
        ("attention.input.weight", vec![d, 3 * d]),
        ("attention.input.bias", vec![3 * d]),
        ("attention.distance", vec![config.heads, config.length]),
        ("attention.output.weight", vec![d, d]),
        ("attention.output.bias", vec![d]),
        ("forward.norm.scale", vec![d]),
        ("forward.norm.shift", vec![d]),
        ("forward.inner.weight", vec![d, wide]),
        ("forward.inner.bias", vec![wide]),
        ("forward.outer.weight", vec![wide, d]),
        ("forward.outer.bias", vec![d]),
    ];
    let mut all = vec![("positions".to_owned(), vec![config.length, d])];
    for number in 0..config.blocks {
        let of_block = block.iter();
        all.extend(
            of_block.map(|(name, shape)| (format!("blocks.{number}.{name}"), shape.clone())),
        );
    }
    all.extend(["norm.scale", "norm.shift"].map(|name| (name.to_owned(), vec![d])));
    all
}

impl Weights {
    /// The arrays that `find` gives under their names, told the shape that each should have.
    ///
    /// # Errors
    /// [`Error::Data`] if one is of another shape or holds what is no number, else what `find` gives.
    pub(super) fn collect(
        config: &SequenceConfig,
        mut find: impl FnMut(&str, &[usize]) -> Result<(Vec<usize>, Buffer<f32>)>,
    ) -> Result<Self> {
        let arrays = layout(config).into_iter().map(|(name, shape)| {
            let (found, values) = find(&name, &shape)?;
            if found != shape || values.len() != shape.iter().product::<usize>() {
                let reason = format!("{name} is of shape {found:?}, not {shape:?}");
                return Err(Error::data("sequence", reason));
            }
            if values.iter().any(|value| !value.is_finite()) {
                let reason = format!("{name} holds what is no number");
                return Err(Error::data("sequence", reason));
            }
            Ok(Array {
                name,
                shape,
                values,
            })
        });
        let arrays = arrays.collect::<Result<_>>()?;
        Ok(Self { arrays })
    }

    /// Takes up what [`Weights::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if an array is missing or of another shape.
    pub(super) fn load(config: &SequenceConfig, tensors: &Tensors) -> Result<Self> {
        Self::collect(config, |name, _| {
            let (shape, values) = tensors.get::<f32>(name)?;
            Ok((shape.to_vec(), values))
        })
    }

    /// Puts all arrays into `tensors`.
    pub(super) fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        for array in &self.arrays {
            tensors.put(&array.name, &array.shape, &array.values);
        }
    }

    fn array(&self, number: usize) -> &[f32] {
        &self.arrays[number].values
    }

    fn linear(&self, number: usize) -> Linear<'_> {
        Linear {
            weight: self.array(number),
            bias: self.array(number + 1),
        }
    }

    fn norm(&self, number: usize) -> Norm<'_> {
        Norm {
            scale: self.array(number),
            shift: self.array(number + 1),
        }
    }

    /// A vector for each place in a sequence.
    pub(super) fn positions(&self) -> &[f32] {
        self.array(0)
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.arrays.len() / PER_BLOCK
    }

    /// Block `number`.
    pub(super) fn block(&self, number: usize) -> Block<'_> {
        let first = 1 + number * PER_BLOCK;
        Block {
            attention_norm: self.norm(first),
            input: self.linear(first + 2),
            distance: self.array(first + 4),
            output: self.linear(first + 5),
            forward_norm: self.norm(first + 7),
            inner: self.linear(first + 9),
            outer: self.linear(first + 11),
        }
    }

    /// What the last block's hidden states go through.
    pub(super) fn last_norm(&self) -> Norm<'_> {
        self.norm(self.arrays.len() - 2)
    }
}
