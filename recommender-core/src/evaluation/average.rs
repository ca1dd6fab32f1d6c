//! The mean of several reports: one for each window of the data.

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use crate::digits::hex;
use crate::error::{Error, Result};
use crate::evaluation::cases::CaseCounts;
use crate::evaluation::outcome::{MetricReport, ModelReport, SliceReport};
use crate::evaluation::report::{Difference, Report, SplitReport};

impl Report {
    /// The mean of reports of the same models on several splits, called `kind`. Every split weighs the same, whatever its
    /// number of queries. Deviations of the intervals add up by their squares, as those of independent means do; counts
    /// and queries are sums.
    ///
    /// # Errors
    /// [`Error::Data`] if there is no report or they are not of the same models.
    pub fn average(kind: &str, reports: &[Self]) -> Result<Self> {
        let Some(first) = reports.first() else {
            return Err(Error::data("mean of reports", "there is none"));
        };
        let names = |report: &Self| -> Vec<String> {
            let names = report.models.iter().map(|model| model.name.clone());
            names.collect()
        };
        if reports.iter().any(|report| names(report) != names(first)) {
            let reason = "they are not of the same models";
            return Err(Error::data("mean of reports", reason));
        }
        let models = (0..first.models.len()).map(|place| {
            let models: Vec<&ModelReport> = reports.iter().map(|it| &it.models[place]).collect();
            average_model(&models)
        });
        let mut counts = CaseCounts::default();
        for report in reports {
            counts.add(&report.cases);
        }
        Ok(Self {
            models: models.collect(),
            differences: differences(reports),
            split: average_split(kind, reports),
            cases: counts,
            seed: first.seed,
        })
    }
}

fn average_split(kind: &str, reports: &[Report]) -> SplitReport {
    let splits = || reports.iter().map(|report| &report.split);
    let mut hash = Sha256::new();
    splits().for_each(|split| hash.update(&split.sha256));
    SplitReport {
        kind: kind.into(),
        sha256: hex(&hash.finalize()),
        time: None,
        train_events: splits().map(|split| split.train_events).sum(),
        fold_in_events: splits().map(|split| split.fold_in_events).sum(),
        test_events: splits().map(|split| split.test_events).sum(),
    }
}

fn average_model(models: &[&ModelReport]) -> ModelReport {
    let number = |number: fn(&ModelReport) -> Option<f64>| {
        mean_of(models.iter().filter_map(|model| number(model)))
    };
    let sum = |number: fn(&ModelReport) -> u64| models.iter().map(|model| number(model)).sum();
    let metrics: Vec<_> = models.iter().map(|model| &model.metrics).collect();
    ModelReport {
        name: models[0].name.clone(),
        fit_seconds: number(|model| model.fit_seconds),
        queries_per_second: number(|model| model.queries_per_second),
        request_ms_p50: number(|model| model.request_ms_p50),
        request_ms_p95: number(|model| model.request_ms_p95),
        peak_memory_bytes: models.iter().filter_map(|it| it.peak_memory_bytes).max(),
        queries: sum(|model| model.queries),
        short_lists: sum(|model| model.short_lists),
        empty_lists: sum(|model| model.empty_lists),
        unsettled_ties: sum(|model| model.unsettled_ties),
        outside_catalogue: sum(|model| model.outside_catalogue),
        metrics: average_figures(&metrics),
        slices: average_slices(models),
    }
}

fn average_slices(models: &[&ModelReport]) -> IndexMap<String, SliceReport> {
    let names = models[0].slices.keys();
    let slice = |name: &String| {
        let parts: Vec<&SliceReport> = models
            .iter()
            .filter_map(|model| model.slices.get(name))
            .collect();
        let metrics: Vec<_> = parts.iter().map(|part| &part.metrics).collect();
        let slice = SliceReport {
            queries: parts.iter().map(|part| part.queries).sum(),
            metrics: average_figures(&metrics),
        };
        (name.clone(), slice)
    };
    names.map(slice).collect()
}

