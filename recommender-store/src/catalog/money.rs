//! Amounts of money, exact.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::Currency;

/// An amount of a currency: `units` and `nanos` billionths of a unit, both of one sign.
///
/// ```
/// use recommender_store::catalog::Money;
/// let price = Money { currency_code: "EUR".into(), units: 4, nanos: 990_000_000 };
/// assert_eq!((price.to_string().as_str(), price.amount()), ("4.99 EUR", 4.99));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Code of a [`Currency`], such as `EUR`. What was stored is not held against the list of codes again.
    pub currency_code: String,
    /// Whole units.
    #[serde(default)]
    pub units: i64,
    /// Billionths of a unit, from −999,999,999 to 999,999,999.
    #[serde(default)]
    pub nanos: i32,
}

/// Billionths in a unit.
const NANOS: i32 = 1_000_000_000;

impl Money {
    /// What is wrong with it, if anything: what was expected, and what was found.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, String)> {
        if Currency::parse(&self.currency_code).is_none() {
            let found = format!("\"{}\"", self.currency_code);
            return Some((Currency::EXPECTED, found));
        }
        if self.nanos <= -NANOS || self.nanos >= NANOS {
            return Some(("nanos within ±999999999", self.nanos.to_string()));
        }
        let nanos = i64::from(self.nanos);
        if self.units.signum() * nanos.signum() < 0 {
            let found = format!("{} units and {} nanos", self.units, self.nanos);
            return Some(("units and nanos of one sign", found));
        }
        None
    }

    /// Whether it is less than nothing.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.units < 0 || self.nanos < 0
    }

    /// The amount as the nearest number, for models.
    #[must_use]
    pub fn amount(&self) -> f64 {
        // Exact up to a rounding: cents divided by a hundred is the number nearest to the price as written.
        let cents = i64::from(self.nanos) / 10_000_000;
        let in_cents = self
            .units
            .checked_mul(100)
            .and_then(|units| units.checked_add(cents));
        match in_cents {
            Some(amount) if self.nanos % 10_000_000 == 0 => amount as f64 / 100.0,
            _ => self.units as f64 + f64::from(self.nanos) / f64::from(NANOS),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let (units, nanos) = (self.units.unsigned_abs(), self.nanos.unsigned_abs());
        if nanos % 10_000_000 == 0 {
            return write!(
                f,
                "{sign}{units}.{:02} {}",
                nanos / 10_000_000,
                self.currency_code
            );
        }
        write!(f, "{sign}{units}.{nanos:09} {}", self.currency_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euros(units: i64, nanos: i32) -> Money {
        Money {
            currency_code: "EUR".into(),
            units,
            nanos,
        }
    }

    #[test]
    fn amounts_are_written_and_counted_exactly() {
        assert_eq!(euros(19, 990_000_000).amount(), 19.99);
        assert_eq!(euros(-1, -5_000_000).to_string(), "-1.005000000 EUR");
        assert_eq!(euros(-1, -500_000_000).amount(), -1.5);
        assert_eq!(euros(i64::MAX, 0).amount(), i64::MAX as f64);
    }

    #[test]
    fn what_is_no_amount_is_named() {
        for (money, fault) in [
            (euros(1, -1), "one sign"),
            (euros(0, NANOS), "nanos"),
            (
                Money {
                    currency_code: "eur".into(),
                    ..euros(1, 0)
                },
                "ISO 4217",
            ),
        ] {
            assert!(money.fault().unwrap().0.contains(fault), "{money:?}");
        }
        assert_eq!(euros(0, -1).fault(), None);
    }
}
