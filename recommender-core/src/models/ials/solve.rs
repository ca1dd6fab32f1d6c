//! One row given all rows of the other side: the least squares problem behind a fit and behind every answer.
//!
//! In the basis in which the Gram matrix of the other side is diagonal, the vector x of a row with interactions (v, w)
//! solves `(D + Σ w v vᵀ) x = Σ w v` with `D = α₀ Λ + λ I` diagonal: what all rows share costs nothing. A row with few
//! interactions is solved through the small side (Woodbury): with `B = √w D^{-½} v` for rows, `x = D^{-½} Bᵀ y` and
//! `(I + B Bᵀ) y = √w`. A longer one by conjugate gradients (Takács et al. 2011) with D as preconditioner, each step
//! reading its interactions once.

use pulp::{Simd, WithSimd};

use crate::factors::{LANES, Rows, dot};
use crate::sparse::SparseRow;

/// Relative error of the sums the spectrum is made of.
const ROUNDING: f32 = 1e-7;

/// How a row is solved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Rows with at most so many interactions are solved directly.
    pub(super) direct: usize,
    /// Most conjugate gradient steps for the others.
    pub(super) steps: usize,
    /// Enough is done when the residual, in the norm of D⁻¹, is this share of the right-hand side.
    pub(super) tolerance: f32,
}

/// Space for the solution of one row after another.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    diagonal: Vec<f32>,
    residual: Vec<f32>,
    direction: Vec<f32>,
    image: Vec<f32>,
    scaled: Vec<f32>,
    triangle: Vec<f32>,
    solution: Vec<f32>,
}

/// The problem of one row.
struct RowProblem<'a> {
    shared: Shared<'a>,
    row: SparseRow<'a>,
    vector: &'a mut [f32],
    scratch: &'a mut Scratch,
}

/// What all rows of one side share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared<'a> {
    /// Rows of the other side, in the basis that makes their Gram matrix diagonal.
    pub(super) others: Rows<'a>,
    /// α₀ Λ.
    pub(super) spectrum: &'a [f32],
    /// How strongly a row is held back by its weight.
    pub(super) penalty: Penalty,
    /// How far to go.
    pub(super) effort: Effort,
}

/// λ (W + α₀ N)^ν of a row whose interactions weigh W, where N rows stand on the other side: λ, ν and α₀ N.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Penalty([f32; 3]);

impl Penalty {
    /// From λ, ν and α₀ N.
    pub(super) fn new(numbers: [f32; 3]) -> Self {
        Self(numbers)
    }

    /// λ, ν and α₀ N.
    pub(super) fn as_array(&self) -> &[f32; 3] {
        &self.0
    }

    fn of(self, row: SparseRow<'_>) -> f32 {
        let [regularization, exponent, everyone] = self.0;
        let weight: f32 = row.values.iter().sum();
        regularization * (weight + everyone).powf(exponent)
    }
}

/// Solves for consecutive rows: `vectors` holds one after another, where to start from and then the solutions.
pub(super) struct Solve<'a, R> {
    pub(super) shared: Shared<'a>,
    /// The interactions of each row.
    pub(super) rows: R,
    pub(super) vectors: &'a mut [f32],
    pub(super) scratch: &'a mut Scratch,
}

impl<'a, R: Iterator<Item = SparseRow<'a>>> WithSimd for Solve<'a, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.shared.spectrum.len();
        for (row, vector) in self.rows.zip(self.vectors.chunks_exact_mut(width)) {
            let problem = RowProblem {
                shared: self.shared,
                row,
                vector,
                scratch: &mut *self.scratch,
            };
            problem.solve(simd);
        }
    }
}

