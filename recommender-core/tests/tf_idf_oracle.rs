//! The word features of the content model agree with the TF-IDF of `linfa-preprocessing`, once its rows are
//! scaled to length 1.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::BTreeMap;

use linfa_preprocessing::tf_idf_vectorization::{TfIdfMethod, TfIdfVectorizer};
use ndarray::Array1;
use recommender_core::catalog::{FeatureConfig, Features};
use recommender_core::{Catalog, ItemIx, Product, Vocabulary};

const TITLES: [&str; 6] = [
    "white hanging heart light holder",
    "white metal lantern",
    "cream cupid hearts coat hanger",
    "knitted union flag hot water bottle",
    "red woolly hottie white heart",
    "set babushka nesting boxes lantern",
];

/// Per title, the weight of each word.
type Rows = Vec<BTreeMap<String, f64>>;

fn ours() -> Rows {
    let mut items = Vocabulary::<ItemIx>::new();
    let products = TITLES.map(|title| Product {
        key: title.into(),
        title: title.into(),
        ..Product::default()
    });
    let catalog = Catalog::align(products.to_vec(), &mut items).unwrap();
    let config = FeatureConfig {
        phrases: false,
        idf_power: 1.0,
        ..FeatureConfig::default()
    };
    let features = Features::extract(&catalog, items.len(), &config).unwrap();
    let word = |feature: u32| {
        let name = features.names.name(feature as usize);
        name.strip_prefix("word:").unwrap().to_owned()
    };
    let rows = features.matrix.iter_rows();
    rows.map(|row| {
        row.iter()
            .map(|(feature, value)| (word(feature), f64::from(value)))
            .collect()
    })
    .collect()
}

fn theirs() -> Rows {
    let texts = Array1::from(TITLES.map(String::from).to_vec());
    let fitted = TfIdfVectorizer::default().fit(&texts).unwrap();
    assert_eq!(fitted.method(), &TfIdfMethod::Smooth);
    let matrix = fitted.transform(&texts).unwrap().to_dense();
    let scaled = matrix.outer_iter().map(|row| {
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        let words = fitted.vocabulary().iter().cloned();
        let entries = words.zip(row.iter().map(|value| value / length));
        entries.filter(|&(_, value)| value > 0.0).collect()
    });
    scaled.collect()
}

#[test]
fn word_weights_agree_with_the_oracle() {
    for (ours, theirs) in ours().iter().zip(theirs()) {
        assert!(ours.keys().eq(theirs.keys()), "{ours:?} {theirs:?}");
        for (word, value) in ours {
            assert!(
                (value - theirs[word]).abs() < 1e-5,
                "{word}: {value} {}",
                theirs[word]
            );
        }
    }
}