/// Each figure of the first that any has, in its order.
fn average_figures(all: &[&IndexMap<String, MetricReport>]) -> IndexMap<String, MetricReport> {
    let names = all[0].keys();
    let average = |name: &String| {
        let figures: Vec<&MetricReport> = all.iter().filter_map(|it| it.get(name)).collect();
        (name.clone(), average_figure(&figures))
    };
    names.map(average).collect()
}

fn average_figure(figures: &[&MetricReport]) -> MetricReport {
    let mean = mean_of(figures.iter().filter_map(|figure| figure.mean));
    let served = || figures.iter().filter_map(|it| it.as_served.or(it.mean));
    let differs = figures.iter().any(|figure| figure.as_served.is_some());
    let ends = |end: fn(&MetricReport) -> Option<f64>| {
        let apart = figures.iter().filter(|figure| figure.mean.is_some());
        deviation(apart.map(|figure| Some(end(figure)? - figure.mean?)))
    };
    MetricReport {
        mean,
        low: mean
            .zip(ends(|figure| figure.low))
            .map(|(mean, by)| mean - by),
        high: mean
            .zip(ends(|figure| figure.high))
            .map(|(mean, by)| mean + by),
        as_served: differs.then(|| mean_of(served())).flatten(),
        queries: figures.iter().map(|figure| figure.queries).sum(),
    }
}

/// How far the mean of independent means may be off, where each may be off by so much; none if that is not known of one.
fn deviation(apart: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let apart: Vec<f64> = apart.collect::<Option<_>>()?;
    let squares: f64 = apart.iter().map(|by| by * by).sum();
    (!apart.is_empty()).then(|| squares.sqrt() / apart.len() as f64)
}

fn mean_of(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let numbers: Vec<f64> = numbers.collect();
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

fn differences(reports: &[Report]) -> Vec<Difference> {
    let same = |a: &Difference, b: &Difference| {
        (&a.model, &a.baseline, &a.metric) == (&b.model, &b.baseline, &b.metric)
    };
    let average = |first: &Difference| {
        let found = reports.iter().filter_map(|report| {
            let mut differences = report.differences.iter();
            differences.find(|other| same(first, other))
        });
        let figures: Vec<MetricReport> = found
            .map(|it| MetricReport {
                mean: Some(it.mean),
                low: it.low,
                high: it.high,
                as_served: None,
                queries: it.queries,
            })
            .collect();
        let figure = average_figure(&figures.iter().collect::<Vec<_>>());
        Difference {
            mean: figure.mean.unwrap_or_default(),
            low: figure.low,
            high: figure.high,
            significant: figure.low.is_some_and(|low| low > 0.0)
                || figure.high.is_some_and(|high| high < 0.0),
            queries: figure.queries,
            ..first.clone()
        }
    };
    reports[0].differences.iter().map(average).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(mean: f64, by: f64) -> MetricReport {
        MetricReport {
            mean: Some(mean),
            low: Some(mean - by),
            high: Some(mean + 2.0 * by),
            as_served: None,
            queries: 10,
        }
    }

    #[test]
    fn windows_weigh_alike_and_their_deviations_add_up_by_squares() {
        let (a, b) = (figure(0.2, 0.03), figure(0.4, 0.04));
        let mean = average_figure(&[&a, &b]);
        let close = |found: Option<f64>, expected: f64| {
            assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?}");
        };
        close(mean.mean, 0.3);
        close(mean.low, 0.3 - 0.025);
        close(mean.high, 0.3 + 0.05);
        assert_eq!((mean.queries, mean.as_served), (20, None));
        // A window without such a query says nothing.
        let none = MetricReport::default();
        close(average_figure(&[&a, &none]).mean, 0.2);
        close(average_figure(&[&a, &none]).low, 0.17);
    }

    #[test]
    fn reports_of_other_models_have_no_mean() {
        assert!(Report::average("windows:1:1:1", &[]).is_err());
    }
}
