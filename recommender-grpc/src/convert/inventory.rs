//! Stock of the wire and of the store.

use std::collections::HashSet;

use recommender_core::Timestamp;
use recommender_store::catalog::{Stock, StockOutcome};
use recommender_store::record::FactOutcome;

use crate::answering::Freshness;
use crate::convert::events::{self, timestamp};
use crate::convert::products::{self, note_fault};
use crate::convert::violations::Violations;
use crate::proto::{
    Inventory, InventoryOutcome, LocalInventory, PlaceOutcome, SetInventoryResponse,
};

/// Most places of one inventory.
pub(crate) const MAX_PLACES: usize = 1000;

/// When what was said was so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The time of the call.
    pub(crate) now: Timestamp,
    /// The latest time that a caller's clock may show.
    pub(crate) horizon: Timestamp,
}

impl Moment {
    /// The time that a caller gives, or the time of the call; notes a time that is too far ahead.
    pub(crate) fn set_time(
        self,
        given: Option<prost_types::Timestamp>,
        field: &str,
        wrong: &mut Violations,
    ) -> Timestamp {
        let time = timestamp(given, field, wrong).unwrap_or(self.now);
        if time > self.horizon {
            let (most, found) = (self.horizon.0, time.0);
            let expected = format!("expected at most {most} ms after 1970");
            wrong.add(field, format!("{expected}, found {found} ms"));
        }
        time
    }
}

/// Which parts of an inventory are taken.
#[derive(Debug, Clone, Copy)]
struct Parts {
    quantity: bool,
    price: bool,
    /// Whether a part that is taken must be there.
    named: bool,
}

impl Parts {
    fn of(mask: Option<&prost_types::FieldMask>, field: &str, wrong: &mut Violations) -> Self {
        let paths = mask.map_or(&[][..], |mask| &mask.paths);
        for path in paths {
            if !["available_quantity", "price"].contains(&path.as_str()) {
                let expected = "expected \"available_quantity\" or \"price\"";
                wrong.add(field, format!("{expected}, found {path:?}"));
            }
        }
        let names = |part: &str| paths.is_empty() || paths.iter().any(|path| path == part);
        Self {
            quantity: names("available_quantity"),
            price: names("price"),
            named: !paths.is_empty(),
        }
    }
}

/// The fields of a request that say of which parts, and as of when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// The key of the product.
    pub(crate) item: &'a str,
    /// The mask, and the name of its field.
    pub(crate) mask: (Option<&'a prost_types::FieldMask>, &'a str),
    /// When it was so.
    pub(crate) set_time: Timestamp,
}

/// The levels of an inventory; notes what is wrong with it.
pub(crate) fn levels(
    inventory: &Inventory,
    setting: Setting<'_>,
    wrong: &mut Violations,
) -> Vec<Stock> {
    let overall = LocalInventory {
        place_id: String::new(),
        available_quantity: inventory.available_quantity,
        price: inventory.price.clone(),
    };
    let parts = Parts::of(setting.mask.0, setting.mask.1, wrong);
    let mut levels = Vec::with_capacity(inventory.local_inventories.len() + 1);
    if overall.available_quantity.is_some() || overall.price.is_some() {
        levels.extend(level(&overall, (setting, parts), "inventory", wrong));
    } else if inventory.local_inventories.is_empty() {
        wrong.add(
            "inventory",
            "expected a quantity, a price or a place, found none",
        );
    }
    let field = "inventory.local_inventories";
    let local = &inventory.local_inventories;
    levels.extend(local_levels(local, (setting, parts), field, wrong));
    levels
}

/// The levels at several places; notes what is wrong with them.
pub(crate) fn levels_at_places(
    local: &[LocalInventory],
    setting: Setting<'_>,
    wrong: &mut Violations,
) -> Vec<Stock> {
    let parts = Parts::of(setting.mask.0, setting.mask.1, wrong);
    if local.is_empty() {
        wrong.add(
            "local_inventories",
            "expected at least one place, found none",
        );
    }
    local_levels(local, (setting, parts), "local_inventories", wrong)
}

fn local_levels(
    local: &[LocalInventory],
    how: (Setting<'_>, Parts),
    field: &str,
    wrong: &mut Violations,
) -> Vec<Stock> {
    wrong.bound(field, local.len(), MAX_PLACES);
    let mut levels = Vec::with_capacity(local.len().min(MAX_PLACES));
    check_places(
        local.iter().map(|local| local.place_id.as_str()),
        field,
        wrong,
    );
    for (number, entry) in local.iter().enumerate().take(MAX_PLACES) {
        levels.extend(level(entry, how, &format!("{field}[{number}]"), wrong));
    }
    levels
}

/// Notes places without a key and those that come twice.
pub(crate) fn check_places<'a>(
    places: impl Iterator<Item = &'a str>,
    field: &str,
    wrong: &mut Violations,
) {
    let mut known = HashSet::new();
    for (number, place) in places.enumerate() {
        if place.is_empty() {
            let at = format!("{field}[{number}]");
            wrong.add(at, "expected the key of a place, found none");
        } else if !known.insert(place) {
            let at = format!("{field}[{number}]");
            wrong.add(
                at,
                format!("expected each place once, found {place:?} again"),
            );
        }
    }
}

