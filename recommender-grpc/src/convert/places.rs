//! Places of the wire and of the store.

use recommender_store::catalog::{NearStock, Place, PlaceKind, Point};

use crate::convert::products::note_fault;
use crate::convert::violations::Violations;
use crate::proto::{self, GeoPoint, NearbyPlace, ProductQuantity};
use crate::resource;

/// The collection of places in resource names.
pub(crate) const PLACES: &str = "places";

/// Most attributes of a place.
const MAX_ATTRIBUTES: usize = 100;

/// A place as the wire has it.
pub(crate) fn place(place: &Place, catalog: &str) -> proto::Place {
    let location = place.latitude.zip(place.longitude);
    let attributes = place.attributes.iter();
    proto::Place {
        name: resource::name_of(catalog, PLACES, &place.key),
        id: place.key.clone(),
        display_name: place.name.clone(),
        kind: wire_kind(place.kind).into(),
        location: location.map(|(latitude, longitude)| GeoPoint {
            latitude,
            longitude,
        }),
        address: place.address.clone(),
        closed: place.closed,
        attributes: attributes
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    }
}

/// The store's place under `key`; notes what is wrong with it.
pub(crate) fn record(place: proto::Place, key: String, wrong: &mut Violations) -> Place {
    let attributes = place.attributes.len();
    wrong.bound("place.attributes", attributes, MAX_ATTRIBUTES);
    let kind = kind(place.kind, wrong);
    let place = Place {
        key,
        name: place.display_name,
        kind,
        latitude: place.location.map(|point| point.latitude),
        longitude: place.location.map(|point| point.longitude),
        address: place.address,
        closed: place.closed,
        attributes: place.attributes.into_iter().collect(),
    };
    if !place.key.is_empty()
        && let Err(error) = place.validate()
    {
        note_fault(&error, "place", wrong);
    }
    place
}

/// `current` with the fields of `new` that `paths` name, or, without any, those that are not empty; notes paths that name
/// nothing.
pub(crate) fn patched(
    current: &Place,
    new: Place,
    paths: &[String],
    wrong: &mut Violations,
) -> Place {
    const FIELDS: [&str; 6] = [
        "display_name",
        "kind",
        "location",
        "address",
        "closed",
        "attributes",
    ];
    for path in paths {
        if path != "*" && !FIELDS.contains(&path.as_str()) {
            let names = FIELDS.join(", ");
            let expected = format!("expected one of {names} or *");
            wrong.add("update_mask", format!("{expected}; found {path:?}"));
        }
    }
    let all = paths.iter().any(|path| path == "*");
    let takes = |field: &str, is_there: bool| {
        all || paths.iter().any(|path| path == field) || (paths.is_empty() && is_there)
    };
    let mut place = current.clone();
    if takes("display_name", !new.name.is_empty()) {
        place.name = new.name;
    }
    if takes("kind", new.kind != PlaceKind::default()) {
        place.kind = new.kind;
    }
    if takes("location", new.latitude.is_some()) {
        (place.latitude, place.longitude) = (new.latitude, new.longitude);
    }
    if takes("address", !new.address.is_empty()) {
        place.address = new.address;
    }
    if takes("closed", new.closed) {
        place.closed = new.closed;
    }
    if takes("attributes", !new.attributes.is_empty()) {
        place.attributes = new.attributes;
    }
    place
}

/// A point that is on the earth; notes one that is not.
pub(crate) fn point(point: GeoPoint, field: &str, wrong: &mut Violations) -> Point {
    for (name, found, most) in [
        ("latitude", point.latitude, 90.0),
        ("longitude", point.longitude, 180.0),
    ] {
        if !(-most..=most).contains(&found) {
            let at = format!("{field}.{name}");
            wrong.add(
                at,
                format!("expected -{most} to {most} degrees, found {found}"),
            );
        }
    }
    Point {
        latitude: point.latitude,
        longitude: point.longitude,
    }
}

/// A place near by as the wire has it.
pub(crate) fn nearby(stocked: NearStock, catalog: &str) -> NearbyPlace {
    let available = stocked.available.into_iter();
    NearbyPlace {
        place: Some(place(&stocked.near.place, catalog)),
        distance_km: stocked.near.distance_km,
        available: available
            .map(|(product_id, available_quantity)| ProductQuantity {
                product_id,
                available_quantity,
            })
            .collect(),
    }
}

fn kind(number: i32, wrong: &mut Violations) -> PlaceKind {
    match proto::PlaceKind::try_from(number) {
        Ok(proto::PlaceKind::Unspecified | proto::PlaceKind::Store) => PlaceKind::Store,
        Ok(proto::PlaceKind::Warehouse) => PlaceKind::Warehouse,
        Ok(proto::PlaceKind::PickupPoint) => PlaceKind::PickupPoint,
        Err(_) => {
            wrong.add(
                "place.kind",
                format!("expected a PlaceKind, found {number}"),
            );
            PlaceKind::Store
        }
    }
}

fn wire_kind(kind: PlaceKind) -> proto::PlaceKind {
    match kind {
        PlaceKind::Store => proto::PlaceKind::Store,
        PlaceKind::Warehouse => proto::PlaceKind::Warehouse,
        PlaceKind::PickupPoint => proto::PlaceKind::PickupPoint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Place {
        Place {
            key: "north".into(),
            name: "North".into(),
            kind: PlaceKind::PickupPoint,
            latitude: Some(52.5),
            longitude: Some(-13.25),
            address: "1 Street".into(),
            closed: true,
            attributes: [("floor".to_owned(), "2".to_owned())].into(),
        }
    }

    #[test]
    fn a_place_comes_back_as_it_was() {
        let mut wrong = Violations::default();
        let wire = place(&full(), "default");
        assert_eq!(record(wire, "north".into(), &mut wrong), full());
        assert!(wrong.or(()).is_ok());
    }

    #[test]
    fn what_is_named_is_taken_and_the_rest_stays() {
        let mut wrong = Violations::default();
        let new = Place {
            name: "New".into(),
            ..Place::default()
        };
        let mut patched = |paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
            super::patched(&full(), new.clone(), &paths, &mut wrong)
        };
        let named = patched(&["closed", "location"]);
        assert!(!named.closed && named.latitude.is_none() && named.name == "North");
        let there = patched(&[]);
        assert!(there.closed && there.name == "New");
        let all = patched(&["*"]);
        assert!(all.address.is_empty() && all.key == "north");
        patched(&["name"]);
        assert!(wrong.or(()).is_err());
    }

    #[test]
    fn what_is_not_on_the_earth_is_refused() {
        for (latitude, longitude) in [(91.0, 0.0), (0.0, -181.0), (f64::NAN, 0.0)] {
            let mut wrong = Violations::default();
            let away = GeoPoint {
                latitude,
                longitude,
            };
            point(away, "point", &mut wrong);
            assert!(wrong.or(()).is_err());
            let mut wrong = Violations::default();
            let wire = proto::Place {
                location: Some(away),
                ..proto::Place::default()
            };
            record(wire, "a".into(), &mut wrong);
            assert!(wrong.or(()).is_err());
        }
    }
}
