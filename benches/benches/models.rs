//! Fits and answers of the models on one synthetic data set, on all threads: for changes of one model over time,
//! not for comparing models with each other.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_benches::synthetic::{Size, dataset};
use recommender_core::artifact::{TensorSink, Tensors};
use recommender_core::dataset::Change;
use recommender_core::events::{Event, EventKind};
use recommender_core::models::{Ials, Upkeep};
use recommender_core::pipeline::ModelConfig;
use recommender_core::{Dataset, FitOptions, ItemIx, Query, Recommender, UserIx};
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

/// Items on offer where an answer is a scan.
const CATALOGUES: [u32; 2] = [100_000, 1_000_000];
const FACTORS: usize = 64;

/// Vectors all of about one length: nothing is ruled out by length, as it would be after a fit.
fn random_vectors(items: u32) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let numbers = items as usize * FACTORS;
    (0..numbers)
        .map(|_| random.random_range(-1.0..1.0))
        .collect()
}

/// An iALS model of these vectors.
fn scanning(items: u32, vectors: &[f32]) -> Ials {
    let numbers: Vec<u32> = (0..items).collect();
    let spectrum = [0.01 * items as f32; FACTORS];
    let mut sink = TensorSink::default();
    sink.put("items", &[numbers.len()], &numbers);
    sink.put("factors", &[numbers.len(), FACTORS], vectors);
    sink.put("spectrum", &[FACTORS], &spectrum);
    sink.put("penalty", &[3], &[0.003f32, 1.0, 100.0]);
    let mut bytes = Vec::new();
    sink.write(&mut bytes).expect("memory takes all bytes");
    let tensors = Tensors::open("bench", bytes.into()).expect("the tensors are whole");
    Ials::load(&tensors).expect("the tensors fit")
}

/// One answer of a factor model from a large catalogue, beside what scoring every item takes at the least: one pass
/// over the vectors, every score looked at once.
fn scans(criterion: &mut Criterion) {
    for items in CATALOGUES {
        let vectors = random_vectors(items);
        let model = scanning(items, &vectors);
        let mut query = Query::new(20);
        query.session = (0..20).map(|item| ItemIx(item * 17)).collect();
        let mut group = criterion.benchmark_group(format!("{items} items x {FACTORS}"));
        group.sample_size(20);
        group.bench_function("ials, one answer", |bencher| {
            bencher.iter(|| black_box(model.recommend(&query)));
        });
        let shopper = &vectors[..FACTORS];
        let highest = || {
            let scores = vectors.chunks_exact(FACTORS).map(|item| {
                let mut sums = [0.0f32; 16];
                for (item, shopper) in item
                    .as_chunks::<16>()
                    .0
                    .iter()
                    .zip(shopper.as_chunks::<16>().0)
                {
                    let products: [f32; 16] = std::array::from_fn(|at| item[at] * shopper[at]);
                    sums = std::array::from_fn(|at| sums[at] + products[at]);
                }
                sums.iter().sum()
            });
            scores.fold(0.0f32, f32::max)
        };
        group.bench_function("plain scan", |bencher| {
            bencher.iter(|| black_box(pulp::Arch::new().dispatch(highest)));
        });
    }
}

criterion_group!(benches, models, scans);
criterion_main!(benches);
