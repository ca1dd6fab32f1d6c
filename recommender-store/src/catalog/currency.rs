//! Which money an amount is of.

use std::fmt;

use crate::catalog::Money;

/// A currency of ISO 4217.
///
/// The codes are those of list one of the standard's maintenance agency as of 2026, funds, metals and the codes for tests
/// included, and those that left it since 2015: prices and events of the years before are still of them.
///
/// ```
/// use recommender_store::catalog::Currency;
/// assert_eq!(Currency::parse("EUR").map(|euro| euro.to_string()).as_deref(), Some("EUR"));
/// assert_eq!(Currency::parse("euro"), None);
/// assert_eq!(Currency::parse("EUX"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// What a code is expected to be, for those who refuse another.
    pub const EXPECTED: &'static str = "a currency code of ISO 4217, such as EUR";

    /// The currency of a code; none if the standard has no such code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let is_one = CURRENT.binary_search(&code).is_ok() || WITHDRAWN.contains(&code);
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        is_one.then_some(Self(letters))
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

/// The codes of list one, sorted.
const CURRENT: [&str; 178] = [
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD",
    "BIF", "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF",
    "CHE", "CHF", "CHW", "CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DJF",
    "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP",
    "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR",
    "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT",
    "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP",
    "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR",
    "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB",
    "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN",
    "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH",
    "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS", "VED", "VES", "VND", "VUV", "WST", "XAD",
    "XAF", "XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XCD", "XCG", "XDR", "XOF", "XPD", "XPF",
    "XPT", "XSU", "XTS", "XUA", "XXX", "YER", "ZAR", "ZMW", "ZWG",
];

/// The codes that left it since 2015.
const WITHDRAWN: [&str; 11] = [
    "ANG", "BGN", "BYR", "CUC", "HRK", "LTL", "MRO", "SLL", "STD", "VEF", "ZWL",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_one_of_the_standard() {
        for wrong in [
            "", "EU", "EURO", "eur", "E1R", "\u{c4}U", "EU ", "EUX", "AAA", "ZZZ", "BTC",
        ] {
            assert_eq!(Currency::parse(wrong), None, "{wrong}");
        }
        for code in [
            "AED", "XTS", "XXX", "ZWG", "XCG", "VES", "BGN", "HRK", "LTL",
        ] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!(currency.to_string(), code);
        }
        let (euro, pound) = (Currency::parse("EUR"), Currency::parse("GBP"));
        let amount = Money {
            currency_code: "EUR".into(),
            units: 1,
            nanos: 0,
        };
        assert!(euro.unwrap().is_of(&amount) && !pound.unwrap().is_of(&amount));
    }

    #[test]
    fn the_lists_are_sorted_and_have_each_code_once() {
        let all = [&CURRENT[..], &WITHDRAWN[..]];
        assert!(all.iter().all(|codes| codes.is_sorted()));
        let different: std::collections::BTreeSet<_> = all.iter().copied().flatten().collect();
        assert_eq!(different.len(), CURRENT.len() + WITHDRAWN.len());
        let is_code =
            |code: &&&str| code.len() == 3 && code.bytes().all(|it| it.is_ascii_uppercase());
        assert_eq!(
            different.iter().filter(|code| is_code(code)).count(),
            different.len()
        );
    }
}
