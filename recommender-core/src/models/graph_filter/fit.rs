//! Normalise, decompose, and put the response into as few steps over the graph as it takes.

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::models::graph_filter::graph::{Graph, fits, narrowed};
use crate::models::graph_filter::series::Series;
use crate::models::graph_filter::spectrum::{Spectrum, basis_size};
use crate::models::graph_filter::{Gram, GraphFilter, GraphFilterConfig, Operator, Response};
use crate::recommender::FitOptions;

/// How far a lower polynomial may lie from the response where it stands in for it, as a share of what the response
/// reaches there.
const REPLACEMENT_ERROR: f64 = 1e-3;
/// The part of the spectrum without singular vectors is taken to end so much above the least one found, which is an
/// estimate from below.
const MARGIN: f64 = 1.05;

impl GraphFilterConfig {
    /// Learns the filter of the graph of `dataset`.
    ///
    /// With m items and rank r it takes `12·m·r` bytes beside the interactions, and of the order of `18·m·r²`
    /// operations; the item graph for a [`similarity_power`](GraphFilterConfig::similarity_power) takes as many more
    /// bytes as 16 times the pairs of items with a user in common.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is out of range; [`Error::Data`] if the memory needed is more than allowed, or if
    /// the weights of the interactions are of too large a range; [`Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<GraphFilter> {
        self.validate()?;
        options.run(|| {
            options.step("normalization", 0.0)?;
            let graph = Graph::new(self, dataset.interactions())?;
            let rank = if self.ideal_weight > 0.0 || self.saves_steps() {
                self.rank_within(graph.gram.rows.rows(), graph.items.len())
            } else {
                0
            };
            fits(self.bytes_needed(&graph, rank), self.max_memory_bytes)?;
            let mut spectrum = Spectrum::leading(&graph.gram, rank.max(1), options)?;
            let largest = spectrum.eigenvalues.first().copied().unwrap_or(1.0);
            spectrum.truncate(rank);
            for eigenvalue in &mut spectrum.eigenvalues {
                *eigenvalue /= largest;
            }
            let operator = self.operator(&graph, largest, options)?;
            let filter = self.compiled(&graph, &spectrum, operator);
            filter.check()?;
            Ok(filter)
        })
    }

    /// The graph the polynomial steps over: the rows divided by the largest singular value, so that the spectrum ends
    /// at 1, or the similarities raised.
    fn operator(&self, graph: &Graph, largest: f64, options: &FitOptions) -> Result<Operator> {
        if self.raises_similarities() {
            let power = self.similarity_power;
            let similarities = graph.similarities(power, self.max_memory_bytes, options)?;
            return Ok(Operator::Similarities(similarities));
        }
        let factor = 1.0 / largest.sqrt();
        let scaled = |value: f32| narrowed(f64::from(value) * factor);
        let rows = graph.gram.rows.map_values(|_, _, value| scaled(value))?;
        Ok(Operator::Rows(Gram::new(rows)))
    }

    /// Whether singular vectors stand in for steps over the graph: the polynomial and the ideal part then share them.
    fn saves_steps(&self) -> bool {
        let shared = (self.degree_exponent - self.ideal_exponent).abs() < f64::EPSILON;
        let steps = self.response != Response::Linear;
        shared && steps && self.sharpening == 0.0 && !self.raises_similarities()
    }

    fn compiled(&self, graph: &Graph, spectrum: &Spectrum, operator: Operator) -> GraphFilter {
        let response = Series::of_response(self);
        let (series, weights) = if self.saves_steps() {
            replaced(&response, &spectrum.eigenvalues)
        } else {
            (response, vec![0.0; spectrum.eigenvalues.len()])
        };
        let weights = weights
            .iter()
            .map(|weight| narrowed(weight + self.ideal_weight));
        let sharpening = if self.sharpening > 0.0 {
            Series::of_sharpening(self.sharpening).0
        } else {
            Vec::new()
        };
        GraphFilter::new(
            graph.items.iter().map(|item| item.0).collect(),
            operator,
            [series.0, sharpening].map(|series| series.into_iter().map(narrowed).collect()),
            [self.degree_exponent, self.ideal_exponent].map(|exponent| graph.degrees_to(exponent)),
            (spectrum.panels.as_flattened().to_vec(), weights.collect()),
        )
    }

    /// Bytes the basis, the vectors and what is learned take at their peak.
    fn bytes_needed(&self, graph: &Graph, rank: usize) -> u64 {
        let items = graph.items.len() as u64;
        let basis = basis_size(graph.items.len(), rank.max(1)) as u64;
        let dense = (basis + rank.min(graph.items.len()) as u64).saturating_mul(items);
        let square = 3 * basis.saturating_mul(basis);
        dense
            .saturating_mul(4)
            .saturating_add(square.saturating_mul(8))
    }
}

/// A polynomial of the least degree that is as good as `response` below the least of `eigenvalues`, and what the
/// response is above it at each of them: `f(P) ≈ g(P) + V (f − g)(Λ) Vᵀ`.
fn replaced(response: &Series, eigenvalues: &[f64]) -> (Series, Vec<f64>) {
    let Some(&least) = eigenvalues.last() else {
        return (response.clone(), Vec::new());
    };
    let end = (least * MARGIN).min(1.0);
    let grid = || (0..=64).map(|at| end * f64::from(at) / 64.0);
    let reach = grid().map(|x| response.at(x).abs()).fold(0.0, f64::max);
    let near = |series: &Series| {
        let error = grid().map(|x| (series.at(x) - response.at(x)).abs());
        error.fold(0.0, f64::max) <= REPLACEMENT_ERROR * reach
    };
    let series = (1..response.0.len().saturating_sub(1))
        .map(|degree| Series::interpolating(degree, end, |x| response.at(x)))
        .find(near)
        .unwrap_or_else(|| response.clone());
    let rest = eigenvalues.iter().map(|&x| response.at(x) - series.at(x));
    let rest = rest.collect();
    (series, rest)
}

impl Spectrum {
    /// Keeps the first `rank` vectors.
    fn truncate(&mut self, rank: usize) {
        let kept = self.eigenvalues.len();
        if rank < kept {
            let panels = self.panels.chunks_exact(kept);
            self.panels = panels.flat_map(|panel| panel[..rank].to_vec()).collect();
            self.eigenvalues.truncate(rank);
        }
    }
}

impl GraphFilter {
    /// Refuses numbers that are not finite.
    fn check(&self) -> Result<()> {
        let parts: [&[f32]; 4] = [
            &self.vectors,
            &self.vector_weights,
            &self.degrees[0],
            &self.degrees[1],
        ];
        if parts
            .iter()
            .all(|part| part.iter().all(|value| value.is_finite()))
        {
            return Ok(());
        }
        let reason = "the interaction weights have too large a range";
        Err(Error::data("graph_filter", reason))
    }
}
