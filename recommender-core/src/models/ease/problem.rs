//! What is minimised, and how its solution follows from one inverse.

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};

/// One problem of the family: `‖X − XB‖² + ‖Λ^½ B‖²` with `B_jj ≤ ξ`, where `Λ = λI + p / (1 − p) · diag(XᵀX)`.
pub(super) struct Problem {
    /// The name it goes by.
    pub(super) model: &'static str,
    /// λ.
    pub(super) regularization: f64,
    /// p.
    pub(super) dropout: f64,
    /// ξ; at 0 the diagonal is 0.
    pub(super) diagonal_bound: f64,
    pub(super) max_memory_bytes: Option<u64>,
}

/// One column of the solution: what the inverse is multiplied with, and the weight on the diagonal.
pub(super) struct Column {
    pub(super) scale: f32,
    pub(super) diagonal: f32,
}

impl Problem {
    /// Λ of an item whose squared weights add up to `gram`.
    pub(super) fn penalty(&self, gram: f64) -> f64 {
        self.regularization + self.dropout_factor() * gram
    }

    /// p / (1 − p).
    pub(super) fn dropout_factor(&self) -> f64 {
        self.dropout / (1.0 - self.dropout)
    }

    /// The column of an item by its entry on the diagonal of the inverse.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    pub(super) fn column(&self, inverse_diagonal: f32, gram: f64) -> Column {
        let inverse = f64::from(inverse_diagonal);
        let free = self.penalty(gram);
        let bounded = (1.0 - self.diagonal_bound) / inverse;
        if self.diagonal_bound > 0.0 && free >= bounded {
            return Column {
                scale: free as f32,
                diagonal: (1.0 - free * inverse) as f32,
            };
        }
        Column {
            scale: bounded as f32,
            diagonal: self.diagonal_bound as f32,
        }
    }

    /// Zeroes for a matrix of `items × items`, if they and `panels` numbers besides fit.
    pub(super) fn allocate(&self, items: usize, panels: usize) -> Result<Vec<f32>> {
        let bytes = bytes_needed(items, panels);
        let refuse = |reason: &str| {
            Error::data(
                self.model,
                format!(
                    "{items} items need {bytes} bytes, {reason}; sansa solves nearly the same in far less"
                ),
            )
        };
        if let Some(most) = self.max_memory_bytes.filter(|&most| bytes > most) {
            return Err(refuse(&format!("max_memory_bytes allows {most}")));
        }
        // Room is asked for twice: the first time a refusal is an error and not the end of the process, the second
        // time it comes zeroed from the system, page by page as all threads first touch it.
        let mut room = Vec::<f32>::new();
        room.try_reserve_exact(items * items)
            .map_err(|_| refuse("which could not be had"))?;
        drop(room);
        Ok(vec![0.0; items * items])
    }
}

/// Bytes of a matrix of `items × items` and of `panels` numbers besides.
pub(super) fn bytes_needed(items: usize, panels: usize) -> u64 {
    let items = items as u64;
    (items.saturating_mul(items))
        .saturating_add(panels as u64)
        .saturating_mul(size_of::<f32>() as u64)
}

/// The items of `dataset` that have an interaction, ascending: those that take part.
pub(super) fn chosen(dataset: &Dataset) -> Vec<ItemIx> {
    let by_item = dataset.interactions().by_item();
    let items = 0..by_item.rows();
    items
        .filter(|&item| !by_item.row(item).is_empty())
        .map(ItemIx::at)
        .collect()
}

/// The diagonal of XᵀX: for each of `items` the sum of its squared weights.
pub(super) fn gram_diagonal(dataset: &Dataset, items: &[ItemIx]) -> Vec<f64> {
    let by_item = dataset.interactions().by_item();
    let squares = |&item: &ItemIx| {
        let weights = by_item.row(item.position()).values.iter();
        weights.map(|&weight| f64::from(weight).powi(2)).sum()
    };
    items.iter().map(squares).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        Problem {
            model: "rdlae",
            regularization: 10.0,
            dropout: 0.5,
            diagonal_bound: 0.25,
            max_memory_bytes: Some(1 << 20),
        }
    }

    #[test]
    fn the_diagonal_is_bounded_and_free_below_the_bound() {
        let Column { scale, diagonal } = problem().column(0.01, 20.0);
        assert_eq!((scale, diagonal), (75.0, 0.25));
        let Column { scale, diagonal } = problem().column(0.03, 20.0);
        assert!((diagonal - 0.1).abs() < 1e-6 && scale == 30.0, "{diagonal}");
    }

    #[test]
    fn too_many_items_are_refused_with_the_bytes_they_need() {
        let error = problem().allocate(1000, 256_000).unwrap_err().to_string();
        assert!(error.contains("5024000 bytes"), "{error}");
        assert!(error.contains("sansa"), "{error}");
    }
}
