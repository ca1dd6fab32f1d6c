//! From histories to lists: signals side by side through the filter, then each to its best.

use rayon::prelude::*;

use crate::error::Result;
use crate::ids::{DenseIndex, ItemIx};
use crate::models::graph_filter::graph::NO_COLUMN;
use crate::models::graph_filter::lanes::{
    Lanes, PANEL, add_gram, add_low_rank, add_symmetric, subtract_from_negated,
};
use crate::models::graph_filter::{GraphFilter, Operator};
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::Recommender;
use crate::sparse::SparseMatrix;

/// Queries answered side by side.
const LANES: usize = 32;

/// Columns of a profile with their weights.
type Profile = Vec<(usize, f32)>;

/// Lanes whose scores are laid out at a time: enough to use a whole cache line.
const GROUP: usize = 8;

/// Numbers per column of as many signals as are answered at once.
#[derive(Debug)]
struct Scratch<const LANES: usize> {
    current: Vec<Lanes<LANES>>,
    previous: Vec<Lanes<LANES>>,
    /// The scores of a group of lanes, one lane after the other.
    scores: Vec<f32>,
}

impl<const LANES: usize> Scratch<LANES> {
    fn new(columns: usize) -> Self {
        let zeroes = || vec![[0.0; LANES]; columns];
        Self {
            current: zeroes(),
            previous: zeroes(),
            scores: vec![0.0; columns * LANES.min(GROUP)],
        }
    }

    /// Lays out the scores of the lanes from `first` on.
    fn gather(&mut self, first: usize) {
        let columns = self.previous.len();
        for (column, lanes) in self.previous.iter().enumerate() {
            for (lane, value) in lanes[first..].iter().take(GROUP).enumerate() {
                // Adding zero takes the sign off a zero.
                self.scores[lane * columns + column] = value + 0.0;
            }
        }
    }
}

/// A step over the graph for signals side by side.
trait Step<const LANES: usize> {
    /// `target += factor · P · source`.
    fn add(&self, factor: f32, source: &[Lanes<LANES>], target: &mut [Lanes<LANES>]);
}

struct ByRows<'a>(&'a SparseMatrix);

impl<const LANES: usize> Step<LANES> for ByRows<'_> {
    fn add(&self, factor: f32, source: &[Lanes<LANES>], target: &mut [Lanes<LANES>]) {
        add_gram(self.0, factor, source, target);
    }
}

struct BySimilarities<'a>(&'a SparseMatrix);

impl Step<1> for BySimilarities<'_> {
    fn add(&self, factor: f32, source: &[Lanes<1>], target: &mut [Lanes<1>]) {
        add_symmetric(self.0, factor, source, target);
    }
}

/// What a polynomial is applied to.
trait Signal<const LANES: usize> {
    /// `target += factor · signal`.
    fn add(&self, factor: f32, target: &mut [Lanes<LANES>]);
}

