//! The similarities of all items, and what is made of them.

use crate::dataset::{Change, Dataset};
use crate::error::Result;
use crate::ids::{DenseIndex, ItemIx};
use crate::interactions::Interactions;
use crate::models::item_knn::weighted::Weighted;
use crate::models::item_knn::{Aggregation, Base, ItemKnn, ItemKnnConfig};
use crate::recommender::FitOptions;
use crate::sparse::{Changed, SparseMatrix, differing_rows};

impl ItemKnnConfig {
    /// Finds the neighbours of every item of `dataset`.
    ///
    /// Time is proportional to the sum over users of the square of their number of items; memory to
    /// `items × neighbours`.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range, [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<ItemKnn> {
        self.validate()?;
        options.run(|| {
            options.step("weighting", 0.0)?;
            let weighted = Weighted::new(self, dataset.interactions())?;
            let step = |done| options.step("similarities", done);
            let product = weighted.similarities(self.neighbours);
            let neighbours = product.all(weighted.score(self.shrinkage), step)?;
            Ok(match self.aggregation {
                Aggregation::Sum => ItemKnn::new(neighbours, &[]),
                Aggregation::NeighbourSum => ItemKnn::new(neighbours.transpose(), &[]),
                Aggregation::Average => ItemKnn::new(averaging(&neighbours)?.transpose(), &[]),
                Aggregation::CentredAverage => {
                    let shares = averaging(&neighbours)?;
                    let base = base(&shares, dataset.interactions());
                    ItemKnn::new(shares.transpose(), &base)
                }
            })
        })
    }

    /// The model after `change`, byte for byte what [`ItemKnnConfig::fit`] gives for [`Change::after`].
    ///
    /// With [`Aggregation::Sum`] only what changed is computed: the similarities of items whose weighted columns differ,
    /// and the rows of others in which one of them fell behind what was cut off. With
    /// [`Similarity::Cosine`](super::Similarity::Cosine) these are the items of the users who changed, as with
    /// [`Similarity::TfIdf`](super::Similarity::TfIdf) until an item is new, which moves every weight. With
    /// [`Similarity::Bm25`](super::Similarity::Bm25) the mean length moves every weight too, unless
    /// [`bm25_length`](ItemKnnConfig::bm25_length) is 0. Where every weight moved, and with any other aggregation,
    /// everything is computed.
    ///
    /// # Errors
    /// As [`ItemKnnConfig::fit`].
    pub fn update(
        &self,
        fitted: &ItemKnn,
        change: &Change<'_>,
        options: &FitOptions,
    ) -> Result<ItemKnn> {
        self.validate()?;
        if self.aggregation != Aggregation::Sum {
            return self.fit(change.after(), options);
        }
        options.run(|| {
            options.step("weighting", 0.0)?;
            let before = Weighted::new(self, change.before().interactions())?;
            let after = Weighted::new(self, change.after().interactions())?;
            let rows = differing_rows(&before.by_item, &after.by_item);
            let step = |done| options.step("similarities", done);
            let changed = Changed {
                columns: rows.clone(),
                rows,
                transposed: after.similarities(after.by_item.rows()),
            };
            let product = after.similarities(self.neighbours);
            let score = after.score(self.shrinkage);
            let neighbours = product.renewed(&fitted.weights, &changed, score, step)?;
            Ok(ItemKnn::new(neighbours, &[]))
        })
    }
}

/// The similarities of each item's neighbours (row) as shares of their sum.
fn averaging(neighbours: &SparseMatrix) -> Result<SparseMatrix> {
    let sums: Vec<f32> = neighbours
        .iter_rows()
        .map(|row| row.values.iter().sum())
        .collect();
    neighbours.map_values(|item, _, similarity| similarity / sums[item])
}

/// `m_j − Σ m_i · share(j, i)` of each item j somebody chose, best first: its score before anything is known.
#[expect(
    clippy::cast_possible_truncation,
    reason = "weights are f32 throughout"
)]
fn base(shares: &SparseMatrix, interactions: &Interactions) -> Vec<Base> {
    let by_user = interactions.by_user();
    let users = by_user.iter_rows().filter(|row| !row.is_empty()).count() as f64;
    let means: Vec<f64> = interactions
        .by_item()
        .iter_rows()
        .map(|row| row.values.iter().map(|&x| f64::from(x)).sum::<f64>() / users)
        .collect();
    let mut base: Vec<Base> = (0..shares.rows())
        .filter(|&item| means[item] > 0.0)
        .map(|item| {
            let neighbours = shares.row(item).iter();
            let near = neighbours.map(|(other, share)| f64::from(share) * means[other as usize]);
            let score = means[item] - near.sum::<f64>();
            (ItemIx::at(item), score as f32)
        })
        .collect();
    base.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    base
}
