//! Sessions like the visit at hand: what they hold is recommended (VMIS-kNN).
//!
//! Kersbergen, Sprangers & Schelter, *Serenade: low-latency session-based recommendation in e-commerce at scale*,
//! SIGMOD 2022, §3, exactly. Of the visit its last [`last_items`](VmisKnnConfig::last_items) items count, an item that
//! came twice in its latest place. Of all sessions that share one, the
//! [`recent_sessions`](VmisKnnConfig::recent_sessions) latest are looked at. A session s scores
//!
//! `r(s) = Σ_i w_i`, `w_i = place of i / length of the visit`
//!
//! over the items i it shares, and the [`neighbours`](VmisKnnConfig::neighbours) with the highest score, of equals the
//! latest, give every item they hold
//!
//! `λ(s) · r(s) · idf`, `λ(s) = max(0, 1 − 0.1 p)`
//!
//! with p the place, counted from the end of the visit, of the latest item shared.
//!
//! Sessions are numbered by recency, so the list of an item's sessions falls, the latest sessions are those that a merge
//! of a few lists meets first, and a bit for each item shared says what λ and r are. Scores and λ are counted in whole
//! numbers (λ in thousandths): equal sums are equal, in whatever order they were added, and ties of items go to the
//! lower index.
//!
//! **This model keeps the sessions of its visitors**, by their numbers: whoever erases a person must fit it anew or put
//! [`SessionIndex::without`] her under it ([`VmisKnn::over`]). It follows changed data by a new fit, which is one
//! pass over the events; a service that follows its visitors makes the next generation of the index by
//! [`SessionIndex::with`].

mod config;
mod fit;
mod scores;

pub use config::{Idf, PositionWeight, VmisKnnConfig};

use crate::artifact::{TensorSink, Tensors};
use crate::error::Result;
use crate::ids::ItemIx;
use crate::models::Model;
use crate::models::small_sums::SmallSums;
use crate::models::stored_config::StoredConfig;
use crate::models::visit::Visit;
use crate::models::vmis_knn::scores::Scores;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sessions::{Match, SessionIndex};

/// Sessions, indexed by item; made by [`VmisKnnConfig::fit`]. It keeps the sessions of its visitors.
///
/// Items that no neighbour holds have no score and are never answered.
#[derive(Debug, Clone)]
pub struct VmisKnn {
    config: VmisKnnConfig,
    stored: StoredConfig,
    index: SessionIndex,
    /// Per item: what its score is multiplied by.
    rarity: Vec<f32>,
    scores: Scores,
}

/// Room for one answer after the other.
struct Scratch<'a> {
    matches: Vec<Match>,
    /// The score of each match.
    scores: Vec<u32>,
    /// How many matches have a score.
    counts: Vec<u32>,
    /// Items of neighbours, and what each neighbour gives them.
    neighbours: Vec<(&'a [u32], u32)>,
    sums: SmallSums<u32>,
}

impl VmisKnn {
    fn new(config: VmisKnnConfig, index: SessionIndex) -> Result<Self> {
        Ok(Self {
            stored: StoredConfig::of("vmis_knn", &config)?,
            rarity: rarity(config.idf, index.counts()),
            scores: Scores::new(&config),
            index,
            config,
        })
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let config: VmisKnnConfig = StoredConfig::load("vmis_knn", tensors)?;
        config.validate()?;
        let index = SessionIndex::load(tensors, config.index())?;
        Self::new(config, index)
    }

    /// The sessions it answers from.
    #[must_use]
    pub fn index(&self) -> &SessionIndex {
        &self.index
    }

    /// Whether the scores alone say who the neighbours of `query` are: no session that was looked at and has no say scores
    /// as high as one that has. Where it is false recency decides, and another rule might give another list.
    #[must_use]
    pub fn is_settled(&self, query: &Query) -> bool {
        let visit = Visit::of(query, &self.config.visit());
        let mut scratch = self.scratch();
        let wanted = visit.wanted(&self.index);
        self.index.latest(&wanted, &mut scratch.matches);
        self.score(&visit, &mut scratch);
        let Scratch { scores, counts, .. } = &mut scratch;
        let (least, room) = least_of_best(scores, self.config.neighbours, counts);
        scores.len() <= self.config.neighbours || counts[least as usize] == room
    }

