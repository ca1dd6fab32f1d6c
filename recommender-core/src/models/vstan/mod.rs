//! Sessions like the visit at hand, near in order and time: what they hold is recommended (V-STAN).
//!
//! Garg, Gupta, Malhotra, Vig & Shroff, *Sequence and time aware neighborhood for session-based recommendations*, SIGIR
//! 2019, with the additions of Ludewig, Mauro, Latifi & Jannach, *Empirical analysis of session-based recommendation
//! algorithms*, UMUAI 31, 2021, §3.2. Of the sessions that share an item with the visit the
//! [`recent_sessions`](VstanConfig::recent_sessions) latest are looked at; a session s of |s| different items, d days
//! old, is as near as
//!
//! `sim(s) = exp(−d / λ_snh) · Σ_i exp(−p_i / λ_spw) / √|s|`
//!
//! over the items i it shares, with `p_i` the steps from the last place of i to the end of the visit. (The norm of the
//! visit is the same for all and left out.) The [`neighbours`](VstanConfig::neighbours) nearest, of equals the latest,
//! give every item j they hold
//!
//! `sim(s) · exp(−p* / λ_ipw) · exp(−|pos_s(j) − pos_s(i*)| / λ_inh) · (1 + λ_idf · ln(N / n_j))`
//!
//! with `p*` the steps from the latest shared item to the end of the visit, `i*` the last item of s that it shares,
//! `pos_s` places among the different items of s in the order in which they last came, N the number of sessions and
//! `n_j` of those with j. The age of a session is counted from the time of the query; without one, from the end that all
//! but one in a thousand sessions do not go past, so that a clock years ahead does not make all others old. What
//! ends later is of no age.
//!
//! With [`revisits`](VstanConfig::revisits) the scores become chances: an item of the visit has the chance that a visit
//! that stands like this one returns to the place it has, counted over all sessions, and all other items share the rest
//! by their scores. Their order stays what it was.
//!
//! **This model keeps the sessions of its visitors**, by their numbers: whoever erases a person must fit it anew or put
//! [`SessionIndex::without`] her under it ([`Vstan::over`]). It follows changed data by a new fit, which is one
//! pass over the events; a service that follows its visitors makes the next generation of the index by
//! [`SessionIndex::with`].

mod config;
mod fit;

pub use config::VstanConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::error::Result;
use crate::ids::{DenseIndex, ItemIx};
use crate::models::Model;
use crate::models::revisits::{Revisits, Standing};
use crate::models::small_sums::SmallSums;
use crate::models::stored_config::StoredConfig;
use crate::models::visit::Visit;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sessions::{MOST_WANTED, Match, SessionIndex};
use crate::time::Timestamp;

/// Sessions, indexed by item; made by [`VstanConfig::fit`]. It keeps the sessions of its visitors.
///
/// Items that no neighbour holds have no score and are never answered.
#[derive(Debug, Clone)]
pub struct Vstan {
    config: VstanConfig,
    stored: StoredConfig,
    index: SessionIndex,
    revisits: Revisits,
    /// Per item: what its score is multiplied by.
    rarity: Vec<f32>,
    /// What an item of the visit counts, by its steps from the end.
    positions: [f32; MOST_WANTED],
    /// What a neighbour counts, by the steps from its latest shared item to the end of the visit.
    latest: [f32; MOST_WANTED],
    /// What an item of a neighbour counts, by its distance from the last shared one.
    distances: Vec<f32>,
    /// Where ages are counted from if the query does not say.
    end: Timestamp,
}

/// Room for one answer after the other.
struct Scratch {
    matches: Vec<Match>,
    /// Nearness above the flipped place among the matches.
    keys: Vec<u64>,
    sums: SmallSums<f32>,
}

