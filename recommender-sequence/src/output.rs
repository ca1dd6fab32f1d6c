//! The loss over the items that may come next, and its gradients: cross-entropy of all items, or of a sample.
//!
//! This is where the time goes, so it is worked out by hand: three products of matrices and one pass over the scores.

use std::sync::Mutex;

use candle_core::{CpuStorage, Device, Error, InplaceOp1, Layout, Result, Tensor};
use pulp::Arch;

/// Scores that are held at once.
const SCORES_AT_ONCE: usize = 1 << 23;

/// What a chunk of targets says.
pub(crate) struct Lesson {
    /// Sum of the targets' losses times their weight.
    pub(crate) loss: f64,
    /// Gradient of the hidden states, a row for each target.
    pub(crate) hidden: Tensor,
    /// Gradient of the items' vectors.
    pub(crate) items: ItemGradient,
}

/// Gradient of the items' vectors.
pub(crate) enum ItemGradient {
    /// Of every item, row after row.
    Dense(Vec<f32>),
    /// Of some, which may come more than once: their numbers, and their rows one after another.
    Rows(Vec<u32>, Vec<f32>),
}

/// Items that targets are told from, and the weight of each target's loss.
pub(crate) struct Choice<'a> {
    pub(crate) targets: &'a [u32],
    pub(crate) weight: f32,
}

impl Choice<'_> {
    /// Tells the targets from all `items`.
    pub(crate) fn of_all(&self, hidden: &Tensor, items: &Tensor) -> Result<Lesson> {
        let (count, _) = items.dims2()?;
        let rows = (SCORES_AT_ONCE / count).max(16);
        let transposed = items.t()?;
        let mut sums = Vec::new();
        let (mut loss, mut parts) = (0.0, Vec::new());
        for (block, targets) in self.targets.chunks(rows).enumerate() {
            let hidden = hidden.narrow(0, block * rows, targets.len())?;
            let scores = hidden.matmul(&transposed)?;
            let slopes = Slopes::of(targets, self.weight);
            scores.inplace_op1(&slopes)?;
            loss += slopes.loss()?;
            parts.push(scores.matmul(items)?);
            let of_items: Vec<f32> = scores.t()?.matmul(&hidden)?.flatten_all()?.to_vec1()?;
            if sums.is_empty() {
                sums = of_items;
            } else {
                sums.iter_mut()
                    .zip(of_items)
                    .for_each(|(sum, value)| *sum += value);
            }
        }
        Ok(Lesson {
            loss,
            hidden: Tensor::cat(&parts, 0)?,
            items: ItemGradient::Dense(sums),
        })
    }

    /// Tells each target from the `negatives`, drawn evenly from as many `items` as there are: their scores are raised
    /// by the logarithm of how many items each stands for, which makes the loss an estimate of that of all items.
    pub(crate) fn of_some(
        &self,
        hidden: &Tensor,
        items: Table<'_>,
        negatives: &[u32],
    ) -> Result<Lesson> {
        let sampled = items.rows(negatives)?;
        let wanted = items.rows(self.targets)?;
        let stands_for = (items.count() as f32 - 1.0) / negatives.len() as f32;
        let own = (hidden * &wanted)?.sum_keepdim(1)?;
        let others = hidden.matmul(&sampled.t()?)?;
        others.inplace_op1(&Raise {
            by: stands_for.ln(),
            targets: self.targets,
            negatives,
        })?;
        let scores = Tensor::cat(&[&own, &others], 1)?;
        let first = vec![0; self.targets.len()];
        let slopes = Slopes::of(&first, self.weight);
        scores.inplace_op1(&slopes)?;
        let own = scores.narrow(1, 0, 1)?;
        let others = scores.narrow(1, 1, negatives.len())?.contiguous()?;
        let of_hidden = (others.matmul(&sampled)? + wanted.broadcast_mul(&own)?)?;
        let mut rows: Vec<f32> = others.t()?.matmul(hidden)?.flatten_all()?.to_vec1()?;
        rows.extend(
            hidden
                .broadcast_mul(&own)?
                .flatten_all()?
                .to_vec1::<f32>()?,
        );
        Ok(Lesson {
            loss: slopes.loss()?,
            hidden: of_hidden,
            items: ItemGradient::Rows([negatives, self.targets].concat(), rows),
        })
    }
}

/// The items' vectors, row after row.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) width: usize,
}

