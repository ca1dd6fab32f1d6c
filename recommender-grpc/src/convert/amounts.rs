//! Amounts of money, between the wire and the store.

use recommender_store::catalog::Money;

use crate::convert::violations::Violations;
use crate::proto::money::Money as WireMoney;

/// An amount; notes what is wrong with it, or that it is less than nothing.
pub(crate) fn not_negative(
    amount: WireMoney,
    field: &str,
    wrong: &mut Violations,
) -> Option<Money> {
    let amount = Money {
        currency_code: amount.currency_code,
        units: amount.units,
        nanos: amount.nanos,
    };
    if let Some((expected, found)) = amount.fault() {
        wrong.add(field, format!("expected {expected}, found {found}"));
        return None;
    }
    if amount.is_negative() {
        wrong.add(
            field,
            format!("expected an amount that is not negative, found {amount}"),
        );
        return None;
    }
    Some(amount)
}

/// Reads what an amount that is not negative is displayed as, such as `4.99 EUR`.
pub(crate) fn of_text(text: &str) -> Option<WireMoney> {
    let (number, currency_code) = text.split_once(' ')?;
    let (units, fraction) = number.split_once('.')?;
    let digits = fraction.len();
    if !(1..=9).contains(&digits) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Some(WireMoney {
        currency_code: currency_code.to_owned(),
        units: units.parse().ok()?,
        nanos,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(units: i64, nanos: i32) -> WireMoney {
        WireMoney {
            currency_code: "EUR".into(),
            units,
            nanos,
        }
    }

    #[test]
    fn amounts_are_read_back_from_their_text() {
        for (units, nanos) in [
            (0, 0),
            (4, 990_000_000),
            (0, 1),
            (7, 50_000_000),
            (i64::MAX, 999_999_999),
        ] {
            let mut wrong = Violations::default();
            let kept = not_negative(amount(units, nanos), "price", &mut wrong).unwrap();
            assert_eq!(of_text(&kept.to_string()), Some(amount(units, nanos)));
        }
        for text in ["", "4 EUR", "4.-1 EUR", "4.0000000001 EUR", "x.99 EUR"] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }

    #[test]
    fn wrong_and_negative_amounts_are_refused() {
        for amount in [
            amount(-1, 0),
            amount(0, -1),
            amount(1, -1),
            WireMoney::default(),
        ] {
            let mut wrong = Violations::default();
            assert!(not_negative(amount, "price", &mut wrong).is_none());
            assert!(wrong.or(()).is_err());
        }
    }
}
