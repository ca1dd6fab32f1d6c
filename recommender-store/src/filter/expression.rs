//! What a filter says, in its normal form.

use std::fmt;

use crate::catalog::{Currency, ProductRecord};
use crate::filter::AtPlace;
use crate::filter::field::Field;
use crate::filter::value::{Datum, Value};

/// A filter or a part of one. No [`Expression::All`] stands right within another, and so with the others; `All` and
/// `Any` have at least two parts, but for the `All` without any, which is the filter that says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Clause(Clause),
}

/// What is asked of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) field: Field,
    pub(super) test: Test,
    /// The currency in which money counts; none is any.
    pub(super) currency: Option<Currency>,
}

/// What is asked of the values of a field. Of several, one must pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// It is one of these, which ascend and differ.
    OneOf(Vec<Value>),
    /// It is before or after this one.
    Ordered(Order, Value),
    /// There is one.
    Present,
}

/// On which side of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Expression {
    /// Of which all hold.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        let parts = parts.into_iter().flat_map(|part| {
            if let Self::All(parts) = part {
                return parts;
            }
            vec![part]
        });
        Self::one_or(parts.collect(), Self::All)
    }

    /// Of which one holds.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        let parts = parts.into_iter().flat_map(|part| {
            if let Self::Any(parts) = part {
                return parts;
            }
            vec![part]
        });
        Self::one_or(parts.collect(), Self::Any)
    }

    /// Which does not hold.
    pub(super) fn not(part: Self) -> Self {
        if let Self::Not(inner) = part {
            return *inner;
        }
        Self::Not(Box::new(part))
    }

    /// The same, with money of this currency alone.
    pub(super) fn in_currency(&self, currency: Currency) -> Self {
        let each = |parts: &[Self]| {
            parts
                .iter()
                .map(|part| part.in_currency(currency))
                .collect()
        };
        match self {
            Self::All(parts) => Self::All(each(parts)),
            Self::Any(parts) => Self::Any(each(parts)),
            Self::Not(part) => Self::Not(Box::new(part.in_currency(currency))),
            Self::Clause(clause) => Self::Clause(Clause {
                currency: clause.field.is_money().then_some(currency),
                ..clause.clone()
            }),
        }
    }

    /// Whether it asks for money.
    pub(super) fn asks_for_money(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::asks_for_money),
            Self::Not(part) => part.asks_for_money(),
            Self::Clause(clause) => clause.field.is_money(),
        }
    }

    fn one_or(mut parts: Vec<Self>, many: fn(Vec<Self>) -> Self) -> Self {
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            Some(last) => {
                parts.push(last);
                many(parts)
            }
            None => many(parts),
        }
    }

    pub(super) fn holds(&self, record: &ProductRecord, at: &AtPlace<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(record, at)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record, at)),
            Self::Not(part) => !part.holds(record, at),
            Self::Clause(clause) => clause.holds(record, at),
        }
    }

    fn fmt_within(&self, f: &mut fmt::Formatter<'_>, bare: &[Kind]) -> fmt::Result {
        if bare.contains(&self.kind()) {
            write!(f, "{self}")
        } else {
            write!(f, "({self})")
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::All(_) => Kind::All,
            Self::Any(_) => Kind::Any,
            Self::Not(_) => Kind::Not,
            Self::Clause(_) => Kind::Clause,
        }
    }
}

/// What an expression is at its top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    Any,
    Not,
    Clause,
}

impl Clause {
    pub(super) fn holds(&self, record: &ProductRecord, at: &AtPlace<'_>) -> bool {
        let counts = |currency| self.field.is_in(currency, record, at);
        self.currency.is_none_or(counts)
            && self.field.any(record, at, &|datum| self.test.passes(datum))
    }

    /// What tells it from others.
    pub(super) fn key(&self) -> String {
        match self.currency {
            // No clause is printed with a tab in it.
            Some(currency) => format!("{self}\t{currency}"),
            None => self.to_string(),
        }
    }
}

impl Test {
    pub(super) fn passes(&self, datum: Datum<'_>) -> bool {
        match self {
            Self::OneOf(values) => {
                if let Datum::Path(path) = datum {
                    return has_branch(values, path);
                }
                is_one_of(values, datum)
            }
            Self::Ordered(order, value) => {
                datum.is_like(value) && order.admits(value.against(datum).reverse())
            }
            Self::Present => true,
        }
    }
}

fn is_one_of(values: &[Value], datum: Datum<'_>) -> bool {
    let found = values.binary_search_by(|value| value.against(datum));
    found.is_ok()
}

/// Whether levels of a path that follow one another are one of the values.
fn has_branch(values: &[Value], path: &[String]) -> bool {
    let mut starts = 0..path.len();
    starts.any(|from| {
        let mut ends = from + 1..=path.len();
        ends.any(|upto| is_one_of(values, Datum::Path(&path[from..upto])))
    })
}

impl Order {
    fn admits(self, of_datum: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => of_datum.is_lt(),
            Self::AtMost => of_datum.is_le(),
            Self::More => of_datum.is_gt(),
            Self::AtLeast => of_datum.is_ge(),
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// Prints such that it is read back, with no bracket that the grammar does not need.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => {
                for (number, part) in parts.iter().enumerate() {
                    f.write_str(if number == 0 { "" } else { " AND " })?;
                    part.fmt_within(f, &[Kind::Any, Kind::Not, Kind::Clause])?;
                }
                Ok(())
            }
            Self::Any(parts) => {
                for (number, part) in parts.iter().enumerate() {
                    f.write_str(if number == 0 { "" } else { " OR " })?;
                    part.fmt_within(f, &[Kind::Not, Kind::Clause])?;
                }
                Ok(())
            }
            Self::Not(part) => {
                f.write_str("NOT ")?;
                part.fmt_within(f, &[Kind::Clause])
            }
            Self::Clause(clause) => write!(f, "{clause}"),
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.test {
            Test::OneOf(values) => match values.as_slice() {
                [value] if field.is_repeated() => write!(f, "{field}: {value}"),
                [value] => write!(f, "{field} = {value}"),
                _ => {
                    let values: Vec<String> = values.iter().map(Value::to_string).collect();
                    write!(f, "{field}: ANY({})", values.join(", "))
                }
            },
            Test::Ordered(order, value) => write!(f, "{field} {} {value}", order.sign()),
            Test::Present => write!(f, "{field}:*"),
        }
    }
}
