//! The best items for a vector out of a large catalogue: a scan of one byte a factor, and exact scores for the few
//! items it cannot rule out.
//!
//! Items stand by falling length of their vectors. A vector v is kept as `s·q + e` with q whole numbers and the length
//! of the rest e known; so is the shopper's x, `t·p + f`. Then, by Cauchy and Schwarz,
//!
//! `x·v ≤ s t (p·q) + ‖t p‖ ‖e‖ + ‖f‖ ‖v‖`.
//!
//! An item whose bound lies below the last of the best scores so far cannot be in the answer, nor can any item from the
//! first whose `‖x‖ ‖v‖` does. All others are scored exactly, so the answer is that of scoring every item.
//!
//! The lengths of p and q are kept so small that p·q fits 16 bits. Sums of 16 bits wrap around on the way, which changes
//! nothing in the end, and a register holds twice as many of them as of 32.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::error::Result;
use crate::factors::vector::{Rows, dot};
use crate::ids::ItemIx;
use crate::ranked::Best;

/// Items bounded together.
const BLOCK: usize = 128;

/// Most length of a vector of whole numbers: its square fits 16 bits.
const LONGEST: f32 = 181.0;

/// Largest number of a vector of bytes, half a step kept for rounding.
const LARGEST: f32 = 126.5;

/// The vectors of all items in bytes, by falling length.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scan {
    width: usize,
    /// Row of the item at each place.
    order: Vec<u32>,
    blocks: Vec<Block>,
}

/// [`BLOCK`] items: what is known of each, and byte `f` of all of them after byte `f − 1`.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    /// s.
    steps: [f32; BLOCK],
    /// At least ‖e‖.
    rests: [f32; BLOCK],
    /// At least ‖v‖.
    lengths: [f32; BLOCK],
    /// At least every ‖v‖ of this block and those behind.
    longest: f32,
    bytes: Vec<[i8; BLOCK]>,
}

/// A vector as whole numbers times a step, with the lengths of both parts.
struct Whole {
    step: f32,
    numbers: Vec<i16>,
    length: f32,
    rest: f32,
}

impl Whole {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "lengths are f32, and the numbers stay within the length allowed"
    )]
    fn new(vector: &[f32], largest: f32) -> Self {
        let length = length(vector.iter().map(|&x| f64::from(x)));
        let most = vector.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        // Rounding adds at most half a step in every direction to the length.
        let room = LONGEST - 0.5 * (vector.len() as f32).sqrt();
        let step = (length / f64::from(room)).max(f64::from(most / largest)) as f32;
        let number = |x: f32| if step > 0.0 { (x / step).round() } else { 0.0 };
        let rest = vector
            .iter()
            .map(|&x| f64::from(x) - f64::from(step) * f64::from(number(x)));
        Self {
            step,
            numbers: vector.iter().map(|&x| number(x) as i16).collect(),
            length: up(length),
            rest: up(self::length(rest)),
        }
    }
}

fn length(vector: impl Iterator<Item = f64>) -> f64 {
    vector.map(|x| x * x).sum::<f64>().sqrt()
}

/// A number not below `value`.
#[expect(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
fn up(value: f64) -> f32 {
    (value * (1.0 + 1e-6)) as f32 + f32::MIN_POSITIVE
}

impl Scan {
    /// Of all of `vectors`.
    pub(super) fn new(vectors: Rows<'_>) -> Self {
        let width = vectors.width();
        let rows = vectors.count();
        let length = |row: u32| length(vectors.values(row).iter().map(|&x| f64::from(x)));
        let lengths: Vec<f64> = (0..rows).into_par_iter().map(length).collect();
        let mut order: Vec<u32> = (0..rows).collect();
        order.sort_by(|&a, &b| lengths[b as usize].total_cmp(&lengths[a as usize]));
        let blocks = order
            .par_chunks(BLOCK)
            .map(|rows| Block::new(vectors, rows))
            .collect();
        Self {
            width,
            order,
            blocks,
        }
    }
}

impl Block {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole numbers of items are made to fit a byte"
    )]
    fn new(vectors: Rows<'_>, rows: &[u32]) -> Self {
        let mut block = Self {
            steps: [0.0; BLOCK],
            rests: [0.0; BLOCK],
            lengths: [0.0; BLOCK],
            longest: 0.0,
            bytes: vec![[0; BLOCK]; vectors.width()],
        };
        for (at, &row) in rows.iter().enumerate() {
            let whole = Whole::new(vectors.values(row), LARGEST);
            block.steps[at] = whole.step;
            block.rests[at] = whole.rest;
            block.lengths[at] = whole.length;
            block.longest = block.longest.max(whole.length);
            for (bytes, number) in block.bytes.iter_mut().zip(whole.numbers) {
                bytes[at] = number as i8;
            }
        }
        block
    }

    /// p·q for every item.
    #[inline(always)]
    fn products(&self, numbers: &[i16]) -> [i16; BLOCK] {
        let mut sums = [0i16; BLOCK];
        for (bytes, &number) in self.bytes.iter().zip(numbers) {
            for (sum, &byte) in sums.iter_mut().zip(bytes) {
                *sum = sum.wrapping_add(i16::from(byte).wrapping_mul(number));
            }
        }
        sums
    }
}

/// A search for the best items for `vector`.
pub(super) struct Search<'a, 'q> {
    pub(super) scan: &'a Scan,
    pub(super) vectors: Rows<'a>,
    /// The item of each row.
    pub(super) items: &'a [u32],
    pub(super) vector: &'a [f32],
    pub(super) best: Best<'q>,
}

impl<'q> WithSimd for Search<'_, 'q> {
    type Output = Result<Best<'q>>;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> Self::Output {
        let whole = Whole::new(self.vector, f32::from(i16::MAX));
        // The exact score too is rounded, at every one of its additions; and so are the bounds.
        let rounding = (self.scan.width + 16) as f32 * f32::EPSILON;
        let reach = whole.length * (1.0 + rounding);
        let slope = whole.rest + whole.length * rounding;
        let body = up(f64::from(whole.length) + f64::from(whole.rest));
        let mut bounds = [0.0f32; BLOCK];
        for (block, rows) in self.scan.blocks.iter().zip(self.scan.order.chunks(BLOCK)) {
            let least = self.best.threshold();
            if reach * block.longest + f32::MIN_POSITIVE < least {
                break;
            }
            let products = block.products(&whole.numbers);
            for (at, bound) in bounds.iter_mut().enumerate() {
                *bound = whole.step * (block.steps[at] * f32::from(products[at]))
                    + body * block.rests[at]
                    + slope * block.lengths[at]
                    // What falls below all numbers on the way is less.
                    + f32::MIN_POSITIVE;
            }
            for (bounds, rows) in bounds.chunks(16).zip(rows.chunks(16)) {
                // What is not a number is not below.
                if bounds
                    .iter()
                    .fold(true, |below, &bound| below & (bound < least))
                {
                    continue;
                }
                for (&bound, &row) in bounds.iter().zip(rows) {
                    if bound < self.best.threshold() {
                        continue;
                    }
                    let score = dot(simd, self.vectors.values(row), self.vector);
                    self.best.offer(ItemIx(self.items[row as usize]), score)?;
                }
            }
        }
        Ok(self.best)
    }
}
