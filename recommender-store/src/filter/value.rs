//! What fields are compared with, and what products have in them.

use std::cmp::Ordering;
use std::fmt;

use recommender_core::Timestamp;

use crate::catalog::Money;
use crate::filter::time;
use crate::filter::token::quote;

/// Parts the levels of a path into the category tree.
pub(super) const LEVELS: &str = " > ";

/// Billionths in a unit of money.
const NANOS: i128 = 1_000_000_000;

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Text(String),
    /// Levels one below the other, of the category tree.
    Path(Vec<String>),
    Number(Finite),
    /// Billionths of a unit of money.
    Amount(i128),
    Boolean(bool),
    Time(Timestamp),
}

/// What a product has in a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Datum<'a> {
    Text(&'a str),
    Path(&'a [String]),
    Number(Finite),
    Amount(i128),
    Boolean(bool),
    Time(Timestamp),
}

/// A number that has an order. There is one zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finite(f64);

impl Finite {
    pub(super) fn new(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(number + 0.0))
    }
}

impl PartialEq for Finite {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Finite {}

impl PartialOrd for Finite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Finite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Billionths of a unit.
pub(super) fn nanos(money: &Money) -> i128 {
    i128::from(money.units) * NANOS + i128::from(money.nanos)
}

/// Reads an amount such as `19.99`, exactly.
pub(super) fn amount(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (units, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fits = (1..=18).contains(&units.len()) && fraction.len() <= 9;
    let plain = units
        .bytes()
        .chain(fraction.bytes())
        .all(|b| b.is_ascii_digit());
    if !fits || !plain || digits.ends_with('.') {
        return None;
    }
    let number: i128 = format!("{units}{fraction:0<9}").parse().ok()?;
    Some(sign * number)
}

/// Reads a number such as `-4`, `0.25` or `1e6`.
pub(super) fn number(text: &str) -> Option<Finite> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    Finite::new(text.parse().ok()?)
}

impl Value {
    /// How it stands to what a product has; things of different sorts in the order of the sorts.
    pub(super) fn against(&self, datum: Datum<'_>) -> Ordering {
        match (self, datum) {
            (Self::Text(own), Datum::Text(text)) => own.as_str().cmp(text),
            (Self::Path(own), Datum::Path(path)) => own.as_slice().cmp(path),
            (Self::Number(own), Datum::Number(number)) => own.cmp(&number),
            (Self::Amount(own), Datum::Amount(amount)) => own.cmp(&amount),
            (Self::Boolean(own), Datum::Boolean(boolean)) => own.cmp(&boolean),
            (Self::Time(own), Datum::Time(time)) => own.cmp(&time),
            _ => self.sort().cmp(&datum.sort()),
        }
    }

    /// The number of its sort, as derived for the order of values.
    fn sort(&self) -> u8 {
        match self {
            Self::Text(_) => 0,
            Self::Path(_) => 1,
            Self::Number(_) => 2,
            Self::Amount(_) => 3,
            Self::Boolean(_) => 4,
            Self::Time(_) => 5,
        }
    }
}

impl Datum<'_> {
    /// The number that a value of its sort has.
    pub(super) fn sort(self) -> u8 {
        match self {
            Self::Text(_) => 0,
            Self::Path(_) => 1,
            Self::Number(_) => 2,
            Self::Amount(_) => 3,
            Self::Boolean(_) => 4,
            Self::Time(_) => 5,
        }
    }

    /// Whether a value is of its sort.
    pub(super) fn is_like(self, value: &Value) -> bool {
        self.sort() == value.sort()
    }
}

/// Prints such that it is read back.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quote(text)),
            Self::Path(levels) => f.write_str(&quote(&levels.join(LEVELS))),
            Self::Number(number) => write_number(f, number.0),
            Self::Amount(amount) => write_amount(f, *amount),
            Self::Boolean(boolean) => write!(f, "{boolean}"),
            Self::Time(time) => f.write_str(&quote(&time::written(*time))),
        }
    }
}

fn write_number(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    let short = number == 0.0 || (1e-5..1e15).contains(&number.abs());
    if short {
        write!(f, "{number}")
    } else {
        write!(f, "{number:e}")
    }
}

fn write_amount(f: &mut fmt::Formatter<'_>, amount: i128) -> fmt::Result {
    let sign = if amount < 0 { "-" } else { "" };
    let amount = amount.abs();
    let fraction = format!("{:09}", amount % NANOS);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    write!(f, "{sign}{}{point}{fraction}", amount / NANOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, nanos, printed) in [
            ("19.99", 19_990_000_000, "19.99"),
            ("-0.000000001", -1, "-0.000000001"),
            ("007.50", 7_500_000_000, "7.5"),
            ("20", 20_000_000_000, "20"),
        ] {
            assert_eq!(amount(text), Some(nanos), "{text}");
            assert_eq!(Value::Amount(nanos).to_string(), printed);
        }
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1e3",
            "1.0000000001",
            "1234567890123456789",
            "--1",
            "1.-5",
        ] {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_finite_and_read_back() {
        for text in ["inf", "nan", "-inf", "1e999", "x", "", "-", "+5", "1.2.3"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(number("-0"), number("0"));
        for value in [0.1, 5.0, -1e300, 1e-320, 123_456_789.25, 1e15] {
            let value = Finite::new(value);
            let printed = value.map(|value| Value::Number(value).to_string());
            assert_eq!(number(&printed.unwrap()), value);
        }
    }
}