impl RowProblem<'_> {
    /// Solves for the vector; a row without interactions has none.
    #[inline(always)]
    fn solve<S: Simd>(mut self, simd: S) {
        if self.row.is_empty() {
            self.vector.fill(0.0);
            return;
        }
        let penalty = self.shared.penalty.of(self.row);
        let diagonal = &mut self.scratch.diagonal;
        diagonal.clear();
        // What lies below the rounding of the largest is noise: directions no other row has would be blown up.
        let largest = self.shared.spectrum.iter().fold(0.0f32, |a, &b| a.max(b));
        let least = ROUNDING * (largest + penalty);
        let spectrum = self.shared.spectrum.iter();
        diagonal.extend(spectrum.map(|shared| (shared + penalty).max(least)));
        if self.row.len() <= self.shared.effort.direct {
            self.directly(simd);
        } else {
            self.by_conjugate_gradients(simd);
        }
    }

    #[inline(always)]
    fn by_conjugate_gradients<S: Simd>(&mut self, simd: S) {
        let Scratch {
            diagonal,
            residual,
            direction,
            image,
            ..
        } = &mut *self.scratch;
        let entries = (self.row.indices, self.row.values);
        let width = diagonal.len();
        residual.clear();
        residual.extend(self.vector.iter().zip(&*diagonal).map(|(x, d)| -x * d));
        self.shared
            .others
            .accumulate(simd, entries, (&*self.vector, residual), (1.0, -1.0));
        direction.clear();
        direction.extend(residual.iter().zip(&*diagonal).map(|(r, d)| r / d));
        image.resize(width, 0.0);
        let mut size = dot(simd, residual, direction);
        let enough = self.shared.effort.tolerance * self.shared.effort.tolerance * size;
        for _ in 0..self.shared.effort.steps {
            // Also ends on what is not a number, which keeps the last good vector.
            if !(size > enough && size > f32::MIN_POSITIVE) {
                break;
            }
            for ((q, p), d) in image.iter_mut().zip(&*direction).zip(&*diagonal) {
                *q = p * d;
            }
            self.shared
                .others
                .accumulate(simd, entries, (direction, image), (0.0, 1.0));
            let step = size / dot(simd, direction, image);
            for (x, p) in self.vector.iter_mut().zip(&*direction) {
                *x += step * p;
            }
            for (r, q) in residual.iter_mut().zip(&*image) {
                *r -= step * q;
            }
            for ((z, r), d) in image.iter_mut().zip(&*residual).zip(&*diagonal) {
                *z = r / d;
            }
            let next = dot(simd, residual, image);
            let turn = next / size;
            for (p, z) in direction.iter_mut().zip(&*image) {
                *p = z + turn * *p;
            }
            size = next;
        }
    }

    #[inline(always)]
    fn directly<S: Simd>(&mut self, simd: S) {
        let count = self.row.len();
        let Scratch {
            diagonal,
            scaled,
            triangle,
            solution,
            ..
        } = &mut *self.scratch;
        let width = diagonal.len();
        for value in diagonal.iter_mut() {
            *value = 1.0 / value.sqrt();
        }
        scaled.resize(scaled.len().max(count * width), 0.0);
        let rows = self.row.iter().zip(scaled.chunks_exact_mut(width));
        for ((row, weight), target) in rows {
            let root = weight.sqrt();
            let source = self.shared.others.values(row);
            for ((b, v), d) in target.iter_mut().zip(source).zip(&*diagonal) {
                *b = root * v * d;
            }
        }
        cholesky(simd, (scaled, width), (triangle, count));
        solution.clear();
        solution.extend(self.row.values.iter().map(|weight| weight.sqrt()));
        substitute(triangle, solution);
        self.vector.fill(0.0);
        for (&y, row) in solution.iter().zip(scaled.chunks_exact(width)) {
            for (x, b) in self.vector.iter_mut().zip(row) {
                *x += y * b;
            }
        }
        for (x, d) in self.vector.iter_mut().zip(&*diagonal) {
            *x *= d;
        }
    }
}

/// The lower triangle L, in rows of whole registers, of `I + B Bᵀ = L Lᵀ` for the first `count` rows B of `rows`.
#[inline(always)]
fn cholesky<S: Simd>(
    simd: S,
    (rows, width): (&[f32], usize),
    (triangle, count): (&mut Vec<f32>, usize),
) {
    let stride = count.next_multiple_of(LANES);
    triangle.clear();
    triangle.resize(count * stride, 0.0);
    for row in 0..count {
        let (above, rest) = triangle.split_at_mut(row * stride);
        let this = &mut rest[..stride];
        let b = &rows[row * width..][..width];
        for column in 0..row {
            let product = dot(simd, b, &rows[column * width..][..width]);
            let other = &above[column * stride..][..stride];
            // What is not yet known of this row is zero, and so is the other behind its diagonal.
            let whole = (column + 1).next_multiple_of(LANES);
            let known = dot(simd, &this[..whole], &other[..whole]);
            this[column] = (product - known) / other[column];
        }
        let whole = (row + 1).next_multiple_of(LANES);
        let known = dot(simd, &this[..whole], &this[..whole]);
        // The smallest eigenvalue is 1: less is rounding.
        this[row] = (1.0 + dot(simd, b, b) - known).max(1e-6).sqrt();
    }
}

/// Solves `L Lᵀ y = b` in place.
#[inline(always)]
fn substitute(triangle: &[f32], y: &mut [f32]) {
    let count = y.len();
    let stride = count.next_multiple_of(LANES);
    for row in 0..count {
        let this = &triangle[row * stride..][..stride];
        let known: f32 = this[..row].iter().zip(&*y).map(|(l, y)| l * y).sum();
        y[row] = (y[row] - known) / this[row];
    }
    for row in (0..count).rev() {
        let this = &triangle[row * stride..][..stride];
        y[row] /= this[row];
        let solved = y[row];
        for (y, l) in y[..row].iter_mut().zip(this) {
            *y -= l * solved;
        }
    }
}
