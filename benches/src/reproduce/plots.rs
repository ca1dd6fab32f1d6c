//! The plots of the page, each with its table.

use recommender_core::evaluation::{MetricReport, ModelReport};

use crate::growth::{Growth, GrowthPoint};
use crate::plot::{Axis, Chart, Point, Scale, Series, Table};
use crate::reproduce::findings::SetResult;
use crate::reproduce::table::{NONE, brief, figure, share};

/// Most lines in one plot.
const LINES: usize = 6;

fn axis(label: impl Into<String>, scale: Scale) -> Axis {
    Axis {
        label: label.into(),
        scale,
    }
}

/// A model as one point, if it has both figures.
fn point(model: &ModelReport, x: Option<f64>, y: Option<&MetricReport>) -> Option<Series> {
    let y = y?;
    Some(Series {
        name: model.name.clone(),
        points: vec![Point {
            x: x?,
            y: y.mean?,
            interval: y.low.zip(y.high),
        }],
    })
}

/// The headline metric against the seconds of the fit.
pub(super) fn accuracy_against_fit(set: &SetResult) -> (Chart, Table) {
    let headline = &set.headline;
    let ranked = set.ranked();
    // A fit shorter than the clock's grain stands at a millisecond.
    let seconds = |model: &ModelReport| model.fit_seconds.map(|it| it.max(1e-3));
    let series = ranked.iter();
    let series = series.filter_map(|it| point(it, seconds(it), it.metrics.get(headline)));
    let chart = Chart {
        id: format!("{}-fit", set.name),
        title: format!("{}: {headline} against fit time", set.title),
        description: format!(
            "Each model is a point: up is more accurate by {headline}, left is faster to fit. Lines are 95 % intervals. The figures stand in the table below."
        ),
        x: axis("fit, seconds (logarithmic)", Scale::Logarithmic),
        y: axis(headline, Scale::Linear),
        series: series.collect(),
    };
    let row = |it: &&ModelReport| {
        let cell = figure(it.metrics.get(headline));
        vec![it.name.clone(), brief(it.fit_seconds), cell]
    };
    let table = Table {
        caption: chart.title.clone(),
        heads: vec!["model".into(), "fit, s".into(), headline.clone()],
        rows: ranked.iter().map(row).collect(),
    };
    (chart, table)
}

/// The share of the catalogue that anyone is recommended, against the headline metric.
pub(super) fn coverage_against_accuracy(set: &SetResult) -> (Chart, Table) {
    let (headline, coverage) = (&set.headline, &set.coverage);
    let ranked = set.ranked();
    let series = ranked.iter().filter_map(|it| {
        let accuracy = set.mean(it, headline);
        point(it, accuracy, it.metrics.get(coverage))
    });
    let chart = Chart {
        id: format!("{}-coverage", set.name),
        title: format!("{}: {coverage} against {headline}", set.title),
        description: format!(
            "Each model is a point: right is more accurate by {headline}, up recommends more of the catalogue. The figures stand in the table below."
        ),
        x: axis(headline, Scale::Linear),
        y: axis(format!("{coverage}, share of the catalogue"), Scale::Linear),
        series: series.collect(),
    };
    let row = |it: &&ModelReport| {
        let cells = [headline, coverage].map(|name| share(set.mean(it, name)));
        [vec![it.name.clone()], cells.into()].concat()
    };
    let table = Table {
        caption: chart.title.clone(),
        heads: vec!["model".into(), headline.clone(), coverage.clone()],
        rows: ranked.iter().map(row).collect(),
    };
    (chart, table)
}

