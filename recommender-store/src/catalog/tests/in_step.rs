//! Views against what the documentation of [`EligibilityView`] says, worked out item by item.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// What was said last of everything.
#[derive(Debug, Default)]
struct Model {
    products: BTreeMap<&'static str, ProductRecord>,
    levels: BTreeMap<(Option<&'static str>, &'static str), f32>,
    closed: BTreeSet<&'static str>,
}

impl Model {
    fn level(&self, place: Option<&str>, item: &str) -> Option<f32> {
        let mut levels = self.levels.iter();
        let found = levels.find(|((at, of), _)| *at == place && *of == item);
        let open = place.is_none_or(|place| !self.closed.contains(place));
        found.map(|(_, &level)| if open { level } else { 0.0 })
    }

    /// The product and its variants.
    fn family(&self, key: &str) -> Vec<&'static str> {
        let primary = |item: &str| self.products.get(item)?.primary_key.clone();
        let member = |item: &&str| *item == key || primary(item).as_deref() == Some(key);
        ITEMS.into_iter().filter(member).collect()
    }

    fn at(&self, place: &str, key: &str, least: f32) -> bool {
        let family = self.family(key).into_iter();
        let sum: f32 = family
            .filter_map(|item| self.level(Some(place), item))
            .sum();
        sum > 0.0 && sum >= least
    }

    fn anywhere(&self, key: &str, least: f32) -> bool {
        let (mut some, mut sum) = (None, 0.0);
        for item in self.family(key) {
            let placed = PLACES
                .iter()
                .filter_map(|place| self.level(Some(place), item));
            let placed = placed.reduce(|sum, level| sum + level);
            if let Some(level) = self.level(None, item).or(placed) {
                some = Some(some.unwrap_or(false) || level > 0.0);
                sum += level;
            }
        }
        some.unwrap_or(true) && (least <= 0.0 || sum >= least)
    }

    fn allows(&self, key: &str, offer: &Offer<'_>) -> bool {
        let Some(record) = self.products.get(key) else {
            return false;
        };
        let open = record.available_time.is_none_or(|from| from <= offer.now)
            && record.expire_time.is_none_or(|until| offer.now < until);
        let channels = &record.eligible_channels;
        let meant = offer
            .channel
            .is_none_or(|channel| channels.is_empty() || channels.contains(&channel));
        let least = offer.min_quantity;
        let there = match offer.places {
            [] => self.anywhere(key, least),
            places => places.iter().any(|place| self.at(place, key, least)),
        };
        !record.hidden && open && meant && there
    }
}

