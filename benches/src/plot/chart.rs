//! One plot: points with names, or lines.

use std::fmt;

use crate::plot::html::escape;
use crate::plot::scale::{Axis, Span};

/// Size of the drawing and of its margins, in its own units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 176.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 52.0;

/// Names of points and series keep this distance from one line to the next.
const LINE_HEIGHT: f64 = 13.0;

/// Colours and marks there are; beyond them they come again in other pairs.
const COLOURS: usize = 8;
const MARKS: usize = 5;

/// A plot. Displays as an `<svg>` with title and description.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Unique on the page, a plain word.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// The same in a sentence, for those who can't see it.
    pub description: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn.
    pub series: Vec<Series>,
}

/// Points that belong together; several are joined by a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name, written beside its last point.
    pub name: String,
    /// From left to right.
    pub points: Vec<Point>,
}

/// A point, perhaps with the ends of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Along the horizontal axis.
    pub x: f64,
    /// Along the vertical axis.
    pub y: f64,
    /// The ends of the interval of `y`.
    pub interval: Option<(f64, f64)>,
}

/// The axes of one drawing.
struct Frame {
    x: Span,
    y: Span,
}

impl Frame {
    fn new(chart: &Chart) -> Self {
        let points = || chart.series.iter().flat_map(|series| &series.points);
        let ends = points().flat_map(|point| {
            let (low, high) = point.interval.unwrap_or((point.y, point.y));
            [point.y, low, high]
        });
        Self {
            x: Span::new(&chart.x.scale, points().map(|point| point.x)),
            y: Span::new(&chart.y.scale, ends),
        }
    }

    fn left(&self, x: f64) -> f64 {
        LEFT + self.x.share(x) * (WIDTH - LEFT - RIGHT)
    }

    fn top(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.share(y) * (HEIGHT - TOP - BOTTOM)
    }
}

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, frame) = (&self.id, Frame::new(self));
        writeln!(
            f,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\">"
        )?;
        writeln!(
            f,
            "<title id=\"{id}-title\">{}</title>",
            escape(&self.title)
        )?;
        writeln!(
            f,
            "<desc id=\"{id}-text\">{}</desc>",
            escape(&self.description)
        )?;
        self.write_axes(f, &frame)?;
        for (place, series) in self.series.iter().enumerate() {
            write_series(f, &frame, place, series)?;
        }
        for (series, place, left, top) in self.names(&frame) {
            let colour = place % COLOURS;
            let name = escape(&series.name);
            writeln!(
                f,
                "<text class=\"s{colour}\" x=\"{left:.1}\" y=\"{top:.1}\">{name}</text>"
            )?;
        }
        writeln!(f, "</svg>")
    }
}

impl Chart {
    fn write_axes(&self, f: &mut fmt::Formatter<'_>, frame: &Frame) -> fmt::Result {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, text) in &frame.x.ticks {
            let x = frame.left(*value);
            let y = bottom + 16.0;
            writeln!(
                f,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/><text class=\"tick\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
                escape(text)
            )?;
        }
        for (value, text) in &frame.y.ticks {
            let y = frame.top(*value);
            let (x, base) = (LEFT - 6.0, y + 4.0);
            writeln!(
                f,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"tick\" x=\"{x}\" y=\"{base:.1}\" text-anchor=\"end\">{}</text>",
                escape(text)
            )?;
        }
        let (middle, foot) = (f64::midpoint(LEFT, right), HEIGHT - 10.0);
        writeln!(
            f,
            "<text class=\"axis\" x=\"{middle}\" y=\"{foot}\" text-anchor=\"middle\">{}</text>",
            escape(&self.x.label)
        )?;
        let middle = f64::midpoint(TOP, bottom);
        writeln!(
            f,
            "<text class=\"axis\" transform=\"translate(14 {middle}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            escape(&self.y.label)
        )
    }

    /// Each series with its place and where its name stands: beside its last point, moved down where another name is.
    fn names(&self, frame: &Frame) -> Vec<(&Series, usize, f64, f64)> {
        let mut names: Vec<(&Series, usize, f64, f64)> = Vec::new();
        for (place, series) in self.series.iter().enumerate() {
            let last = series.points.iter().rev().find(|point| is_drawn(point));
            if let Some(point) = last {
                let (left, top) = (frame.left(point.x) + 8.0, frame.top(point.y) + 4.0);
                names.push((series, place, left, top));
            }
        }
        names.sort_by(|a, b| a.3.total_cmp(&b.3));
        for place in 1..names.len() {
            let (before, rest) = names.split_at_mut(place);
            let (series, _, left, top) = &mut rest[0];
            let width = text_width(&series.name);
            for (other, _, other_left, other_top) in before.iter() {
                let apart =
                    *other_left + text_width(&other.name) < *left || *left + width < *other_left;
                if !apart && (*top - other_top).abs() < LINE_HEIGHT {
                    *top = other_top + LINE_HEIGHT;
                }
            }
        }
        names
    }
}

