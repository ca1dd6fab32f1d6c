//! From questions to weights.

use linfa::Dataset as Samples;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::tuning::committee::questions::{Question, Questions};
use crate::tuning::sampler::Draws;

/// Most right answers of one question that pairs are made of.
const RIGHT: usize = 10;
/// Wrong answers that each of them is paired with.
const WRONG: usize = 6;
/// The wrong answers are drawn from so many that stand highest when all members weigh the same.
const NEAR_THE_TOP: usize = 60;
/// Most pairs of one fit.
const MOST_PAIRS: usize = 200_000;
/// Steps that coordinate ascent tries on a weight, as factors.
const FACTORS: [f32; 8] = [0.0, 0.4, 0.65, 0.85, 1.18, 1.5, 2.5, 5.0];
/// Rounds of coordinate ascent over all members, at most.
const ROUNDS: usize = 5;
/// An improvement of the metric below this is none.
const LEAST_GAIN: f64 = 2e-5;

/// Differences between a right and a wrong answer of one question, one row after the other.
#[derive(Debug)]
pub(super) struct Pairs {
    rows: Vec<Vec<f32>>,
}

impl Pairs {
    /// Draws the pairs of every question.
    pub(super) fn draw(questions: &Questions<'_>, seed: u64) -> Self {
        let of_question = |(place, question): (usize, &Question)| {
            let mut draws = Draws::new(seed, "committee", place as u64);
            pairs(question, questions.members, &mut draws)
        };
        Self {
            rows: questions
                .all
                .par_iter()
                .enumerate()
                .map(of_question)
                .collect(),
        }
    }
}

fn pairs(question: &Question, members: usize, draws: &mut Draws) -> Vec<f32> {
    let totals = question.totals(&vec![1.0; members]);
    let mut wrong: Vec<usize> = (0..question.items(members))
        .filter(|place| question.right().binary_search(place).is_err())
        .collect();
    wrong.sort_by(|&a, &b| totals[b].total_cmp(&totals[a]).then(a.cmp(&b)));
    wrong.truncate(NEAR_THE_TOP);
    let mut rows = Vec::new();
    if wrong.is_empty() {
        return rows;
    }
    for &right in question.right().iter().take(RIGHT) {
        for _ in 0..WRONG {
            let other = wrong[draws.below(wrong.len())];
            let scores = question.row(right, members).iter();
            let others = question.row(other, members);
            rows.extend(scores.zip(others).map(|(score, other)| score - other));
        }
    }
    rows
}

/// Weights of the members by logistic regression on the pairs of the questions at `places`, 0 for a member that would
/// get none above 0; they sum to 1.
pub(super) fn logistic(
    questions: &Questions<'_>,
    pairs: &Pairs,
    places: &[usize],
) -> Result<Vec<f32>> {
    let members = questions.members;
    let rows = places
        .iter()
        .flat_map(|&place| pairs.rows[place].chunks_exact(members));
    let rows: Vec<&[f32]> = rows.collect();
    let step = rows.len().div_ceil(MOST_PAIRS).max(1);
    let rows: Vec<&[f32]> = rows.into_iter().step_by(step).collect();
    if rows.is_empty() {
        let reason = "no member proposes anything that would have been right";
        return Err(Error::data("committee", reason));
    }
    let mut kept: Vec<usize> = (0..members).collect();
    loop {
        let weights = fit(&rows, &kept)?;
        let worst = (0..kept.len()).min_by(|&a, &b| weights[a].total_cmp(&weights[b]));
        match worst.filter(|&worst| weights[worst] <= 0.0 && kept.len() > 1) {
            Some(worst) => drop(kept.remove(worst)),
            None => return Ok(spread(&kept, &weights, members)),
        }
    }
}

