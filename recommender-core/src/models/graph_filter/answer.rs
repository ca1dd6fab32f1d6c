//! From histories to lists: signals side by side through the filter, then each to its best.

use rayon::prelude::*;

use crate::error::Result;
use crate::ids::{DenseIndex, ItemIx};
use crate::models::graph_filter::graph::NO_COLUMN;
use crate::models::graph_filter::lanes::{
    Lanes, LowRank, PANEL, Profile, add_low_rank, add_product, add_profiles, add_symmetric,
    add_transposed_product, subtract_from_negated,
};
use crate::models::graph_filter::{Gram, GraphFilter, Operator};
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::Recommender;
use crate::sparse::SparseMatrix;

/// Queries that go over the graph side by side.
const LANES: usize = 32;

/// So many times [`LANES`] queries meet the singular vectors together: these are read once for all of them.
const BLOCKS: usize = 4;

/// Lanes whose scores are laid out at a time: enough to use a whole cache line.
const GROUP: usize = 8;

/// Numbers per column of as many signals as are answered at once.
#[derive(Debug)]
struct Scratch<const LANES: usize> {
    current: Vec<Lanes<LANES>>,
    /// What the filter makes of each block of signals.
    filtered: Vec<Vec<Lanes<LANES>>>,
    /// The scores of a group of lanes, one lane after the other.
    scores: Vec<f32>,
}

impl<const LANES: usize> Scratch<LANES> {
    fn new(columns: usize, blocks: usize) -> Self {
        Self {
            current: vec![[0.0; LANES]; columns],
            filtered: vec![vec![[0.0; LANES]; columns]; blocks],
            scores: vec![0.0; columns * LANES.min(GROUP)],
        }
    }
}

/// Lays out the scores of the lanes of `filtered` from `first` on.
fn gather<const LANES: usize>(filtered: &[Lanes<LANES>], first: usize, scores: &mut [f32]) {
    let columns = filtered.len();
    for (column, lanes) in filtered.iter().enumerate() {
        for (lane, value) in lanes[first..].iter().take(GROUP).enumerate() {
            // Adding zero takes the sign off a zero.
            scores[lane * columns + column] = value + 0.0;
        }
    }
}

/// A step over the graph for signals side by side.
trait Step<const LANES: usize> {
    /// `target += factor · P · source`.
    fn add(&mut self, factor: f32, source: &[Lanes<LANES>], target: &mut [Lanes<LANES>]);

    /// As [`Step::add`], for signals of few columns.
    fn add_profiles(&mut self, factor: f32, profiles: &[Profile], target: &mut [Lanes<LANES>]);
}

/// By the rows of users, and by those of items.
struct ByRows<'a, const LANES: usize> {
    gram: &'a Gram,
    users: Vec<Lanes<LANES>>,
}

impl<'a, const LANES: usize> ByRows<'a, LANES> {
    fn new(gram: &'a Gram) -> Self {
        let users = vec![[0.0; LANES]; gram.rows.rows()];
        Self { gram, users }
    }

    fn gather_users(&mut self, source: &[Lanes<LANES>]) {
        self.users.fill([0.0; LANES]);
        add_product(&self.gram.rows, 1.0, source, &mut self.users);
    }

    fn gather_users_of(&mut self, profiles: &[Profile]) {
        self.users.fill([0.0; LANES]);
        add_profiles(&self.gram.columns, profiles, &mut self.users);
    }
}

impl Step<LANES> for ByRows<'_, LANES> {
    fn add(&mut self, factor: f32, source: &[Lanes<LANES>], target: &mut [Lanes<LANES>]) {
        self.gather_users(source);
        add_product(&self.gram.columns, factor, &self.users, target);
    }

    fn add_profiles(&mut self, factor: f32, profiles: &[Profile], target: &mut [Lanes<LANES>]) {
        self.gather_users_of(profiles);
        add_product(&self.gram.columns, factor, &self.users, target);
    }
}

/// As [`ByRows`], for one signal, whose numbers are mostly zeroes.
struct Alone<'a> {
    rows: ByRows<'a, 1>,
    sums: Vec<f32>,
}

impl Alone<'_> {
    fn add_users(&mut self, factor: f32, target: &mut [Lanes<1>]) {
        let (users, sums) = (&self.rows.users, &mut self.sums);
        add_transposed_product(&self.rows.gram.rows, factor, users, (sums, target));
    }
}

impl Step<1> for Alone<'_> {
    fn add(&mut self, factor: f32, source: &[Lanes<1>], target: &mut [Lanes<1>]) {
        self.rows.gather_users(source);
        self.add_users(factor, target);
    }

    fn add_profiles(&mut self, factor: f32, profiles: &[Profile], target: &mut [Lanes<1>]) {
        self.rows.gather_users_of(profiles);
        self.add_users(factor, target);
    }
}

struct BySimilarities<'a>(&'a SparseMatrix);

