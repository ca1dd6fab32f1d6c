//! The report as text in aligned columns.

use std::fmt;

use crate::evaluation::outcome::{MetricReport, ModelReport};
use crate::evaluation::report::{Difference, Report};

/// Models side by side before a new block begins, so that lines stay readable.
const MODELS_A_BLOCK: usize = 5;

/// Shown where there is no figure.
const NONE: &str = "-";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_cases(f)?;
        for models in self.models.chunks(MODELS_A_BLOCK) {
            writeln!(f)?;
            write_aligned(f, &model_rows(models))?;
            write_slices(f, models)?;
        }
        for differences in self.differences.chunk_by(|a, b| a.baseline == b.baseline) {
            let baseline = &differences[0].baseline;
            writeln!(
                f,
                "\nDifferences to {baseline} (95 % interval, * excludes 0)"
            )?;
            write_aligned(f, &difference_rows(differences))?;
        }
        Ok(())
    }
}

impl Report {
    fn write_cases(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (split, cases) = (&self.split, &self.cases);
        let sha256 = split.sha256.get(..12).unwrap_or(&split.sha256);
        writeln!(
            f,
            "Split {} (sha256 {sha256}): {} training, {} fold-in, {} test events",
            split.kind, split.train_events, split.fold_in_events, split.test_events
        )?;
        write!(
            f,
            "{} queries, {} relevant items; of {} users with test events {} have no history",
            cases.queries, cases.relevant_items, cases.test_users, cases.cold_users
        )?;
        for (reason, count) in &cases.dropped {
            write!(f, "; {count} dropped: {}", spoken(*reason))?;
        }
        writeln!(f)?;
        if cases.sessions > 0 {
            writeln!(
                f,
                "{} sessions, drawn whole for the intervals",
                cases.sessions
            )?;
        }
        if cases.repeated_items > 0 {
            let (repeated, all) = (cases.repeated_items, cases.relevant_items);
            writeln!(
                f,
                "{repeated} of the {all} relevant items stand in the history"
            )?;
        }
        if cases.seen_items_left_out > 0 {
            let left_out = cases.seen_items_left_out;
            writeln!(
                f,
                "{left_out} items of the test events were in the user's history and left out"
            )?;
        }
        Ok(())
    }
}

fn spoken(reason: crate::evaluation::DropReason) -> &'static str {
    use crate::evaluation::DropReason;
    match reason {
        DropReason::NothingRelevant => "nothing relevant in the test events",
        DropReason::OnlySeenItems => "only items of the history in the test events",
        DropReason::NoHistory => "no history",
        DropReason::ShortSessions => "no session of two events",
    }
}

/// A heading, then a line for each figure with a cell for each model.
fn model_rows(models: &[ModelReport]) -> Vec<Vec<String>> {
    let mut rows = vec![row("", models, |model| model.name.clone())];
    rows.push(row("fit seconds", models, |model| {
        number(model.fit_seconds, 2)
    }));
    rows.push(row("answers/second", models, |model| {
        number(model.queries_per_second, 0)
    }));
    rows.push(row("request ms p50/p95", models, |model| {
        let (p50, p95) = (model.request_ms_p50, model.request_ms_p95);
        format!("{}/{}", number(p50, 2), number(p95, 2))
    }));
    rows.push(row("peak memory MiB", models, |model| {
        let mebibytes = model
            .peak_memory_bytes
            .map(|bytes| bytes as f64 / 1_048_576.0);
        number(mebibytes, 0)
    }));
    let names = models.iter().flat_map(|model| model.metrics.keys());
    let mut seen: Vec<&String> = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
            rows.push(row(name, models, |model| {
                model.metrics.get(name).map_or_else(|| NONE.into(), figure)
            }));
        }
    }
    rows.push(row("queries", models, |model| model.queries.to_string()));
    rows.push(row("short lists", models, |model| {
        model.short_lists.to_string()
    }));
    if models.iter().any(|model| model.unsettled_ties > 0) {
        rows.push(row("unsettled ties", models, |model| {
            model.unsettled_ties.to_string()
        }));
    }
    if models.iter().any(|model| model.outside_catalogue > 0) {
        rows.push(row("outside catalogue", models, |model| {
            model.outside_catalogue.to_string()
        }));
    }
    rows
}

/// The first metric that judges relevance, part by part.
fn write_slices(f: &mut fmt::Formatter<'_>, models: &[ModelReport]) -> fmt::Result {
    let Some(first) = models.first() else {
        return Ok(());
    };
    let parts = || first.slices.iter().filter(|(_, part)| part.queries > 0);
    let Some(metric) = parts().find_map(|(_, part)| part.metrics.keys().next()) else {
        return Ok(());
    };
    let mut rows = vec![row("", models, |model| model.name.clone())];
    for (name, part) in parts() {
        let title = format!("{name} ({})", part.queries);
        rows.push(row(&title, models, |model| {
            let part = model.slices.get(name);
            let found = part.and_then(|part| part.metrics.get(metric));
            found.map_or_else(|| NONE.into(), figure)
        }));
    }
    writeln!(f, "\n{metric} by part of the queries (how many)")?;
    write_aligned(f, &rows)
}

fn row(name: &str, models: &[ModelReport], cell: impl Fn(&ModelReport) -> String) -> Vec<String> {
    let mut row = vec![name.to_owned()];
    row.extend(models.iter().map(cell));
    row
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| NONE.into(), |value| format!("{value:.digits$}"))
}

/// Four digits where the figure is a share, fewer where it is large.
fn rounded(value: f64) -> String {
    let digits = if value.abs() < 10.0 { 4 } else { 1 };
    format!("{value:.digits$}")
}

fn figure(figure: &MetricReport) -> String {
    let Some(mean) = figure.mean.map(rounded) else {
        return NONE.into();
    };
    let served = figure.as_served.map(rounded);
    let served = served.filter(|served| *served != mean);
    let served = served.map_or_else(String::new, |served| format!(" (as served {served})"));
    match (figure.low, figure.high) {
        (Some(low), Some(high)) => {
            format!("{mean} [{}, {}]{served}", rounded(low), rounded(high))
        }
        _ => mean + &served,
    }
}

fn difference_rows(differences: &[Difference]) -> Vec<Vec<String>> {
    let mut models: Vec<&str> = Vec::new();
    let mut metrics: Vec<&str> = Vec::new();
    for difference in differences {
        if !models.contains(&&*difference.model) {
            models.push(&difference.model);
        }
        if !metrics.contains(&&*difference.metric) {
            metrics.push(&difference.metric);
        }
    }
    let cell = |model: &str, metric: &str| {
        let mut all = differences.iter();
        let found = all.find(|it| it.model == model && it.metric == metric);
        found.map_or_else(|| NONE.into(), written)
    };
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(models.iter().map(ToString::to_string));
    for metric in metrics {
        let mut row = vec![metric.to_owned()];
        row.extend(models.iter().map(|model| cell(model, metric)));
        rows.push(row);
    }
    rows
}

fn written(difference: &Difference) -> String {
    let star = if difference.significant { "*" } else { "" };
    let sign = if difference.mean > 0.0 { "+" } else { "" };
    let mean = rounded(difference.mean);
    match (difference.low, difference.high) {
        (Some(low), Some(high)) => {
            format!("{sign}{mean} [{}, {}]{star}", rounded(low), rounded(high))
        }
        _ => format!("{sign}{mean}"),
    }
}

/// Cells in columns: names to the left, figures to the right, two spaces between.
fn write_aligned(f: &mut fmt::Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            line += &match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}
