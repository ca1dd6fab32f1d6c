//! How the lists of several sources become one.

mod config;
mod reciprocal_rank;
mod standardized;
mod weighted;

pub use config::{BandConfig, BlendConfig};

use crate::error::Result;
use crate::ids::ItemIx;
use crate::query::Query;
use crate::ranked::{Ranked, Scored, Source};

/// A blend with the weight of each source, by the length of the history where it has bands.
#[derive(Debug, Clone)]
pub struct Blend {
    config: BlendConfig,
    /// Longest history of each band, with its weights.
    bands: Vec<(usize, Vec<f32>)>,
    /// Weights beyond the last band.
    weights: Vec<f32>,
}

impl Blend {
    /// A blend of `sources`, by name and weight.
    #[must_use]
    pub fn new(config: BlendConfig, sources: &[(&str, f32)]) -> Self {
        let of_band = |band: &BandConfig| {
            let weight = |(name, _): &(&str, f32)| band.weights.get(*name).copied();
            let weights = sources.iter().map(|it| weight(it).unwrap_or(0.0));
            (band.up_to, weights.collect())
        };
        Self {
            bands: config.bands().iter().map(of_band).collect(),
            weights: sources.iter().map(|&(_, weight)| weight).collect(),
            config,
        }
    }

    /// Whether every source is to score what any source proposes.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.config.is_completed()
    }

    /// The weight of each source for who asks `query`.
    fn weights(&self, query: &Query) -> &[f32] {
        if self.bands.is_empty() {
            return &self.weights;
        }
        let known = query.profile().len();
        let mut bands = self.bands.iter();
        let band = bands.find(|(up_to, _)| known <= *up_to);
        band.map_or(&self.weights, |(_, weights)| weights)
    }

    /// What every source proposes to `query`, in the blend's own scores: by item, and within an item by source.
    /// A source without weight proposes nothing.
    ///
    /// # Panics
    /// If there is not one list per source.
    #[must_use]
    pub fn proposals<'a>(
        &self,
        query: &Query,
        lists: impl ExactSizeIterator<Item = &'a Ranked>,
    ) -> Vec<Scored> {
        let weights = self.weights(query);
        assert_eq!(lists.len(), weights.len(), "one list per source");
        let mut proposals: Vec<Scored> = Vec::new();
        for (source, (list, &weight)) in lists.zip(weights).enumerate() {
            if weight == 0.0 {
                continue;
            }
            let scores = self.config.scores(list, weight);
            proposals.extend(list.items().zip(scores).map(|(item, score)| Scored {
                item,
                score,
                source: number(source),
            }));
        }
        // Within an item the sources stay in order, so that sums are the same in every run.
        proposals.sort_unstable_by_key(|proposal| {
            u64::from(proposal.item.0) << 16 | u64::from(proposal.source.0)
        });
        proposals
    }
}

impl BlendConfig {
    /// What each entry of `list` is worth in the blend, at this weight of its source; at least 0.
    #[must_use]
    pub fn scores(&self, list: &Ranked, weight: f32) -> Vec<f32> {
        match *self {
            Self::Weighted { .. } => weighted::scores(list, weight),
            Self::Standardized { .. } => standardized::scores(list, weight),
            Self::ReciprocalRank { rank_constant, .. } => {
                reciprocal_rank::scores(list, weight, rank_constant)
            }
        }
    }
}

