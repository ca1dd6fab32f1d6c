//! The inverse of one small symmetric positive definite matrix, in double precision, on the calling thread.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::{Mat, Par};

/// An inverse, and how near to singular the matrix was.
pub(super) struct SmallInverse {
    /// The lower triangle of the inverse.
    lower: Mat<f64>,
    /// The least square on the diagonal of the Cholesky factor.
    pub(super) least_pivot: f64,
}

impl SmallInverse {
    /// Of the matrix whose lower triangle is `matrix`'s; none if that is not positive definite, or not finite.
    pub(super) fn of(mut matrix: Mat<f64>) -> Option<Self> {
        let size = matrix.nrows();
        if size == 0 {
            return Some(Self {
                lower: matrix,
                least_pivot: f64::INFINITY,
            });
        }
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if !(0..size).all(|at| positive(matrix[(at, at)])) {
            return None;
        }
        let scratch =
            llt::factor::cholesky_in_place_scratch::<f64>(size, Par::Seq, faer::Spec::default());
        llt::factor::cholesky_in_place(
            matrix.as_mut(),
            llt::factor::LltRegularization::default(),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            faer::Spec::default(),
        )
        .ok()?;
        let least_pivot = (0..size)
            .map(|at| matrix[(at, at)] * matrix[(at, at)])
            .fold(f64::INFINITY, f64::min);
        let mut lower = Mat::zeros(size, size);
        let scratch = llt::inverse::inverse_scratch::<f64>(size, Par::Seq);
        let stack = &mut MemBuffer::new(scratch);
        llt::inverse::inverse(
            lower.as_mut(),
            matrix.as_ref(),
            Par::Seq,
            MemStack::new(stack),
        );
        let whole = (0..size).all(|column| {
            positive(lower[(column, column)])
                && (column..size).all(|row| lower[(row, column)].is_finite())
        });
        whole.then_some(Self { lower, least_pivot })
    }

    /// The entry of the inverse.
    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.lower[(row.max(column), row.min(column))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_is_right_and_says_how_near_to_singular_it_is() {
        let matrix = Mat::from_fn(2, 2, |row, column| if row == column { 2.0 } else { 1.0 });
        let inverse = SmallInverse::of(matrix).unwrap();
        for (row, column, expected) in [(0, 0, 2.0 / 3.0), (0, 1, -1.0 / 3.0), (1, 0, -1.0 / 3.0)] {
            assert!((inverse.at(row, column) - expected).abs() < 1e-15);
        }
        assert!((inverse.least_pivot - 1.5).abs() < 1e-15);
    }

    #[test]
    fn what_has_no_inverse_is_told() {
        for diagonal in [0.5, 1.0, f64::NAN, f64::INFINITY] {
            let matrix = Mat::from_fn(
                2,
                2,
                |row, column| if row == column { diagonal } else { 1.0 },
            );
            assert!(SmallInverse::of(matrix).is_none(), "{diagonal}");
        }
    }
}