impl Step<1> for BySimilarities<'_> {
    fn add(&mut self, factor: f32, source: &[Lanes<1>], target: &mut [Lanes<1>]) {
        let entries = source.iter().map(|&[value]| value).enumerate();
        add_symmetric(self.0, factor, entries, target);
    }

    fn add_profiles(&mut self, factor: f32, profiles: &[Profile], target: &mut [Lanes<1>]) {
        for profile in profiles {
            add_symmetric(self.0, factor, profile.iter().copied(), target);
        }
    }
}

/// What a polynomial is applied to.
trait Signal<const LANES: usize> {
    /// `target += factor · signal`.
    fn add(&self, factor: f32, target: &mut [Lanes<LANES>]);

    /// `target += factor · P · signal`.
    fn add_step(&self, step: &mut impl Step<LANES>, factor: f32, target: &mut [Lanes<LANES>]);
}

impl<const LANES: usize> Signal<LANES> for [Profile] {
    fn add(&self, factor: f32, target: &mut [Lanes<LANES>]) {
        for (lane, profile) in self.iter().enumerate() {
            for &(column, weight) in profile {
                target[column][lane] += factor * weight;
            }
        }
    }

    fn add_step(&self, step: &mut impl Step<LANES>, factor: f32, target: &mut [Lanes<LANES>]) {
        step.add_profiles(factor, self, target);
    }
}

impl<const LANES: usize> Signal<LANES> for [Lanes<LANES>] {
    fn add(&self, factor: f32, target: &mut [Lanes<LANES>]) {
        let pairs = target
            .as_flattened_mut()
            .iter_mut()
            .zip(self.as_flattened());
        pairs.for_each(|(target, value)| *target += factor * value);
    }

    fn add_step(&self, step: &mut impl Step<LANES>, factor: f32, target: &mut [Lanes<LANES>]) {
        step.add(factor, self, target);
    }
}

/// Puts `Σ_k c_k T_k(2P − 1) · signal` into `previous`, by Clenshaw's recurrence.
fn apply<const LANES: usize>(
    series: &[f32],
    step: &mut impl Step<LANES>,
    signal: &(impl Signal<LANES> + ?Sized),
    [current, previous]: [&mut Vec<Lanes<LANES>>; 2],
) {
    previous.fill([0.0; LANES]);
    let Some((&constant, rest)) = series.split_first() else {
        return;
    };
    let mut remaining = rest.iter().rev();
    if let Some(&last) = remaining.next() {
        current.fill([0.0; LANES]);
        signal.add(last, current);
        // At first `current` is the signal alone, whose few columns are a shorter way.
        let mut alone = Some(last);
        let mut add = |factor: f32, source: &[Lanes<LANES>], target: &mut [Lanes<LANES>]| {
            match alone.take() {
                Some(last) => signal.add_step(step, factor * last, target),
                None => step.add(factor, source, target),
            }
        };
        for &coefficient in remaining {
            subtract_from_negated(2.0, current, previous);
            signal.add(coefficient, previous);
            add(4.0, current, previous);
            std::mem::swap(current, previous);
        }
        subtract_from_negated(1.0, current, previous);
        add(2.0, current, previous);
    }
    signal.add(constant, previous);
}

impl GraphFilter {
    fn profile(&self, query: &Query) -> Profile {
        let known = query.profile().into_iter().filter_map(|(item, weight)| {
            let column = *self.columns.get(item.position())?;
            (column != NO_COLUMN && weight > 0.0).then_some((column as usize, weight))
        });
        known.collect()
    }

    /// Answers at most `LANES` queries for each block of `scratch`.
    fn answer<const LANES: usize>(
        &self,
        queries: &[Query],
        step: &mut impl Step<LANES>,
        scratch: &mut Scratch<LANES>,
    ) -> Result<Vec<Ranked>> {
        let profiles: Vec<Profile> = queries.iter().map(|query| self.profile(query)).collect();
        let asked = |(query, profile): (&Query, &Profile)| query.limit > 0 && !profile.is_empty();
        if !queries.iter().zip(&profiles).any(asked) {
            return Ok(vec![Ranked::empty(); queries.len()]);
        }
        self.filter(&profiles, step, scratch);
        let Scratch {
            filtered, scores, ..
        } = scratch;
        let mut answers = Vec::with_capacity(queries.len());
        for (place, pair) in queries.iter().zip(&profiles).enumerate() {
            let (block, lane) = (place / LANES, place % LANES);
            if lane % GROUP == 0 {
                gather(&filtered[block], lane, scores);
            }
            answers.push(if asked(pair) {
                let scores = scores.chunks(self.items.len()).nth(lane % GROUP);
                let scores = self.items.iter().zip(scores.unwrap_or_default());
                let scores = scores.map(|(&item, &score)| (ItemIx(item), score));
                Ranked::top(pair.0, scores)?
            } else {
                Ranked::empty()
            });
        }
        Ok(answers)
    }

