//! A product of two sparse matrices that follows its factors: only what they changed is computed again.

use crate::error::Result;
use crate::sparse::nearest::{Rows, joined};
use crate::sparse::{Nearest, SparseMatrix, SparseRow, best_of};

/// Where a product differs from the one it takes the place of.
#[derive(Debug)]
pub(crate) struct Changed<'a> {
    /// Rows that have to be computed anew, ascending.
    pub(crate) rows: Vec<u32>,
    /// Columns whose scores differ in other rows too, ascending.
    pub(crate) columns: Vec<u32>,
    /// The new product transposed: its rows are the columns.
    pub(crate) transposed: Nearest<'a>,
}

/// One in so many rows changed: then all are computed.
const MOST_CHANGED: usize = 3;

/// Rows of `new` that are not those of `old`, ascending; a row that `old` has not counts as empty there.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rows are numbered by u32 indices"
)]
pub(crate) fn differing_rows(old: &SparseMatrix, new: &SparseMatrix) -> Vec<u32> {
    let differs = |&row: &usize| {
        if row < old.rows() {
            old.row(row) != new.row(row)
        } else {
            !new.row(row).is_empty()
        }
    };
    let rows = (0..new.rows()).filter(differs);
    rows.map(|row| row as u32).collect()
}

impl Nearest<'_> {
    /// What [`Nearest::all`] gives, byte for byte, from what it gave before: rows that changed are computed, in the
    /// others the columns that changed are put in their new places. A row is computed anew too if one of its entries
    /// fell so far that an entry that was cut off may come before it.
    ///
    /// # Errors
    /// As [`Nearest::all`].
    pub(crate) fn renewed(
        &self,
        old: &SparseMatrix,
        changed: &Changed<'_>,
        score: impl Fn(u32, u32, f32) -> f32 + Sync,
        step: impl Fn(f64) -> Result<()> + Sync,
    ) -> Result<SparseMatrix> {
        if changed.rows.len() >= self.left.rows().div_ceil(MOST_CHANGED) {
            return self.all(score, step);
        }
        let turned = |column: u32, row: u32, sum: f32| score(row, column, sum);
        let news = changed.transposed.some(&changed.columns, turned, &step)?;
        let merged = self.merge(old, changed, &news.transpose());
        let anew: Vec<u32> = (0u32..)
            .zip(&merged)
            .filter(|(_, row)| row.is_none())
            .map(|(row, _)| row)
            .collect();
        let computed = self.some(&anew, &score, &step)?;
        let mut next = computed.iter_rows();
        let mut rows = Rows::default();
        for row in &merged {
            match row {
                Some(row) => rows.push(row),
                None => rows.push(
                    &next
                        .next()
                        .map_or_else(Vec::new, |row| row.iter().collect()),
                ),
            }
        }
        joined(self.right.cols(), &[rows])
    }

    /// Every row with the entries of `news`, which holds the changed columns by their place among them; none for a row
    /// that has to be computed.
    fn merge(
        &self,
        old: &SparseMatrix,
        changed: &Changed<'_>,
        news: &SparseMatrix,
    ) -> Vec<Option<Vec<(u32, f32)>>> {
        let mut anew = vec![false; self.left.rows()];
        for &row in &changed.rows {
            anew[row as usize] = true;
        }
        let mut moved = vec![false; self.right.cols()];
        for &column in &changed.columns {
            moved[column as usize] = true;
        }
        let nothing = SparseRow {
            indices: &[],
            values: &[],
        };
        let row = |row: usize| {
            if anew[row] {
                return None;
            }
            let before = if row < old.rows() {
                old.row(row)
            } else {
                nothing
            };
            let stay = before.iter().filter(|&(column, _)| !moved[column as usize]);
            let come = news.row(row).iter();
            let come = come.map(|(place, value)| (changed.columns[place as usize], value));
            self.recut(before, stay.chain(come).collect())
        };
        (0..self.left.rows()).map(row).collect()
    }

    /// The best of `entries`, columns ascending; none if an entry that `before` had no room for may be among the best.
    fn recut(
        &self,
        before: SparseRow<'_>,
        mut entries: Vec<(u32, f32)>,
    ) -> Option<Vec<(u32, f32)>> {
        let key = |entry: &(u32, f32)| best_of::key(entry.0, entry.1);
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(key(entry)));
        if before.len() >= self.limit {
            let worst = before.iter().map(|entry| key(&entry)).min();
            let last = entries.get(self.limit - 1).map(key);
            if last < worst {
                return None;
            }
        }
        entries.truncate(self.limit);
        entries.sort_unstable_by_key(|&(column, _)| column);
        Some(entries)
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn random(rows: usize, cols: u32, seed: u64) -> Vec<Vec<(u32, f32)>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut row = || {
            let taken = (0..cols).filter(|_| random.random_bool(0.15));
            taken.map(|column| (column, 1.0)).collect::<Vec<_>>()
        };
        (0..rows).map(|_| row()).collect()
    }

    /// Cosine-like scores, which fall and rise with the changes.
    fn check(before: &[Vec<(u32, f32)>], after: &[Vec<(u32, f32)>], limit: usize) {
        let cols = 40;
        let [old, new] = [before, after]
            .map(|rows| SparseMatrix::from_rows(cols, rows.iter().cloned()).unwrap());
        let score = |matrix: &SparseMatrix| {
            let sizes: Vec<f32> = matrix.iter_rows().map(|row| row.len() as f32).collect();
            move |row: u32, column: u32, dot: f32| {
                let apart = f32::from(u8::from(row != column));
                apart * dot / (sizes[row as usize] * sizes[column as usize] + 1.0)
            }
        };
        let (old_turned, new_turned) = (old.transpose(), new.transpose());
        let of_old = Nearest {
            left: &old,
            right: &old_turned,
            limit,
        };
        let of_new = Nearest {
            left: &new,
            right: &new_turned,
            limit,
        };
        let rows = differing_rows(&old, &new);
        let changed = Changed {
            columns: rows.clone(),
            rows,
            transposed: Nearest {
                limit: new.rows(),
                ..of_new
            },
        };
        let fitted = of_old.all(score(&old), |_| Ok(())).unwrap();
        let renewed = of_new.renewed(&fitted, &changed, score(&new), |_| Ok(()));
        assert_eq!(
            renewed.unwrap(),
            of_new.all(score(&new), |_| Ok(())).unwrap()
        );
    }

    #[test]
    fn a_renewed_product_equals_a_new_one() {
        let before = random(60, 40, 1);
        for limit in [1, 3, 10, 100] {
            for seed in 2..12 {
                let mut after = before.clone();
                let other = random(64, 40, seed);
                for row in [3, 17, 40] {
                    after[row].clone_from(&other[row]);
                }
                after[50].clear();
                check(&before, &after, limit);
                after.extend_from_slice(&other[60..]);
                check(&before, &after, limit);
                check(&after[..60], &before, limit);
            }
        }
    }
}