/// The headline metric by how many items a user has had.
pub(super) fn by_history(set: &SetResult) -> (Chart, Table) {
    let headline = &set.headline;
    let ranked = set.ranked();
    let slices = ranked.first().map(|model| &model.slices);
    let bands: Vec<(&String, u64)> = slices
        .into_iter()
        .flatten()
        .filter(|(name, slice)| name.starts_with("history") && slice.queries > 0)
        .map(|(name, slice)| (name, slice.queries))
        .collect();
    let names = bands.iter().map(|(name, _)| name.replace("history ", ""));
    let of = |model: &ModelReport, band: &String| {
        let slice = model.slices.get(band)?;
        slice.metrics.get(headline).copied()
    };
    let series = ranked.iter().take(LINES).map(|model| {
        let points = bands.iter().enumerate().filter_map(|(place, (band, _))| {
            let report = of(model, band)?;
            Some(Point {
                x: place as f64,
                y: report.mean?,
                interval: report.low.zip(report.high),
            })
        });
        Series {
            name: model.name.clone(),
            points: points.collect(),
        }
    });
    let chart = Chart {
        id: format!("{}-history", set.name),
        title: format!("{}: {headline} by length of the history", set.title),
        description: format!(
            "One line for each of the {LINES} best models: {headline} of users with few and with many different items in their history. The figures of all models stand in the table below."
        ),
        x: axis(
            "different items in the history",
            Scale::Named(names.collect()),
        ),
        y: axis(headline, Scale::Linear),
        series: series.collect(),
    };
    let mut heads = vec!["model".to_owned()];
    heads.extend(
        bands
            .iter()
            .map(|(name, queries)| format!("{name} ({queries} users)")),
    );
    let row = |model: &&ModelReport| {
        let cell = |(band, _): &(&String, u64)| share(of(model, band).and_then(|it| it.mean));
        let cells: Vec<String> = bands.iter().map(cell).collect();
        [vec![model.name.clone()], cells].concat()
    };
    let table = Table {
        caption: chart.title.clone(),
        heads,
        rows: ranked.iter().map(row).collect(),
    };
    (chart, table)
}

/// Fit and answer time against the interactions.
pub(super) fn growth(all: &[Growth]) -> [(Chart, Table); 2] {
    let fit = GrowthPlot {
        id: "growth-fit",
        what: "fit, seconds",
        figure: |point| point.fit_seconds,
        exponent: |growth| growth.fit_exponent,
    };
    let answer = GrowthPlot {
        id: "growth-answer",
        what: "an answer in a batch, milliseconds",
        figure: |point| point.answer_ms,
        exponent: |growth| growth.answer_exponent,
    };
    [fit, answer].map(|plot| (plot.chart(all), plot.table(all)))
}

struct GrowthPlot {
    id: &'static str,
    what: &'static str,
    figure: fn(&GrowthPoint) -> f64,
    exponent: fn(&Growth) -> Option<f64>,
}

impl GrowthPlot {
    fn name(&self, growth: &Growth) -> String {
        let slope = (self.exponent)(growth);
        let slope = slope.map_or_else(|| NONE.into(), |it| format!("{it:.2}"));
        format!("{} ({slope})", growth.model)
    }

    fn chart(&self, all: &[Growth]) -> Chart {
        let series = all.iter().map(|growth| Series {
            name: self.name(growth),
            points: growth
                .points
                .iter()
                .map(|point| Point {
                    x: point.interactions as f64,
                    y: (self.figure)(point),
                    interval: None,
                })
                .collect(),
        });
        Chart {
            id: self.id.into(),
            title: format!("Growth: {} against interactions", self.what),
            description: "One line for each model, both axes logarithmic, so that the slope of a line is the exponent written behind the model's name. The figures stand in the table below.".into(),
            x: axis("interactions (logarithmic)", Scale::Logarithmic),
            y: axis(format!("{} (logarithmic)", self.what), Scale::Logarithmic),
            series: series.collect(),
        }
    }

    fn table(&self, all: &[Growth]) -> Table {
        let sizes = all.iter().map(|growth| growth.points.len()).max();
        let sizes: Vec<usize> = (0..sizes.unwrap_or(0)).collect();
        let mut heads = vec!["model".to_owned(), "items".into(), "exponent".into()];
        heads.extend(sizes.iter().map(|size| format!("{}\u{d7}", 1 << size)));
        heads.push("peak at the last size, MiB".into());
        let row = |growth: &Growth| {
            let slope = (self.exponent)(growth);
            let mut row = vec![growth.model.clone(), growth.items.to_string()];
            row.push(slope.map_or_else(|| NONE.into(), |it| format!("{it:.2}")));
            let cell = |size: &usize| brief(growth.points.get(*size).map(self.figure));
            row.extend(sizes.iter().map(cell));
            let peak = growth.points.last().and_then(|it| it.peak_memory_bytes);
            row.push(peak.map_or_else(|| NONE.into(), |bytes| (bytes >> 20).to_string()));
            row
        };
        Table {
            caption: format!("Growth: {}", self.what),
            heads,
            rows: all.iter().map(row).collect(),
        }
    }
}
