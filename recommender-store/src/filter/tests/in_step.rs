//! Bits against looking at the products one by one, while products, prices, stock and places change.

use std::sync::Arc;

use proptest::prelude::*;
use recommender_core::{DenseIndex, ItemBits, ItemIx, Vocabulary};

use super::*;
use crate::catalog::{Catalogue, Currency, Place, Stock};
use crate::record::Position;
use crate::stamp::Stamp;

const ITEMS: [&str; 6] = ["cup", "cup-blue", "cup-red", "pot", "jar", "unlisted"];
const PLACES: [&str; 2] = ["soho", "camden"];

const CLAUSES: [&str; 25] = [
    "tags: a",
    "tags: ANY(a, b)",
    "tags != b",
    "categories: Kitchen",
    "categories: \"Home > Kitchen\"",
    "brands: acme",
    "price < 3",
    "price >= 2.5",
    "price = 2",
    "price:*",
    "currency_code = EUR",
    "original_price > 4",
    "available_quantity >= 2",
    "available_quantity < 1",
    "available_quantity = 0",
    "margin > 0.2",
    "hidden = true",
    "age_restricted = false",
    "eligible_channels: app",
    "available_time > 1970-01-01T00:00:00.020Z",
    "attributes.power > 3",
    "attributes.power = high",
    "rating.average >= 4",
    "primary_key = cup",
    "key: ANY(cup, pot)",
];

#[derive(Debug, Clone)]
enum Step {
    Product(usize, Option<(usize, u64)>),
    /// Of an item, at a place or after the last without one: so many, or at so many euros.
    Quantity(usize, usize, u8),
    Price(usize, usize, u8),
    Unpriced(usize, usize),
    Place(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (item, place) = (0..ITEMS.len() - 1, 0..=PLACES.len());
    let described = prop::option::weighted(0.85, (0..8usize, any::<u64>()));
    let step = prop_oneof![
        4 => (item.clone(), described).prop_map(|(item, sort)| Step::Product(item, sort)),
        3 => (item.clone(), place.clone(), 0..4u8).prop_map(|(item, place, it)| Step::Quantity(item, place, it)),
        3 => (item.clone(), place.clone(), 0..5u8).prop_map(|(item, place, it)| Step::Price(item, place, it)),
        1 => (item, place).prop_map(|(item, place)| Step::Unpriced(item, place)),
        1 => (0..PLACES.len(), any::<bool>()).prop_map(|(place, closed)| Step::Place(place, closed)),
    ];
    prop::collection::vec(step, 0..50)
}

fn filters() -> impl Strategy<Value = String> {
    let clause = prop::sample::select(&CLAUSES[..]).prop_map(str::to_owned);
    clause.prop_recursive(3, 12, 4, |inner| {
        let join = prop::sample::select(&[" AND ", " OR "][..]);
        let parts = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (parts, join).prop_map(|(parts, join)| format!("({})", parts.join(join))),
            inner.prop_map(|inner| format!("NOT ({inner})")),
        ]
    })
}

/// A record of one of many sorts, a bit of `sort` for each field.
fn described(key: &str, (family, sort): (usize, u64)) -> ProductRecord {
    let bit = |number: u32| sort >> number & 1 == 1;
    let number = |shift: u32, mask: u8| (sort >> shift).to_le_bytes()[0] & mask;
    let some = |number: u32, text: &str| if bit(number) { texts(&[text]) } else { vec![] };
    let primary = ITEMS.get(family).filter(|primary| **primary != key);
    let power = if bit(0) {
        AttributeValue::Number(number(1, 7).into())
    } else {
        AttributeValue::Text("high".into())
    };
    ProductRecord {
        key: key.into(),
        primary_key: primary.map(|&primary| primary.to_owned()),
        tags: [some(4, "a"), some(5, "b")].concat(),
        categories: if bit(6) {
            vec![texts(&["Home", if bit(7) { "Kitchen" } else { "Bath" }])]
        } else {
            vec![texts(&["Kitchen"])]
        },
        brands: some(8, "acme"),
        price: bit(9).then(|| euros(number(10, 3).into(), 500_000_000)),
        original_price: bit(12).then(|| euros(5, 0)),
        margin: bit(13).then_some(0.25),
        hidden: bit(14),
        age_restricted: bit(15),
        eligible_channels: if bit(16) { vec![Channel::Web] } else { vec![] },
        available_time: bit(17).then_some(Timestamp(number(18, 31).into())),
        attributes: [("power".to_owned(), power)].into(),
        rating: bit(24).then_some(RatingSummary {
            average: if bit(25) { 4.5 } else { 2.0 },
            count: 1,
        }),
        ..ProductRecord::default()
    }
}

