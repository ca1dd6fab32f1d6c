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
//! The lengths of p and q are kept so small that p·q fits 16 bits: a register holds twice as many of them as of 32.
//! Several shoppers go through the items together, so that what is read from memory once meets all of them.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::error::Result;
use crate::factors::bytes::{
    BLOCK, MOST_OF_ITEM, MOST_OF_SHOPPER, Multiplier, Pair, Products, Shopper, TOGETHER,
};
use crate::factors::vector::{Rows, dot, on_best_simd};
use crate::ids::ItemIx;
use crate::ranked::Best;

/// Most length of a vector of whole numbers: its square fits 16 bits.
const LONGEST: f32 = 181.0;

/// Items whose bounds are looked at together.
const BOUNDS: usize = 16;

/// The vectors of all items in bytes, by falling length.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scan {
    width: usize,
    /// Row of the item at each place.
    order: Vec<u32>,
    blocks: Vec<Block>,
}

/// [`BLOCK`] items: what is known of each, and two numbers of all of them after the two before.
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
    pairs: Vec<Pair>,
}

/// A vector as whole numbers times a step, with the lengths of both parts.
struct Whole {
    step: f32,
    numbers: Vec<i16>,
    length: f32,
    rest: f32,
}

impl Whole {
    /// Of numbers up to `most`.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "lengths are f32, and the numbers stay within the length allowed"
    )]
    fn new(vector: &[f32], most: i16) -> Self {
        let length = length(vector.iter().map(|&x| f64::from(x)));
        let largest = vector.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        // Rounding adds at most half a step in every direction to the length, and to every number.
        let room = LONGEST - 0.5 * (vector.len() as f32).sqrt();
        let step =
            (length / f64::from(room)).max(f64::from(largest) / (f64::from(most) - 0.5)) as f32;
        let number = |x: f32| {
            // A smaller step is itself rounded too much.
            if step > f32::MIN_POSITIVE {
                (x / step).round_ties_even()
            } else {
                0.0
            }
        };
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

/// Summed in as many parts as fill registers.
#[inline(always)]
fn length(vector: impl Iterator<Item = f64>) -> f64 {
    let mut sums = [0.0; 8];
    for (at, x) in vector.enumerate() {
        sums[at % 8] += x * x;
    }
    sums.iter().sum::<f64>().sqrt()
}

/// A number not below `value`.
#[inline(always)]
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
            .map(|rows| on_best_simd(Lay { vectors, rows }))
            .collect();
        Self {
            width,
            order,
            blocks,
        }
    }
}

/// Makes the block of the items of `rows`.
struct Lay<'a> {
    vectors: Rows<'a>,
    rows: &'a [u32],
}

impl WithSimd for Lay<'_> {
    type Output = Block;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Block {
        let mut block = Block {
            steps: [0.0; BLOCK],
            rests: [0.0; BLOCK],
            lengths: [0.0; BLOCK],
            longest: 0.0,
            pairs: vec![Pair::ZERO; self.vectors.width() / 2],
        };
        for (at, &row) in self.rows.iter().enumerate() {
            let whole = Whole::new(self.vectors.values(row), MOST_OF_ITEM);
            block.steps[at] = whole.step;
            block.rests[at] = whole.rest;
            block.lengths[at] = whole.length;
            block.longest = block.longest.max(whole.length);
            let (numbers, _) = whole.numbers.as_chunks::<2>();
            for (pair, numbers) in block.pairs.iter_mut().zip(numbers) {
                pair.set(at, *numbers);
            }
        }
        block
    }
}

/// What is searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Catalogue<'a> {
    pub(super) scan: &'a Scan,
    pub(super) vectors: Rows<'a>,
    /// The item of each row.
    pub(super) items: &'a [u32],
}

/// A search for the best items for each of some vectors, which come with selections that have nothing in them yet.
pub(super) struct Search<'a, 'q> {
    pub(super) catalogue: Catalogue<'a>,
    pub(super) asked: Vec<(&'a [f32], Best<'q>)>,
}

