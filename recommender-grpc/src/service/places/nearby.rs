//! Places near a point, and what they have.

use tokio::time::Instant;

use super::Places;
use crate::convert::{self, Violations, pages};
use crate::proto::{FindNearbyPlacesRequest, FindNearbyPlacesResponse};
use crate::status::Refusal;

/// Places answered where the caller does not say.
const USUAL: usize = 20;

/// Most products that are looked for.
const MAX_PRODUCTS: usize = 100;

/// Half the way around the earth, in kilometres: no place is further away.
const FARTHEST_KM: f64 = 20_038.0;

impl Places {
    pub(super) async fn nearby(
        &self,
        request: FindNearbyPlacesRequest,
        deadline: Instant,
    ) -> Result<FindNearbyPlacesResponse, Refusal> {
        let store = self.store()?.clone();
        let mut wrong = Violations::default();
        self.check_parent(&request.parent, &mut wrong);
        let limit = pages::size(request.page_size, USUAL, &mut wrong);
        if request.point.is_none() {
            wrong.add("point", "expected a point, found none");
        }
        let point = request.point.unwrap_or_default();
        let point = convert::places::point(point, "point", &mut wrong);
        let radius = request.radius_km;
        if !(radius > 0.0 && radius <= FARTHEST_KM) {
            let expected = format!("expected above 0, at most {FARTHEST_KM}");
            wrong.add("radius_km", format!("{expected}; found {radius}"));
        }
        let products = request.product_ids;
        wrong.bound("product_ids", products.len(), MAX_PRODUCTS);
        let stocked_only = request.in_stock_only;
        if stocked_only && products.is_empty() {
            wrong.add(
                "product_ids",
                "expected a product to be in stock, found none",
            );
        }
        wrong.or(())?;
        let catalog = self.shop.catalog.clone();
        let work = move |_: &crate::Caller| {
            let as_of = store.now();
            // Which places have some is known only once they were looked at.
            let looked_at = if stocked_only { usize::MAX } else { limit };
            let found = store.nearest_with(point, radius, (&products, looked_at));
            let found = found.into_iter();
            let places = found
                .filter(|place| !stocked_only || !place.available.is_empty())
                .take(limit)
                .map(|place| convert::places::nearby(place, &catalog));
            FindNearbyPlacesResponse {
                places: places.collect(),
                inventory_as_of: Some(convert::events::wire_time(as_of)),
            }
        };
        Ok(self.shop.background.run(deadline, work).await?)
    }
}
