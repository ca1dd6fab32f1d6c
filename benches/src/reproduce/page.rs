//! The page: one file of HTML that needs nothing else.

use crate::plot::escape;
use crate::reproduce::findings::Findings;
use crate::reproduce::sections;

const STYLE: &str = include_str!("page.css");

/// All findings as one page of HTML, without scripts and without anything from outside.
#[must_use]
pub fn page(findings: &Findings) -> String {
    let links = findings
        .sets
        .iter()
        .map(|set| (&*set.name, &*set.title))
        .chain((!findings.growth.is_empty()).then_some(("growth", "Growth")))
        .chain((!findings.peers.is_null()).then_some(("peers", "Beside other packages")));
    let links: String = links
        .map(|(id, title)| {
            format!(
                "<li><a href=\"#{}\">{}</a></li>\n",
                escape(id),
                escape(title)
            )
        })
        .collect();
    let sets: String = findings.sets.iter().map(sections::set).collect();
    let (skipped, growth) = (
        sections::skipped(&findings.skipped),
        sections::growth(&findings.growth),
    );
    let peers = sections::peers(&findings.peers);
    let (threads, seed) = (findings.threads, findings.seed);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Ours beside published</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Ours beside published</h1>\n<p>Every model on every data set at hand, judged over the whole catalogue, with what others published under the same protocol. {threads} threads, seed {seed}. Intervals are 95 % bootstrap intervals over the users asked.</p>\n<nav aria-label=\"Contents\"><ul>\n{links}</ul></nav>\n{sets}{growth}{peers}{skipped}</main>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::{Growth, GrowthPoint};
    use crate::reproduce::findings::Skipped;
    use serde_json::json;

    fn findings() -> Findings {
        let point = |times: usize| GrowthPoint {
            times,
            interactions: 1000 * times,
            users: 100 * times,
            fit_seconds: 0.1 * times as f64,
            answer_ms: 0.01,
            peak_memory_bytes: Some(1 << 20),
            bytes_per_interaction: [8.5, 8.2],
        };
        Findings {
            threads: 2,
            seed: 0,
            sets: vec![],
            skipped: vec![Skipped {
                name: "gowalla".into(),
                reason: "there is no <file>".into(),
            }],
            growth: vec![Growth {
                model: "ease".into(),
                items: 10,
                points: vec![point(1), point(2)],
                fit_exponent: Some(1.0),
                answer_exponent: Some(0.0),
            }],
            peers: json!([{"name": "a", "peer": "b 1.0", "ours": {"ndcg": 0.1},
                "theirs": {"ndcg": 0.2}, "ratios": [{"stage": "fit", "ours": 1.0, "theirs": 2.0,
                "ratio": 0.5, "target": 0.7}]}]),
        }
    }

    #[test]
    fn the_page_stands_alone() {
        let html = page(&findings());
        assert!(
            !html.contains("<script") && !html.contains("http"),
            "{html}"
        );
        assert!(html.contains("there is no &lt;file&gt;"), "{html}");
        assert!(html.contains("ease (1.00)") && html.contains("id=\"growth\""));
        assert!(html.contains("<td>0.500</td>"), "{html}");
    }

    #[test]
    fn every_tag_that_opens_closes() {
        let html = page(&findings());
        for tag in [
            "section", "table", "figure", "svg", "ul", "li", "tr", "h2", "h3", "p", "text",
        ] {
            let opened = html.matches(&format!("<{tag}>")).count()
                + html.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
