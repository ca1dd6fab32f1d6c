//! Which way of blending, and how weights are learned: decided by cross-validation.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::evaluation::Interval;
use crate::pipeline::blend::{BandConfig, BlendConfig};
use crate::pipeline::{PipelineConfig, SourceConfig};
use crate::recommender::FitOptions;
use crate::tuning::committee::learner::{Pairs, ascend, logistic};
use crate::tuning::committee::mean;
use crate::tuning::committee::members::Asked;
use crate::tuning::committee::questions::Questions;
use crate::tuning::report::TuningReport;

/// Parts of the questions; each is answered with weights learned from the others.
const FOLDS: usize = 5;

/// Least questions of a band of history lengths.
const LEAST_OF_BAND: usize = 300;

/// How weights are learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Learner {
    /// All the same.
    Equal,
    /// Logistic regression on pairs.
    Logistic,
    /// The same, carried on by coordinate ascent on the metric.
    Ascent,
}

/// A way to make a committee.
#[derive(Debug, Clone)]
struct Way {
    method: BlendConfig,
    learner: Learner,
    /// Longest histories of the bands.
    cuts: Vec<usize>,
}

/// Weights by band; those beyond the last band come last.
type Weights = Vec<Vec<f32>>;

/// The way chosen, with the weights it gives on all questions.
#[derive(Debug)]
pub(super) struct Choice {
    way: Way,
    weights: Weights,
    /// The metric of every question, answered with weights learned from others.
    values: Vec<f64>,
    tried: Vec<(String, f64)>,
}

impl Way {
    fn name(&self) -> String {
        let completed = if self.method.is_completed() {
            ", completed"
        } else {
            ""
        };
        let method = match &self.method {
            BlendConfig::Weighted { .. } => "weighted".to_owned(),
            BlendConfig::Standardized { .. } => "standardized".to_owned(),
            BlendConfig::ReciprocalRank { rank_constant, .. } => {
                format!("reciprocal rank {rank_constant}")
            }
        };
        let learner = match self.learner {
            Learner::Equal => "equal weights",
            Learner::Logistic => "logistic",
            Learner::Ascent => "logistic, ascent",
        };
        match &self.cuts[..] {
            [] => format!("{method}{completed}: {learner}"),
            cuts => format!("{method}{completed}: {learner}, bands up to {cuts:?}"),
        }
    }

    /// Whether its cross-validated metrics are better than those of the best so far. Bands have as many weights again,
    /// so they must be better beyond chance.
    fn leads(&self, values: &[f64], best: &[f64]) -> bool {
        if self.cuts.is_empty() {
            return mean(values) > mean(best);
        }
        let gains: Vec<f64> = values
            .iter()
            .zip(best)
            .map(|(own, best)| own - best)
            .collect();
        Interval::of_mean(&gains, 0).is_some_and(|gain| gain.low > 0.0)
    }

    fn band(&self, known: usize) -> usize {
        let cut = self.cuts.iter().position(|&cut| known <= cut);
        cut.unwrap_or(self.cuts.len())
    }

    /// The weights that the questions at `places` give.
    fn learn(&self, questions: &Questions<'_>, pairs: &Pairs, places: &[usize]) -> Result<Weights> {
        let members = questions.members;
        let whole = match self.learner {
            Learner::Equal => vec![1.0 / members as f32; members],
            Learner::Logistic => logistic(questions, pairs, places)?,
            Learner::Ascent => {
                let start = logistic(questions, pairs, places)?;
                ascend(questions, places, &start)
            }
        };
        if self.cuts.is_empty() {
            return Ok(vec![whole]);
        }
        let of_band = |band: usize| {
            let in_band = |place: &&usize| self.band(questions.all[**place].known) == band;
            let own: Vec<usize> = places.iter().filter(in_band).copied().collect();
            ascend(questions, &own, &whole)
        };
        Ok((0..=self.cuts.len()).map(of_band).collect())
    }

    /// The metric of every question with weights learned from the other folds.
    fn cross_validated(&self, questions: &Questions<'_>, pairs: &Pairs) -> Result<Vec<f64>> {
        let all = questions.all.len();
        let mut values = vec![0.0; all];
        for fold in 0..FOLDS.min(all) {
            let (held, rest): (Vec<usize>, Vec<usize>) =
                (0..all).partition(|place| place % FOLDS == fold);
            let weights = self.learn(questions, pairs, &rest)?;
            for place in held {
                let band = self.band(questions.all[place].known);
                values[place] = questions.value_at(place, &weights[band]);
            }
        }
        Ok(values)
    }
}

impl Choice {
    /// Tries every way, the dearer ones only from the best of the cheaper ones.
    pub(super) fn make(asked: &Asked<'_>, options: &FitOptions) -> Result<Self> {
        let mut trying = Trying::default();
        let methods = [
            BlendConfig::standardized(),
            BlendConfig::standardized().completing(),
            BlendConfig::weighted(),
            BlendConfig::weighted().completing(),
            BlendConfig::reciprocal_rank(20.0),
            BlendConfig::reciprocal_rank(60.0),
        ];
        for method in &methods {
            options.step("committee weights", 0.0)?;
            trying.plain(asked, method, options.seed)?;
        }
        let mut leaders = trying.methods.clone();
        leaders.sort_by(|a, b| b.1.total_cmp(&a.1));
        for (method, _) in leaders.iter().take(2) {
            options.step("committee weights", 0.5)?;
            trying.ascent(asked, method, options.seed)?;
        }
        trying.bands(asked, options)?;
        trying.finish(asked, options.seed)
    }

