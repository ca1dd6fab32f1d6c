//! Stores near by, and what they have.

use crate::catalog::{Catalogue, NearPlace, Point};

/// A place near by, and what it has of what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct NearStock {
    /// The place, and how far away it is.
    pub near: NearPlace,
    /// Items of which it has some, in the order asked, with how many.
    pub available: Vec<(String, f32)>,
}

impl Catalogue {
    /// Open places within some kilometres of a point, the nearest first, at most `limit`, each with what it has of
    /// `items`. A place that has none of them is among them.
    #[must_use]
    pub fn nearest_with(
        &self,
        point: Point,
        within_km: f64,
        asked: (&[String], usize),
    ) -> Vec<NearStock> {
        let (items, limit) = asked;
        let near = self.places().nearest(point, within_km, limit);
        let stocked = near.into_iter().map(|near| {
            let quantities = items.iter().map(|item| {
                let quantity = self.quantity_at(&near.place.key, item);
                (item.clone(), quantity)
            });
            let available = quantities.filter(|&(_, quantity)| quantity > 0.0).collect();
            NearStock { near, available }
        });
        stocked.collect()
    }
}
