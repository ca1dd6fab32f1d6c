//! Rows of factors, and the basis in which their Gram matrix is diagonal.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::factors::vector::{LANES, Rows};

/// Rows that one task multiplies: fixed, so that sums do not depend on the number of threads.
const ROWS_PER_TASK: usize = 2048;

/// One vector of factors for each row, padded with zeros to whole registers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Factors {
    width: usize,
    values: Vec<f32>,
}

/// An orthogonal basis, and the squared length of all rows along each of its directions.
#[derive(Debug)]
struct Basis {
    directions: Mat<f32>,
    spectrum: Vec<f32>,
}

impl Factors {
    /// `rows` vectors of `factors` zeros.
    pub(crate) fn zeros(rows: usize, factors: usize) -> Self {
        let width = factors.next_multiple_of(LANES);
        Self {
            width,
            values: vec![0.0; rows * width],
        }
    }

    /// Numbers a row takes, its padding included.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Row `row`, with its padding.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..][..self.width]
    }

    /// Row `row`, with its padding.
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[row * self.width..][..self.width]
    }

    /// All rows, for the kernels.
    pub(crate) fn view(&self) -> Rows<'_> {
        Rows::new(&self.values, self.width)
    }

    /// All numbers, row after row.
    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Turns the rows of `self` and of `other` into the basis in which the Gram matrix of `self` is diagonal, its
    /// directions by falling weight, and returns that diagonal. Products of rows of the two stay what they were.
    ///
    /// # Errors
    /// [`Error::Data`] if the numbers have too large a range.
    pub(crate) fn diagonalize(&mut self, other: &mut Self) -> Result<Vec<f32>> {
        let basis = self.basis()?;
        self.turn(&basis.directions);
        other.turn(&basis.directions);
        Ok(basis.spectrum)
    }

    fn basis(&self) -> Result<Basis> {
        let width = self.width;
        let parts: Vec<Mat<f32>> = self
            .values
            .par_chunks(ROWS_PER_TASK * width)
            .map(|rows| {
                let rows = MatRef::from_row_major_slice(rows, rows.len() / width, width);
                let mut gram = Mat::zeros(width, width);
                triangular::matmul(
                    gram.as_mut(),
                    BlockStructure::TriangularLower,
                    Accum::Replace,
                    rows.transpose(),
                    BlockStructure::Rectangular,
                    rows,
                    BlockStructure::Rectangular,
                    1.0,
                    Par::Seq,
                );
                gram
            })
            .collect();
        let gram = Mat::<f64>::from_fn(width, width, |row, column| {
            let at = (row.max(column), row.min(column));
            parts.iter().map(|part| f64::from(part[at])).sum()
        });
        eigen(&gram)
    }

    fn turn(&mut self, directions: &Mat<f32>) {
        let width = self.width;
        self.values
            .par_chunks_mut(ROWS_PER_TASK * width)
            .for_each(|rows| {
                let before = rows.to_vec();
                let count = rows.len() / width;
                matmul(
                    MatMut::from_row_major_slice_mut(rows, count, width),
                    Accum::Replace,
                    MatRef::from_row_major_slice(&before, count, width),
                    directions.as_ref(),
                    1.0,
                    Par::Seq,
                );
            });
    }
}

/// Eigenvectors as columns and eigenvalues, the largest first.
#[expect(
    clippy::cast_possible_truncation,
    reason = "factors are f32 throughout"
)]
fn eigen(gram: &Mat<f64>) -> Result<Basis> {
    let width = gram.nrows();
    let failed = || Error::data("factors", "the factors have too large a range");
    if gram
        .col_iter()
        .any(|column| column.iter().any(|x| !x.is_finite()))
    {
        return Err(failed());
    }
    let mut values = faer::Col::<f64>::zeros(width);
    let mut vectors = Mat::<f64>::zeros(width, width);
    let room = self_adjoint_evd_scratch::<f64>(
        width,
        ComputeEigenvectors::Yes,
        Par::Seq,
        Default::default(),
    );
    self_adjoint_evd(
        gram.as_ref(),
        values.as_diagonal_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(room)),
        Default::default(),
    )
    .map_err(|_| failed())?;
    let largest_first = |at: usize| width - 1 - at;
    Ok(Basis {
        directions: Mat::from_fn(width, width, |row, column| {
            vectors[(row, largest_first(column))] as f32
        }),
        spectrum: (0..width)
            .map(|at| values[largest_first(at)].max(0.0) as f32)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factors::{dot, on_best_simd};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn random(rows: usize, factors: usize) -> Factors {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut made = Factors::zeros(rows, factors);
        for row in 0..rows {
            let values = &mut made.row_mut(row)[..factors];
            values.fill_with(|| random.random_range(-1.0..1.0));
        }
        made
    }

    struct Product<'a>(&'a [f32], &'a [f32]);

    impl pulp::WithSimd for Product<'_> {
        type Output = f32;

        fn with_simd<S: pulp::Simd>(self, simd: S) -> f32 {
            dot(simd, self.0, self.1)
        }
    }

    #[test]
    fn a_turned_basis_keeps_products_and_has_a_diagonal_gram_matrix() {
        let (mut a, mut b) = (random(5000, 20), random(30, 20));
        let product =
            |a: &Factors, b: &Factors, at: usize| on_best_simd(Product(a.row(at * 7), b.row(at)));
        let before: Vec<f32> = (0..30).map(|at| product(&a, &b, at)).collect();
        let spectrum = a.diagonalize(&mut b).unwrap();
        assert!(spectrum.is_sorted_by(|a, b| a >= b));
        for (at, before) in before.iter().enumerate() {
            assert!((product(&a, &b, at) - before).abs() < 1e-4);
        }
        for (one, &expected) in spectrum.iter().enumerate() {
            for other in 0..spectrum.len() {
                let sum: f32 = (0..5000)
                    .map(|row| a.row(row)[one] * a.row(row)[other])
                    .sum();
                let expected = if one == other { expected } else { 0.0 };
                assert!(
                    (sum - expected).abs() < 0.05,
                    "{one} {other}: {sum} {expected}"
                );
            }
        }
        assert!(spectrum[20..].iter().all(|&value| value < 1e-3));
    }
}