    /// The mean of the metric.
    pub(super) fn score(&self) -> f64 {
        mean(&self.values)
    }

    /// The metric of each question minus that of `single`.
    pub(super) fn gaps(&self, single: &[f64]) -> Vec<f64> {
        let pairs = self.values.iter().zip(single);
        pairs.map(|(own, single)| own - single).collect()
    }

    /// The way chosen, in words.
    pub(super) fn way(&self) -> String {
        self.way.name()
    }

    /// What was tried, best first.
    pub(super) fn into_tried(self) -> Vec<(String, f64)> {
        self.tried
    }

    /// The recipe, without the members that have no weight.
    pub(super) fn recipe(&self, asked: &Asked<'_>, report: &TuningReport) -> PipelineConfig {
        let weighs = |member: &usize| self.weights.iter().any(|weights| weights[*member] > 0.0);
        let kept: Vec<usize> = (0..asked.sources.len()).filter(weighs).collect();
        let last = self.weights.len() - 1;
        let sources: Vec<SourceConfig> = kept
            .iter()
            .map(|&member| SourceConfig {
                weight: four_digits(self.weights[last][member]),
                ..asked.sources[member].clone()
            })
            .collect();
        let band = |(&up_to, weights): (&usize, &Vec<f32>)| {
            let named = kept.iter().filter(|&&member| weights[member] > 0.0);
            let weight = |&member: &usize| {
                let name = asked.sources[member].name().to_owned();
                (name, four_digits(weights[member]))
            };
            BandConfig {
                up_to,
                weights: named.map(weight).collect::<BTreeMap<_, _>>(),
            }
        };
        let bands = self.way.cuts.iter().zip(&self.weights).map(band).collect();
        let taken: Vec<&str> = sources.iter().map(SourceConfig::name).collect();
        PipelineConfig {
            interactions: asked.interactions.clone(),
            blend: self.way.method.clone().with_bands(bands),
            fallback: Some(report.fallback(&taken)),
            ..PipelineConfig::of_sources(sources.clone())
        }
    }
}

fn four_digits(weight: f32) -> f32 {
    format!("{weight:.3e}").parse().unwrap_or(weight)
}

/// The best way so far.
#[derive(Debug, Default)]
struct Trying {
    best: Option<(Way, Vec<f64>)>,
    tried: Vec<(String, f64)>,
    methods: Vec<(BlendConfig, f64)>,
}

impl Trying {
    fn plain(&mut self, asked: &Asked<'_>, method: &BlendConfig, seed: u64) -> Result<()> {
        let questions = asked.questions(method);
        let pairs = Pairs::draw(&questions, seed);
        let mut best = f64::NEG_INFINITY;
        for learner in [Learner::Logistic, Learner::Equal] {
            let way = Way {
                method: method.clone(),
                learner,
                cuts: Vec::new(),
            };
            best = best.max(self.one(way, &questions, &pairs)?);
        }
        self.methods.push((method.clone(), best));
        Ok(())
    }

    fn ascent(&mut self, asked: &Asked<'_>, method: &BlendConfig, seed: u64) -> Result<()> {
        let questions = asked.questions(method);
        let way = Way {
            method: method.clone(),
            learner: Learner::Ascent,
            cuts: Vec::new(),
        };
        self.one(way, &questions, &Pairs::draw(&questions, seed))?;
        Ok(())
    }

    /// Bands by halves and by thirds of the questions, under the best way so far.
    fn bands(&mut self, asked: &Asked<'_>, options: &FitOptions) -> Result<()> {
        let Some((way, _)) = self.best.clone() else {
            return Ok(());
        };
        let known = asked.known();
        let questions = asked.questions(&way.method);
        let pairs = Pairs::draw(&questions, options.seed);
        for parts in [2, 3] {
            options.step("committee weights", 0.8)?;
            let mut cuts: Vec<usize> = (1..parts)
                .map(|part| known[part * known.len() / parts])
                .collect();
            cuts.dedup();
            let narrow = known.len() / parts < LEAST_OF_BAND;
            if narrow || cuts.last() >= known.last() {
                continue;
            }
            let way = Way {
                cuts,
                ..way.clone()
            };
            self.one(way, &questions, &pairs)?;
        }
        Ok(())
    }

    /// Cross-validates one way; gives its mean metric.
    fn one(&mut self, way: Way, questions: &Questions<'_>, pairs: &Pairs) -> Result<f64> {
        let values = way.cross_validated(questions, pairs)?;
        let score = mean(&values);
        self.tried.push((way.name(), score));
        let leads = |(_, best): &(Way, Vec<f64>)| way.leads(&values, best);
        if self.best.as_ref().is_none_or(leads) {
            self.best = Some((way, values));
        }
        Ok(score)
    }

    fn finish(mut self, asked: &Asked<'_>, seed: u64) -> Result<Choice> {
        let Some((way, values)) = self.best else {
            return Err(Error::Internal("no way of blending was tried".into()));
        };
        let questions = asked.questions(&way.method);
        let all: Vec<usize> = (0..questions.all.len()).collect();
        let weights = way.learn(&questions, &Pairs::draw(&questions, seed), &all)?;
        self.tried.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(Choice {
            way,
            weights,
            values,
            tried: self.tried,
        })
    }
}