impl Table<'_> {
    fn count(&self) -> usize {
        self.values.len() / self.width
    }

    pub(crate) fn row(&self, item: u32) -> &[f32] {
        &self.values[item as usize * self.width..][..self.width]
    }

    fn rows(&self, items: &[u32]) -> Result<Tensor> {
        let values: Vec<f32> = items
            .iter()
            .flat_map(|&item| self.row(item))
            .copied()
            .collect();
        Tensor::from_vec(values, (items.len(), self.width), &Device::Cpu)
    }
}

fn piece<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let CpuStorage::F32(values) = storage else {
        return Err(Error::Msg("scores are kept in single precision".into()));
    };
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| Error::Msg("the scores lie in pieces".into()))?;
    Ok(&mut values[start..end])
}

/// Raises the scores of sampled items, and puts one that is the target itself out of the choice.
struct Raise<'a> {
    by: f32,
    targets: &'a [u32],
    negatives: &'a [u32],
}

impl InplaceOp1 for Raise<'_> {
    fn name(&self) -> &'static str {
        "raise"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let scores = piece(storage, layout)?;
        let rows = scores.chunks_exact_mut(self.negatives.len());
        for (row, target) in rows.zip(self.targets) {
            for (score, negative) in row.iter_mut().zip(self.negatives) {
                let hit = negative == target;
                *score = if hit {
                    f32::NEG_INFINITY
                } else {
                    *score + self.by
                };
            }
        }
        Ok(())
    }
}

/// Turns scores into the slopes of the cross-entropy along them.
struct Slopes<'a> {
    targets: &'a [u32],
    weight: f32,
    loss: Mutex<f64>,
}

impl<'a> Slopes<'a> {
    fn of(targets: &'a [u32], weight: f32) -> Self {
        let loss = Mutex::new(0.0);
        Self {
            targets,
            weight,
            loss,
        }
    }

    fn loss(&self) -> Result<f64> {
        let loss = self.loss.lock();
        loss.map(|loss| *loss)
            .map_err(|error| Error::Msg(error.to_string()))
    }
}

impl InplaceOp1 for Slopes<'_> {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (_, count) = layout.shape().dims2()?;
        let scores = piece(storage, layout)?;
        let loss = Arch::new().dispatch(|| {
            let mut loss = 0.0f64;
            for (row, &target) in scores.chunks_exact_mut(count).zip(self.targets) {
                loss += f64::from(slopes(row, target as usize, self.weight));
            }
            loss
        });
        let mut sum = self
            .loss
            .lock()
            .map_err(|error| Error::Msg(error.to_string()))?;
        *sum += loss;
        Ok(())
    }
}

/// Numbers taken together, so that a loop over them fills whole registers.
const LANES: usize = 16;

/// Turns the scores of a row into slopes; returns its loss.
#[inline(always)]
fn slopes(row: &mut [f32], target: usize, weight: f32) -> f32 {
    let own = row[target];
    let most = most(row);
    let mut sums = [0.0f32; LANES];
    let (many, rest) = row.as_chunks_mut::<LANES>();
    for scores in many {
        for (score, sum) in scores.iter_mut().zip(&mut sums) {
            *score = exp(*score - most);
            *sum += *score;
        }
    }
    for (score, sum) in rest.iter_mut().zip(&mut sums) {
        *score = exp(*score - most);
        *sum += *score;
    }
    let sum: f32 = sums.iter().sum();
    let scale = weight / sum;
    row.iter_mut().for_each(|score| *score *= scale);
    row[target] -= weight;
    weight * (sum.ln() + most - own)
}

#[inline(always)]
fn most(row: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let (many, rest) = row.as_chunks::<LANES>();
    for scores in many {
        for (most, &score) in most.iter_mut().zip(scores) {
            *most = if score > *most { score } else { *most };
        }
    }
    let most = most.into_iter().chain(rest.iter().copied());
    most.fold(f32::NEG_INFINITY, f32::max)
}

/// e to the power of `x`, at most 0, to 1e-7 of itself: 2 to the power of the whole part of `x / ln 2`, times a
/// polynomial of the rest. Without a branch or a call, so that a loop over it fills whole registers.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding it leaves the whole part in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > -87.0 { x } else { -87.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * LN_2_HIGH - whole * LN_2_LOW;
    let mut value = 1.0 / 5_040.0;
    for factor in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        value = value * rest + factor;
    }
    let power = shifted
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(127)
        << 23;
    value * f32::from_bits(power)
}

#[cfg(test)]
mod tests;
