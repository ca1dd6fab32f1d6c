//! Products as answers tell them: at the place, in the language and in the currency of the shopper.

use crate::answering::Told;
use crate::convert::products;
use crate::proto::Product;
use crate::proto::money::Money;

/// A product of an answer.
pub(super) fn product(told: &Told, catalog: &str) -> Product {
    let record = &told.record;
    let mut product = products::product(record, catalog);
    product.price = told.price.as_ref().map(products::wire_money);
    let stands = |original: &Money| match &told.price {
        Some(price) => price.currency_code == original.currency_code,
        None => told.manner.currency.is_none(),
    };
    product.original_price = product.original_price.take().filter(stands);
    if let Some(language) = &told.manner.language {
        let texts = record.texts_in(language);
        texts.title.clone_into(&mut product.title);
        texts.description.clone_into(&mut product.description);
        let code = texts.language_code.unwrap_or_default();
        code.clone_into(&mut product.language_code);
        product.localized_texts.clear();
    }
    product
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use recommender_store::catalog::{Currency, Language, ProductRecord};

    use super::*;
    use crate::answering::Manner;

    fn told(language: Option<&str>, currency: Option<&str>) -> Told {
        let text = r#"{"key": "cup", "title": "Cup", "language_code": "en",
            "price": {"currency_code": "EUR", "units": 4}, "original_price": {"currency_code": "EUR", "units": 6},
            "localized_texts": [{"language_code": "de", "title": "Tasse", "description": "Blau"}]}"#;
        let record: ProductRecord = serde_json::from_str(text).unwrap();
        Told {
            price: record.price.clone(),
            record: Arc::new(record),
            manner: Manner {
                language: language.and_then(Language::parse),
                currency: currency.and_then(Currency::parse),
            },
        }
    }

    #[test]
    fn texts_are_in_her_language_and_the_others_stay_away() {
        let german = product(&told(Some("de-CH"), None), "default");
        let texts = (&*german.title, &*german.description, &*german.language_code);
        assert_eq!(texts, ("Tasse", "Blau", "de"));
        assert!(german.localized_texts.is_empty());
        let own = product(&told(None, None), "default");
        assert_eq!((&*own.title, own.localized_texts.len()), ("Cup", 1));
    }

    #[test]
    fn no_price_of_another_currency_stands_beside_hers() {
        let own = product(&told(None, Some("EUR")), "default");
        assert!(own.price.is_some() && own.original_price.is_some());
        let mut foreign = told(None, Some("GBP"));
        foreign.price = None;
        let none = product(&foreign, "default");
        assert!(none.price.is_none() && none.original_price.is_none());
        if let Some(price) = &mut foreign.record.price.clone() {
            price.currency_code = "GBP".into();
            foreign.price = Some(price.clone());
        }
        let there = product(&foreign, "default");
        assert_eq!(there.price.unwrap().currency_code, "GBP");
        assert!(there.original_price.is_none());
    }
}
