//! The published figures of the graph filters, met again on the files they were published on: Gowalla as LightGCN
//! split it, not part of the repository. `RECOMMENDER_GOWALLA` is the directory with `train.txt.gz` and `test.txt.gz`:
//!
//! `RECOMMENDER_GOWALLA=… cargo test --release -p recommender-files --test gowalla -- --ignored`
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::path::PathBuf;

use recommender_core::evaluation::{CaseOptions, Evaluator, Split, TestCases};
use recommender_core::events::EventTable;
use recommender_core::events::read::Times;
use recommender_core::models::{GraphFilterConfig, Preset};
use recommender_core::{Dataset, FitOptions, InteractionConfig};
use recommender_files::{EventOptions, read_events};

/// Recall and NDCG at 20 of a preset must lie within 0.0005 of the figures published.
fn assert_published(preset: Preset, recall: f64, ndcg: f64) {
    let directory = env::var_os("RECOMMENDER_GOWALLA");
    let directory = PathBuf::from(directory.expect("RECOMMENDER_GOWALLA names the directory"));
    let mut options = EventOptions::default();
    options.map.times = Times::Optional;
    let mut table = EventTable::new();
    read_events(&directory.join("train.txt.gz"), &options, &mut table).unwrap();
    let first_test_row = table.len();
    read_events(&directory.join("test.txt.gz"), &options, &mut table).unwrap();
    let split = Split::given_at(&table, first_test_row).unwrap();
    let interactions = InteractionConfig::default();
    let train = split.train().to_vec();
    let dataset = Dataset::of_rows(table, train, Vec::new(), interactions).unwrap();
    let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
    let config = GraphFilterConfig::preset(preset);
    let model = config.fit(&dataset, &FitOptions::default()).unwrap();
    let evaluator = Evaluator::new("recall@20,ndcg@20".parse().unwrap()).with_resamples(100);
    let evaluation = evaluator
        .evaluate("graph_filter", &model, &dataset, &cases)
        .unwrap();
    let found = ["recall@20", "ndcg@20"].map(|metric| evaluation.mean(metric).unwrap());
    assert!(
        (found[0] - recall).abs() <= 0.0005 && (found[1] - ndcg).abs() <= 0.0005,
        "{preset:?}: recall@20 and ndcg@20 are {found:.5?}, published are {recall} and {ndcg}"
    );
}

#[test]
#[ignore = "needs the Gowalla files, named by RECOMMENDER_GOWALLA"]
fn gf_cf_meets_its_published_figures() {
    assert_published(Preset::GfCf, 0.1849, 0.1518);
}

#[test]
#[ignore = "needs the Gowalla files, named by RECOMMENDER_GOWALLA"]
fn cheby_cf_meets_its_published_figures() {
    assert_published(Preset::ChebyCf, 0.1941, 0.1616);
}

#[test]
#[ignore = "needs the Gowalla files, named by RECOMMENDER_GOWALLA"]
fn bspm_meets_its_published_figures() {
    assert_published(Preset::Bspm, 0.1920, 0.1597);
}
