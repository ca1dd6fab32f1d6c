//! The gaps between a shopper's purchases of a product, gathered by product and category.

use std::collections::BTreeMap;

use crate::baskets::Baskets;
use crate::dataset::{Change, Dataset};
use crate::error::Result;
use crate::ids::{DenseIndex, ItemIx};
use crate::models::repurchase::gaps::{Gap, Seen, UNSEEN};
use crate::models::repurchase::{Repurchase, RepurchaseConfig, purchases};
use crate::models::shoppers::of_each;
use crate::recommender::FitOptions;

impl RepurchaseConfig {
    /// Learns the gaps of `dataset`'s products: one pass over the events.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range, [`crate::Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Repurchase> {
        self.validate()?;
        let baskets = self.baskets();
        let late = dataset.interactions().end().minus_days(self.sales_days);
        let by_user = of_each(dataset, options, |query| {
            let baskets = Baskets::of_past(query, &baskets);
            let of_late = baskets.iter().filter(|basket| basket.time >= late);
            let sold: Vec<ItemIx> = of_late.flat_map(|it| it.items.to_vec()).collect();
            (purchases(&baskets), sold)
        })?;
        let items = dataset.items().len();
        let (mut products, mut sold) = (vec![Seen::default(); items], vec![0.0; items]);
        for (purchases, sales) in &by_user {
            for purchase in purchases {
                let seen = &mut products[purchase.item.position()];
                seen.add(&purchase.seen);
                seen.open += 1.0;
            }
            for item in sales {
                sold[item.position()] += 1.0;
            }
        }
        let gaps = self.shrunk(dataset, &products);
        Repurchase::new(self.clone(), &gaps, &sold)
    }

    /// What is believed of each product: its own gaps, pulled to its category's, pulled to all.
    fn shrunk(&self, dataset: &Dataset, products: &[Seen]) -> Vec<Gap> {
        let category = |item: usize| category(dataset, ItemIx::at(item));
        let mut all = Seen::default();
        let mut categories: BTreeMap<&[String], Seen> = BTreeMap::new();
        for (item, seen) in products.iter().enumerate() {
            all.add(seen);
            categories.entry(category(item)).or_default().add(seen);
        }
        let all = UNSEEN.updated(&all, 1.0);
        let categories: BTreeMap<&[String], Gap> = categories
            .into_iter()
            .map(|(path, seen)| (path, all.updated(&seen, self.shrinkage)))
            .collect();
        let product =
            |(item, seen): (usize, &Seen)| categories[category(item)].updated(seen, self.shrinkage);
        products.iter().enumerate().map(product).collect()
    }

    /// The model after `change`, byte for byte what [`RepurchaseConfig::fit`] gives for [`Change::after`], by fitting it:
    /// another purchase can leave a user's row of the matrix as it was, so only a look at all events tells whose gaps
    /// differ.
    ///
    /// # Errors
    /// As [`RepurchaseConfig::fit`].
    pub fn update(
        &self,
        _fitted: &Repurchase,
        change: &Change<'_>,
        options: &FitOptions,
    ) -> Result<Repurchase> {
        self.fit(change.after(), options)
    }
}

/// The path of the first category of a product; the empty path for what has none.
fn category(dataset: &Dataset, item: ItemIx) -> &[String] {
    let product = dataset.catalog().product(item);
    product
        .and_then(|product| product.categories.first())
        .map_or(&[], Vec::as_slice)
}
