//! How good each model is on a part of the committed Online Retail data: a loss of accuracy fails like a bug.
//!
//! The part is the products whose codes begin with 22, learned from until the end of September 2011 and asked about
//! from then on, for what a shopper has not had yet; models of baskets for her next basket, whatever she had.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::LazyLock;

use recommender_core::evaluation::{
    BasketOptions, CaseOptions, ColdUsers, Evaluator, Splitter, TestCases,
};
use recommender_core::events::EventTable;
use recommender_core::{Dataset, FitOptions, PipelineConfig, Recommender};
use recommender_files::{
    EventOptions, ProductOptions, read_event_map, read_events, read_product_map, read_products,
};

struct Shop {
    dataset: Dataset,
    cases: TestCases,
    next_baskets: TestCases,
}

static SHOP: LazyLock<Shop> = LazyLock::new(|| {
    let split_at: Splitter = "time:2011-10-01".parse().unwrap();
    let Splitter::Time { at } = split_at else {
        panic!("a date is a moment");
    };
    let mut table = EventTable::new();
    let events = EventOptions {
        map: read_event_map(&file("events.toml")).unwrap(),
        ..EventOptions::default()
    };
    read_events(&file("online-retail.parquet"), &events, &mut table).unwrap();
    let products = ProductOptions {
        map: read_product_map(&file("products.toml")).unwrap(),
        before: Some(at),
        ..ProductOptions::default()
    };
    let (products, _) = read_products(&file("online-retail.parquet"), &products).unwrap();
    let in_part = |key: &str| key.starts_with("22");
    let products = products.into_iter().filter(|product| in_part(&product.key));
    let rows: Vec<u32> = (0u32..)
        .zip(0..table.len())
        .filter(|&(_, row)| in_part(table.items().key(table.item(row))))
        .map(|(number, _)| number)
        .collect();
    let split = split_at.split_rows(&table, &rows, 0).unwrap();
    let config = recipe("popularity").interactions;
    let train = split.train().to_vec();
    let dataset = Dataset::of_rows(table, train, products.collect(), config).unwrap();
    let options = CaseOptions {
        cold_users: ColdUsers::Dropped,
        ..CaseOptions::default()
    };
    let cases = TestCases::new(&dataset, &split, options).unwrap();
    let next_baskets = TestCases::baskets(&dataset, &split, BasketOptions::default()).unwrap();
    Shop {
        dataset,
        cases,
        next_baskets,
    }
});

fn file(name: &str) -> PathBuf {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../datasets/online-retail");
    PathBuf::from(directory).join(name)
}

fn recipe(kind: &str) -> PipelineConfig {
    PipelineConfig::from_toml(&format!("[[sources]]\nmodel = {{ kind = \"{kind}\" }}")).unwrap()
}

/// Recall and NDCG at 20 must lie within 3 % of the figures given.
fn assert_quality(name: &str, recipe: &PipelineConfig, recall: f64, ndcg: f64) {
    let expected = [("recall@20", recall), ("ndcg@20", ndcg)];
    assert_figures(name, recipe, &SHOP.cases, expected);
}

/// The same of the next basket, at 10.
fn assert_basket_quality(name: &str, recall: f64, ndcg: f64) {
    let expected = [("recall@10", recall), ("ndcg@10", ndcg)];
    assert_figures(name, &recipe(name), &SHOP.next_baskets, expected);
}

fn assert_figures(
    name: &str,
    recipe: &PipelineConfig,
    cases: &TestCases,
    expected: [(&str, f64); 2],
) {
    let dataset = &SHOP.dataset;
    let pipeline = recipe.fit(dataset, &FitOptions::default()).unwrap();
    let metrics = expected.map(|(metric, _)| metric).join(",");
    let evaluator = Evaluator::new(metrics.parse().unwrap()).with_resamples(100);
    let recommender: &dyn Recommender = &pipeline;
    let evaluation = evaluator.evaluate(name, recommender, dataset, cases);
    let evaluation = evaluation.unwrap();
    let found = expected.map(|(metric, _)| evaluation.mean(metric).unwrap());
    let within =
        |(found, (_, expected)): (f64, (&str, f64))| (found / expected - 1.0).abs() <= 0.03;
    assert!(
        found.into_iter().zip(expected).all(within),
        "{name}: found {found:.4?}, expected about {expected:?}"
    );
}

#[test]
fn personal_frequency_keeps_its_quality() {
    assert_basket_quality("personal_frequency", 0.2546, 0.2684);
}

#[test]
fn tifu_knn_keeps_its_quality() {
    assert_basket_quality("tifu_knn", 0.2645, 0.2748);
}

#[test]
fn up_cf_keeps_its_quality() {
    assert_basket_quality("up_cf", 0.2615, 0.2716);
}

#[test]
fn repurchase_keeps_its_quality() {
    assert_basket_quality("repurchase", 0.256, 0.2716);
}

#[test]
fn popularity_keeps_its_quality() {
    assert_quality("popularity", &recipe("popularity"), 0.0734, 0.0566);
}

#[test]
fn item_knn_keeps_its_quality() {
    assert_quality("item_knn", &recipe("item_knn"), 0.1000, 0.0818);
}

#[test]
fn ease_keeps_its_quality() {
    assert_quality("ease", &recipe("ease"), 0.1242, 0.0985);
}

#[test]
fn association_rules_keeps_its_quality() {
    assert_quality(
        "association_rules",
        &recipe("association_rules"),
        0.1087,
        0.0887,
    );
}

#[test]
fn rp3beta_keeps_its_quality() {
    assert_quality("rp3beta", &recipe("rp3beta"), 0.1071, 0.0898);
}

#[test]
fn slim_keeps_its_quality() {
    assert_quality("slim", &recipe("slim"), 0.1306, 0.1011);
}

#[test]
fn user_knn_keeps_its_quality() {
    assert_quality("user_knn", &recipe("user_knn"), 0.1090, 0.0898);
}

#[test]
fn edlae_keeps_its_quality() {
    assert_quality("edlae", &recipe("edlae"), 0.1247, 0.0992);
}

#[test]
fn rdlae_keeps_its_quality() {
    assert_quality("rdlae", &recipe("rdlae"), 0.1247, 0.0992);
}

#[test]
fn sansa_keeps_its_quality() {
    assert_quality("sansa", &recipe("sansa"), 0.1308, 0.1004);
}

#[test]
fn ials_keeps_its_quality() {
    assert_quality("ials", &recipe("ials"), 0.1451, 0.1171);
}

#[test]
fn bpr_keeps_its_quality() {
    assert_quality("bpr", &recipe("bpr"), 0.1477, 0.1194);
}

#[test]
fn content_keeps_its_quality() {
    assert_quality("content", &recipe("content"), 0.1140, 0.0891);
}

#[test]
fn a_hybrid_keeps_its_quality() {
    let recipe = r#"
        [[sources]]
        model = { kind = "item_knn" }
        [[sources]]
        model = { kind = "ease" }
        [[sources]]
        weight = 0.5
        model = { kind = "content" }
        [fallback]
        model = { kind = "popularity" }
    "#;
    let recipe = PipelineConfig::from_toml(recipe).unwrap();
    assert_quality("hybrid", &recipe, 0.1400, 0.1125);
}

#[test]
fn graph_filter_keeps_its_quality() {
    assert_quality("graph_filter", &recipe("graph_filter"), 0.1374, 0.1090);
}