#[derive(Debug, Clone)]
enum Step {
    Product(usize, Option<(usize, u8, i64)>),
    Stock(usize, usize, u8),
    Place(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let described = prop::option::weighted(0.85, (0..8usize, any::<u8>(), 0..40i64));
    let product = (0..ITEMS.len(), described).prop_map(|(item, state)| Step::Product(item, state));
    let stock = (0..ITEMS.len(), 0..=PLACES.len(), 0..5u8);
    let stock = stock.prop_map(|(item, place, quantity)| Step::Stock(item, place, quantity));
    let place = (0..PLACES.len(), any::<bool>());
    let place = place.prop_map(|(place, closed)| Step::Place(place, closed));
    prop::collection::vec(prop_oneof![4 => product, 4 => stock, 1 => place], 0..60)
}

/// A record of one of many sorts: `family` may name the product it is a variant of.
fn described(key: &str, (family, sort, time): (usize, u8, i64)) -> ProductRecord {
    let primary = ITEMS.get(family).filter(|primary| **primary != key);
    ProductRecord {
        primary_key: primary.map(|&primary| primary.to_owned()),
        hidden: sort % 7 == 0,
        eligible_channels: if sort % 3 == 0 {
            vec![Channel::App]
        } else {
            vec![]
        },
        available_time: (sort % 2 == 0).then_some(Timestamp(time)),
        expire_time: (sort % 5 == 0).then_some(Timestamp(time + 10)),
        ..product(key)
    }
}

fn take(catalogue: &mut Catalogue, model: &mut Model, step: &Step, position: u64) {
    match *step {
        Step::Product(item, state) => {
            let key = ITEMS[item];
            let record = state.map(|state| described(key, state));
            catalogue.apply_product(key, record.clone(), stamp(position));
            match record {
                Some(record) => model.products.insert(key, record),
                None => model.products.remove(key),
            };
        }
        Step::Stock(item, place, quantity) => {
            let (place, quantity) = (PLACES.get(place).copied(), f32::from(quantity));
            let set_time = i64::try_from(position).unwrap();
            stock(catalogue, &level(place, ITEMS[item], quantity, set_time));
            model.levels.insert((place, ITEMS[item]), quantity);
        }
        Step::Place(place, closed) => {
            let key = PLACES[place];
            let place = Place {
                key: key.into(),
                closed,
                ..Place::default()
            };
            catalogue.apply_place(key, Some(place), stamp(position));
            model.closed.remove(key);
            model.closed.extend(closed.then_some(key));
        }
    }
}

fn assert_in_step(catalogue: &Catalogue, model: &Model, view: &EligibilityView, times: &[i64]) {
    let everywhere = PLACES.map(str::to_owned).to_vec();
    let places = [vec![], at("soho"), at("nowhere"), everywhere];
    let asked = times
        .iter()
        .enumerate()
        .flat_map(|asked| places.iter().map(move |places| (asked, places)));
    for ((number, &now), places) in asked {
        let offer = Offer {
            places,
            channel: [None, Some(Channel::Web), Some(Channel::App)][number % 3],
            now: Timestamp(now),
            min_quantity: if number % 2 == 0 { 0.0 } else { 3.0 },
            orders: Orders::Refused,
        };
        let mut offered = offered(catalogue, view, &offer);
        offered.sort();
        let mut expected = ITEMS.to_vec();
        expected.retain(|key| model.allows(key, &offer));
        expected.sort_unstable();
        assert_eq!(offered, expected, "{offer:?}");
        for key in ITEMS {
            let obstacles = catalogue.obstacles(key, &offer);
            assert_eq!(
                obstacles.is_empty(),
                expected.contains(&key),
                "{key} {obstacles:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn views_are_kept_in_step_with_the_facts(
        steps in steps(),
        early in 0..60u64,
        times in prop::collection::vec(-5..60i64, 6),
    ) {
        let (mut catalogue, mut model) = (Catalogue::default(), Model::default());
        let mut view = catalogue.view(vocabulary(&ITEMS));
        for (position, step) in (1u64..).zip(&steps) {
            if position == early {
                // One made in the middle, of what is known by then.
                view = catalogue.view(vocabulary(&["lid", "pot", "unsold", "cup", "jar", "cup-red", "cup-blue"]));
            }
            take(&mut catalogue, &mut model, step, position);
            // Quantities asked for once are kept in step from then on.
            if position.is_multiple_of(9) {
                assert_in_step(&catalogue, &model, &view, &times[..2]);
            }
        }
        assert_in_step(&catalogue, &model, &view, &times);
    }

    #[test]
    fn levels_of_stock_are_the_same_in_whatever_order_they_come(
        levels in prop::collection::vec((0..3usize, 0..3usize, 0..9i64, 0..5u8), 1..40),
        keys in prop::collection::vec(any::<u32>(), 40),
    ) {
        let facts: Vec<(Stock, u64)> = levels.iter().zip(1u64..).map(|(&(item, place, time, quantity), position)| {
            (level(Some(PLACES[place]), ITEMS[item], f32::from(quantity), time), position)
        }).collect();
        let taken = |order: &[(Stock, u64)]| {
            let mut catalogue = Catalogue::default();
            for (stock, position) in order {
                let fact = &stock.facts().unwrap()[0];
                let stamp = Stamp { version: fact.version, position: Position(*position) };
                catalogue.apply_stock(&fact.key, fact.value.as_deref(), stamp).unwrap();
            }
            let all = PLACES.iter().flat_map(|place| ITEMS.map(|item| (place, item)));
            all.map(|(place, item)| catalogue.quantity_at(place, item)).collect::<Vec<f32>>()
        };
        let mut shuffled: Vec<_> = facts.iter().cloned().zip(keys).collect();
        shuffled.sort_by_key(|&(_, key)| key);
        let shuffled: Vec<(Stock, u64)> = shuffled.into_iter().map(|(fact, _)| fact).collect();
        prop_assert_eq!(taken(&facts), taken(&shuffled));
    }
}
