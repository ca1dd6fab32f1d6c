//! What may be offered where, asked of a large catalogue.

use std::sync::Arc;
use std::time::Instant;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::events::Channel;
use recommender_core::{ItemIx, Timestamp, Vocabulary};
use recommender_store::catalog::{Catalogue, Offer, Orders, ProductRecord, Stock};
use recommender_store::record::Position;
use recommender_store::{Result, Stamp};

use super::reading::{Waits, waits};

/// Places that have half of the items each.
const PLACES: u32 = 20;

/// A catalogue of `items` products, half of them in stock at each place.
///
/// # Errors
/// If a product or stock is wrong.
fn catalogue(items: u32) -> Result<Catalogue> {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut catalogue = Catalogue::default();
    let mut position = 0;
    let mut stamp = || {
        position += 1;
        Stamp {
            version: 0,
            position: Position(position),
        }
    };
    for item in 0..items {
        let key = key(item);
        let record = ProductRecord {
            key: key.clone(),
            title: format!("Product {item}"),
            ..ProductRecord::default()
        };
        catalogue.apply_product(&key, Some(record), stamp());
        for place in 0..PLACES {
            for fact in stock(place, &key, random.random_range(0..2)).facts()? {
                catalogue.apply_stock(&fact.key, fact.value.as_deref(), stamp())?;
            }
        }
    }
    Ok(catalogue)
}

fn key(item: u32) -> String {
    format!("item-{item:06}")
}

fn stock(place: u32, item: &str, pieces: u8) -> Stock {
    Stock {
        place: Some(format!("store-{place:03}")),
        item: item.into(),
        quantity: Some(pieces.into()),
        price: None,
        set_time: Timestamp(0),
    }
}

/// Times of asking what of `items` products may be offered at a place, on a channel, at a moment; and of taking in a
/// change of stock.
///
/// # Errors
/// If a product or stock is wrong.
pub fn asked(items: u32, questions: u32) -> Result<(Waits, Waits)> {
    let mut catalogue = catalogue(items)?;
    let mut numbering = Vocabulary::<ItemIx>::new();
    for item in 0..items {
        numbering.insert(&key(item))?;
    }
    let view = catalogue.view(Arc::new(numbering));
    let (mut asked, mut changed) = (Vec::new(), Vec::new());
    for question in 0..questions {
        let place = format!("store-{:03}", question % PLACES);
        let offer = Offer {
            places: std::slice::from_ref(&place),
            channel: Some(Channel::PointOfSale),
            now: Timestamp(i64::from(question)),
            min_quantity: 0.0,
            orders: Orders::Refused,
        };
        let start = Instant::now();
        let allowed = catalogue.allowed(&view, &offer);
        asked.push(start.elapsed());
        std::hint::black_box(allowed);
        let item = key(question.wrapping_mul(7919) % items);
        for fact in stock(question % PLACES, &item, (question % 2) as u8).facts()? {
            let stamp = Stamp {
                version: fact.version,
                position: Position(u64::from(items * (PLACES + 1) + question)),
            };
            let start = Instant::now();
            catalogue.apply_stock(&fact.key, fact.value.as_deref(), stamp)?;
            changed.push(start.elapsed());
        }
    }
    Ok((waits(asked), waits(changed)))
}
