use recommender_core::{ItemBits, ItemIx, Vocabulary};

use super::*;
use crate::catalog::{Offer, ProductRecord, Stock};
use crate::filter::{AtPlace, Filter};

/// More than are looked at in one piece when a filter is made.
const ITEMS: u32 = 2_500;

fn key(item: u32) -> String {
    format!("item-{item:04}")
}

fn product(item: u32, tag: &str) -> ProductRecord {
    ProductRecord {
        key: key(item),
        tags: vec![tag.to_owned()],
        ..ProductRecord::default()
    }
}

fn stock(item: u32, quantity: u8, set_time: i64) -> Stock {
    Stock {
        place: Some("soho".into()),
        item: key(item),
        quantity: Some(quantity.into()),
        price: None,
        set_time: Timestamp(set_time),
    }
}

fn shop() -> (Store, Arc<Vocabulary<ItemIx>>) {
    let store = fresh();
    let products: Vec<ProductRecord> = (0..ITEMS).map(|item| product(item, "old")).collect();
    store.put_products(&products).unwrap().wait().unwrap();
    let mut items = Vocabulary::new();
    for item in 0..ITEMS {
        items.insert(&key(item)).unwrap();
    }
    (store, Arc::new(items))
}

#[test]
fn what_was_written_is_what_the_next_filter_sees() {
    let (store, items) = shop();
    let view = store.eligibility(items);
    let index = store.filter_index(Arc::clone(&view));
    let filter = Filter::parse("available_quantity >= 3 AND NOT tags: gone").unwrap();
    let compiled = store.compile(&index, &filter);
    let allowed = store.allowed(&view, &Offer::default());
    let kept = || store.filtered(&compiled, Some("soho"), &allowed);
    assert!(kept().is_empty());
    let levels = [stock(3, 3, 1), stock(2_400, 5, 1), stock(9, 2, 1)];
    store.set_stock(&levels).unwrap().wait().unwrap();
    assert_eq!(kept(), [ItemIx(3), ItemIx(2_400)].into_iter().collect());
    let gone = store.put_products(&[product(3, "gone")]).unwrap();
    gone.wait().unwrap();
    assert_eq!(kept(), [ItemIx(2_400)].into_iter().collect());
    let (counted, stats) = store.filtered_counted(&compiled, Some("soho"), &allowed);
    assert_eq!((counted, stats.allowed), (kept(), ITEMS as usize));
    let removed: Vec<_> = stats
        .clauses
        .iter()
        .map(|it| (it.removed, it.removed_alone))
        .collect();
    assert_eq!(removed, [(ITEMS as usize - 2, ITEMS as usize - 2), (1, 1)]);
    store.delete_product(&key(2_400)).unwrap().wait().unwrap();
    assert!(kept().is_empty());
}

#[test]
fn a_place_that_is_new_to_a_filter_has_to_be_gone_through() {
    let (store, items) = shop();
    let index = store.filter_index(store.eligibility(items));
    let texts = ["tags: old", "NOT (available_quantity >= 3 OR tags: gone)"];
    let filters = texts.map(|text| Arc::new(store.compile(&index, &Filter::parse(text).unwrap())));
    let made = || {
        filters
            .each_ref()
            .map(|it| store.are_made(std::slice::from_ref(it), Some("soho")))
    };
    assert_eq!(made(), [true, true], "nothing is known of the place");
    store.set_stock(&[stock(3, 3, 1)]).unwrap().wait().unwrap();
    assert_eq!(made(), [true, false]);
    assert!(store.are_made(&filters, None) && store.are_made(&filters, Some("camden")));
    drop(store.filtered(&filters[1], Some("soho"), &ItemBits::default()));
    assert_eq!(made(), [true, true]);
}

#[test]
fn filters_are_made_and_asked_while_products_and_stock_change() {
    let (store, items) = shop();
    let view = store.eligibility(items);
    let index = store.filter_index(Arc::clone(&view));
    let all: ItemBits = (0..ITEMS).map(ItemIx).collect();
    let texts = [
        "tags: new",
        "available_quantity > 1",
        "tags: old OR available_quantity = 0",
    ];
    let filters = texts.map(|text| Filter::parse(text).unwrap());
    let made = std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for (item, time) in (0..ITEMS).step_by(7).zip(1..) {
                let tag = if time % 3 == 0 { "old" } else { "new" };
                store
                    .put_products(&[product(item, tag)])
                    .unwrap()
                    .wait()
                    .unwrap();
                let level = stock(item, (time % 4) as u8, time);
                store.set_stock(&[level]).unwrap().wait().unwrap();
            }
        });
        let mut made = Vec::new();
        while !writer.is_finished() || made.is_empty() {
            // Some are let go and made anew.
            made.truncate(4);
            made.extend(filters.iter().map(|filter| store.compile(&index, filter)));
            made.iter()
                .for_each(|it| drop(store.filtered(it, Some("soho"), &all)));
        }
        writer.join().unwrap();
        made
    });
    for compiled in made {
        let meant = |item: &u32| {
            let at = AtPlace {
                price: None,
                quantity: store.quantity_at("soho", &key(*item)).into(),
            };
            compiled
                .filter()
                .matches(&store.product(&key(*item)).unwrap(), &at)
        };
        let expected: ItemBits = (0..ITEMS).filter(meant).map(ItemIx).collect();
        let kept = store.filtered(&compiled, Some("soho"), &all);
        assert_eq!(kept, expected, "{}", compiled.filter());
    }
}
