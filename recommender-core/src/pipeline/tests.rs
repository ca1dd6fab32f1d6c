//! The pipeline's promises, on models that propose fixed lists.

use super::*;
use crate::artifact::TensorSink;
use crate::ids::ItemIx;
use crate::pipeline::blend::{BandConfig, BlendConfig};
use crate::pipeline::rerank::{CategoryCap, CategoryCapConfig};
use crate::query::ItemSet;
use crate::{Catalog, Product, Vocabulary};

/// Proposes the same scores to everyone.
#[derive(Debug)]
struct Fixed(Vec<(u32, f32)>);

impl Recommender for Fixed {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        Ranked::top(
            query,
            self.0.iter().map(|&(item, score)| (ItemIx(item), score)),
        )
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        queries.iter().map(|query| self.recommend(query)).collect()
    }
}

impl Model for Fixed {
    fn save<'a>(&'a self, _tensors: &mut TensorSink<'a>) {}

    fn item_bound(&self) -> usize {
        self.0.len()
    }
}

fn source(name: &str, scores: &[(u32, f32)]) -> FittedSource {
    FittedSource {
        name: name.into(),
        model: Box::new(Fixed(scores.to_vec())),
    }
}

fn pipeline() -> Pipeline {
    Pipeline {
        sources: vec![
            source("a", &[(1, 3.0), (2, 2.0), (3, 1.0)]),
            source("b", &[(2, 9.0), (4, 8.0)]),
        ],
        fallback: Some(source("popular", &[(5, 50.0), (1, 40.0), (6, 30.0)])),
        blend: Blend::new(BlendConfig::weighted(), &[("a", 1.0), ("b", 1.0)]),
        reranks: vec![],
        pool: 3,
    }
}

fn answer(pipeline: &Pipeline, query: &Query) -> Vec<(u32, String)> {
    let ranked = pipeline.recommend(query).unwrap();
    assert!(
        ranked
            .entries()
            .windows(2)
            .all(|pair| pair[0].score >= pair[1].score),
        "{ranked:?}"
    );
    let named = |entry: &Scored| (entry.item.0, pipeline.source_name(entry.source).to_owned());
    ranked.entries().iter().map(named).collect()
}

#[test]
fn the_fallback_fills_and_says_so() {
    let found = answer(&pipeline(), &Query::new(10));
    let expected = [
        (2, "b"),
        (1, "a"),
        (3, "a"),
        (4, "b"),
        (5, "popular"),
        (6, "popular"),
    ];
    assert_eq!(found, expected.map(|(item, name)| (item, name.to_owned())));
}

#[test]
fn exclusions_hold_on_every_path() {
    let mut query = Query::new(10);
    query.exclusions = ItemSet::from_iter([ItemIx(2), ItemIx(5)]);
    let items: Vec<u32> = answer(&pipeline(), &query)
        .into_iter()
        .map(|(item, _)| item)
        .collect();
    assert_eq!(items, [1, 4, 3, 6]);
}

#[test]
fn contributions_sum_to_the_score_and_agree_with_the_answer() {
    let pipeline = pipeline();
    let query = Query::new(10);
    let explained = pipeline.explain(&query).unwrap();
    let ranked = pipeline.recommend(&query).unwrap();
    assert_eq!(ranked.len(), explained.len());
    for (entry, explained) in ranked.entries().iter().zip(&explained) {
        assert_eq!(*entry, explained.scored);
        let total: f32 = explained.contributions.iter().map(|part| part.1).sum();
        assert!((total - entry.score).abs() < 1e-6);
    }
    assert_eq!(
        explained[0].contributions,
        [(Source(0), 0.5), (Source(1), 1.0)]
    );
}

#[test]
fn a_limit_of_zero_asks_no_one_and_batches_equal_single_answers() {
    let pipeline = pipeline();
    assert!(pipeline.recommend(&Query::new(0)).unwrap().is_empty());
    let queries = [Query::new(0), Query::new(2), Query::new(7)];
    let batch = pipeline.recommend_batch(&queries).unwrap();
    for (query, ranked) in queries.iter().zip(batch) {
        assert_eq!(pipeline.recommend(query).unwrap(), ranked);
    }
}

