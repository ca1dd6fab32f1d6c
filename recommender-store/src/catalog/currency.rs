//! Which money an amount is of.

use std::fmt;

use crate::catalog::Money;

/// A currency: three capital letters of ISO 4217.
///
/// ```
/// use recommender_store::catalog::Currency;
/// assert_eq!(Currency::parse("EUR").map(|euro| euro.to_string()).as_deref(), Some("EUR"));
/// assert_eq!(Currency::parse("euro"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency of a code; none if it is not three capital letters.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        let capital = letters.iter().all(u8::is_ascii_uppercase);
        capital.then_some(Self(letters))
    }

    /// Whether an amount is of it.
    #[must_use]
    pub fn is_of(self, amount: &Money) -> bool {
        amount.currency_code.as_bytes() == self.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|&letter| write!(f, "{}", char::from(letter)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_three_capital_letters() {
        for wrong in ["", "EU", "EURO", "eur", "E1R", "\u{c4}U", "EU "] {
            assert_eq!(Currency::parse(wrong), None, "{wrong}");
        }
        let (euro, pound) = (Currency::parse("EUR"), Currency::parse("GBP"));
        let amount = Money {
            currency_code: "EUR".into(),
            units: 1,
            nanos: 0,
        };
        assert!(euro.unwrap().is_of(&amount) && !pound.unwrap().is_of(&amount));
    }
}
