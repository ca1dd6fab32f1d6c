//! Graph filters: a shopper's history as a signal on the graph of items, smoothed by what users have in common.
//!
//! GF-CF, LinkProp, Turbo-CF, PGSP, BSPM and ChebyCF are one model with different numbers. With X the users × items
//! matrix of weights and D_U, D_I the sums of its rows and columns,
//!
//! - `R = D_U^{-α} X D_I^{-β'} / σ`, σ its largest singular value (which is 1 for α = β' = ½);
//! - `P = RᵀR`, items × items, with eigenvalues from 0 to 1; for a `similarity_power` s other than 1, each weight of
//!   `RᵀR · σ²` raised to s;
//! - V, the right singular vectors of R for the `rank` largest singular values;
//! - a shopper's scores, from her profile h:
//!   `y = D_I^b f(P) D_I^{-b} h + a · D_I^β V Vᵀ D_I^{-β} h`, then `q(P) y` if sharpened.
//!
//! | model | source | f | b | rank | a | β | q |
//! |---|---|---|---|---|---|---|---|
//! | GF-CF | Shen et al., *How powerful is graph convolution for recommendation?*, CIKM 2021 | λ | 0 | 256 | 0.3 | ½ | |
//! | Turbo-CF | Park et al., *Turbo-CF: matrix decomposition-free graph filtering*, SIGIR 2024 | λ, with s | 0 | 0 | | | |
//! | BSPM | Choi et al., *Blurring-sharpening process models*, SIGIR 2023 | λ | 0 | 448 | 0.2 | ½ | `Σ_{k≤4} (−2.5 λ)^k/k!` |
//! | ChebyCF | Kim et al., *Graph spectral filtering with Chebyshev interpolation*, SIGIR 2025 | plateau, degree 8 | 0.4 | 512 | 0.2 | 0.4 | |
//!
//! LinkProp (Fu et al., WSDM 2022) is `f = λ` without factors and with exponents of its own: those of the items at the
//! two ends of a path are `item_exponent ± degree_exponent`.
//!
//! P is never made but for a `similarity_power`: each step is one pass over the rows of R, of 2·nnz multiplications a
//! signal. Where b = β, the singular vectors also stand in for steps: on what they span, f is known at each vector, and
//! on the rest, whose eigenvalues are small, f is met by a polynomial of a lower degree (to a thousandth of what it
//! reaches there), `f(P) ≈ g(P) + V (f − g)(Λ) Vᵀ`: mostly two steps instead of eight.
//!
//! Changed data: a refit.

mod answer;
mod config;
mod fit;
mod graph;
mod lanes;
mod series;
mod spectrum;

pub use config::{GraphFilterConfig, Preset, Response};

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::models::Model;
use crate::models::graph_filter::graph::columns_of;
use crate::models::graph_filter::lanes::PANEL;
use crate::sparse::SparseMatrix;

/// A filter of the item graph; made by [`GraphFilterConfig::fit`].
///
/// **It holds the training rows of all users**, normalised and without any identity, unless `similarity_power` is not
/// 1: erasing a person takes a refit. Singular vectors are of items only, and no user is looked up: a shopper whose
/// profile equals a training row gets what the papers give that row.
///
/// Every item with an interaction has a score for every shopper with one of them in her profile, below zero too.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphFilter {
    /// The item of each column.
    items: Buffer<u32>,
    /// The column of each item.
    columns: Vec<u32>,
    operator: Operator,
    /// Of the polynomial and of the sharpening, by Chebyshev coefficients; the latter may be empty.
    series: [Buffer<f32>; 2],
    /// Per column: its degree to the power of `degree_exponent` and of `ideal_exponent`.
    degrees: [Buffer<f32>; 2],
    /// Columns × rank, in panels.
    vectors: Buffer<f32>,
    /// Weight of each singular vector.
    vector_weights: Buffer<f32>,
}

