//! The figures of a set in rows: the same for the terminal and the page.

use std::fmt;

use recommender_core::evaluation::{Difference, MetricReport, ModelReport};

use crate::plot::Table;
use crate::reproduce::findings::{Findings, SetResult};
use crate::reproduce::trial::WITH_HISTORY;

/// Stands where there is no figure.
pub(super) const NONE: &str = "-";

/// A share with four digits.
pub(super) fn share(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.into(), |value| format!("{value:.4}"))
}

/// The mean with its interval.
pub(super) fn figure(figure: Option<&MetricReport>) -> String {
    let Some(figure) = figure else {
        return NONE.into();
    };
    let mean = share(figure.mean);
    match (figure.low, figure.high) {
        (Some(low), Some(high)) => format!("{mean} [{low:.4}, {high:.4}]"),
        _ => mean,
    }
}

/// Three digits that count, without an exponent.
pub(super) fn brief(value: Option<f64>) -> String {
    match value {
        None => NONE.into(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) if value >= 1.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.3}"),
    }
}

/// Metrics of the set's report, in its order.
fn metrics(set: &SetResult) -> Vec<String> {
    let first = set.report.models.first();
    first.map_or_else(Vec::new, |model| model.metrics.keys().cloned().collect())
}

/// Ours and the published figures, the best by the headline metric first.
pub(super) fn accuracy(set: &SetResult) -> Table {
    let metrics = metrics(set);
    // Where strangers are asked too, those with a history are shown on their own.
    let known = (set.report.cases.cold_users > 0).then_some(());
    let mut rows: Vec<(f64, Vec<String>)> = Vec::new();
    for model in &set.report.models {
        let mut row = vec![model.name.clone()];
        row.extend(metrics.iter().map(|name| figure(model.metrics.get(name))));
        row.extend(known.map(|()| {
            let slice = model.slices.get(WITH_HISTORY);
            figure(slice.and_then(|slice| slice.metrics.get(&set.headline)))
        }));
        row.push(origin(set, model));
        let headline = set.mean(model, &set.headline);
        rows.push((headline.unwrap_or(-1.0), row));
    }
    for published in &set.published {
        let mut row = vec![format!("{} (published)", published.method)];
        let of = |name: &String| share(published.metrics.get(name).copied());
        row.extend(metrics.iter().map(of));
        row.extend(known.map(|()| NONE.to_owned()));
        let note = match &*published.note {
            "" => String::new(),
            note => format!("; {note}"),
        };
        row.push(format!("{}{note}", published.source));
        let headline = published.metrics.get(&set.headline).copied();
        rows.push((headline.unwrap_or(-1.0), row));
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut heads = vec!["method".to_owned()];
    heads.extend(metrics);
    heads.extend(known.map(|()| format!("{}, users {WITH_HISTORY}", set.headline)));
    heads.push("settings or source".into());
    Table {
        caption: format!(
            "{}: ours with 95 % intervals, and what was published",
            set.title
        ),
        heads,
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    }
}

/// Where a model's settings come from.
fn origin(set: &SetResult, model: &ModelReport) -> String {
    let Some(entry) = set.entry(model) else {
        return NONE.into();
    };
    let mut text = entry.chosen.clone();
    if let Some(trials) = entry.trials {
        text += &format!(", {trials} trials");
    }
    if let Some(validation) = entry.validation {
        text += &format!(", {} there {validation:.4}", set.headline);
    }
    text
}

/// What each model takes, and whom it answers.
pub(super) fn costs(set: &SetResult) -> Table {
    let heads = [
        "model",
        "fit, s",
        "answers/s",
        "request p50, ms",
        "request p95, ms",
        "peak memory, MiB",
        "users answered, %",
        "full lists, %",
        "settings",
    ];
    let mebibytes = |model: &ModelReport| {
        let bytes = model.peak_memory_bytes?;
        Some(bytes as f64 / f64::from(1 << 20))
    };
    let row = |model: &&ModelReport| {
        let of_all = |less: u64| {
            let queries = model.queries.max(1);
            format!("{:.1}", 100.0 * (queries - less) as f64 / queries as f64)
        };
        let rate = model.queries_per_second;
        vec![
            model.name.clone(),
            brief(model.fit_seconds),
            rate.map_or_else(|| NONE.into(), |rate| format!("{rate:.0}")),
            brief(model.request_ms_p50),
            brief(model.request_ms_p95),
            mebibytes(model).map_or_else(|| NONE.into(), |it| format!("{it:.0}")),
            of_all(model.empty_lists),
            of_all(model.short_lists),
            settings(set, model),
        ]
    };
    Table {
        caption: format!("{}: what each model takes", set.title),
        heads: heads.map(Into::into).into(),
        rows: set.ranked().iter().map(row).collect(),
    }
}

/// The settings of a model in one line.
fn settings(set: &SetResult, model: &ModelReport) -> String {
    let Some(entry) = set.entry(model) else {
        return NONE.into();
    };
    match (&entry.model, &entry.pipeline) {
        (Some(settings), _) => {
            let given = settings.iter().filter(|(name, _)| *name != "kind");
            let pairs = given.map(|(name, value)| match value.as_str() {
                Some(text) => format!("{name}={text}"),
                None => format!("{name}={value}"),
            });
            let kind = settings.get("kind").and_then(|kind| kind.as_str());
            let pairs: Vec<String> = pairs.collect();
            format!("{} {}", kind.unwrap_or(NONE), pairs.join(", "))
        }
        (None, Some(file)) => file.display().to_string(),
        (None, None) => NONE.into(),
    }
}

/// One difference in words.
pub(super) fn difference(it: &Difference) -> String {
    let interval = match (it.low, it.high) {
        (Some(low), Some(high)) => format!(" [{low:+.4}, {high:+.4}]"),
        _ => String::new(),
    };
    let verdict = if it.significant {
        "the interval excludes zero"
    } else {
        "the interval holds zero"
    };
    let Difference {
        model,
        baseline,
        metric,
        mean,
        ..
    } = it;
    format!("{model} minus {baseline}, {metric}: {mean:+.4}{interval}, {verdict}")
}

/// Differences of the headline metric that a reader asks for first: every model against the first, and each pipeline
/// against the best single model.
pub(super) fn differences(set: &SetResult) -> Vec<String> {
    let mut shown: Vec<&Difference> = set.over_best_single.iter().collect();
    for it in &set.report.differences {
        let repeated = shown
            .iter()
            .any(|other| other.model == it.model && other.baseline == it.baseline);
        if it.metric == set.headline && !repeated {
            shown.push(it);
        }
    }
    shown.into_iter().map(difference).collect()
}

/// The models that have no figures, each with its reason.
pub(super) fn not_run(set: &SetResult) -> Vec<String> {
    let tried = set.tried.iter();
    tried
        .filter_map(|it| Some(format!("{}: {}", it.entry.label, it.not_run.as_ref()?)))
        .collect()
}

/// Who was asked.
pub(super) fn asked(set: &SetResult) -> String {
    let (cases, split) = (&set.report.cases, &set.report.split);
    format!(
        "Learned from {} events, asked about {}; {} users asked ({} of them without a history), {} with test events not asked.",
        split.train_events,
        split.test_events,
        cases.queries,
        cases.cold_users,
        cases.test_users - cases.queries
    )
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for set in &self.sets {
            writeln!(
                f,
                "# {} ({})\n\n{}\n{}\n",
                set.title,
                set.name,
                set.protocol,
                asked(set)
            )?;
            write_aligned(f, &accuracy(set))?;
            write_aligned(f, &costs(set))?;
            for line in differences(set) {
                writeln!(f, "{line}")?;
            }
            for line in not_run(set) {
                writeln!(f, "not run: {line}")?;
            }
            writeln!(f)?;
        }
        for skipped in &self.skipped {
            writeln!(f, "skipped: {} ({})", skipped.name, skipped.reason)?;
        }
        Ok(())
    }
}

/// Cells in columns: the first and the last to the left, figures to the right, two spaces between.
fn write_aligned(f: &mut fmt::Formatter<'_>, table: &Table) -> fmt::Result {
    let rows = || std::iter::once(&table.heads).chain(&table.rows);
    let width = |column: usize| {
        let cells = rows().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.heads.len()).map(width).collect();
    for row in rows() {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            line += &match column {
                0 => format!("{cell:<width$}"),
                last if last + 1 == row.len() => format!("  {cell}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_brief() {
        let texts = [0.01234, 1.234, 12.34, 1234.5].map(|value| brief(Some(value)));
        assert_eq!(texts, ["0.012", "1.23", "12.3", "1234"]);
        assert_eq!(
            (brief(None), share(Some(0.18495))),
            (NONE.into(), "0.1850".into())
        );
    }

    #[test]
    fn an_interval_stands_behind_its_mean() {
        let report = MetricReport {
            mean: Some(0.5),
            low: Some(0.4),
            high: Some(0.6),
            ..MetricReport::default()
        };
        assert_eq!(figure(Some(&report)), "0.5000 [0.4000, 0.6000]");
        assert_eq!(figure(None), NONE);
    }
}
