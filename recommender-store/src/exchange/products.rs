//! Products of files as products of a store.

use recommender_core::Product;

use crate::catalog::{Money, ProductRecord};

impl ProductRecord {
    /// The record of a product that was read from a file, whose price is an amount of `currency`, a code of
    /// ISO 4217. It may have faults: see [`ProductRecord::validate`].
    ///
    /// ```
    /// use recommender_core::Product;
    /// use recommender_store::catalog::ProductRecord;
    /// let cup = Product { key: "cup".into(), price: Some(4.99), ..Product::default() };
    /// assert_eq!(ProductRecord::priced_in("EUR", cup.clone()).product(), cup);
    /// ```
    #[must_use]
    pub fn priced_in(currency: &str, product: Product) -> Self {
        Self {
            price: product.price.map(|amount| money(amount, currency)),
            ..Self::from(product)
        }
    }
}

/// The amount to a millionth, which is finer than any currency and coarser than what a number of this size is off by.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is too large for a price saturates"
)]
fn money(amount: f64, currency: &str) -> Money {
    let units = amount.trunc();
    let millionths = ((amount - units) * 1e6).round() as i32;
    let (units, millionths) = match millionths {
        1_000_000 => (units + 1.0, 0),
        -1_000_000 => (units - 1.0, 0),
        within => (units, within),
    };
    Money {
        currency_code: currency.to_owned(),
        units: units as i64,
        nanos: millionths * 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (amount, units, nanos) in [
            (4.99, 4, 990_000_000),
            (0.1, 0, 100_000_000),
            (19.999_999_9, 20, 0),
            (1_234_567.89, 1_234_567, 890_000_000),
            (0.0, 0, 0),
        ] {
            let money = money(amount, "EUR");
            assert_eq!((money.units, money.nanos), (units, nanos), "{amount}");
        }
    }

    #[test]
    fn a_wrong_currency_is_a_fault() {
        let cup = Product {
            key: "cup".into(),
            title: "Cup".into(),
            price: Some(1.0),
            ..Product::default()
        };
        assert!(
            ProductRecord::priced_in("EUR", cup.clone())
                .validate()
                .is_ok()
        );
        let fault = ProductRecord::priced_in("euro", cup)
            .validate()
            .unwrap_err();
        assert!(fault.to_string().contains("ISO 4217"), "{fault}");
    }
}