fn level(
    entry: &LocalInventory,
    (setting, parts): (Setting<'_>, Parts),
    field: &str,
    wrong: &mut Violations,
) -> Option<Stock> {
    let stock = Stock {
        place: (!entry.place_id.is_empty()).then(|| entry.place_id.clone()),
        item: setting.item.to_owned(),
        quantity: entry.available_quantity.filter(|_| parts.quantity),
        price: entry
            .price
            .clone()
            .filter(|_| parts.price)
            .map(products::money),
        set_time: setting.set_time,
    };
    for (name, there, taken) in [
        (
            "available_quantity",
            stock.quantity.is_some(),
            parts.quantity,
        ),
        ("price", stock.price.is_some(), parts.price),
    ] {
        if parts.named && taken && !there {
            let at = format!("{field}.{name}");
            wrong.add(at, "expected a value, as the mask names it; found none");
        }
    }
    if let Err(error) = stock.validate() {
        note_fault(&error, field, wrong);
        return None;
    }
    Some(stock)
}

/// What became of `levels`, as of a time, and of which write.
pub(crate) fn outcomes<'a>(
    levels: impl Iterator<Item = (&'a str, StockOutcome)>,
    (as_of, seen): (Timestamp, Freshness),
) -> SetInventoryResponse {
    let outcomes = levels.map(|(place, outcome)| PlaceOutcome {
        place_id: place.to_owned(),
        available_quantity: wire_outcome(outcome.quantity).into(),
        price: wire_outcome(outcome.price).into(),
    });
    SetInventoryResponse {
        inventory_as_of: Some(events::wire_time(as_of)),
        outcomes: outcomes.collect(),
        freshness_token: seen.to_string(),
    }
}

fn wire_outcome(outcome: Option<FactOutcome>) -> InventoryOutcome {
    match outcome {
        None => InventoryOutcome::Unspecified,
        Some(FactOutcome::Applied) => InventoryOutcome::Applied,
        Some(FactOutcome::Stale) => InventoryOutcome::Stale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(place: &str, quantity: Option<f32>) -> LocalInventory {
        LocalInventory {
            place_id: place.to_owned(),
            available_quantity: quantity,
            price: None,
        }
    }

    fn read(inventory: &Inventory, mask: &[&str]) -> Result<Vec<Stock>, String> {
        let mask = prost_types::FieldMask {
            paths: mask.iter().map(|&path| path.to_owned()).collect(),
        };
        let setting = Setting {
            item: "cup",
            mask: (Some(&mask), "set_mask"),
            set_time: Timestamp(7),
        };
        let mut wrong = Violations::default();
        let levels = levels(inventory, setting, &mut wrong);
        wrong.or(levels).map_err(|refusal| format!("{refusal:?}"))
    }

    #[test]
    fn every_place_is_a_level_of_its_own() {
        let inventory = Inventory {
            available_quantity: Some(9.0),
            price: None,
            local_inventories: vec![at("north", Some(0.0)), at("south", Some(2.0))],
        };
        let levels = read(&inventory, &[]).unwrap();
        let said: Vec<_> = levels
            .iter()
            .map(|level| (level.place.as_deref(), level.quantity))
            .collect();
        let expected = [
            (None, Some(9.0)),
            (Some("north"), Some(0.0)),
            (Some("south"), Some(2.0)),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let of = |local_inventories| Inventory {
            local_inventories,
            ..Inventory::default()
        };
        for (inventory, mask, field) in [
            (Inventory::default(), &[][..], "\"inventory\""),
            (
                of(vec![at("a", None)]),
                &[],
                "local_inventories[0].available_quantity",
            ),
            (
                of(vec![at("a", Some(-1.0))]),
                &[],
                "local_inventories[0].available_quantity",
            ),
            (
                of(vec![at("a", Some(f32::NAN))]),
                &[],
                "local_inventories[0].available_quantity",
            ),
            (of(vec![at("", Some(1.0))]), &[], "local_inventories[0]\""),
            (
                of(vec![at("a", Some(1.0)), at("a", Some(2.0))]),
                &[],
                "local_inventories[1]\"",
            ),
            (
                of(vec![at("a", Some(1.0))]),
                &["price"],
                "local_inventories[0].price",
            ),
            (of(vec![at("a", Some(1.0))]), &["quantity"], "set_mask"),
            (
                of(vec![at("a", Some(1.0)); MAX_PLACES + 1]),
                &[],
                "local_inventories\"",
            ),
        ] {
            let said = read(&inventory, mask).unwrap_err();
            assert!(said.contains(field), "{field}: {said}");
        }
    }

    #[test]
    fn a_time_ahead_of_every_clock_is_refused() {
        let moment = Moment {
            now: Timestamp(1000),
            horizon: Timestamp(2000),
        };
        let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        for (given, expected) in [(None, Some(1000)), (time(2), Some(2000)), (time(3), None)] {
            let mut wrong = Violations::default();
            let read = moment.set_time(given, "set_time", &mut wrong);
            assert_eq!(wrong.or(read.0).ok(), expected);
        }
    }
}