fn level(item: usize, place: usize, time: i64) -> Stock {
    Stock {
        place: PLACES.get(place).map(|&place| place.to_owned()),
        item: ITEMS[item].into(),
        quantity: None,
        price: None,
        set_time: Timestamp(time),
    }
}

fn take(catalogue: &mut Catalogue, step: &Step, position: u64) {
    let time = i64::try_from(position).unwrap();
    let stamp = |version: i64| Stamp {
        version,
        position: Position(position),
    };
    let facts = match *step {
        Step::Product(item, sort) => {
            let record = sort.map(|sort| described(ITEMS[item], sort));
            catalogue.apply_product(ITEMS[item], record, stamp(0));
            return;
        }
        Step::Place(place, closed) => {
            let record = Place {
                key: PLACES[place].into(),
                closed,
                ..Place::default()
            };
            catalogue.apply_place(PLACES[place], Some(record), stamp(0));
            return;
        }
        Step::Quantity(item, place, quantity) => {
            let quantity = Some(f32::from(quantity));
            let level = level(item, place, time);
            Stock { quantity, ..level }.facts().unwrap()
        }
        Step::Price(item, place, units) => {
            let currency_code = ["EUR", "GBP"][usize::from(units % 2)].to_owned();
            let price = Some(Money {
                currency_code,
                ..euros(i64::from(units), 0)
            });
            let level = level(item, place, time);
            Stock { price, ..level }.facts().unwrap()
        }
        Step::Unpriced(item, place) => {
            let place = PLACES.get(place).copied();
            Stock::removal(place, ITEMS[item], Timestamp(time))
        }
    };
    for fact in facts {
        let value = fact.value.as_deref();
        catalogue
            .apply_stock(&fact.key, value, stamp(fact.version))
            .unwrap();
    }
}

fn at<'a>(catalogue: &'a Catalogue, place: Option<&str>, key: &str) -> AtPlace<'a> {
    AtPlace {
        price: catalogue.price(place, key),
        quantity: match place {
            Some(place) => f64::from(catalogue.quantity_at(place, key)),
            None => catalogue.quantity(key),
        },
    }
}

fn meant(catalogue: &Catalogue, filter: &Filter, place: Option<&str>, key: &str) -> bool {
    let record = catalogue.product(key);
    record.is_some_and(|record| filter.matches(record, &at(catalogue, place, key)))
}

fn assert_in_step(catalogue: &Catalogue, compiled: &CompiledFilter) -> Result<(), TestCaseError> {
    let view = compiled.index().view();
    // A set of another numbering may hold more.
    let all: ItemBits = (0..200).map(ItemIx).collect();
    for place in [None, Some(PLACES[0]), Some(PLACES[1]), Some("nowhere")] {
        let kept = compiled.cut(catalogue, place, &all);
        let expected: ItemBits = view
            .items()
            .iter()
            .filter(|(_, key)| meant(catalogue, compiled.filter(), place, key))
            .map(|(item, _)| item)
            .collect();
        prop_assert_eq!(&kept, &expected, "{} at {:?}", compiled.filter(), place);
        let (counted, stats) = compiled.cut_counted(catalogue, place, &all);
        prop_assert_eq!(&counted, &expected);
        let alone: usize = stats
            .clauses
            .iter()
            .map(|clause| clause.removed_alone)
            .sum();
        prop_assert!(stats.kept == expected.len() && alone <= stats.allowed - stats.kept);
    }
    Ok(())
}

fn items() -> Arc<Vocabulary<ItemIx>> {
    let mut items = Vocabulary::new();
    for key in ITEMS {
        items.insert(key).unwrap();
    }
    Arc::new(items)
}