/// One fit over the members `kept`.
fn fit(rows: &[&[f32]], kept: &[usize]) -> Result<Vec<f64>> {
    // A column of unit size makes one strength of regularisation fit all.
    let size = |member: &usize| {
        let squares = rows.iter().map(|row| f64::from(row[*member]).powi(2));
        (squares.sum::<f64>() / rows.len() as f64).sqrt()
    };
    let sizes: Vec<f64> = kept.iter().map(size).map(|size| size.max(1e-12)).collect();
    // Every other pair is turned round, so that there are two classes to tell apart.
    let turned = |row: usize| if row.is_multiple_of(2) { 1.0 } else { -1.0 };
    let records = Array2::from_shape_fn((rows.len(), kept.len()), |(row, column)| {
        turned(row) * f64::from(rows[row][kept[column]]) / sizes[column]
    });
    let targets = Array1::from_shape_fn(rows.len(), |row| row.is_multiple_of(2));
    let regression = LogisticRegression::default()
        .with_intercept(false)
        .alpha(1.0);
    let fitted = regression
        .fit(&Samples::new(records, targets))
        .map_err(|error| Error::data("committee", format!("no weights can be learned: {error}")))?;
    let weights = fitted.params().iter().zip(&sizes);
    Ok(weights.map(|(weight, size)| weight / size).collect())
}

#[expect(clippy::cast_possible_truncation, reason = "shares of 1")]
fn spread(kept: &[usize], weights: &[f64], members: usize) -> Vec<f32> {
    let total: f64 = weights.iter().map(|weight| weight.max(0.0)).sum();
    let mut all = vec![0.0; members];
    for (&member, weight) in kept.iter().zip(weights) {
        all[member] = if total > 0.0 {
            (weight.max(0.0) / total) as f32
        } else {
            1.0 / kept.len() as f32
        };
    }
    all
}

/// Coordinate ascent on the mean metric of the questions at `places`, from `weights`; they sum to 1 again.
pub(super) fn ascend(questions: &Questions<'_>, places: &[usize], weights: &[f32]) -> Vec<f32> {
    let mut weights = weights.to_vec();
    let mut best = mean(questions, places, &weights);
    for _ in 0..ROUNDS {
        let before = best;
        for member in 0..weights.len() {
            let (weight, value) = best_step(questions, places, (&weights, member));
            if value > best + LEAST_GAIN
                && weights
                    .iter()
                    .enumerate()
                    .any(|(other, &it)| other != member && it > 0.0 || weight > 0.0)
            {
                weights[member] = weight;
                best = value;
            }
        }
        let total: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        if best <= before {
            break;
        }
    }
    weights
}

fn mean(questions: &Questions<'_>, places: &[usize], weights: &[f32]) -> f64 {
    let values: Vec<f64> = places
        .par_iter()
        .map(|&place| questions.value_at(place, weights))
        .collect();
    values.iter().sum::<f64>() / places.len().max(1) as f64
}

/// The best of some other weights of one member, and the mean metric with it.
fn best_step(
    questions: &Questions<'_>,
    places: &[usize],
    (weights, member): (&[f32], usize),
) -> (f32, f64) {
    let own = weights[member];
    // A member without weight is tried at some shares of the whole.
    let factor = |factor: f32| match own > 0.0 {
        true => own * factor,
        false => factor * 0.1,
    };
    let tried = FACTORS.map(factor);
    let mut others = weights.to_vec();
    others[member] = 0.0;
    let values: Vec<[f64; FACTORS.len()]> = places
        .par_iter()
        .map(|&place| {
            let question = &questions.all[place];
            let base = question.totals(&others);
            tried.map(|weight| {
                let total = |(item, base): (usize, &f32)| {
                    base + weight * question.row(item, weights.len())[member]
                };
                let totals: Vec<f32> = base.iter().enumerate().map(total).collect();
                questions.value(question, &totals)
            })
        })
        .collect();
    let mut best = (own, f64::NEG_INFINITY);
    for (step, &weight) in tried.iter().enumerate() {
        let sum: f64 = values.iter().map(|values| values[step]).sum();
        let value = sum / places.len().max(1) as f64;
        if value > best.1 {
            best = (weight, value);
        }
    }
    best
}
