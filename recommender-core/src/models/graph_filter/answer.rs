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

/// Numbers per column of as many signals as are answered at once.
#[derive(Debug)]
struct Scratch<const LANES: usize> {
    signal: Vec<Lanes<LANES>>,
    current: Vec<Lanes<LANES>>,
    previous: Vec<Lanes<LANES>>,
    scores: Vec<f32>,
}

impl<const LANES: usize> Scratch<LANES> {
    fn new(columns: usize) -> Self {
        let zeroes = || vec![[0.0; LANES]; columns];
        Self {
            signal: zeroes(),
            current: zeroes(),
            previous: zeroes(),
            scores: vec![0.0; columns],
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

/// Replaces the signal by `Σ_k c_k T_k(2P − 1) · signal`, by Clenshaw's recurrence.
fn apply<const LANES: usize>(
    series: &[f32],
    step: &impl Step<LANES>,
    scratch: &mut Scratch<LANES>,
) {
    let Some((&constant, rest)) = series.split_first() else {
        return;
    };
    scratch.current.fill([0.0; LANES]);
    scratch.previous.fill([0.0; LANES]);
    let mut remaining = rest.iter().rev();
    if let Some(&last) = remaining.next() {
        add_scaled(last, &scratch.signal, &mut scratch.current);
    }
    for &coefficient in remaining {
        subtract_from_negated(2.0, &scratch.current, &mut scratch.previous);
        add_scaled(coefficient, &scratch.signal, &mut scratch.previous);
        step.add(4.0, &scratch.current, &mut scratch.previous);
        std::mem::swap(&mut scratch.current, &mut scratch.previous);
    }
    subtract_from_negated(1.0, &scratch.current, &mut scratch.previous);
    add_scaled(constant, &scratch.signal, &mut scratch.previous);
    if !rest.is_empty() {
        step.add(2.0, &scratch.current, &mut scratch.previous);
    }
    std::mem::swap(&mut scratch.signal, &mut scratch.previous);
}

fn add_scaled<const LANES: usize>(
    factor: f32,
    source: &[Lanes<LANES>],
    target: &mut [Lanes<LANES>],
) {
    for (target, source) in target
        .as_flattened_mut()
        .iter_mut()
        .zip(source.as_flattened())
    {
        *target += factor * source;
    }
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
        let [smooth, ideal] = &self.degrees;
        scratch.signal.fill([0.0; LANES]);
        for (lane, profile) in profiles.iter().enumerate() {
            for &(column, weight) in profile {
                scratch.signal[column][lane] = weight / smooth[column];
            }
        }
        apply(&self.series[0], step, scratch);
        for (lanes, degree) in scratch.signal.iter_mut().zip(smooth.iter()) {
            for lane in lanes {
                *lane *= degree;
            }
        }
        let coefficients = self.coefficients(&profiles);
        let (panels, _) = self.vectors.as_chunks();
        add_low_rank(panels, &coefficients, ideal, &mut scratch.signal);
        apply(&self.series[1], step, scratch);
        let answers = queries.iter().zip(&profiles).enumerate();
        answers
            .map(|(lane, pair)| {
                if !asked(pair) {
                    return Ok(Ranked::empty());
                }
                for (score, lanes) in scratch.scores.iter_mut().zip(&scratch.signal) {
                    // Adding zero takes the sign off a zero.
                    *score = lanes[lane] + 0.0;
                }
                let scores = self.items.iter().zip(&scratch.scores);
                Ranked::top(pair.0, scores.map(|(&item, &score)| (ItemIx(item), score)))
            })
            .collect()
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
