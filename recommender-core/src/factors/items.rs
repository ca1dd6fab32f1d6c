//! Items with a vector each: the answer to a shopper's vector.

use pulp::{Simd, WithSimd};

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::factors::matrix::Factors;
use crate::factors::vector::{LANES, Rows, dot, on_best_simd};
use crate::ids::{DenseIndex, ItemIx};
use crate::query::{Candidates, Query};
use crate::ranked::Ranked;

/// The items a factor model answers, each with its vector.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ItemFactors {
    /// The items that have a vector, ascending.
    items: Buffer<u32>,
    width: usize,
    /// Row after row, each padded with zeros to `width`.
    values: Buffer<f32>,
}

impl ItemFactors {
    /// The rows of `factors` that `items`, ascending, stand for.
    pub(crate) fn new(items: &[ItemIx], factors: &Factors) -> Self {
        let mut values = Vec::with_capacity(items.len() * factors.width());
        for item in items {
            values.extend_from_slice(factors.row(item.position()));
        }
        Self {
            items: items.iter().map(|item| item.0).collect::<Vec<_>>().into(),
            width: factors.width(),
            values: values.into(),
        }
    }

    /// Takes up what [`ItemFactors::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing, does not fit the other or holds what is no number.
    pub(crate) fn load(tensors: &Tensors) -> Result<Self> {
        let (_, items) = tensors.get::<u32>("items")?;
        let (shape, values) = tensors.get::<f32>("factors")?;
        let &[rows, width] = &*shape else {
            return Err(Error::data("factors", "the factors are no matrix"));
        };
        let fits = rows == items.len() && width.is_multiple_of(LANES) && width > 0;
        if !fits || items.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::data("factors", "the factors do not fit the items"));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::data("factors", "a factor is not finite"));
        }
        Ok(Self {
            items,
            width,
            values,
        })
    }

    /// Puts the items and their vectors into `tensors`.
    pub(crate) fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put("items", &[self.items.len()], &self.items);
        tensors.put("factors", &[self.items.len(), self.width], &self.values);
    }

    /// The items that have a vector, ascending.
    pub(crate) fn items(&self) -> &[u32] {
        &self.items
    }

    /// How many items have a vector.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rows number items, which are u32"
    )]
    pub(crate) fn rows(&self) -> u32 {
        self.items.len() as u32
    }

    /// One more than the highest item that has a vector.
    pub(crate) fn item_bound(&self) -> usize {
        self.items.last().map_or(0, |&item| item as usize + 1)
    }

    /// The row of `item`, if it has one.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rows number items, which are u32"
    )]
    pub(crate) fn row_of(&self, item: ItemIx) -> Option<u32> {
        self.items.binary_search(&item.0).ok().map(|row| row as u32)
    }

    /// Numbers a vector takes, its padding included.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// All vectors, for the kernels.
    pub(crate) fn view(&self) -> Rows<'_> {
        Rows::new(&self.values, self.width)
    }

    /// The best items for the shopper of `vector`.
    ///
    /// # Errors
    /// [`Error::Internal`] if a score is not finite.
    pub(crate) fn top(&self, query: &Query, vector: &[f32]) -> Result<Ranked> {
        let rows: Vec<u32> = match &query.candidates {
            Candidates::Only(items) => items
                .as_slice()
                .iter()
                .filter_map(|&item| self.row_of(item))
                .collect(),
            Candidates::All => (0..self.rows()).collect(),
        };
        let mut scores = vec![0.0; rows.len()];
        on_best_simd(Scores {
            rows: &rows,
            others: self.view(),
            vector,
            scores: &mut scores,
        });
        let scores = rows.iter().zip(scores);
        Ranked::top(
            query,
            scores.map(|(&row, score)| (ItemIx(self.items[row as usize]), score)),
        )
    }
}

struct Scores<'a> {
    rows: &'a [u32],
    others: Rows<'a>,
    vector: &'a [f32],
    scores: &'a mut [f32],
}

impl WithSimd for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (&row, score) in self.rows.iter().zip(self.scores) {
            *score = dot(simd, self.others.values(row), self.vector);
        }
    }
}
