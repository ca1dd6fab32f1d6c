//! The Gram matrix, row by row as far as items share users, and one descent per item.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::interactions::Interactions;
use crate::models::slim::descent::Descent;
use crate::models::slim::{Slim, SlimConfig};
use crate::recommender::FitOptions;
use crate::sparse::{Accumulator, SparseMatrix};

/// Items one task works on; fixed, so that nothing depends on the number of threads.
const ITEMS_PER_TASK: usize = 32;

impl SlimConfig {
    /// Learns the weights between the items of `dataset`.
    ///
    /// Memory is proportional to the number of pairs of items that share a user, 8 bytes for each of both orders, and
    /// per thread to the square of [`candidates`](SlimConfig::candidates), 4 bytes each, at the worst.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range; [`crate::Error::Data`] if the weights of the interactions
    /// are of too large a range; [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Slim> {
        self.validate()?;
        options.run(|| {
            let gram = Gram::new(dataset.interactions(), options)?;
            let items = gram.rows.len();
            let scratch = || Descent::new(self, &gram);
            let columns = each_item(items, ("weights", options), scratch, |descent, item| {
                descent.weights_for(item)
            })?;
            let weights = SparseMatrix::from_rows(items, columns)?.transpose();
            Ok(Slim { weights })
        })
    }
}

/// What items share.
#[derive(Debug)]
pub(super) struct Gram {
    /// Per item: the items it shares users with, itself among them.
    pub(super) rows: Vec<GramRow>,
    /// Per item: its product with itself.
    pub(super) squares: Vec<f32>,
}

/// The products of an item with those it shares users with.
#[derive(Debug)]
pub(super) struct GramRow {
    /// Items, ascending; apart from their products, as most of what is looked for is not there.
    pub(super) items: Vec<u32>,
    pub(super) products: Vec<f32>,
}

impl GramRow {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the halves of a key are 32 bits each"
    )]
    fn new(entries: impl Iterator<Item = (u32, f32)>) -> Self {
        let key =
            |(item, product): (u32, f32)| u64::from(item) << 32 | u64::from(product.to_bits());
        let mut keys: Vec<u64> = entries.map(key).collect();
        keys.sort_unstable();
        let product = |&key: &u64| f32::from_bits(key as u32);
        Self {
            items: keys.iter().map(|key| (key >> 32) as u32).collect(),
            products: keys.iter().map(product).collect(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        let products = self.products.iter().copied();
        self.items.iter().copied().zip(products)
    }
}

impl Gram {
    fn new(interactions: &Interactions, options: &FitOptions) -> Result<Self> {
        let (by_user, by_item) = (interactions.by_user(), interactions.by_item());
        let items = by_item.rows();
        let scratch = || Accumulator::new(items);
        let rows = each_item(items, ("products", options), scratch, |sums, item| {
            for (user, weight) in by_item.row(item).iter() {
                sums.add(weight, by_user.row(user as usize));
            }
            GramRow::new(sums.drain())
        })?;
        let square = |(item, row): (u32, &GramRow)| {
            let own = row.items.binary_search(&item);
            own.map_or(0.0, |place| row.products[place])
        };
        let squares: Vec<f32> = (0u32..).zip(&rows).map(square).collect();
        // No product is above the larger of the two squares.
        if squares.iter().any(|square| !square.is_finite()) {
            return Err(Error::data(
                "slim",
                "the products of items overflowed: the interaction weights have too large a range",
            ));
        }
        Ok(Self { rows, squares })
    }
}

/// What `work` makes of each item, in their order.
fn each_item<S, T: Send>(
    items: usize,
    (stage, options): (&str, &FitOptions),
    scratch: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, usize) -> T + Sync + Send,
) -> Result<Vec<T>> {
    let tasks = items.div_ceil(ITEMS_PER_TASK);
    let done = AtomicUsize::new(0);
    let parts: Vec<Vec<T>> = (0..tasks)
        .into_par_iter()
        .map_init(scratch, |scratch, task| {
            let finished = done.fetch_add(1, Ordering::Relaxed);
            options.step(stage, finished as f64 / tasks as f64)?;
            let start = task * ITEMS_PER_TASK;
            let own = start..items.min(start + ITEMS_PER_TASK);
            Ok(own.map(|item| work(scratch, item)).collect())
        })
        .collect::<Result<_>>()?;
    options.step(stage, 1.0)?;
    Ok(parts.into_iter().flatten().collect())
}
