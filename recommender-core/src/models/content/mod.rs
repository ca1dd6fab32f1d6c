//! Content: products whose descriptions are like those the shopper chose.
//!
//! A product is a TF-IDF vector over its words and attributes (Salton & Buckley 1988, "Term-weighting approaches
//! in automatic text retrieval"); a shopper is the weighted mean of the vectors of her items (Rocchio's relevance
//! feedback with positive examples only); the score is the cosine between the two. It needs no events of a product,
//! so a new one is recommendable the moment it stands in the catalogue.

mod config;
mod fit;

pub use config::ContentConfig;

use crate::artifact::{TensorSink, Tensors};
use crate::catalog::{FeatureNames, Features, scale_to};
use crate::error::{Error, Result};
use crate::ids::{DenseIndex, ItemIx};
use crate::models::Model;
use crate::query::Query;
use crate::ranked::Ranked;
use crate::recommender::{Recommender, in_parallel};
use crate::sparse::{Accumulator, SparseMatrix};

/// The fitted content model.
///
/// ```
/// use recommender_core::{Dataset, FitOptions, InteractionConfig, ItemIx, Product, Query, Recommender};
/// use recommender_core::events::{Event, EventKind, EventTable};
/// use recommender_core::models::content::ContentConfig;
/// let mut table = EventTable::new();
/// table.push(&Event { visitor: "ann".into(), item: Some("a".into()), quantity: 1.0,
///                     kind: EventKind::Purchase, ..Event::default() })?;
/// let product = |key: &str, title: &str| Product { key: key.into(), title: title.into(), ..Product::default() };
/// let products = vec![product("a", "red lantern"), product("b", "blue mug"), product("c", "blue lantern")];
/// let dataset = Dataset::new(table, products, InteractionConfig::default())?;
/// let content = ContentConfig::default().fit(&dataset, &FitOptions::default())?;
///
/// let mut query = Query::new(5);
/// query.context_items = vec![dataset.items().get("a").unwrap()];
/// let other_lantern = dataset.items().get("c").unwrap();
/// assert_eq!(content.recommend(&query)?.items().nth(1), Some(other_lantern));
/// assert_eq!(content.contributions(&query, other_lantern)[0].0, "word:lantern");
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    features: Features,
    /// Features × items: the transposed feature matrix.
    index: SparseMatrix,
}

impl Content {
    /// Takes up what [`Model::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing or the tensors do not fit each other.
    pub fn load(tensors: &Tensors) -> Result<Self> {
        let matrix = tensors.matrix("features")?;
        let index = tensors.matrix("index")?;
        let shape = (matrix.rows(), matrix.cols(), matrix.nnz());
        if shape != (index.cols(), index.rows(), index.nnz()) {
            let reason = "the features and their index have different shapes";
            return Err(Error::data("content", reason));
        }
        let negative = |matrix: &SparseMatrix| matrix.values().iter().any(|&value| value < 0.0);
        if negative(&matrix) || negative(&index) {
            return Err(Error::data("content", "a feature has a negative value"));
        }
        let offsets = tensors.vector("names.offsets", matrix.cols() + 1)?;
        let names = FeatureNames::try_new(tensors.get("names.text")?.1, offsets)?;
        Ok(Self {
            features: Features { matrix, names },
            index,
        })
    }

    /// The feature vectors of the products.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// What each feature that `item` shares with the shopper adds to its score, largest first.
    ///
    /// The parts sum to the score that [`Recommender::recommend`] gives; an unknown item has none.
    #[must_use]
    pub fn contributions(&self, query: &Query, item: ItemIx) -> Vec<(String, f32)> {
        if item.position() >= self.features.matrix.rows() {
            return Vec::new();
        }
        let profile = self.profile(query, &mut Accumulator::new(self.index.rows()));
        let row = self.features.matrix.row(item.position());
        let mut parts: Vec<(String, f32)> = row
            .iter()
            .filter_map(|(feature, value)| {
                let at = profile.binary_search_by_key(&feature, |&(known, _)| known);
                let name = self.features.names.name(feature as usize);
                Some((name.to_owned(), profile[at.ok()?].1 * value))
            })
            .collect();
        parts.sort_by(|a, b| b.1.total_cmp(&a.1));
        parts
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            features: Accumulator::new(self.index.rows()),
            scores: Accumulator::new(self.index.cols()),
        }
    }

    /// The weighted sum of the vectors of the shopper's items, scaled to length 1, features ascending.
    fn profile(&self, query: &Query, sums: &mut Accumulator) -> Vec<(u32, f32)> {
        for (item, weight) in query.profile() {
            if item.position() < self.features.matrix.rows() && weight > 0.0 {
                sums.add(weight, self.features.matrix.row(item.position()));
            }
        }
        let mut profile: Vec<(u32, f32)> = sums.entries().collect();
        sums.clear();
        profile.sort_unstable_by_key(|&(feature, _)| feature);
        scale_to(1.0, &mut profile);
        profile
    }

    fn answer(&self, query: &Query, scratch: &mut Scratch) -> Result<Ranked> {
        for (feature, weight) in self.profile(query, &mut scratch.features) {
            scratch.scores.add(weight, self.index.row(feature as usize));
        }
        let scores = scratch.scores.entries();
        let ranked = Ranked::top(query, scores.map(|(item, score)| (ItemIx(item), score)));
        scratch.scores.clear();
        ranked
    }
}

