//! Filters over a large catalogue.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::catalog::AttributeValue;
use recommender_core::{ItemIx, Vocabulary};
use recommender_store::catalog::{Catalogue, EligibilityView, Money, Offer, ProductRecord, Stock};
use recommender_store::filter::{AtPlace, Filter, FilterIndex};
use recommender_store::record::Position;
use recommender_store::{Result, Stamp};

use super::reading::{Waits, waits};

/// Five clauses, as a page of a shop has them.
const FILTER: &str = r#"categories: "Home > Kitchen" AND brands: ANY("brand-1", "brand-2", "brand-3", "brand-4")
    AND price < 50 AND NOT tags: "clearance" AND (attributes.power >= 1000 OR rating.average > 4)"#;

/// What filters took.
#[derive(Debug, Clone, Copy)]
pub struct Filtered {
    /// Of one filter of five clauses, all clauses being known.
    pub cut: Waits,
    /// The same, counting what each clause did.
    pub counted: Waits,
    /// Of making all clauses of a filter, none being known.
    pub compiled: Waits,
    /// Of taking in a product while the filter is held.
    pub changed: Waits,
    /// Of asking a clause on quantities of a place for the first time, that has half of the items.
    pub new_place: Waits,
    /// Of looking at every product instead.
    pub product_by_product: Waits,
    /// How many items the filter left.
    pub kept: usize,
}

fn record(item: u32, random: &mut ChaCha8Rng) -> ProductRecord {
    let one_of = |name: &str, random: &mut ChaCha8Rng, many: u32| {
        format!("{name}-{}", random.random_range(0..many))
    };
    let department = ["Kitchen", "Bath", "Garden"][random.random_range(0..3)];
    let leaf = one_of("leaf", random, 40);
    let power = f64::from(random.random_range(0..2_000));
    ProductRecord {
        key: format!("item-{item:06}"),
        title: format!("Product {item}"),
        categories: vec![vec!["Home".into(), department.into(), leaf]],
        brands: vec![one_of("brand", random, 20)],
        tags: vec![["clearance", "new", "classic"][random.random_range(0..3)].into()],
        price: Some(Money {
            currency_code: "EUR".into(),
            units: random.random_range(1..100),
            nanos: 990_000_000,
        }),
        attributes: [("power".to_owned(), AttributeValue::Number(power))].into(),
        ..ProductRecord::default()
    }
}

fn catalogue(items: u32, random: &mut ChaCha8Rng) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for item in 0..items {
        put(&mut catalogue, record(item, random), 0);
    }
    catalogue
}

fn put(catalogue: &mut Catalogue, record: ProductRecord, version: i64) {
    let stamp = Stamp {
        version,
        position: Position(0),
    };
    catalogue.apply_product(&record.key.clone(), Some(record), stamp);
}

fn view(catalogue: &Catalogue, items: u32) -> Result<Arc<EligibilityView>> {
    let mut numbering = Vocabulary::<ItemIx>::new();
    for item in 0..items {
        numbering.insert(&format!("item-{item:06}"))?;
    }
    Ok(catalogue.view(Arc::new(numbering)))
}

/// Times of `times` runs.
fn timed(times: u32, mut run: impl FnMut()) -> Waits {
    let each = (0..times).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    waits(each.collect())
}

/// What a filter of five clauses takes over `items` products.
///
/// # Errors
/// If the filter can't be read or the items be numbered.
pub fn asked(items: u32, questions: u32) -> Result<Filtered> {
    let random = &mut ChaCha8Rng::seed_from_u64(3);
    let mut catalogue = catalogue(items, random);
    let view = view(&catalogue, items)?;
    let filter = Filter::parse(FILTER)?;
    let index = FilterIndex::new(&catalogue, Arc::clone(&view));
    let compiled = timed(10, || drop(black_box(index.compile(&catalogue, &filter))));
    let held = index.compile(&catalogue, &filter);
    let allowed = catalogue.allowed(&view, &Offer::default());
    let cut = timed(questions, || {
        black_box(held.cut(&catalogue, None, &allowed));
    });
    let counted = timed(questions, || {
        black_box(held.cut_counted(&catalogue, None, &allowed));
    });
    let product_by_product = timed(10, || {
        let keys = allowed.iter().map(|item| view.items().key(item));
        let products = keys.filter_map(|key| catalogue.product(key));
        black_box(products.filter(|record| meant(&filter, record)).count());
    });
    let new_place = at_new_places(&mut catalogue, &index, items)?;
    let changed = timed(questions, || {
        let item = random.random_range(0..items);
        put(&mut catalogue, record(item, random), 1);
    });
    let kept = held.cut(&catalogue, None, &allowed).len();
    Ok(Filtered {
        cut,
        counted,
        compiled,
        changed,
        new_place,
        product_by_product,
        kept,
    })
}

/// Times of a clause on quantities at places that it was not asked of.
fn at_new_places(catalogue: &mut Catalogue, index: &Arc<FilterIndex>, items: u32) -> Result<Waits> {
    const PLACES: u32 = 10;
    for (item, place) in (0..items)
        .step_by(2)
        .flat_map(|item| (0..PLACES).map(move |it| (item, it)))
    {
        let stock = Stock {
            place: Some(place.to_string()),
            item: format!("item-{item:06}"),
            quantity: Some(2.0),
            ..Stock::default()
        };
        for fact in stock.facts()? {
            let stamp = Stamp {
                version: fact.version,
                position: Position(0),
            };
            catalogue.apply_stock(&fact.key, fact.value.as_deref(), stamp)?;
        }
    }
    let filter = index.compile(catalogue, &Filter::parse("available_quantity >= 2")?);
    let allowed = catalogue.allowed(index.view(), &Offer::default());
    let mut places = 0..PLACES;
    Ok(timed(PLACES, || {
        let place = places.next().map(|place| place.to_string());
        black_box(filter.cut(catalogue, place.as_deref(), &allowed));
    }))
}

fn meant(filter: &Filter, record: &ProductRecord) -> bool {
    let at = AtPlace {
        price: record.price.as_ref(),
        quantity: 0.0,
    };
    filter.matches(record, &at)
}
