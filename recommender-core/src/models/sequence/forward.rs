//! From the vectors of what a shopper did last to the hidden state that foretells what comes next.

use crate::models::sequence::weights::{Block, Linear, Norm, Weights};

/// Added to a variance, so that equal numbers can be normalised.
const EPSILON: f32 = 1e-5;

/// Inputs taken together, so that a sum is read and written once for several.
const TOGETHER: usize = 4;

/// Sizes of the hidden states.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) factors: usize,
    pub(super) heads: usize,
    pub(super) length: usize,
}

/// What one thread works with.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Hidden states, one after another.
    pub(super) states: Vec<f32>,
    normed: Vec<f32>,
    mixed: Vec<f32>,
    seen: Vec<f32>,
    inner: Vec<f32>,
    added: Vec<f32>,
    shares: Vec<f32>,
}

/// Takes the vectors of a sequence's items, in `scratch.states`, through all blocks; the last hidden state, normed, goes
/// into `out`.
#[inline(always)]
pub(super) fn last_hidden(weights: &Weights, shape: Shape, scratch: &mut Scratch, out: &mut [f32]) {
    let count = scratch.states.len();
    add(&mut scratch.states, &weights.positions()[..count]);
    for number in 0..weights.blocks() {
        // Of the last block only the last state is read.
        let last = number + 1 == weights.blocks();
        let first = if last { count - shape.factors } else { 0 };
        block(&weights.block(number), shape, scratch, first);
    }
    let state = &scratch.states[count - shape.factors..];
    norm(weights.last_norm(), state, out);
}

/// One block, for the hidden states from the number `first` on.
#[inline(always)]
fn block(block: &Block<'_>, shape: Shape, scratch: &mut Scratch, first: usize) {
    let Scratch {
        states,
        normed,
        mixed,
        seen,
        inner,
        added,
        shares,
    } = scratch;
    let width = shape.factors;
    normed.resize(states.len(), 0.0);
    norm(block.attention_norm, states, normed);
    mixed.resize(3 * states.len(), 0.0);
    linear(block.input, normed, mixed);
    seen.resize(states.len() - first, 0.0);
    attend(
        block.distance,
        shape,
        (mixed, shares),
        (first / width, seen),
    );
    let states = &mut states[first..];
    added.resize(states.len(), 0.0);
    linear(block.output, seen, added);
    add(states, added);
    let normed = &mut normed[..states.len()];
    norm(block.forward_norm, states, normed);
    inner.resize(states.len() / width * block.inner.bias.len(), 0.0);
    linear(block.inner, normed, inner);
    inner.iter_mut().for_each(|value| *value = value.max(0.0));
    linear(block.outer, inner, added);
    add(states, added);
}

/// What each state from `first` on sees of itself and those before it, from queries, keys and values side by side.
#[inline(always)]
fn attend(
    distance: &[f32],
    shape: Shape,
    (mixed, shares): (&[f32], &mut Vec<f32>),
    (first, seen): (usize, &mut [f32]),
) {
    let (factors, width) = (shape.factors, shape.factors / shape.heads);
    let scale = (width as f32).sqrt().recip();
    seen.fill(0.0);
    for (number, seen) in seen.chunks_exact_mut(factors).enumerate() {
        let last = first + number;
        for (head, seen) in seen.chunks_exact_mut(width).enumerate() {
            let part = |state: usize, which: usize| {
                &mixed[(3 * state + which) * factors + head * width..][..width]
            };
            let near = &distance[head * shape.length..][..=last];
            let query = part(last, 0);
            shares.clear();
            shares.extend((0..=last).map(|state| {
                let product: f32 = query.iter().zip(part(state, 1)).map(|(q, k)| q * k).sum();
                scale * product + near[last - state]
            }));
            softmax(shares);
            for (state, &share) in shares.iter().enumerate() {
                let values = seen.iter_mut().zip(part(state, 2));
                values.for_each(|(sum, value)| *sum += share * value);
            }
        }
    }
}

#[inline(always)]
fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|share| *share /= sum);
}

/// Brings each row to mean 0 and variance 1, then scales and shifts it.
#[inline(always)]
fn norm(norm: Norm<'_>, rows: &[f32], out: &mut [f32]) {
    let width = norm.scale.len();
    for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let mean = row.iter().sum::<f32>() / width as f32;
        let squares = row.iter().map(|value| (value - mean) * (value - mean));
        let inverse = (squares.sum::<f32>() / width as f32 + EPSILON)
            .sqrt()
            .recip();
        let affine = norm.scale.iter().zip(norm.shift);
        for ((out, value), (scale, shift)) in out.iter_mut().zip(row).zip(affine) {
            *out = (value - mean) * inverse * scale + shift;
        }
    }
}

/// Each row times the weight, plus the bias.
#[inline(always)]
fn linear(linear: Linear<'_>, rows: &[f32], out: &mut [f32]) {
    let width = linear.bias.len();
    let inputs = linear.weight.len() / width;
    for (row, out) in rows.chunks_exact(inputs).zip(out.chunks_exact_mut(width)) {
        out.copy_from_slice(linear.bias);
        let (many, rest) = row.as_chunks::<TOGETHER>();
        let weights = linear.weight.chunks_exact(TOGETHER * width);
        for (values, weights) in many.iter().zip(weights) {
            let (a, bcd) = weights.split_at(width);
            let (b, cd) = bcd.split_at(width);
            let (c, d) = cd.split_at(width);
            for (at, sum) in out.iter_mut().enumerate() {
                *sum +=
                    values[0] * a[at] + values[1] * b[at] + values[2] * c[at] + values[3] * d[at];
            }
        }
        let weights = linear.weight[many.len() * TOGETHER * width..].chunks_exact(width);
        for (value, weights) in rest.iter().zip(weights) {
            out.iter_mut()
                .zip(weights)
                .for_each(|(sum, weight)| *sum += value * weight);
        }
    }
}

#[inline(always)]
fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut()
        .zip(values)
        .for_each(|(sum, value)| *sum += value);
}