impl<const LANES: usize> Signal<LANES> for [Profile] {
    fn add(&self, factor: f32, target: &mut [Lanes<LANES>]) {
        for (lane, profile) in self.iter().enumerate() {
            for &(column, weight) in profile {
                target[column][lane] += factor * weight;
            }
        }
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
}

/// Puts `Σ_k c_k T_k(2P − 1) · signal` into `previous`, by Clenshaw's recurrence.
fn apply<const LANES: usize>(
    series: &[f32],
    step: &impl Step<LANES>,
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
        for &coefficient in remaining {
            subtract_from_negated(2.0, current, previous);
            signal.add(coefficient, previous);
            step.add(4.0, current, previous);
            std::mem::swap(current, previous);
        }
        subtract_from_negated(1.0, current, previous);
        step.add(2.0, current, previous);
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

    /// Answers at most `LANES` queries.
    fn answer<const LANES: usize>(
        &self,
        queries: &[Query],
        step: &impl Step<LANES>,
        scratch: &mut Scratch<LANES>,
    ) -> Result<Vec<Ranked>> {
        let profiles: Vec<Profile> = queries.iter().map(|query| self.profile(query)).collect();
        let asked = |(query, profile): (&Query, &Profile)| query.limit > 0 && !profile.is_empty();
        if !queries.iter().zip(&profiles).any(asked) {
            return Ok(vec![Ranked::empty(); queries.len()]);
        }
        self.filter(&profiles, step, scratch);
        let mut answers = Vec::with_capacity(queries.len());
        for first in (0..queries.len()).step_by(GROUP) {
            scratch.gather(first);
            let group = queries.iter().zip(&profiles).skip(first).take(GROUP);
            for (pair, scores) in group.zip(scratch.scores.chunks(self.items.len())) {
                answers.push(if asked(pair) {
                    let scores = self.items.iter().zip(scores);
                    let scores = scores.map(|(&item, &score)| (ItemIx(item), score));
                    Ranked::top(pair.0, scores)?
                } else {
                    Ranked::empty()
                });
            }
        }
        Ok(answers)
    }

    /// Leaves the scores of all items in `previous`.
    fn filter<const LANES: usize>(
        &self,
        profiles: &[Profile],
        step: &impl Step<LANES>,
        scratch: &mut Scratch<LANES>,
    ) {
        let [smooth, ideal] = &self.degrees;
        let normalized: Vec<Profile> = profiles
            .iter()
            .map(|profile| {
                let entries = profile.iter();
                entries
                    .map(|&(column, weight)| (column, weight / smooth[column]))
                    .collect()
            })
            .collect();
        let Scratch {
            current, previous, ..
        } = scratch;
        apply(
            &self.series[0],
            step,
            normalized.as_slice(),
            [current, previous],
        );
        for (lanes, degree) in previous.iter_mut().zip(smooth.iter()) {
            for lane in lanes {
                *lane *= degree;
            }
        }
        let coefficients = self.coefficients(profiles);
        let (panels, _) = self.vectors.as_chunks();
        add_low_rank(panels, &coefficients, ideal, previous);
        if !self.series[1].is_empty() {
            let signal = previous.clone();
            apply(
                &self.series[1],
                step,
                signal.as_slice(),
                [current, previous],
            );
        }
    }

    /// `w_k · Σ_i V_ik h_i / D_i^β` per singular vector k and lane.
    fn coefficients<const LANES: usize>(&self, profiles: &[Profile]) -> Vec<Lanes<LANES>> {
        let rank = self.rank();
        let mut sums = vec![[0.0; LANES]; rank];
        let (panels, _) = self.vectors.as_chunks::<PANEL>();
        for (lane, profile) in profiles.iter().enumerate() {
            for &(column, weight) in profile {
                let weight = weight / self.degrees[1][column];
                let panel = &panels[column / PANEL * rank..][..rank];
                for (sum, items) in sums.iter_mut().zip(panel) {
                    sum[lane] += weight * items[column % PANEL];
                }
            }
        }
        for (sum, weight) in sums.iter_mut().zip(self.vector_weights.iter()) {
            for sum in sum {
                *sum *= weight;
            }
        }
        sums
    }

    fn answer_one(&self, query: &Query, scratch: &mut Scratch<1>) -> Result<Ranked> {
        let queries = std::slice::from_ref(query);
        let mut answer = match &self.operator {
            Operator::Rows(rows) => self.answer(queries, &ByRows(rows), scratch)?,
            Operator::Similarities(it) => self.answer(queries, &BySimilarities(it), scratch)?,
        };
        Ok(answer.pop().unwrap_or_default())
    }
}

impl Recommender for GraphFilter {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer_one(query, &mut Scratch::new(self.items.len()))
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let columns = self.items.len();
        let Operator::Rows(rows) = &self.operator else {
            return queries
                .par_iter()
                .map_init(
                    || Scratch::new(columns),
                    |scratch, query| self.answer_one(query, scratch),
                )
                .collect();
        };
        let blocks: Vec<Vec<Ranked>> = queries
            .par_chunks(LANES)
            .map_init(
                || Scratch::<LANES>::new(columns),
                |scratch, queries| self.answer(queries, &ByRows(rows), scratch),
            )
            .collect::<Result<_>>()?;
        Ok(blocks.into_iter().flatten().collect())
    }
}