impl Recommender for Content {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        self.answer(query, &mut self.scratch())
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        in_parallel(
            queries,
            || self.scratch(),
            |query, scratch| self.answer(query, scratch),
        )
    }
}

impl Model for Content {
    fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put_matrix("features", &self.features.matrix);
        tensors.put_matrix("index", &self.index);
        let names = &self.features.names;
        tensors.put("names.offsets", &[names.offsets().len()], names.offsets());
        tensors.put("names.text", &[names.text().len()], names.text());
    }

    fn item_bound(&self) -> usize {
        self.index.cols()
    }
}

/// The space one worker needs.
#[derive(Debug)]
struct Scratch {
    features: Accumulator,
    scores: Accumulator,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Product;
    use crate::dataset::Dataset;
    use crate::events::{Event, EventKind, EventTable};
    use crate::interactions::InteractionConfig;
    use crate::query::{Candidates, ItemSet};
    use crate::recommender::FitOptions;

    /// Items a to e; only a and e have events, and e has no product.
    fn dataset() -> Dataset {
        let mut table = EventTable::new();
        for item in ["a", "e"] {
            let event = Event {
                visitor: "ann".into(),
                item: Some(item.into()),
                quantity: 1.0,
                kind: EventKind::Purchase,
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
        let titles = [
            ("a", "red glass lantern"),
            ("b", "blue glass lantern"),
            ("c", "red mug"),
            ("d", "wooden chair"),
        ];
        let products = titles.map(|(key, title)| Product {
            key: key.into(),
            title: title.into(),
            ..Product::default()
        });
        Dataset::new(table, products.to_vec(), InteractionConfig::default()).unwrap()
    }

    fn fit(dataset: &Dataset) -> Content {
        let config = ContentConfig::default();
        config.fit(dataset, &FitOptions::default()).unwrap()
    }

    fn keys<'d>(dataset: &'d Dataset, ranked: &Ranked) -> Vec<&'d str> {
        ranked
            .items()
            .map(|item| dataset.items().key(item))
            .collect()
    }

    fn query_of_ann(dataset: &Dataset) -> Query {
        let ann = dataset.users().get("ann").unwrap();
        dataset.query_of(ann, 10).unwrap()
    }

    #[test]
    fn new_products_are_recommended_by_likeness_and_strangers_are_not() {
        let dataset = dataset();
        let content = fit(&dataset);
        let query = query_of_ann(&dataset).excluding_seen();
        let ranked = content.recommend(&query).unwrap();
        assert_eq!(keys(&dataset, &ranked), ["b", "c"]);
        assert!(content.recommend(&Query::new(5)).unwrap().is_empty());
    }

    #[test]
    fn an_item_is_most_like_itself_and_candidates_are_honoured() {
        let dataset = dataset();
        let content = fit(&dataset);
        let mut query = query_of_ann(&dataset);
        let best = content.recommend(&query).unwrap().entries()[0];
        assert_eq!(dataset.items().key(best.item), "a");
        assert!((best.score - 1.0).abs() < 1e-5, "{}", best.score);
        let mug = dataset.items().get("c").unwrap();
        query.candidates = Candidates::Only(ItemSet::from_iter([mug]));
        let ranked = content.recommend(&query).unwrap();
        assert_eq!(keys(&dataset, &ranked), ["c"]);
    }

    #[test]
    fn contributions_sum_to_the_score() {
        let dataset = dataset();
        let content = fit(&dataset);
        let mut query = query_of_ann(&dataset);
        query.session = vec![dataset.items().get("c").unwrap()];
        for entry in content.recommend(&query).unwrap().entries() {
            let parts = content.contributions(&query, entry.item);
            let sum: f32 = parts.iter().map(|(_, part)| part).sum();
            assert!((sum - entry.score).abs() < 1e-5, "{parts:?}");
        }
        assert!(content.contributions(&query, ItemIx(99)).is_empty());
    }

    #[test]
    fn a_catalogue_without_products_recommends_nothing() {
        let dataset = Dataset::new(
            dataset().table().clone(),
            vec![],
            InteractionConfig::default(),
        );
        let dataset = dataset.unwrap();
        let content = fit(&dataset);
        assert!(
            content
                .recommend(&query_of_ann(&dataset))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn saving_and_loading_gives_the_model_back() {
        let content = fit(&dataset());
        let mut sink = TensorSink::default();
        content.save(&mut sink);
        let mut bytes = Vec::new();
        sink.write(&mut bytes).unwrap();
        let tensors = Tensors::open("content", bytes.into()).unwrap();
        assert_eq!(Content::load(&tensors).unwrap(), content);
    }
}
