//! From products to sparse feature vectors: TF-IDF over words, and one feature per category level, brand, tag,
//! attribute value and bin of a number.

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::catalog::terms::{Bins, Field, Term, terms_of};
use crate::catalog::{Catalog, FeatureNames, Product};
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::sparse::SparseMatrix;

/// Which parts of a product become features, and how much each part counts.
///
/// Every field of a product makes a vector of its own: term frequency × inverse document frequency, scaled to
/// length 1. The vectors are multiplied by the weights below, added, and the sum is scaled to length 1 again.
/// A weight is therefore a field's share of the whole, however many words the field has. A weight of 0 leaves
/// the field out.
///
/// | field | default | range |
/// |---|---|---|
/// | `title` | 1 | ≥ 0 |
/// | `description` | 0.5 | ≥ 0 |
/// | `categories` | 0.5 | ≥ 0 |
/// | `brand` | 0.3 | ≥ 0 |
/// | `tags` | 0.3 | ≥ 0 |
/// | `attributes` | 0.3 | ≥ 0 |
/// | `price` | 0.2 | ≥ 0 |
/// | `phrases` | true | |
/// | `idf_power` | 2 | 0 to 4 |
/// | `min_products` | 1 | ≥ 1 |
/// | `max_share` | 1 | 0 < share ≤ 1 |
/// | `bins` | 8 | 1 to 1,000 |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureConfig {
    /// Weight of the words of the title.
    pub title: f32,
    /// Weight of the words of the description. A word is the same feature in title and description.
    pub description: f32,
    /// Weight of the categories: every level of every path is a feature.
    pub categories: f32,
    /// Weight of the brand.
    pub brand: f32,
    /// Weight of the tags.
    pub tags: f32,
    /// Weight of the attributes: one feature per name and value, numbers by their bin.
    pub attributes: f32,
    /// Weight of the price, by its bin.
    pub price: f32,
    /// Whether two words that follow each other in a title are a feature too.
    pub phrases: bool,
    /// Exponent of the inverse document frequency: the higher, the more a rare feature outweighs a common one.
    pub idf_power: f32,
    /// Features of fewer products are left out.
    pub min_products: usize,
    /// Features of a larger share of the products are left out.
    pub max_share: f64,
    /// Into how many bins, of equally many products each, a number is cut.
    pub bins: usize,
}

impl Default for FeatureConfig {
    fn default() -> Self {
        Self {
            title: 1.0,
            description: 0.5,
            categories: 0.5,
            brand: 0.3,
            tags: 0.3,
            attributes: 0.3,
            price: 0.2,
            phrases: true,
            idf_power: 2.0,
            min_products: 1,
            max_share: 1.0,
            bins: 8,
        }
    }
}

/// Most bins a number may be cut into.
const MAX_BINS: usize = 1_000;

impl FeatureConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        for field in Field::ALL {
            let weight = self.weight(field);
            if !(weight.is_finite() && weight >= 0.0) {
                let name = format!("content.{}", field.setting());
                return Err(Error::config(name, "a finite number of at least 0", weight));
            }
        }
        if !(0.0..=4.0).contains(&self.idf_power) {
            let expected = "a number from 0 to 4";
            return Err(Error::config("content.idf_power", expected, self.idf_power));
        }
        if self.min_products == 0 {
            return Err(Error::config("content.min_products", "at least 1", 0));
        }
        if !(self.max_share > 0.0 && self.max_share <= 1.0) {
            let expected = "a share above 0 and at most 1";
            return Err(Error::config("content.max_share", expected, self.max_share));
        }
        if !(1..=MAX_BINS).contains(&self.bins) {
            let expected = format!("a number from 1 to {MAX_BINS}");
            return Err(Error::config("content.bins", expected, self.bins));
        }
        Ok(())
    }

    /// The weight of `field`.
    pub(crate) fn weight(&self, field: Field) -> f32 {
        match field {
            Field::Title => self.title,
            Field::Description => self.description,
            Field::Categories => self.categories,
            Field::Brand => self.brand,
            Field::Tags => self.tags,
            Field::Attributes => self.attributes,
            Field::Price => self.price,
        }
    }
}