    /// Leaves the scores of all items in the filtered blocks.
    fn filter<const LANES: usize>(
        &self,
        profiles: &[Profile],
        step: &mut impl Step<LANES>,
        scratch: &mut Scratch<LANES>,
    ) {
        let [smooth, ideal] = &self.degrees;
        let Scratch {
            current, filtered, ..
        } = scratch;
        let blocks = profiles.chunks(LANES).zip(filtered.iter_mut());
        for (profiles, filtered) in blocks {
            let normalized: Vec<Profile> = profiles.iter().map(|it| divided(it, smooth)).collect();
            apply(
                &self.series[0],
                step,
                normalized.as_slice(),
                [current, filtered],
            );
            for (lanes, degree) in filtered.iter_mut().zip(smooth.iter()) {
                for lane in lanes {
                    *lane *= degree;
                }
            }
        }
        let coefficients = self.coefficients(profiles).into_iter();
        let targets = filtered.iter_mut().map(Vec::as_mut_slice);
        let mut signals: Vec<LowRank<'_, LANES>> = coefficients.zip(targets).collect();
        let (panels, _) = self.vectors.as_chunks();
        add_low_rank(panels, ideal, &mut signals);
        if self.series[1].is_empty() {
            return;
        }
        for filtered in filtered.iter_mut().take(profiles.len().div_ceil(LANES)) {
            let signal = filtered.clone();
            apply(
                &self.series[1],
                step,
                signal.as_slice(),
                [current, filtered],
            );
        }
    }

    /// `w_k · Σ_i V_ik h_i / D_i^β` per singular vector k and lane, for each block of profiles. Columns come in order,
    /// for all profiles together: vectors are read once, and added up alike for one profile and for many.
    fn coefficients<const LANES: usize>(&self, profiles: &[Profile]) -> Vec<Vec<Lanes<LANES>>> {
        let rank = self.rank();
        let of_lane = |(lane, profile): (usize, &'_ Profile)| {
            let entries = profile.clone().into_iter();
            entries.map(move |(column, weight)| (column, lane, weight))
        };
        let mut entries: Vec<(usize, usize, f32)> =
            profiles.iter().enumerate().flat_map(of_lane).collect();
        entries.sort_unstable_by_key(|&(column, lane, _)| (column, lane));
        let (panels, _) = self.vectors.as_chunks::<PANEL>();
        let mut sums = vec![0.0; profiles.len() * rank];
        for (column, lane, weight) in entries {
            let weight = weight / self.degrees[1][column];
            let panel = &panels[column / PANEL * rank..][..rank];
            for (sum, items) in sums[lane * rank..][..rank].iter_mut().zip(panel) {
                *sum += weight * items[column % PANEL];
            }
        }
        let weighted = |sums: &[f32]| {
            let mut lanes = vec![[0.0; LANES]; rank];
            for (lane, sums) in sums.chunks_exact(rank.max(1)).enumerate() {
                for ((lanes, sum), weight) in
                    lanes.iter_mut().zip(sums).zip(self.vector_weights.iter())
                {
                    lanes[lane] = sum * weight;
                }
            }
            lanes
        };
        sums.chunks((LANES * rank).max(1)).map(weighted).collect()
    }

    fn answer_one(&self, query: &Query, scratch: &mut Scratch<1>) -> Result<Ranked> {
        let queries = std::slice::from_ref(query);
        let mut answer = match &self.operator {
            Operator::Rows(gram) => {
                let mut step = Alone {
                    rows: ByRows::new(gram),
                    sums: Vec::new(),
                };
                self.answer(queries, &mut step, scratch)?
            }
            Operator::Similarities(it) => self.answer(queries, &mut BySimilarities(it), scratch)?,
        };
        Ok(answer.pop().unwrap_or_default())
    }
}

/// A profile divided by the degrees of its columns.
fn divided(profile: &Profile, degrees: &[f32]) -> Profile {
    let entries = profile.iter();
    entries
        .map(|&(column, weight)| (column, weight / degrees[column]))
        .collect()
}

impl Recommender for GraphFilter {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer_one(query, &mut Scratch::new(self.items.len(), 1))
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let columns = self.items.len();
        let Operator::Rows(gram) = &self.operator else {
            return queries
                .par_iter()
                .map_init(
                    || Scratch::new(columns, 1),
                    |scratch, query| self.answer_one(query, scratch),
                )
                .collect();
        };
        let blocks = queries.len().div_ceil(LANES).clamp(1, BLOCKS);
        let answers: Vec<Vec<Ranked>> = queries
            .par_chunks(LANES * blocks)
            .map_init(
                || (Scratch::new(columns, blocks), ByRows::new(gram)),
                |(scratch, step), queries| self.answer(queries, step, scratch),
            )
            .collect::<Result<_>>()?;
        Ok(answers.into_iter().flatten().collect())
    }
}
