//! Fits and answers of the models on one synthetic data set, on all threads: for changes of one model over time,
//! not for comparing models with each other.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use recommender_benches::synthetic::{Size, dataset};
use recommender_core::dataset::Change;
use recommender_core::events::{Event, EventKind};
use recommender_core::models::Upkeep;
use recommender_core::pipeline::ModelConfig;
use recommender_core::{Dataset, FitOptions, Query, UserIx};
use serde_json::{Map, json};

const SIZE: Size = Size {
    users: 5_000,
    items: 3_000,
    purchases: 20,
};

fn configs() -> Vec<(String, ModelConfig)> {
    let plain = ["popularity", "ease", "rp3beta", "slim", "user_knn"]
        .map(|name| (name.to_owned(), name, Map::new()));
    let similarities = ["cosine", "tf_idf", "bm25"].map(|similarity| {
        let settings = Map::from_iter([("similarity".to_owned(), json!(similarity))]);
        (format!("item_knn {similarity}"), "item_knn", settings)
    });
    let all = plain.into_iter().chain(similarities);
    all.map(|(label, name, settings)| {
        let config = ModelConfig::from_settings(name, settings);
        (label, config.expect("the settings above are right"))
    })
    .collect()
}

fn queries(dataset: &Dataset) -> Vec<Query> {
    (0..1_000)
        .map(|user| {
            let query = dataset.query_of(UserIx(user), 20);
            query
                .expect("the data has no custom kinds")
                .excluding_seen()
        })
        .collect()
}

fn models(criterion: &mut Criterion) {
    let dataset = dataset(SIZE, 1).expect("synthetic data is well formed");
    let queries = queries(&dataset);
    let bought = |item: &str| Event {
        visitor: "1".into(),
        item: Some(item.into()),
        kind: EventKind::Purchase,
        quantity: 1.0,
        ..Event::default()
    };
    let later = dataset.with(&["1500", "2500"].map(bought));
    let later = later.expect("the events are well formed");
    let change = Change::between(&dataset, &later).expect("the numbering stays");
    for (label, config) in configs() {
        let fit = || {
            let fitted = config.fit(&dataset, &FitOptions::default());
            fitted.expect("the data suits every model")
        };
        let mut group = criterion.benchmark_group(&label);
        group
            .sample_size(10)
            .measurement_time(Duration::from_secs(3));
        group.bench_function("fit", |bencher| bencher.iter(|| black_box(fit())));
        let model = fit();
        group.bench_function("one answer", |bencher| {
            bencher.iter(|| black_box(model.recommend(&queries[0])));
        });
        group.bench_function("1000 answers", |bencher| {
            bencher.iter(|| black_box(model.recommend_batch(&queries)));
        });
        if config.upkeep() == Upkeep::Refit {
            continue;
        }
        group.bench_function("update of one user", |bencher| {
            let update = || config.update(&*model, &change, &FitOptions::default());
            bencher.iter(|| black_box(update()));
        });
    }
}

criterion_group!(benches, models);
criterion_main!(benches);