/// The feature vectors of a catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Items × features; a row has length 1, or is empty for an item that has no product or no known feature.
    pub matrix: SparseMatrix,
    /// What the columns mean.
    pub names: FeatureNames,
}

impl Features {
    /// The features of every product of `catalog`; `items` is the number of rows.
    ///
    /// Columns are numbered in the order of their names, so equal catalogues give equal features.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is out of range; [`Error::Internal`] if the catalogue has more rows.
    pub fn extract(catalog: &Catalog, items: usize, config: &FeatureConfig) -> Result<Self> {
        config.validate()?;
        let products: Vec<(ItemIx, &Product)> = catalog.iter().collect();
        let bins = Bins::of(products.iter().map(|&(_, product)| product), config.bins);
        let terms: Vec<Vec<Term>> = products
            .par_iter()
            .map(|(_, product)| terms_of(product, config, &bins))
            .collect();
        let kept = select(&terms, config);
        let columns: FxHashMap<&str, (u32, f32)> = kept
            .iter()
            .zip(0u32..)
            .map(|(&(name, with_feature), column)| {
                let idf = idf(terms.len(), with_feature).powf(config.idf_power);
                (name, (column, idf))
            })
            .collect();
        let vectors: Vec<Vec<(u32, f32)>> = terms
            .par_iter()
            .map(|terms| vector(terms, &columns, config))
            .collect();
        let mut rows = vec![Vec::new(); items];
        for (&(item, _), vector) in products.iter().zip(vectors) {
            let row = rows.get_mut(item.position());
            *row.ok_or_else(|| Error::Internal("the catalogue is wider than the data".into()))? =
                vector;
        }
        Ok(Self {
            matrix: SparseMatrix::from_rows(kept.len(), rows)?,
            names: FeatureNames::new(kept.iter().map(|&(name, _)| name)),
        })
    }
}

/// Names of the features to keep, ascending, with the number of products that have each.
fn select<'t>(terms: &'t [Vec<Term>], config: &FeatureConfig) -> Vec<(&'t str, usize)> {
    let mut counts: FxHashMap<&str, (usize, usize)> = FxHashMap::default();
    for (product, terms) in terms.iter().enumerate() {
        for term in terms {
            let (count, last) = counts.entry(&term.name).or_insert((0, usize::MAX));
            if *last != product {
                *count += 1;
                *last = product;
            }
        }
    }
    let most = config.max_share * terms.len() as f64;
    let mut kept: Vec<(&str, usize)> = counts
        .into_iter()
        .map(|(name, (count, _))| (name, count))
        .filter(|&(_, count)| count >= config.min_products && count as f64 <= most)
        .collect();
    kept.sort_unstable();
    kept
}

/// Inverse document frequency `ln((1 + n) / (1 + df)) + 1`: as if one more product had every feature.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a weight needs no more than 24 bits"
)]
fn idf(products: usize, with_feature: usize) -> f32 {
    (((1 + products) as f64 / (1 + with_feature) as f64).ln() + 1.0) as f32
}

/// The vector of one product: each field to length 1, weighted, added, and the sum to length 1.
fn vector(
    terms: &[Term],
    columns: &FxHashMap<&str, (u32, f32)>,
    config: &FeatureConfig,
) -> Vec<(u32, f32)> {
    let mut entries: Vec<(u32, f32)> = Vec::with_capacity(terms.len());
    for block in terms.chunk_by(|a, b| a.field == b.field) {
        let start = entries.len();
        for term in block {
            if let Some(&(column, idf)) = columns.get(&*term.name) {
                entries.push((column, term.frequency * idf));
            }
        }
        scale_to(config.weight(block[0].field), &mut entries[start..]);
    }
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    entries.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    scale_to(1.0, &mut entries);
    entries.retain(|&(_, value)| value > 0.0);
    entries
}

