//! At most so many items of one category near the top.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Product};
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::query::Query;
use crate::ranked::{Ranked, Scored};
use crate::recommender::Rerank;

/// Settings of [`CategoryCap`].
///
/// | field | default | range |
/// |---|---|---|
/// | `max_per_category` | 3 | ≥ 1 |
/// | `level` | 1 | ≥ 1 |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CategoryCapConfig {
    /// How many items of one category may stand before the surplus.
    pub max_per_category: usize,
    /// Depth at which two products count as of one category: 1 is the top of the tree.
    pub level: usize,
}

impl Default for CategoryCapConfig {
    fn default() -> Self {
        Self {
            max_per_category: 3,
            level: 1,
        }
    }
}

impl CategoryCapConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the setting out of range.
    pub fn validate(&self) -> Result<()> {
        let at_least_one = "a whole number of at least 1";
        if self.max_per_category == 0 {
            return Err(Error::config("rerank.max_per_category", at_least_one, 0));
        }
        if self.level == 0 {
            return Err(Error::config("rerank.level", at_least_one, 0));
        }
        Ok(())
    }
}

/// Moves what exceeds a category's share behind everything else, in its order, so that no list gets shorter.
/// The first path of a product decides its category; a product without one is never moved.
#[derive(Debug)]
pub struct CategoryCap {
    max_per_category: usize,
    /// Number of each item's category.
    categories: Vec<Option<u32>>,
}

impl CategoryCap {
    /// The cap over the products of `catalog`.
    #[must_use]
    pub fn new(config: &CategoryCapConfig, catalog: &Catalog) -> Self {
        let mut numbers: FxHashMap<&[String], u32> = FxHashMap::default();
        let mut categories = Vec::new();
        for (item, product) in catalog.iter() {
            categories.resize(item.position(), None);
            categories.push(category(product, config.level).map(|path| {
                let next =
                    u32::try_from(numbers.len()).expect("there are no more categories than items");
                *numbers.entry(path).or_insert(next)
            }));
        }
        Self {
            max_per_category: config.max_per_category,
            categories,
        }
    }

    fn category_of(&self, item: ItemIx) -> Option<u32> {
        *self.categories.get(item.position())?
    }
}

fn category(product: &Product, level: usize) -> Option<&[String]> {
    let path = product.categories.first()?;
    (!path.is_empty()).then(|| &path[..level.min(path.len())])
}

impl Rerank for CategoryCap {
    fn rerank(&self, _query: &Query, ranked: Ranked) -> Result<Ranked> {
        let mut taken: FxHashMap<u32, usize> = FxHashMap::default();
        let within = |entry: &&Scored| {
            let Some(category) = self.category_of(entry.item) else {
                return true;
            };
            let taken = taken.entry(category).or_default();
            *taken += 1;
            *taken <= self.max_per_category
        };
        let (mut kept, surplus): (Vec<&Scored>, Vec<&Scored>) =
            ranked.entries().iter().partition(within);
        kept.extend(surplus);
        Ranked::from_ordered(kept.into_iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Vocabulary;

    fn catalog() -> Catalog {
        let product = |key: &str, path: &[&str]| Product {
            key: key.into(),
            categories: vec![path.iter().map(|&level| level.to_owned()).collect()],
            ..Product::default()
        };
        let products = vec![
            product("0", &["home", "cups"]),
            product("1", &["home", "pots"]),
            product("2", &["home", "cups"]),
            product("3", &["garden"]),
            product("4", &[]),
        ];
        Catalog::align(products, &mut Vocabulary::new()).unwrap()
    }

    fn order(config: CategoryCapConfig) -> Vec<u32> {
        let scores = (0..5u8).map(|item| (ItemIx(u32::from(item)), -f32::from(item)));
        let ranked = Ranked::top(&Query::new(5), scores).unwrap();
        let reranked = CategoryCap::new(&config, &catalog())
            .rerank(&Query::new(5), ranked)
            .unwrap();
        reranked.items().map(|item| item.0).collect()
    }

    #[test]
    fn the_surplus_of_a_category_goes_behind_the_rest() {
        assert_eq!(
            order(CategoryCapConfig {
                max_per_category: 1,
                level: 1
            }),
            [0, 3, 4, 1, 2]
        );
        assert_eq!(
            order(CategoryCapConfig {
                max_per_category: 1,
                level: 2
            }),
            [0, 1, 3, 4, 2]
        );
        assert_eq!(
            order(CategoryCapConfig {
                max_per_category: 9,
                level: 1
            }),
            [0, 1, 2, 3, 4]
        );
    }

    #[test]
    fn zero_is_refused() {
        assert!(
            CategoryCapConfig {
                max_per_category: 0,
                level: 1
            }
            .validate()
            .is_err()
        );
        assert!(
            CategoryCapConfig {
                max_per_category: 1,
                level: 0
            }
            .validate()
            .is_err()
        );
    }
}