impl Vstan {
    fn new(config: VstanConfig, index: SessionIndex, revisits: Revisits) -> Result<Self> {
        let faded = |decay: f32| {
            let mut steps = [0.0; MOST_WANTED];
            for (step, weight) in steps.iter_mut().enumerate() {
                *weight = (-(step as f32) / decay).exp();
            }
            steps
        };
        let most = config.most_items.min(MOST_DISTANCES);
        let distance = |steps: usize| (-(steps as f32) / config.distance_decay).exp();
        Ok(Self {
            stored: StoredConfig::of("vstan", &config)?,
            rarity: rarity(config.idf_weight, &index),
            positions: faded(config.position_decay),
            latest: faded(config.match_decay),
            distances: (0..most).map(distance).collect(),
            end: index.usual_end().unwrap_or_default(),
            index,
            revisits,
            config,
        })
    }

    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) if a tensor is missing or does not fit the others.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let config: VstanConfig = StoredConfig::load("vstan", tensors)?;
        config.validate()?;
        let index = SessionIndex::load(tensors, config.index())?;
        let (_, shares) = tensors.get::<f32>("revisits")?;
        Self::new(config, index, Revisits::of_shares(shares)?)
    }

    /// The sessions it answers from.
    #[must_use]
    pub fn index(&self) -> &SessionIndex {
        &self.index
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            matches: Vec::with_capacity(self.config.recent_sessions.min(1 << 16)),
            keys: Vec::new(),
            sums: SmallSums::new(),
        }
    }

    fn answer(&self, query: &Query, scratch: &mut Scratch) -> Result<Ranked> {
        let visit = Visit::of(query, &self.config.visit());
        let wanted = visit.wanted(&self.index);
        self.index.latest(&wanted, &mut scratch.matches);
        self.find_neighbours(&visit, query.time.unwrap_or(self.end), scratch);
        let Scratch {
            matches,
            keys,
            sums,
        } = scratch;
        let neighbour = |&key: &u64| {
            let found = matches[place(key)];
            (found, nearness(key))
        };
        let held = |key: &u64| self.index.items(matches[place(*key)].session).len();
        sums.reserve(keys.iter().map(held).sum());
        for (found, near) in keys.iter().map(neighbour) {
            self.give(&visit, found, near, sums);
        }
        let scored = sums
            .entries()
            .map(|(item, sum)| (ItemIx(item), sum * self.rarity[item as usize]));
        let mut scored: Vec<(ItemIx, f32)> = scored.collect();
        sums.clear();
        if self.config.revisits && !visit.now().is_empty() {
            let standing = Standing::of(visit.now());
            let known = |item: ItemIx| self.index.counts().get(item.position()) > Some(&0);
            self.revisits.mix(&standing, known, &mut scored);
        }
        visit.rank(query, scored.into_iter())
    }

    /// Finds the nearest of the matches, of equals the latest; they come in the order of the matches.
    fn find_neighbours(&self, visit: &Visit, now: Timestamp, scratch: &mut Scratch) {
        let Scratch { matches, keys, .. } = scratch;
        keys.clear();
        keys.extend(matches.iter().enumerate().map(|(at, found)| {
            let near = self.near(visit, now, found);
            key(near, at)
        }));
        let limit = self.config.neighbours;
        if keys.len() > limit {
            keys.select_nth_unstable_by(limit - 1, |a, b| b.cmp(a));
            keys.truncate(limit);
            // So that sums are added in one order, whatever the selection left.
            keys.sort_unstable_by_key(|&key| place(key));
        }
    }

    fn near(&self, visit: &Visit, now: Timestamp, found: &Match) -> f32 {
        let mut rest = found.mask;
        let mut shared = 0.0;
        while rest != 0 {
            shared += self.positions[rest.trailing_zeros() as usize];
            rest &= rest - 1;
        }
        let length = self.index.items(found.session).len() as f32;
        let days = now.days_since(self.index.end(found.session)).max(0.0);
        let age = (-days / f64::from(self.config.age_decay_days)).exp();
        #[expect(clippy::cast_possible_truncation, reason = "a share between 0 and 1")]
        let near = shared / length.sqrt() * (age as f32).max(OLDEST);
        if visit.owns(&self.index, found.session) {
            near * (1.0 + self.config.own_boost)
        } else {
            near
        }
    }

    /// Adds what a neighbour gives to the items it holds.
    fn give(&self, visit: &Visit, found: Match, near: f32, sums: &mut SmallSums<f32>) {
        let items = self.index.items(found.session);
        let shared = |&item: &u32| visit.items.contains(&ItemIx(item));
        let last = items.iter().rposition(shared).unwrap_or(0);
        let near = near * self.latest[found.mask.trailing_zeros() as usize];
        for (place, &item) in items.iter().enumerate() {
            let distance = place.abs_diff(last).min(self.distances.len() - 1);
            sums.add(item, near * self.distances[distance]);
        }
    }
}

/// The share that is left of the oldest session, so that old sessions are told apart by what they share.
const OLDEST: f32 = 1e-12;

/// Items farther apart than this are as good as this far apart.
const MOST_DISTANCES: usize = 1024;

/// An integer in the order of nearness, then of the places from the last to the first.
fn key(near: f32, place: usize) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "matches are numbered by u32"
    )]
    let place = !(place as u32);
    u64::from(near.to_bits()) << 32 | u64::from(place)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half of a key")]
fn place(key: u64) -> usize {
    !(key as u32) as usize
}

fn nearness(key: u64) -> f32 {
    f32::from_bits((key >> 32) as u32)
}

/// What the score of each item is multiplied by.
#[expect(clippy::cast_possible_truncation, reason = "scores are f32 throughout")]
fn rarity(weight: f32, index: &SessionIndex) -> Vec<f32> {
    let sessions = index.len().max(1) as f64;
    let of = |&count: &u32| {
        let idf = (sessions / f64::from(count.max(1))).ln().max(0.0);
        1.0 + weight * idf as f32
    };
    index.counts().iter().map(of).collect()
}

impl Recommender for Vstan {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut self.scratch())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let answer = |query: &Query, scratch: &mut Scratch| self.answer(query, scratch);
        in_parallel(queries, || self.scratch(), answer)
    }
}

impl Model for Vstan {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        self.stored.save(tensors);
        let shares = self.revisits.shares();
        tensors.put("revisits", &[shares.len()], shares);
        self.index.save(tensors);
    }

    fn item_bound(&self) -> usize {
        self.index.counts().len()
    }
}

#[cfg(test)]
mod tests;