/// Where a shopper is in a search.
struct Wanted<'a, 'q> {
    vector: &'a [f32],
    best: Best<'q>,
    numbers: Shopper,
    /// t.
    step: f32,
    /// At least ‖x‖, with the rounding of an exact score.
    reach: f32,
    /// At least ‖t p‖.
    body: f32,
    /// At least ‖f‖, with the rounding of an exact score and of the bounds.
    slope: f32,
}

impl<'a, 'q> Wanted<'a, 'q> {
    #[inline(always)]
    fn new(vector: &'a [f32], best: Best<'q>) -> Self {
        let whole = Whole::new(vector, MOST_OF_SHOPPER);
        // The exact score too is rounded, at every one of its additions; and so are the bounds.
        let rounding = (vector.len() + 16) as f32 * f32::EPSILON;
        Self {
            vector,
            best,
            numbers: Shopper::new(&whole.numbers),
            step: whole.step,
            reach: whole.length * (1.0 + rounding),
            body: up(f64::from(whole.length) + f64::from(whole.rest)),
            slope: whole.rest + whole.length * rounding,
        }
    }

    /// Whether an item as long as this could be among the best.
    #[inline(always)]
    fn reaches(&self, length: f32) -> bool {
        // What is not a number is not below.
        let below = self.reach * length + f32::MIN_POSITIVE < self.best.threshold();
        !below
    }

    /// Scores those items of the block at `place` that could be among the best.
    #[inline(always)]
    fn score<S: Simd>(
        &mut self,
        simd: S,
        catalogue: Catalogue<'_>,
        (place, products): (usize, &Products),
    ) -> Result<()> {
        let bounds = catalogue.scan.blocks[place].bounds(self, products);
        let rows = &catalogue.scan.order[place * BLOCK..];
        let least = self.best.threshold();
        for (bounds, rows) in bounds.chunks(BOUNDS).zip(rows.chunks(BOUNDS)) {
            // What is not a number is not below.
            if bounds
                .iter()
                .fold(true, |below, &bound| below & (bound < least))
            {
                continue;
            }
            for (&bound, &row) in bounds.iter().zip(rows) {
                let item = ItemIx(catalogue.items[row as usize]);
                if bound < self.best.threshold() || !self.best.allows(item) {
                    continue;
                }
                let score = dot(simd, catalogue.vectors.values(row), self.vector);
                self.best.offer_allowed(item, score)?;
            }
        }
        Ok(())
    }
}

impl Block {
    /// What the score of each item cannot exceed.
    #[inline(always)]
    fn bounds(&self, shopper: &Wanted<'_, '_>, products: &Products) -> [f32; BLOCK] {
        let mut bounds = [0.0; BLOCK];
        for (at, bound) in bounds.iter_mut().enumerate() {
            *bound = shopper.step * (self.steps[at] * f32::from(products[at]))
                + shopper.body * self.rests[at]
                + shopper.slope * self.lengths[at]
                // What falls below all numbers on the way is less.
                + f32::MIN_POSITIVE;
        }
        bounds
    }
}

impl<'q> WithSimd for Search<'_, 'q> {
    type Output = Result<Vec<Best<'q>>>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let catalogue = self.catalogue;
        let mut wanted = Vec::with_capacity(self.asked.len());
        for (vector, best) in self.asked {
            wanted.push(Wanted::new(vector, best));
        }
        let multiplier = Multiplier::new();
        let mut open: Vec<usize> = (0..wanted.len()).collect();
        for (place, block) in catalogue.scan.blocks.iter().enumerate() {
            open.retain(|&shopper| wanted[shopper].reaches(block.longest));
            if open.is_empty() {
                break;
            }
            let (together, alone) = open.as_chunks::<TOGETHER>();
            for &shoppers in together {
                let numbers = shoppers.map(|shopper| &wanted[shopper].numbers);
                let products = multiplier.products(&block.pairs, numbers);
                for (products, shopper) in products.iter().zip(shoppers) {
                    wanted[shopper].score(simd, catalogue, (place, products))?;
                }
            }
            for &shopper in alone {
                let [products] = multiplier.products(&block.pairs, [&wanted[shopper].numbers]);
                wanted[shopper].score(simd, catalogue, (place, &products))?;
            }
        }
        Ok(wanted.into_iter().map(|wanted| wanted.best).collect())
    }
}