#[test]
fn reranks_act_before_the_cut() {
    let product = |item: u32, category: &str| Product {
        key: item.to_string(),
        categories: vec![vec![category.to_owned()]],
        ..Product::default()
    };
    let shelves = ["x", "x", "x", "y", "y", "y", "y"];
    let products = (0u32..)
        .zip(shelves)
        .map(|(item, shelf)| product(item, shelf))
        .collect();
    let catalog = Catalog::align(products, &mut Vocabulary::new()).unwrap();
    let mut pipeline = pipeline();
    let config = CategoryCapConfig {
        max_per_category: 1,
        level: 1,
    };
    pipeline.reranks = vec![Box::new(CategoryCap::new(&config, &catalog))];
    let items: Vec<u32> = pipeline
        .recommend(&Query::new(2))
        .unwrap()
        .items()
        .map(|item| item.0)
        .collect();
    assert_eq!(items, [2, 3]);
}

#[test]
fn batches_equal_single_answers_in_every_blend() {
    let band = BandConfig {
        up_to: 1,
        weights: [("b".to_owned(), 1.0)].into(),
    };
    for config in [
        BlendConfig::weighted(),
        BlendConfig::weighted().completing(),
        BlendConfig::standardized().completing(),
        BlendConfig::standardized()
            .completing()
            .with_bands(vec![band]),
        BlendConfig::reciprocal_rank(60.0),
    ] {
        let mut pipeline = pipeline();
        pipeline.blend = Blend::new(config, &[("a", 1.0), ("b", 1.0)]);
        pipeline.pool = 2;
        let mut queries: Vec<Query> = (0..2 * answers::CHUNK)
            .map(|limit| Query::new(limit % 9))
            .collect();
        queries[3].exclusions = ItemSet::from_iter([ItemIx(2), ItemIx(5)]);
        queries[5].session = vec![ItemIx(1), ItemIx(3)];
        let batch = pipeline.recommend_batch(&queries).unwrap();
        assert_eq!(batch.len(), queries.len());
        for (query, ranked) in queries.iter().zip(batch) {
            assert_eq!(pipeline.recommend(query).unwrap(), ranked);
        }
    }
}

#[test]
fn completed_lists_score_what_only_others_proposed() {
    let mut pipeline = Pipeline {
        sources: vec![
            source("a", &[(1, 3.0), (2, 2.0), (3, 1.0), (4, 0.0)]),
            source("b", &[(3, 9.0), (4, 8.0), (1, 7.0)]),
        ],
        fallback: None,
        blend: Blend::new(BlendConfig::weighted(), &[("a", 1.0), ("b", 1.0)]),
        reranks: vec![],
        pool: 2,
    };
    let scores = |pipeline: &Pipeline| {
        let explained = pipeline.explain(&Query::new(2)).unwrap();
        explained
            .into_iter()
            .map(|it| (it.scored.item.0, it.contributions))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        scores(&pipeline),
        [(1, vec![(Source(0), 1.0)]), (3, vec![(Source(1), 1.0)])]
    );
    let config = BlendConfig::weighted().completing();
    pipeline.blend = Blend::new(config, &[("a", 1.0), ("b", 1.0)]);
    let third = 1.0 / 3.0;
    assert_eq!(
        scores(&pipeline),
        [
            (3, vec![(Source(0), third), (Source(1), 1.0)]),
            (1, vec![(Source(0), 1.0), (Source(1), 0.0)]),
        ]
    );
}

#[test]
fn a_source_may_weigh_nothing_only_where_a_band_gives_it_a_weight() {
    let recipe = |band: &str| {
        let text = format!(
            "[[sources]]\nname = \"a\"\nmodel = {{ kind = \"random\" }}\n\
             [[sources]]\nname = \"b\"\nweight = 0.0\nmodel = {{ kind = \"random\" }}\n\
             [blend]\nmethod = \"standardized\"\ncompleted = true\n{band}"
        );
        PipelineConfig::from_toml(&text)
    };
    let config = recipe("bands = [{ up_to = 3, weights = { b = 1.0 } }]\n").unwrap();
    assert_eq!(
        PipelineConfig::from_toml(&config.to_toml().unwrap()).unwrap(),
        config
    );
    for band in [
        "",
        "bands = [{ up_to = 3, weights = { a = 1.0, b = 0.0 } }]\n",
    ] {
        let error = recipe(band).unwrap_err().to_string();
        assert!(error.contains("sources.weight"), "{error}");
    }
}
