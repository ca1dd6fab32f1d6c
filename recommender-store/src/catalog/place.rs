//! Places, and those near a point.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::stamp::{Slot, Stamp};

/// A store or warehouse.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Its key, as events and stock name it; at most [`MAX_PLACE_BYTES`](crate::catalog::MAX_PLACE_BYTES).
    pub key: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: PlaceKind,
    /// Degrees north, from −90 to 90.
    pub latitude: Option<f64>,
    /// Degrees east, from −180 to 180.
    pub longitude: Option<f64>,
    /// Postal address.
    pub address: String,
    /// Whether nothing is sold there at the moment, whatever its stock says.
    pub closed: bool,
    /// Anything else.
    pub attributes: BTreeMap<String, String>,
}

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// Shoppers come to it.
    #[default]
    Store,
    /// Goods are sent from it.
    Warehouse,
    /// Goods are only fetched there.
    PickupPoint,
}

/// A place and how far away it is.
#[derive(Debug, Clone, PartialEq)]
pub struct NearPlace {
    /// The place.
    pub place: Arc<Place>,
    /// Kilometres along the surface of the earth.
    pub distance_km: f64,
}

/// Mean radius of the earth (IUGG), in kilometres.
const EARTH_KM: f64 = 6371.0088;

/// What is known of the places, and an index of where they are.
#[derive(Debug, Default)]
pub struct Places {
    places: BTreeMap<String, Slot<Arc<Place>>>,
    /// Places with coordinates, from south to north.
    located: Vec<Located>,
}

#[derive(Debug)]
struct Located {
    latitude: f64,
    longitude: f64,
    place: Arc<Place>,
}

impl Places {
    /// Takes in what a place is now, or that it is none any more; what came with a larger stamp stays.
    /// Says whether anything changed.
    pub fn apply(&mut self, key: &str, place: Option<Place>, stamp: Stamp) -> bool {
        let place = place.map(Arc::new);
        let slot = self.places.entry(key.to_owned()).or_default();
        let before = slot.value().cloned();
        if !slot.put(stamp, place.clone()) {
            return false;
        }
        if before.is_some_and(|before| before.latitude.is_some()) {
            self.located.retain(|located| located.place.key != key);
        }
        if let Some(place) = place
            && let Some((latitude, longitude)) = place.latitude.zip(place.longitude)
        {
            let at = self
                .located
                .partition_point(|other| other.latitude < latitude);
            let located = Located {
                latitude,
                longitude,
                place,
            };
            self.located.insert(at, located);
        }
        true
    }

    /// The place of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Arc<Place>> {
        self.places.get(key)?.value()
    }

    /// All places, by key.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Place>> {
        self.places.values().filter_map(Slot::value)
    }

    /// Open places within some kilometres of a point, the nearest first, those equally far by key; at most `limit`.
    ///
    /// Only places of the latitudes in question are looked at, and a distance is worked out only within their longitudes.
    #[must_use]
    pub fn nearest(&self, point: Point, within_km: f64, limit: usize) -> Vec<NearPlace> {
        let arc = within_km / EARTH_KM;
        if arc.is_nan() || arc < 0.0 {
            return Vec::new();
        }
        let (south, north) = (
            point.latitude - arc.to_degrees(),
            point.latitude + arc.to_degrees(),
        );
        let from = self.located.partition_point(|place| place.latitude < south);
        let band = self.located[from..].iter();
        let band = band.take_while(|place| place.latitude <= north);
        let width = longitudes(point.latitude, arc);
        let mut near: Vec<NearPlace> = band
            .filter(|place| !place.place.closed && apart(place.longitude, point.longitude) <= width)
            .map(|place| NearPlace {
                distance_km: distance_km(point, place),
                place: Arc::clone(&place.place),
            })
            .filter(|near| near.distance_km <= within_km)
            .collect();
        near.sort_by(|a, b| {
            let by_distance = a.distance_km.total_cmp(&b.distance_km);
            by_distance.then_with(|| a.place.key.cmp(&b.place.key))
        });
        near.truncate(limit);
        near
    }
}

/// A point on the earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// How many degrees of longitude a circle of `arc` radians around a point of a latitude reaches to each side, and a
/// little more, so that rounding loses no place on it.
fn longitudes(latitude: f64, arc: f64) -> f64 {
    let sine = arc.sin() / latitude.to_radians().cos();
    let around_a_pole = latitude.abs() + arc.to_degrees() >= 90.0;
    if around_a_pole || sine.is_nan() || sine >= 1.0 {
        return 180.0;
    }
    sine.asin().to_degrees() * (1.0 + 1e-9) + 1e-9
}