/// Scales `entries` to `length`; nothing stays nothing.
pub(crate) fn scale_to(length: f32, entries: &mut [(u32, f32)]) {
    let squares: f32 = entries.iter().map(|(_, value)| value * value).sum();
    if squares > 0.0 {
        let factor = length / squares.sqrt();
        entries.iter_mut().for_each(|(_, value)| *value *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::AttributeValue;
    use crate::ids::Vocabulary;

    fn product(key: &str, title: &str) -> Product {
        Product {
            key: key.into(),
            title: title.into(),
            ..Product::default()
        }
    }

    fn extract(products: Vec<Product>, config: &FeatureConfig) -> Features {
        let mut items = Vocabulary::new();
        let catalog = Catalog::align(products, &mut items).unwrap();
        Features::extract(&catalog, items.len(), config).unwrap()
    }

    fn row(features: &Features, item: usize) -> Vec<(&str, f32)> {
        let row = features.matrix.row(item);
        row.iter()
            .map(|(feature, value)| (features.names.name(feature as usize), value))
            .collect()
    }

    #[test]
    fn every_field_makes_features_and_rows_have_length_one() {
        let mug = Product {
            description: "a red mug".into(),
            categories: vec![vec!["Home".into(), "Kitchen".into()]],
            brand: Some(" ACME ".into()),
            tags: vec!["gift".into()],
            price: Some(3.5),
            attributes: [
                ("colour".into(), AttributeValue::Text("Red".into())),
                ("volume".into(), AttributeValue::Number(0.3)),
            ]
            .into(),
            ..product("mug", "red mug")
        };
        let features = extract(vec![mug], &FeatureConfig::default());
        let names: Vec<&str> = row(&features, 0).iter().map(|&(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "brand:acme",
                "category:Home",
                "category:Home > Kitchen",
                "colour=red",
                "phrase:red mug",
                "price:..",
                "tag:gift",
                "volume=..",
                "word:a",
                "word:mug",
                "word:red"
            ]
        );
        assert!((features.matrix.row(0).squared_norm() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_weight_is_the_share_of_its_field_however_many_words_it_has() {
        let config = FeatureConfig {
            brand: 1.0,
            phrases: false,
            ..FeatureConfig::default()
        };
        let mut mug = product("mug", "large red mug with handle");
        mug.brand = Some("acme".into());
        let features = extract(vec![mug], &config);
        let (name, value) = row(&features, 0)[0];
        assert_eq!(name, "brand:acme");
        assert!((value - 0.5f32.sqrt()).abs() < 1e-6, "{value}");
    }

    #[test]
    fn numbers_are_cut_at_their_quantiles() {
        let priced = |price: f64| Product {
            price: Some(price),
            ..product(&price.to_string(), "")
        };
        let config = FeatureConfig {
            bins: 2,
            ..FeatureConfig::default()
        };
        let prices = [1.0, 2.0, 30.0, 400.0];
        let features = extract(prices.map(priced).to_vec(), &config);
        let names: Vec<Vec<&str>> = (0..4)
            .map(|item| row(&features, item).iter().map(|&(name, _)| name).collect())
            .collect();
        assert_eq!(names[..2], [["price:..30"], ["price:..30"]]);
        assert_eq!(names[2..], [["price:30.."], ["price:30.."]]);
    }

    #[test]
    fn rare_and_common_features_can_be_left_out() {
        let config = FeatureConfig {
            phrases: false,
            min_products: 2,
            max_share: 0.7,
            ..FeatureConfig::default()
        };
        let titles = ["red mug", "red cup", "red mug large"];
        let products = titles.map(|title| product(title, title)).to_vec();
        let features = extract(products, &config);
        assert_eq!(features.names.len(), 1);
        assert_eq!(features.names.name(0), "word:mug");
        assert!(features.matrix.row(1).is_empty());
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let refused = |config: FeatureConfig| config.validate().unwrap_err().to_string();
        let base = FeatureConfig::default;
        let error = refused(FeatureConfig {
            title: f32::NAN,
            ..base()
        });
        assert!(error.contains("content.title"), "{error}");
        let error = refused(FeatureConfig { bins: 0, ..base() });
        assert!(error.contains("content.bins"), "{error}");
        let error = refused(FeatureConfig {
            max_share: 0.0,
            ..base()
        });
        assert!(error.contains("content.max_share"), "{error}");
        let error = refused(FeatureConfig {
            min_products: 0,
            ..base()
        });
        assert!(error.contains("content.min_products"), "{error}");
        let error = refused(FeatureConfig {
            idf_power: -1.0,
            ..base()
        });
        assert!(error.contains("content.idf_power"), "{error}");
    }
}