/// The best `query.limit` items of all [`Blend::proposals`], each attributed to the source that contributed most
/// (the earlier one, if two contributed alike).
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal) if a score is not finite.
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
    use crate::query::HistoryItem;
    use crate::time::Timestamp;

    fn list(items: &[(u32, f32)]) -> Ranked {
        let scores = items.iter().map(|&(item, score)| (ItemIx(item), score));
        Ranked::top(&Query::new(10), scores).unwrap()
    }

    fn merged(config: BlendConfig, weights: &[f32], lists: &[Ranked]) -> Vec<(u32, f32, u16)> {
        let names = ["a", "b", "c"];
        let sources: Vec<(&str, f32)> = names.into_iter().zip(weights.iter().copied()).collect();
        let blend = Blend::new(config, &sources);
        answered(&blend, &Query::new(10), lists)
    }

    fn answered(blend: &Blend, query: &Query, lists: &[Ranked]) -> Vec<(u32, f32, u16)> {
        let proposals = blend.proposals(query, lists.iter());
        let ranked = merge(query, &proposals).unwrap();
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
        let found = merged(BlendConfig::weighted(), &[1.0, 2.0], &lists);
        assert_eq!(found, [(2, 2.5, 1), (1, 1.0, 0), (3, 0.0, 0), (4, 0.0, 1)]);
    }

    #[test]
    fn reciprocal_rank_counts_places_not_scores() {
        let lists = [list(&[(1, 9.0), (2, 1.0)]), list(&[(2, 900.0), (3, 1.0)])];
        let config = BlendConfig::reciprocal_rank(1.0);
        let found = merged(config, &[1.0, 1.0], &lists);
        assert_eq!(found[0], (2, 1.0 / 3.0 + 0.5, 1));
        assert_eq!(found[1], (1, 0.5, 0));
        assert_eq!(found[2], (3, 1.0 / 3.0, 1));
    }

    #[test]
    fn standardized_measures_in_deviations_above_the_lowest() {
        // Of 1, 5 and 9 the mean is 5 and the deviation √(32/3).
        let deviation = (32.0f32 / 3.0).sqrt();
        let lists = [
            list(&[(1, 9.0), (2, 5.0), (3, 1.0)]),
            list(&[(2, 7.0), (3, 7.0)]),
        ];
        let found = merged(BlendConfig::standardized(), &[1.0, 0.5], &lists);
        let expected = [
            (1, 8.0 / deviation, 0),
            (2, 4.0 / deviation + 0.5, 0),
            (3, 0.5, 1),
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!((found.0, found.2), (expected.0, expected.2));
            assert!((found.1 - expected.1).abs() < 1e-6, "{found:?}");
        }
        // Neither a lone item nor none makes a number that is none.
        let short = [list(&[(1, 3.0)]), list(&[])];
        let found = merged(BlendConfig::standardized(), &[1.0, 1.0], &short);
        assert_eq!(found, [(1, 1.0, 0)]);
    }

    #[test]
    fn bands_weigh_by_the_length_of_the_history() {
        let band = |up_to, name: &str| BandConfig {
            up_to,
            weights: [(name.to_owned(), 1.0)].into(),
        };
        let config = BlendConfig::weighted().with_bands(vec![band(0, "a"), band(1, "b")]);
        let blend = Blend::new(config, &[("a", 0.1), ("b", 0.2)]);
        let lists = [list(&[(1, 1.0)]), list(&[(2, 1.0)])];
        let found = |known: u32| {
            let mut query = Query::new(10);
            query.history = (0..known)
                .map(|item| HistoryItem {
                    item: ItemIx(100 + item),
                    weight: 1.0,
                    time: Timestamp(0),
                })
                .collect();
            answered(&blend, &query, &lists)
        };
        assert_eq!(found(0), [(1, 1.0, 0)]);
        assert_eq!(found(1), [(2, 1.0, 1)]);
        assert_eq!(found(2), [(2, 0.2, 1), (1, 0.1, 0)]);
    }

    #[test]
    fn wrong_bands_say_what_would_be_right() {
        let band = |up_to, name: &str, weight| BandConfig {
            up_to,
            weights: [(name.to_owned(), weight)].into(),
        };
        for (bands, words) in [
            (vec![band(3, "a", 1.0), band(3, "a", 1.0)], "up_to"),
            (vec![band(3, "x", 1.0)], "names of sources: a, b"),
            (vec![band(3, "a", -1.0)], "at least 0"),
            (vec![band(3, "a", f32::NAN)], "at least 0"),
            (vec![band(3, "a", 0.0)], "above 0"),
        ] {
            let config = BlendConfig::standardized().with_bands(bands);
            let error = config.validate(&["a", "b"]).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
