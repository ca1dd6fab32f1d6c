//! The text that Prometheus reads.

use std::fmt::{Display, Write};
use std::time::Duration;

use crate::telemetry::histogram::{BOUNDS_MICROS, Histogram};

/// Figures written one below the other, in the text format of Prometheus (version 0.0.4).
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
}

/// A label: its name and its value, which is one of a few.
pub(crate) type Label<'a> = (&'static str, &'a str);

impl Exposition {
    /// Begins a family of figures: `kind` is `counter`, `gauge` or `histogram`.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// One figure of a family.
    pub(crate) fn figure(&mut self, name: &str, labels: &[Label<'_>], value: impl Display) {
        let labels = written(labels, None);
        self.line(format_args!("{name}{labels} {value}"));
    }

    /// A family of one figure without labels.
    pub(crate) fn single(&mut self, (name, kind): (&str, &str), help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.figure(name, &[], value);
    }

    /// The buckets, the sum and the count of a histogram; nothing if it counted nothing.
    pub(crate) fn histogram(&mut self, name: &str, labels: &[Label<'_>], histogram: &Histogram) {
        let counts = histogram.cumulative();
        let all = counts[BOUNDS_MICROS.len()];
        if all == 0 {
            return;
        }
        for (bound, count) in BOUNDS_MICROS.iter().zip(counts) {
            let bound = Duration::from_micros(*bound).as_secs_f64().to_string();
            let labels = written(labels, Some(("le", &bound)));
            self.line(format_args!("{name}_bucket{labels} {count}"));
        }
        let beyond = written(labels, Some(("le", "+Inf")));
        self.line(format_args!("{name}_bucket{beyond} {all}"));
        let labels = written(labels, None);
        let sum = histogram.sum().as_secs_f64();
        self.line(format_args!("{name}_sum{labels} {sum}"));
        self.line(format_args!("{name}_count{labels} {all}"));
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("writing to a text can't fail");
    }
}

fn written(labels: &[Label<'_>], more: Option<Label<'_>>) -> String {
    let pairs: Vec<String> = (labels.iter().copied().chain(more))
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    if pairs.is_empty() {
        return String::new();
    }
    format!("{{{}}}", pairs.join(","))
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_the_format_wants_them() {
        let mut text = Exposition::default();
        text.family("calls_total", "counter", "Calls.");
        text.figure("calls_total", &[("method", "a\"b\\c\n")], 3);
        text.single(("load", "gauge"), "How much.", 0.5);
        let expected = "# HELP calls_total Calls.\n# TYPE calls_total counter\n\
                        calls_total{method=\"a\\\"b\\\\c\\n\"} 3\n\
                        # HELP load How much.\n# TYPE load gauge\nload 0.5\n";
        assert_eq!(text.into_text(), expected);
    }

    #[test]
    fn a_histogram_says_its_buckets_its_sum_and_its_count() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_micros(20));
        histogram.record(Duration::from_secs(60));
        let mut text = Exposition::default();
        text.histogram("t", &[("stage", "rank")], &histogram);
        let text = text.into_text();
        for line in [
            "t_bucket{stage=\"rank\",le=\"0.00001\"} 0",
            "t_bucket{stage=\"rank\",le=\"0.000025\"} 1",
            "t_bucket{stage=\"rank\",le=\"30\"} 1",
            "t_bucket{stage=\"rank\",le=\"+Inf\"} 2",
            "t_sum{stage=\"rank\"} 60.00002",
            "t_count{stage=\"rank\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