    fn scratch(&self) -> Scratch<'_> {
        Scratch {
            matches: Vec::with_capacity(self.config.recent_sessions.min(1 << 16)),
            scores: Vec::new(),
            counts: Vec::new(),
            neighbours: Vec::with_capacity(self.config.neighbours),
            sums: SmallSums::new(),
        }
    }

    fn answer<'a>(&'a self, query: &Query, scratch: &mut Scratch<'a>) -> Result<Ranked> {
        let visit = Visit::of(query, &self.config.visit());
        if visit.items.is_empty() {
            return Ok(Ranked::empty());
        }
        let wanted = visit.wanted(&self.index);
        self.index.latest(&wanted, &mut scratch.matches);
        self.find_neighbours(&visit, scratch);
        let Scratch {
            neighbours, sums, ..
        } = scratch;
        sums.reserve(neighbours.iter().map(|(items, _)| items.len()).sum());
        for &(items, gain) in neighbours.iter() {
            items.iter().for_each(|&item| sums.add(item, gain));
        }
        let unit = self.scores.unit(visit.items.len());
        let scored = sums.entries().map(|(item, sum)| {
            let score = sum as f32 * unit * self.rarity[item as usize];
            (ItemIx(item), score)
        });
        let ranked = visit.rank(query, scored);
        sums.clear();
        ranked
    }

    /// Finds the matches with the highest scores, of equals the latest, and what each gives.
    fn find_neighbours<'a>(&'a self, visit: &Visit, scratch: &mut Scratch<'a>) {
        self.score(visit, scratch);
        let Scratch {
            matches,
            scores,
            counts,
            neighbours,
            ..
        } = scratch;
        let (least, mut room) = least_of_best(scores, self.config.neighbours, counts);
        neighbours.clear();
        for (found, &score) in matches.iter().zip(scores.iter()) {
            if score < least || (score == least && room == 0) {
                continue;
            }
            room -= u32::from(score == least);
            let gain = score * self.scores.share(found.mask);
            if gain > 0 {
                neighbours.push((self.index.items(found.session), gain));
            }
        }
    }

    /// Scores the matches.
    fn score(&self, visit: &Visit, scratch: &mut Scratch<'_>) {
        let Scratch {
            matches, scores, ..
        } = scratch;
        let places = visit.items.len();
        scores.clear();
        scores.extend(matches.iter().map(|found| {
            let own = visit.owns(&self.index, found.session);
            self.scores.of(places, found.mask, own)
        }));
    }
}

/// The lowest score among the best `limit` of `scores`, and how many of those with that score are among them.
fn least_of_best(scores: &[u32], limit: usize, counts: &mut Vec<u32>) -> (u32, u32) {
    let mut room = u32::try_from(limit).unwrap_or(u32::MAX);
    if scores.len() <= limit {
        return (0, room);
    }
    let best = scores.iter().copied().max().unwrap_or(0);
    counts.clear();
    counts.resize(best as usize + 1, 0);
    for &score in scores {
        counts[score as usize] += 1;
    }
    for least in (0..=best).rev() {
        let count = counts[least as usize];
        if count >= room {
            return (least, room);
        }
        room -= count;
    }
    (0, room)
}

/// What the score of each item is multiplied by.
#[expect(clippy::cast_possible_truncation, reason = "scores are f32 throughout")]
fn rarity(idf: Idf, counts: &[u32]) -> Vec<f32> {
    let entries: f64 = counts.iter().map(|&count| f64::from(count)).sum();
    let of = |&count: &u32| {
        let log = (entries / f64::from(count.max(1))).ln();
        match idf {
            Idf::None => 1.0,
            Idf::Log if log > 0.0 => log as f32,
            Idf::Log => 1.0,
            Idf::OnePlusLog => 1.0 + log.max(0.0) as f32,
        }
    };
    counts.iter().map(of).collect()
}

impl Recommender for VmisKnn {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut self.scratch())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        in_parallel(
            queries,
            || self.scratch(),
            |query, scratch| self.answer(query, scratch),
        )
    }
}

impl Model for VmisKnn {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        self.stored.save(tensors);
        self.index.save(tensors);
    }

    fn item_bound(&self) -> usize {
        self.index.counts().len()
    }
}

#[cfg(test)]
mod tests;