/// What one step of a polynomial multiplies a signal by.
#[derive(Debug, Clone, PartialEq)]
enum Operator {
    /// `RᵀR`.
    Rows(Gram),
    /// The item graph itself, symmetric.
    Similarities(SparseMatrix),
}

/// `RᵀR`, by R and its transpose: what is added up for a row then stays in registers.
#[derive(Debug, Clone, PartialEq)]
struct Gram {
    /// R: users × columns.
    rows: SparseMatrix,
    /// Columns × users.
    columns: SparseMatrix,
}

impl Gram {
    fn new(rows: SparseMatrix) -> Self {
        Self {
            columns: rows.transpose(),
            rows,
        }
    }
}

impl Operator {
    fn matrix(&self) -> &SparseMatrix {
        match self {
            Self::Rows(gram) => &gram.rows,
            Self::Similarities(matrix) => matrix,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Rows(_) => "rows",
            Self::Similarities(_) => "similarities",
        }
    }
}

impl GraphFilter {
    fn new(
        items: Vec<u32>,
        operator: Operator,
        series: [Vec<f32>; 2],
        degrees: [Vec<f32>; 2],
        (vectors, vector_weights): (Vec<f32>, Vec<f32>),
    ) -> Self {
        let numbers: Vec<ItemIx> = items.iter().map(|&item| ItemIx(item)).collect();
        Self {
            columns: columns_of(&numbers),
            items: items.into(),
            operator,
            series: series.map(Buffer::from),
            degrees: degrees.map(Buffer::from),
            vectors: vectors.into(),
            vector_weights: vector_weights.into(),
        }
    }

    /// How many singular vectors it has.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.vector_weights.len()
    }

    /// How many steps over the graph an answer takes.
    #[must_use]
    pub fn steps(&self) -> usize {
        let degree = |series: &Buffer<f32>| series.len().saturating_sub(1);
        self.series.iter().map(degree).sum()
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let (_, items) = tensors.get::<u32>("items")?;
        let operator = match tensors.matrix("similarities") {
            Ok(matrix) => Operator::Similarities(matrix),
            Err(_) => Operator::Rows(Gram::new(tensors.matrix("rows")?)),
        };
        let (_, vector_weights) = tensors.get::<f32>("vectors.weights")?;
        let panels = items.len().div_ceil(PANEL);
        let size = panels * vector_weights.len() * PANEL;
        let numbers: Vec<ItemIx> = items.iter().map(|&item| ItemIx(item)).collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        let square = !matches!(&operator, Operator::Similarities(it) if it.rows() != items.len());
        if operator.matrix().cols() != items.len()
            || !square
            || sorted.windows(2).any(|pair| pair[0] == pair[1])
        {
            return Err(Error::data(
                "graph_filter",
                "the graph does not fit the items",
            ));
        }
        Ok(Self {
            columns: columns_of(&numbers),
            operator,
            series: [series(tensors, "series")?, series(tensors, "sharpening")?],
            degrees: [
                tensors.vector("degrees", items.len())?,
                tensors.vector("degrees.ideal", items.len())?,
            ],
            vectors: tensors.vector("vectors", size)?,
            vector_weights,
            items,
        })
    }
}

fn series(tensors: &Tensors, name: &str) -> Result<Buffer<f32>> {
    Ok(tensors.get::<f32>(name)?.1)
}

impl Model for GraphFilter {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put("items", &[self.items.len()], &self.items);
        tensors.put_matrix(self.operator.name(), self.operator.matrix());
        for (name, series) in ["series", "sharpening"].into_iter().zip(&self.series) {
            tensors.put(name, &[series.len()], series);
        }
        for (name, degrees) in ["degrees", "degrees.ideal"].into_iter().zip(&self.degrees) {
            tensors.put(name, &[degrees.len()], degrees);
        }
        tensors.put("vectors", &[self.vectors.len()], &self.vectors);
        tensors.put("vectors.weights", &[self.rank()], &self.vector_weights);
    }

    fn item_bound(&self) -> usize {
        self.columns.len()
    }
}

#[cfg(test)]
mod tests;
