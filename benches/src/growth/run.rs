//! One model fitted to more and more data.

use std::time::Instant;

use recommender_core::pipeline::ModelConfig;
use recommender_core::{Dataset, FitOptions, Query, Result, SparseMatrix, UserIx};
use serde::{Deserialize, Serialize};

use crate::growth::exponent;
use crate::memory;
use crate::peers::median;

/// Items in an answer.
const LIMIT: usize = 20;

/// Users asked, the same at every size.
const ASKED: u32 = 10_000;

/// A model's times at one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrowthPoint {
    /// How many times the interactions of the smallest size, about.
    pub times: usize,
    /// Pairs of a user and an item.
    pub interactions: usize,
    /// Users.
    pub users: usize,
    /// Seconds of the fit, the median of the rounds.
    pub fit_seconds: f64,
    /// Milliseconds of an answer in a batch, the median of the rounds.
    pub answer_ms: f64,
    /// Most memory held during fit and answers, data included.
    pub peak_memory_bytes: Option<u64>,
    /// Bytes of one stored interaction, in the matrix by user and in that by item, offsets of the rows included.
    pub bytes_per_interaction: [f64; 2],
}

/// How one model grows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// The model.
    pub model: String,
    /// Items on offer, the same at every size.
    pub items: usize,
    /// From the smallest size to the largest.
    pub points: Vec<GrowthPoint>,
    /// b of `fit_seconds = a interactions^b`.
    pub fit_exponent: Option<f64>,
    /// b of `answer_ms = a interactions^b`.
    pub answer_exponent: Option<f64>,
}

/// What is run.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// The model.
    pub config: &'a ModelConfig,
    /// How often each size is fitted.
    pub rounds: usize,
}

impl Run<'_> {
    /// Fits and answers at one size, on the current rayon pool.
    ///
    /// # Errors
    /// What the model gives.
    pub fn at(&self, dataset: &Dataset, times: usize) -> Result<GrowthPoint> {
        let queries = queries(dataset)?;
        let (mut fits, mut answers) = (Vec::new(), Vec::new());
        memory::reset_peak();
        for _ in 0..self.rounds {
            let start = Instant::now();
            let model = self.config.fit(dataset, &FitOptions::default())?;
            fits.push(start.elapsed().as_secs_f64());
            let start = Instant::now();
            model.recommend_batch(&queries)?;
            answers.push(start.elapsed().as_secs_f64() * 1000.0 / queries.len() as f64);
        }
        let interactions = dataset.interactions();
        Ok(GrowthPoint {
            times,
            interactions: interactions.by_user().nnz(),
            users: interactions.by_user().rows(),
            fit_seconds: median(&fits).unwrap_or(f64::NAN),
            answer_ms: median(&answers).unwrap_or(f64::NAN),
            peak_memory_bytes: memory::peak_bytes(),
            bytes_per_interaction: [
                bytes_per_entry(interactions.by_user()),
                bytes_per_entry(interactions.by_item()),
            ],
        })
    }

    /// The growth that `points` show.
    #[must_use]
    pub fn growth(&self, items: usize, points: Vec<GrowthPoint>) -> Growth {
        let slope = |figure: fn(&GrowthPoint) -> f64| {
            let of = |point: &GrowthPoint| (point.interactions as f64, figure(point));
            exponent(&points.iter().map(of).collect::<Vec<_>>())
        };
        Growth {
            model: self.config.name().to_owned(),
            items,
            fit_exponent: slope(|point| point.fit_seconds),
            answer_exponent: slope(|point| point.answer_ms),
            points,
        }
    }
}

fn queries(dataset: &Dataset) -> Result<Vec<Query>> {
    let users = u32::try_from(dataset.users().len()).unwrap_or(u32::MAX);
    (0..users.min(ASKED))
        .map(|user| Ok(dataset.query_of(UserIx(user), LIMIT)?.excluding_seen()))
        .collect()
}

/// Bytes of the rows' columns and values, and of where the rows begin, over the entries.
fn bytes_per_entry(matrix: &SparseMatrix) -> f64 {
    let rows = (0..matrix.rows()).map(|row| matrix.row(row));
    let entries: usize = rows
        .map(|row| size_of_val(row.indices) + size_of_val(row.values))
        .sum();
    let offsets = (matrix.rows() + 1) * size_of::<u64>();
    (entries + offsets) as f64 / matrix.nnz().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::resampled;
    use serde_json::Map;

    #[test]
    fn sizes_are_measured_on_the_same_questions() {
        let base: Vec<Vec<u32>> = (0..60u32)
            .map(|user| vec![user % 9, 9 + user % 4])
            .collect();
        let config = ModelConfig::from_settings("item_knn", Map::new()).unwrap();
        let run = Run {
            config: &config,
            rounds: 1,
        };
        let at = |times| run.at(&resampled(&base, times, 1).unwrap(), times).unwrap();
        let growth = run.growth(13, vec![at(1), at(4)]);
        assert_eq!(growth.points[0].interactions, 120);
        assert!(growth.points[1].interactions > 4 * 110);
        assert!(growth.fit_exponent.is_some());
        let [by_user, by_item] = growth.points[1].bytes_per_interaction;
        assert!((8.0..=13.0).contains(&by_user) && (8.0..=9.0).contains(&by_item));
    }
}