/// About how wide a name is drawn.
fn text_width(name: &str) -> f64 {
    name.chars().count() as f64 * 6.4
}

fn is_drawn(point: &Point) -> bool {
    point.x.is_finite() && point.y.is_finite()
}

fn write_series(
    f: &mut fmt::Formatter<'_>,
    frame: &Frame,
    place: usize,
    series: &Series,
) -> fmt::Result {
    let colour = place % COLOURS;
    writeln!(f, "<g class=\"s{colour}\">")?;
    let drawn: Vec<&Point> = series
        .points
        .iter()
        .filter(|point| is_drawn(point))
        .collect();
    if drawn.len() > 1 {
        let corner =
            |point: &&Point| format!("{:.1},{:.1}", frame.left(point.x), frame.top(point.y));
        let corners: Vec<String> = drawn.iter().map(corner).collect();
        writeln!(f, "<polyline points=\"{}\"/>", corners.join(" "))?;
    }
    for point in drawn {
        let (x, y) = (frame.left(point.x), frame.top(point.y));
        if let Some((low, high)) = point.interval {
            let (low, high) = (frame.top(low), frame.top(high));
            writeln!(
                f,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/>"
            )?;
        }
        writeln!(
            f,
            "<path transform=\"translate({x:.1} {y:.1})\" d=\"{}\"/>",
            mark(place)
        )?;
    }
    writeln!(f, "</g>")
}

/// The outline of the mark of a series: disc, square, diamond, triangle up, triangle down.
fn mark(place: usize) -> &'static str {
    match place % MARKS {
        0 => "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
        1 => "M-3.5-3.5h7v7h-7z",
        2 => "M0-5l5 5l-5 5l-5-5z",
        3 => "M0-5l5 9h-10z",
        _ => "M0 5l5-9h-10z",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Scale;

    fn axis(label: &str, scale: Scale) -> Axis {
        Axis {
            label: label.into(),
            scale,
        }
    }

    fn chart(points: &[(f64, f64)]) -> Chart {
        let series = points.iter().enumerate().map(|(place, &(x, y))| Series {
            name: format!("model {place}"),
            points: vec![Point {
                x,
                y,
                interval: Some((y - 0.01, y + 0.01)),
            }],
        });
        Chart {
            id: "plot".into(),
            title: "a < b".into(),
            description: "points".into(),
            x: axis("seconds", Scale::Logarithmic),
            y: axis("NDCG", Scale::Linear),
            series: series.collect(),
        }
    }

    #[test]
    fn a_point_lies_where_the_axes_say() {
        let chart = chart(&[(1.0, 0.1), (100.0, 0.2)]);
        let svg = chart.to_string();
        assert!(
            svg.contains("<title id=\"plot-title\">a &lt; b</title>"),
            "{svg}"
        );
        assert!(svg.contains(&format!("translate({LEFT:.1} ")), "{svg}");
        let right = WIDTH - RIGHT;
        assert!(svg.contains(&format!("translate({right:.1} ")), "{svg}");
        assert_eq!(svg.matches("<path").count(), 2);
    }

    #[test]
    fn names_do_not_stand_on_each_other() {
        let chart = chart(&[(1.0, 0.1), (1.0, 0.1), (1.01, 0.1001)]);
        let names = chart.names(&Frame::new(&chart));
        let tops: Vec<f64> = names.iter().map(|name| name.3).collect();
        assert!(tops[1] - tops[0] >= LINE_HEIGHT - 1e-9, "{tops:?}");
        assert!(tops[2] - tops[1] >= LINE_HEIGHT - 1e-9, "{tops:?}");
    }

    #[test]
    fn what_is_no_number_is_not_drawn() {
        let svg = chart(&[(f64::NAN, 0.1), (1.0, 0.1)]).to_string();
        assert_eq!(svg.matches("<path").count(), 1);
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
