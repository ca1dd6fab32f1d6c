//! How the lists of several sources become one.

mod reciprocal_rank;
mod weighted;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::query::Query;
use crate::ranked::{Ranked, Scored, Source};

/// How lists are merged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum BlendConfig {
    /// Weighted sum of scores, each list's scores first scaled to 0..=1.
    Weighted,
    /// Weighted sum of reciprocal ranks.
    ReciprocalRank {
        /// Added to each rank; at least 0. 60 in the paper.
        #[serde(default = "default_rank_constant")]
        rank_constant: f32,
    },
}

fn default_rank_constant() -> f32 {
    60.0
}

impl Default for BlendConfig {
    fn default() -> Self {
        Self::ReciprocalRank {
            rank_constant: default_rank_constant(),
        }
    }
}

impl BlendConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] if the rank constant is negative or not finite.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Self::ReciprocalRank { rank_constant }
                if !(rank_constant.is_finite() && rank_constant >= 0.0) =>
            {
                Err(Error::config(
                    "blend.rank_constant",
                    "a finite number of at least 0",
                    rank_constant,
                ))
            }
            Self::ReciprocalRank { .. } | Self::Weighted => Ok(()),
        }
    }
}

/// A blend with the weight of each source.
#[derive(Debug, Clone)]
pub struct Blend {
    config: BlendConfig,
    weights: Vec<f32>,
}

impl Blend {
    /// A blend of as many sources as there are `weights`.
    #[must_use]
    pub fn new(config: BlendConfig, weights: Vec<f32>) -> Self {
        Self { config, weights }
    }

    /// What every source proposes, in the blend's own scores: by item, and within an item by source.
    ///
    /// # Panics
    /// If there is not one list per source.
    #[must_use]
    pub fn proposals(&self, lists: &[Ranked]) -> Vec<Scored> {
        assert_eq!(lists.len(), self.weights.len(), "one list per source");
        let mut proposals: Vec<Scored> = Vec::with_capacity(lists.iter().map(Ranked::len).sum());
        for (source, list) in lists.iter().enumerate() {
            let scores = self.scores(source, list);
            proposals.extend(list.items().zip(scores).map(|(item, score)| Scored {
                item,
                score,
                source: number(source),
            }));
        }
        // Within an item the sources stay in order, so that sums are the same in every run.
        proposals.sort_by_key(|proposal| (proposal.item, proposal.source.0));
        proposals
    }

    fn scores(&self, source: usize, list: &Ranked) -> Vec<f32> {
        let weight = self.weights[source];
        match self.config {
            BlendConfig::Weighted => weighted::scores(list, weight),
            BlendConfig::ReciprocalRank { rank_constant } => {
                reciprocal_rank::scores(list, weight, rank_constant)
            }
        }
    }
}

/// The best `query.limit` items of all [`Blend::proposals`], each attributed to the source that contributed most
/// (the earlier one, if two contributed alike).
///
/// # Errors
/// [`Error::Internal`] if a score is not finite.
pub fn merge(query: &Query, proposals: &[Scored]) -> Result<Ranked> {
    let merged = proposals.chunk_by(|a, b| a.item == b.item).map(sum);
    Ranked::top_scored(query, merged)
}

/// What each source that proposed `item` adds to its score, in the order of the sources.
#[must_use]
pub fn contributions(proposals: &[Scored], item: ItemIx) -> Vec<(Source, f32)> {
    let first = proposals.partition_point(|proposal| proposal.item < item);
    let of_item = proposals[first..]
        .iter()
        .take_while(|proposal| proposal.item == item);
    of_item
        .map(|proposal| (proposal.source, proposal.score))
        .collect()
}

/// One entry for all proposals of one item.
fn sum(proposals: &[Scored]) -> Scored {
    let mut best = proposals[0];
    for proposal in &proposals[1..] {
        if proposal.score > best.score {
            best = *proposal;
        }
    }
    Scored {
        score: proposals.iter().map(|proposal| proposal.score).sum(),
        ..best
    }
}

/// The number of the source at `position`; a pipeline's configuration refuses more than fit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the configuration allows at most 64 sources"
)]
pub(crate) fn number(position: usize) -> Source {
    Source(position as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[(u32, f32)]) -> Ranked {
        let scores = items.iter().map(|&(item, score)| (ItemIx(item), score));
        Ranked::top(&Query::new(10), scores).unwrap()
    }

    fn merged(config: BlendConfig, weights: &[f32], lists: &[Ranked]) -> Vec<(u32, f32, u16)> {
        let blend = Blend::new(config, weights.to_vec());
        let proposals = blend.proposals(lists);
        let ranked = merge(&Query::new(10), &proposals).unwrap();
        for entry in ranked.entries() {
            let parts = contributions(&proposals, entry.item);
            let total: f32 = parts.iter().map(|part| part.1).sum();
            assert!((total - entry.score).abs() < 1e-6);
        }
        ranked
            .entries()
            .iter()
            .map(|entry| (entry.item.0, entry.score, entry.source.0))
            .collect()
    }

    #[test]
    fn weighted_scales_each_list_and_adds() {
        let lists = [
            list(&[(1, 10.0), (2, 5.0), (3, 0.0)]),
            list(&[(2, 0.4), (4, 0.2)]),
        ];
        let found = merged(BlendConfig::Weighted, &[1.0, 2.0], &lists);
        assert_eq!(found, [(2, 2.5, 1), (1, 1.0, 0), (3, 0.0, 0), (4, 0.0, 1)]);
    }

    #[test]
    fn reciprocal_rank_counts_places_not_scores() {
        let lists = [list(&[(1, 9.0), (2, 1.0)]), list(&[(2, 900.0), (3, 1.0)])];
        let config = BlendConfig::ReciprocalRank { rank_constant: 1.0 };
        let found = merged(config, &[1.0, 1.0], &lists);
        assert_eq!(found[0], (2, 1.0 / 3.0 + 0.5, 1));
        assert_eq!(found[1], (1, 0.5, 0));
        assert_eq!(found[2], (3, 1.0 / 3.0, 1));
    }
}
