//! From figures to places on an axis.

/// What an axis shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What is shown, with its unit.
    pub label: String,
    /// How figures are laid out.
    pub scale: Scale,
}

/// How figures are laid out along an axis.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// Equal steps for equal differences.
    Linear,
    /// Equal steps for equal ratios; figures must be above 0.
    Logarithmic,
    /// The whole numbers from 0 stand for these names.
    Named(Vec<String>),
}

/// The part of an axis that is shown, with its marks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// Figures that are marked, with their text.
    pub(super) ticks: Vec<(f64, String)>,
}

/// About so many steps between the ends of a linear axis.
const STEPS: f64 = 5.0;

impl Span {
    /// The span that shows all of `values`, with ends at marks.
    pub(super) fn new(scale: &Scale, values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        match scale {
            Scale::Named(names) => Self::named(names),
            Scale::Logarithmic if low > 0.0 && high.is_finite() => Self::logarithmic(low, high),
            Scale::Linear if low <= high => Self::linear(low, high),
            Scale::Linear | Scale::Logarithmic => Self::linear(0.0, 1.0),
        }
    }

    fn named(names: &[String]) -> Self {
        let ticks = names.iter().enumerate();
        Self {
            low: -0.5,
            high: names.len() as f64 - 0.5,
            logarithmic: false,
            ticks: ticks
                .map(|(place, name)| (place as f64, name.clone()))
                .collect(),
        }
    }

    fn linear(low: f64, high: f64) -> Self {
        let width = if high > low {
            high - low
        } else {
            high.abs().max(1.0)
        };
        let step = round_step(width / STEPS);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let last = if last > first { last } else { first + 1.0 };
        let digits = digits_of(step);
        let mut ticks = Vec::new();
        let mut place = first;
        while place <= last {
            ticks.push((place * step, format!("{:.digits$}", place * step)));
            place += 1.0;
        }
        Self {
            low: first * step,
            high: last * step,
            logarithmic: false,
            ticks,
        }
    }

    /// Marks at 1, 2 and 5 of each power of ten, or at the powers alone where those would be many.
    fn logarithmic(low: f64, high: f64) -> Self {
        let decades = (high / low).log10();
        let factors: &[f64] = if decades > 3.0 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let mut marks = Vec::new();
        let mut power = low.log10().floor() - 1.0;
        while power <= high.log10().ceil() {
            marks.extend(factors.iter().map(|factor| factor * 10f64.powf(power)));
            power += 1.0;
        }
        // A figure that stands on a mark but for rounding stands on it.
        let begin = marks.iter().rposition(|&mark| mark <= low * (1.0 + 1e-9));
        let end = marks.iter().position(|&mark| mark >= high * (1.0 - 1e-9));
        let begin = begin.unwrap_or(0);
        let end = end.unwrap_or(marks.len() - 1).max(begin + 1);
        let shown = &marks[begin..=end.min(marks.len() - 1)];
        Self {
            low: shown[0],
            high: shown[shown.len() - 1],
            logarithmic: true,
            ticks: shown.iter().map(|&mark| (mark, plain(mark))).collect(),
        }
    }

    /// The share of the axis that lies before `value`, from 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        if self.logarithmic {
            return (value / self.low).ln() / (self.high / self.low).ln();
        }
        (value - self.low) / (self.high - self.low)
    }
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let fits = factors
        .iter()
        .find(|&&it| it * power >= step * (1.0 - 1e-9));
    fits.unwrap_or(&10.0) * power
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small number of digits"
)]
fn digits_of(step: f64) -> usize {
    (-(step.log10() + 1e-9).floor()).clamp(0.0, 9.0) as usize
}

/// A mark without trailing zeros, with thousands told apart.
fn plain(mark: f64) -> String {
    if mark < 1.0 {
        let digits = digits_of(mark);
        return format!("{mark:.digits$}");
    }
    let digits = format!("{mark:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(span: &Span) -> Vec<&str> {
        span.ticks.iter().map(|(_, text)| &**text).collect()
    }

    #[test]
    fn linear_marks_are_round_and_span_the_figures() {
        let span = Span::new(&Scale::Linear, [0.121, 0.187].into_iter());
        assert_eq!(texts(&span), ["0.12", "0.14", "0.16", "0.18", "0.20"]);
        assert!((span.share(0.12)).abs() < 1e-9 && (span.share(0.20) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn logarithmic_steps_are_equal_ratios() {
        let span = Span::new(&Scale::Logarithmic, [0.3, 40.0].into_iter());
        assert_eq!(texts(&span)[..3], ["0.2", "0.5", "1"]);
        assert_eq!(span.ticks.last().unwrap().1, "50");
        let (low, high) = (span.share(1.0), span.share(10.0));
        assert!((span.share(10f64.sqrt()) - f64::midpoint(low, high)).abs() < 1e-9);
        let wide = Span::new(&Scale::Logarithmic, [1e3, 1e7].into_iter());
        assert_eq!(texts(&wide)[..2], ["1\u{202f}000", "10\u{202f}000"]);
    }

    #[test]
    fn one_figure_no_figure_and_figures_that_are_none_still_give_an_axis() {
        for values in [vec![], vec![0.0], vec![f64::NAN], vec![3.0]] {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                let span = Span::new(&scale, values.iter().copied());
                assert!(span.ticks.len() > 1, "{scale:?} {values:?}");
                assert!(span.share(span.high) > span.share(span.low));
            }
        }
        let names = Scale::Named(vec!["a".into(), "b".into()]);
        let span = Span::new(&names, [].into_iter());
        assert!((span.share(0.0) - 0.25).abs() < 1e-12);
    }
}
