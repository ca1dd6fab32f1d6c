//! Products into a store.

use recommender_core::Product;

use crate::catalog::{Money, ProductRecord};
use crate::engine::Engine;
use crate::error::Result;
use crate::record::{Batch, Fact, Table};

/// Products written at once.
const PRODUCTS_PER_BATCH: usize = 500;

/// Writes products into `engine`, in place of those of the same keys; others stay as they are. Prices are amounts of
/// `currency`, three capital letters of ISO 4217; without one they are left out. Says how many there were.
///
/// ```
/// use recommender_core::Product;
/// use recommender_store::exchange::import_products;
/// use recommender_store::{MemoryEngine, join};
/// let engine = MemoryEngine::default();
/// let cup = Product { key: "cup".into(), price: Some(4.99), ..Product::default() };
/// import_products(&engine, vec![cup.clone()], Some("EUR"))?;
/// assert_eq!(join::products(&engine)?, [cup]);
/// # Ok::<(), recommender_store::StoreError>(())
/// ```
///
/// # Errors
/// [`StoreError::Invalid`](crate::StoreError::Invalid) naming the product and field that is wrong: nothing is written
/// then; if the engine can't write.
pub fn import_products(
    engine: &dyn Engine,
    products: Vec<Product>,
    currency: Option<&str>,
) -> Result<u64> {
    let facts = products.into_iter().map(|product| fact(product, currency));
    let facts: Vec<Fact> = facts.collect::<Result<_>>()?;
    for facts in facts.chunks(PRODUCTS_PER_BATCH) {
        let batch = Batch {
            facts: facts.to_vec(),
            ..Batch::default()
        };
        engine.write(batch)?.wait()?;
    }
    Ok(facts.len() as u64)
}

fn fact(product: Product, currency: Option<&str>) -> Result<Fact> {
    let price = product.price.zip(currency);
    let record = ProductRecord {
        price: price.map(|(amount, currency)| money(amount, currency)),
        ..ProductRecord::from(product)
    };
    record.validate()?;
    let value = serde_json::to_vec(&record);
    let value = value.map_err(|error| recommender_core::Error::Internal(error.to_string()))?;
    Ok(Fact {
        table: Table::Product,
        key: record.key,
        version: 0,
        value: Some(value),
    })
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
    use crate::{MemoryEngine, StoreError, join};

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
    fn products_come_back_as_models_read_them() {
        let product = |key: &str, title: &str, price| Product {
            key: key.into(),
            title: title.into(),
            categories: vec![vec!["Kitchen".into(), "Cups".into()]],
            brand: Some("Blau".into()),
            price,
            ..Product::default()
        };
        let engine = MemoryEngine::default();
        let (pot, cup) = (
            product("pot", "Pot", None),
            product("cup", "Cup", Some(2.5)),
        );
        import_products(&engine, vec![pot.clone(), cup.clone()], Some("EUR")).unwrap();
        assert_eq!(join::products(&engine).unwrap(), [cup.clone(), pot.clone()]);
        let mug = product("cup", "Mug", Some(3.0));
        import_products(&engine, vec![mug.clone()], None).unwrap();
        let unpriced = Product { price: None, ..mug };
        assert_eq!(join::products(&engine).unwrap(), [unpriced, pot]);
    }

    #[test]
    fn wrong_products_are_named_and_none_is_written() {
        let engine = MemoryEngine::default();
        let product = |key: &str, price| Product {
            key: key.into(),
            title: "x".into(),
            price: Some(price),
            ..Product::default()
        };
        let products = vec![product("cup", 1.0), product("", 1.0)];
        let error = import_products(&engine, products, Some("EUR")).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
        let error = import_products(&engine, vec![product("cup", 1.0)], Some("euro")).unwrap_err();
        assert!(
            error.to_string().contains("three capital letters"),
            "{error}"
        );
        assert!(join::products(&engine).unwrap().is_empty());
    }
}