#[test]
fn what_changes_while_a_filter_is_made_is_in_it() {
    let mut items = Vocabulary::new();
    let keys: Vec<String> = (0..5_000).map(|item| format!("{item:04}")).collect();
    let mut catalogue = Catalogue::default();
    let put = |catalogue: &mut Catalogue, key: &str, tag: &str, position: usize| {
        let record = ProductRecord {
            key: key.to_owned(),
            tags: texts(&[tag]),
            ..ProductRecord::default()
        };
        let stamp = Stamp {
            version: 0,
            position: Position(position as u64),
        };
        catalogue.apply_product(key, Some(record), stamp);
    };
    for key in &keys {
        items.insert(key).unwrap();
        put(&mut catalogue, key, "old", 1);
    }
    let index = FilterIndex::new(&catalogue, catalogue.view(Arc::new(items)));
    let filter = Filter::parse("tags: new").unwrap();
    let mut changed = 1;
    // After each piece one product becomes new, from the last one on; the first, looked at by then, stops being so.
    put(&mut catalogue, &keys[0], "new", 1);
    let compiled = index.compile_by_pieces(&filter, &mut |work| {
        work(&catalogue);
        changed += 1;
        put(&mut catalogue, &keys[0], "old", changed);
        put(&mut catalogue, &keys[5_000 - changed], "new", changed);
        put(&mut catalogue, &keys[changed], "new", changed);
    });
    assert!(changed > 3, "there was but one piece");
    let all: ItemBits = (0..5_000).map(ItemIx::at).collect();
    let kept = compiled.cut(&catalogue, None, &all);
    let expected = keys.iter().zip(0..).filter_map(|(key, item)| {
        let record = catalogue.product(key)?;
        record
            .tags
            .contains(&"new".to_owned())
            .then_some(ItemIx(item))
    });
    assert_eq!(kept, expected.collect());
    assert_eq!(kept.len(), 2 * (changed - 1));
}

proptest! {
    #[test]
    fn bits_are_kept_in_step(
        steps in steps(),
        filters in prop::collection::vec(filters(), 1..4),
        early in 0..40u64,
    ) {
        let mut catalogue = Catalogue::default();
        let index = FilterIndex::new(&catalogue, catalogue.view(items()));
        let euro = Currency::parse("EUR").unwrap();
        let filters = filters.iter().map(|text| Filter::parse(text).unwrap());
        let filters: Vec<Filter> = filters.flat_map(|filter| [filter.in_currency(euro), filter]).collect();
        let mut compiled = vec![index.compile(&catalogue, &filters[0])];
        for (step, position) in steps.iter().zip(1u64..) {
            if position == early {
                compiled.extend(filters.iter().map(|filter| index.compile(&catalogue, filter)));
            }
            take(&mut catalogue, step, position);
            // Places are asked for in the middle, and kept in step from then on.
            if position % 7 == 0 {
                compiled.iter().try_for_each(|it| assert_in_step(&catalogue, it))?;
            }
        }
        compiled.extend(filters.iter().map(|filter| index.compile(&catalogue, filter)));
        compiled.iter().try_for_each(|it| assert_in_step(&catalogue, it))?;
    }
}

#[test]
fn a_filter_says_what_each_clause_took_out() {
    let mut catalogue = Catalogue::default();
    let labelled = [
        ("cup", "a", 1),
        ("pot", "a", 9),
        ("jar", "b", 9),
        ("cup-red", "b", 1),
    ];
    for ((key, tag, price), position) in labelled.into_iter().zip(1u64..) {
        let record = ProductRecord {
            key: key.into(),
            tags: texts(&[tag]),
            price: Some(euros(price, 0)),
            ..ProductRecord::default()
        };
        let stamp = Stamp {
            version: 0,
            position: Position(position),
        };
        catalogue.apply_product(key, Some(record), stamp);
    }
    let index = FilterIndex::new(&catalogue, catalogue.view(items()));
    let filter = Filter::parse("tags:a price<5 (key:cup OR key:pot OR key:jar)").unwrap();
    let compiled = index.compile(&catalogue, &filter);
    let all: ItemBits = (0..ITEMS.len()).map(ItemIx::at).collect();
    let (kept, stats) = compiled.cut_counted(&catalogue, None, &all);
    assert_eq!(kept.iter().collect::<Vec<_>>(), [ItemIx(0)]);
    assert_eq!((stats.allowed, stats.kept), (4, 1));
    let counts: Vec<_> = stats
        .clauses
        .iter()
        .map(|it| (it.clause.as_str(), it.removed, it.removed_alone))
        .collect();
    assert_eq!(
        counts,
        [
            ("tags: \"a\"", 2, 0),
            ("price < 5", 2, 1),
            ("key = \"cup\" OR key = \"pot\" OR key = \"jar\"", 1, 0),
        ]
    );
    let (all_kept, stats) = index
        .compile(&catalogue, &Filter::default())
        .cut_counted(&catalogue, None, &all);
    assert_eq!((all_kept.len(), stats.clauses.len()), (4, 0));
}
