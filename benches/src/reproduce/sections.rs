//! The sections of the page.

use std::fmt::Write;

use serde_json::Value;

use crate::growth::Growth;
use crate::plot::{Chart, Table, escape};
use crate::reproduce::findings::{SetResult, Skipped};
use crate::reproduce::{plots, table};

/// A data set: tables, differences, plots.
pub(super) fn set(set: &SetResult) -> String {
    let mut html = format!(
        "<section id=\"{}\">\n<h2>{}</h2>\n",
        escape(&set.name),
        escape(&set.title)
    );
    for text in [&set.protocol, &set.tuning, &table::asked(set)] {
        push(&mut html, format_args!("<p>{}</p>\n", escape(text)));
    }
    push(
        &mut html,
        format_args!("{}{}", table::accuracy(set), table::costs(set)),
    );
    list(
        &mut html,
        "Differences, paired user by user",
        &table::differences(set),
    );
    list(&mut html, "Not run", &table::not_run(set));
    for (chart, table) in [
        plots::accuracy_against_fit(set),
        plots::coverage_against_accuracy(set),
        plots::by_history(set),
    ] {
        figure(&mut html, &chart, &table);
    }
    html + "</section>\n"
}

/// How times grow.
pub(super) fn growth(all: &[Growth]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<section id=\"growth\">\n<h2>Growth</h2>\n<p>The same catalogue with 1, 2, 4 and 8 times the users: those of the data, then users drawn from them again with a tenth of their items exchanged. Models that look at all pairs of items are run on the most popular items alone. The same users are asked at every size.</p>\n",
    );
    for (chart, table) in plots::growth(all) {
        figure(&mut html, &chart, &table);
    }
    html + "</section>\n"
}

/// The comparisons with other packages, as written by the program `peers`.
pub(super) fn peers(outcomes: &Value) -> String {
    let outcomes = outcomes.as_array().map_or(&[][..], Vec::as_slice);
    if outcomes.is_empty() {
        return String::new();
    }
    let rows = outcomes.iter().flat_map(peer_rows).collect();
    let heads = [
        "contest",
        "peer",
        "stage",
        "ours, s",
        "theirs, s",
        "ours / theirs",
        "aimed at",
        "N@20, ours and theirs",
    ];
    let table = Table {
        caption: "Our models beside other packages: the same data and threads, in turns, medians"
            .into(),
        heads: heads.map(Into::into).into(),
        rows,
    };
    format!("<section id=\"peers\">\n<h2>Beside other packages</h2>\n{table}</section>\n")
}

fn peer_rows(outcome: &Value) -> Vec<Vec<String>> {
    let text = |value: &Value| value.as_str().unwrap_or(table::NONE).to_owned();
    let ratios = outcome["ratios"].as_array().map_or(&[][..], Vec::as_slice);
    let ndcg = |side: &str| table::share(outcome[side]["ndcg"].as_f64());
    let row = |ratio: &Value| {
        let target = ratio["target"].as_f64();
        vec![
            text(&outcome["name"]),
            text(&outcome["peer"]),
            text(&ratio["stage"]),
            table::brief(ratio["ours"].as_f64()),
            table::brief(ratio["theirs"].as_f64()),
            table::brief(ratio["ratio"].as_f64()),
            target.map_or_else(|| table::NONE.into(), |it| format!("\u{2264} {it}")),
            format!("{}, {}", ndcg("ours"), ndcg("theirs")),
        ]
    };
    ratios.iter().map(row).collect()
}

/// What was not at hand.
pub(super) fn skipped(all: &[Skipped]) -> String {
    let lines: Vec<String> = all
        .iter()
        .map(|skipped| format!("{}: {}", skipped.name, skipped.reason))
        .collect();
    let mut html = String::new();
    list(&mut html, "Data sets that were not at hand", &lines);
    html
}

/// A plot with its table under it.
fn figure(html: &mut String, chart: &Chart, table: &Table) {
    let title = escape(&chart.title);
    push(
        html,
        format_args!("<h3>{title}</h3>\n<figure>\n{chart}</figure>\n{table}"),
    );
}

fn list(html: &mut String, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    push(html, format_args!("<h3>{}</h3>\n<ul>\n", escape(heading)));
    for line in lines {
        push(html, format_args!("<li>{}</li>\n", escape(line)));
    }
    html.push_str("</ul>\n");
}

fn push(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text)
        .expect("writing to a string does not fail");
}