/// Degrees between two longitudes, the shorter way.
fn apart(a: f64, b: f64) -> f64 {
    let apart = (a - b).abs() % 360.0;
    apart.min(360.0 - apart)
}

/// The haversine formula (Sinnott, *Virtues of the haversine*, Sky and Telescope 68, 1984).
fn distance_km(point: Point, place: &Located) -> f64 {
    let (south, north) = (point.latitude.to_radians(), place.latitude.to_radians());
    let half = |a: f64, b: f64| ((a - b).to_radians() / 2.0).sin().powi(2);
    let across = south.cos() * north.cos() * half(point.longitude, place.longitude);
    let haversine = half(point.latitude, place.latitude) + across;
    2.0 * EARTH_KM * haversine.clamp(0.0, 1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Position;

    fn stamp(position: u64) -> Stamp {
        Stamp {
            version: 0,
            position: Position(position),
        }
    }

    fn place(key: &str, latitude: f64, longitude: f64) -> Place {
        Place {
            key: key.into(),
            latitude: Some(latitude),
            longitude: Some(longitude),
            ..Place::default()
        }
    }

    fn point(latitude: f64, longitude: f64) -> Point {
        Point {
            latitude,
            longitude,
        }
    }

    fn places(of: &[Place]) -> Places {
        let mut places = Places::default();
        for place in of {
            assert!(places.apply(&place.key, Some(place.clone()), stamp(1)));
        }
        places
    }

    fn keys(near: &[NearPlace]) -> Vec<&str> {
        near.iter().map(|near| near.place.key.as_str()).collect()
    }

    #[test]
    fn london_is_344_km_from_paris() {
        let places = places(&[place("paris", 48.8566, 2.3522)]);
        let near = places.nearest(point(51.5074, -0.1278), 400.0, 9);
        assert!((near[0].distance_km - 343.56).abs() < 0.1, "{near:?}");
        assert!(places.nearest(point(51.5074, -0.1278), 340.0, 9).is_empty());
    }

    #[test]
    fn the_date_line_and_the_poles_part_no_neighbours() {
        let fiji = places(&[place("east", -17.0, 179.99), place("west", -17.0, -179.98)]);
        assert_eq!(
            keys(&fiji.nearest(point(-17.0, 180.0), 5.0, 9)),
            ["east", "west"]
        );
        let pole = places(&[place("here", 89.99, 0.0), place("over", 89.99, 180.0)]);
        assert_eq!(
            keys(&pole.nearest(point(89.995, 0.0), 5.0, 9)),
            ["here", "over"]
        );
    }

    #[test]
    fn a_place_that_moves_closes_or_goes_is_not_found_where_it_was() {
        let mut places = places(&[place("a", 1.0, 1.0), place("b", 1.0, 1.001)]);
        assert_eq!(keys(&places.nearest(point(1.0, 1.0), 1.0, 1)), ["a"]);
        assert!(places.apply("a", Some(place("a", 2.0, 2.0)), stamp(5)));
        assert!(!places.apply("a", Some(place("a", 1.0, 1.0)), stamp(4)));
        let closed = Place {
            closed: true,
            ..place("b", 1.0, 1.0)
        };
        places.apply("b", Some(closed), stamp(6));
        assert!(places.nearest(point(1.0, 1.0), 1.0, 9).is_empty());
        assert!(places.apply("a", None, stamp(7)));
        assert_eq!((places.get("a"), places.iter().count()), (None, 1));
        assert!(places.nearest(point(2.0, 2.0), f64::NAN, 9).is_empty());
    }

    proptest! {
        #[test]
        fn the_index_finds_what_looking_at_all_finds(
            spots in prop::collection::vec((-90.0f64..90.0, -180.0f64..180.0), 0..60),
            latitude in -90.0f64..90.0,
            longitude in -180.0f64..180.0,
            within_km in 0.0f64..21_000.0,
        ) {
            let all: Vec<Place> = spots.iter().zip(0..).map(|(spot, n)| place(&format!("{n}"), spot.0, spot.1)).collect();
            let places = places(&all);
            let here = point(latitude, longitude);
            let found = places.nearest(here, within_km, usize::MAX);
            let distances = places.located.iter().map(|located| distance_km(here, located));
            prop_assert_eq!(found.len(), distances.filter(|&km| km <= within_km).count());
        }
    }
}
