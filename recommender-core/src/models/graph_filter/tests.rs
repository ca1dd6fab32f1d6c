//! The filter against dense arithmetic, and what it makes of data that has little to say.

use super::*;
use crate::dataset::Dataset;
use crate::events::{Event, EventKind, EventTable};
use crate::ids::{DenseIndex, UserIx};
use crate::interactions::InteractionConfig;
use crate::query::Query;
use crate::recommender::{FitOptions, Recommender};
use crate::time::Timestamp;

/// A dataset of (user, item) pairs; items come into the numbering as they are met.
fn dataset(pairs: &[(u32, u32)]) -> Dataset {
    let mut table = EventTable::new();
    for &(user, item) in pairs {
        let event = Event {
            visitor: format!("user {user}"),
            item: Some(format!("item {item:03}")),
            kind: EventKind::Purchase,
            quantity: 1.0,
            time: Some(Timestamp::from_seconds(0)),
            ..Event::default()
        };
        table.push(&event).unwrap();
    }
    Dataset::new(table, Vec::new(), InteractionConfig::default()).unwrap()
}

/// Pairs of a graph with some structure.
fn pairs(users: u32, items: u32) -> Vec<(u32, u32)> {
    let all = (0..users).flat_map(|user| (0..items).map(move |item| (user, item)));
    all.filter(|&(user, item)| {
        let noise = (user * 7919 + item * 104_729 + user * item * 31) % 17;
        noise < if user % 3 == item % 3 { 8 } else { 2 }
    })
    .collect()
}

fn fitted(dataset: &Dataset, settings: &str) -> GraphFilter {
    let config: GraphFilterConfig = serde_json::from_str(settings).unwrap();
    config.fit(dataset, &FitOptions::default()).unwrap()
}

/// Square matrices of f64, the slow way.
type Dense = Vec<Vec<f64>>;

fn times(a: &Dense, b: &Dense) -> Dense {
    let entry = |row: &Vec<f64>, column: usize| {
        let terms = row
            .iter()
            .zip(b)
            .map(|(value, other)| value * other[column]);
        terms.sum()
    };
    a.iter()
        .map(|row| (0..b[0].len()).map(|column| entry(row, column)).collect())
        .collect()
}

fn transposed(a: &Dense) -> Dense {
    (0..a[0].len())
        .map(|column| a.iter().map(|row| row[column]).collect())
        .collect()
}

/// X, users × items, and the degrees of the items.
fn matrix_of(dataset: &Dataset) -> (Dense, Vec<f64>) {
    let by_user = dataset.interactions().by_user();
    let row = |row: crate::sparse::SparseRow<'_>| {
        let mut values = vec![0.0; by_user.cols()];
        for (item, weight) in row.iter() {
            values[item as usize] = f64::from(weight);
        }
        values
    };
    let x: Dense = by_user.iter_rows().map(row).collect();
    let degrees = (0..by_user.cols())
        .map(|item| x.iter().map(|row| row[item]).sum())
        .collect();
    (x, degrees)
}

/// `(D_U^{-α} X D_I^{-β'})ᵀ(…)`.
fn gram_of(x: &Dense, degrees: &[f64], (user, item): (f64, f64)) -> Dense {
    let normalized: Dense = x
        .iter()
        .map(|row| {
            let length: f64 = row.iter().sum();
            let scale =
                |(value, degree): (&f64, &f64)| value * length.powf(-user) * degree.powf(-item);
            row.iter().zip(degrees).map(scale).collect()
        })
        .collect();
    times(&transposed(&normalized), &normalized)
}

/// The projector on the leading eigenvectors of `gram`, by many steps of subspace iteration.
fn projector(gram: &Dense, rank: usize) -> Dense {
    let size = gram.len();
    let mut vectors: Dense = (0..rank)
        .map(|k| {
            (0..size)
                .map(|i| ((i * (k + 3) + k * k) as f64).sin())
                .collect()
        })
        .collect();
    for _ in 0..3000 {
        vectors = times(&vectors, gram);
        for k in 0..rank {
            let (before, rest) = vectors.split_at_mut(k);
            for other in before {
                let part: f64 = rest[0].iter().zip(&*other).map(|(a, b)| a * b).sum();
                let pairs = rest[0].iter_mut().zip(other);
                pairs.for_each(|(value, other)| *value -= part * *other);
            }
            let length = vectors[k].iter().map(|v| v * v).sum::<f64>().sqrt();
            vectors[k].iter_mut().for_each(|v| *v /= length);
        }
    }
    times(&transposed(&vectors), &vectors)
}

/// `h D^{-b} matrix D^b`.
fn through(h: &[f64], matrix: &Dense, degrees: &[f64], b: f64) -> Vec<f64> {
    let h: Vec<f64> = h.iter().zip(degrees).map(|(h, d)| h * d.powf(-b)).collect();
    let product = times(&vec![h], matrix).remove(0);
    product
        .iter()
        .zip(degrees)
        .map(|(y, d)| y * d.powf(b))
        .collect()
}

/// All scores of `model` for the shopper with `row` as her history.
fn scores(model: &GraphFilter, dataset: &Dataset, user: usize) -> Vec<f64> {
    let user = UserIx::at(user);
    let query = dataset.query_of(user, 1000).unwrap();
    let mut scores = vec![f64::NAN; dataset.items().len()];
    for entry in model.recommend(&query).unwrap().entries() {
        scores[entry.item.0 as usize] = f64::from(entry.score);
    }
    scores
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    let reach = expected
        .iter()
        .fold(0.0f64, |most, value| most.max(value.abs()));
    for (item, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs() / reach;
        assert!(error < tolerance, "item {item}: {found} for {expected}");
    }
}

fn sum(parts: &[(f64, Vec<f64>)]) -> Vec<f64> {
    let total = |item: usize| parts.iter().map(|(factor, part)| factor * part[item]).sum();
    (0..parts[0].1.len()).map(total).collect()
}

#[test]
fn gf_cf_is_one_step_and_the_ideal_filter() {
    let dataset = dataset(&pairs(60, 40));
    let (x, degrees) = matrix_of(&dataset);
    let gram = gram_of(&x, &degrees, (0.5, 0.5));
    let ideal = projector(&gram, 5);
    let model = fitted(&dataset, r#"{ "preset": "gf_cf", "rank": 5 }"#);
    assert_eq!((model.rank(), model.steps()), (5, 1));
    for (user, row) in x.iter().enumerate() {
        let linear = through(row, &gram, &degrees, 0.0);
        let low = through(row, &ideal, &degrees, 0.5);
        let expected = sum(&[(1.0, linear), (0.3, low)]);
        assert_near(&scores(&model, &dataset, user), &expected, 1e-4);
    }
}

#[test]
fn turbo_cf_is_one_step_over_similarities_raised_to_a_power() {
    let dataset = dataset(&pairs(60, 40));
    let (x, degrees) = matrix_of(&dataset);
    let mut graph = gram_of(&x, &degrees, (0.6, 0.4));
    graph
        .iter_mut()
        .flatten()
        .for_each(|value| *value = value.powf(0.7));
    let model = fitted(&dataset, r#"{ "preset": "turbo_cf" }"#);
    for (user, row) in x.iter().enumerate() {
        let expected = through(row, &graph, &degrees, 0.0);
        assert_near(&scores(&model, &dataset, user), &expected, 1e-4);
    }
}

#[test]
fn bspm_sharpens_both_parts() {
    let dataset = dataset(&pairs(60, 40));
    let (x, degrees) = matrix_of(&dataset);
    let gram = gram_of(&x, &degrees, (0.5, 0.5));
    let ideal = projector(&gram, 5);
    let model = fitted(&dataset, r#"{ "preset": "bspm", "rank": 5 }"#);
    for (user, row) in x.iter().enumerate() {
        let linear = through(row, &gram, &degrees, 0.0);
        let low = through(row, &ideal, &degrees, 0.5);
        let mut y = sum(&[(1.0, linear), (0.2, low)]);
        let mut terms = Vec::new();
        for k in 0..=4 {
            let factorial: f64 = (1..=k).map(f64::from).product();
            terms.push(((-2.5f64).powi(k) / factorial, y.clone()));
            y = through(&y, &gram, &degrees, 0.0);
        }
        assert_near(&scores(&model, &dataset, user), &sum(&terms), 1e-4);
    }
}

#[test]
fn cheby_cf_is_the_plateau_with_or_without_vectors_in_place_of_steps() {
    let dataset = dataset(&pairs(60, 40));
    let (x, degrees) = matrix_of(&dataset);
    let gram = gram_of(&x, &degrees, (0.5, 0.5));
    let ideal = projector(&gram, 5);
    // T_k(2P − 1) by their recurrence.
    let size = gram.len();
    let shifted: Dense = (0..size)
        .map(|i| {
            (0..size)
                .map(|j| 2.0 * gram[i][j] - f64::from(u8::from(i == j)))
                .collect()
        })
        .collect();
    let config = GraphFilterConfig::preset(Preset::ChebyCf);
    let series = super::series::Series::of_response(&config).0;
    for rank in [5, 0] {
        let settings = format!("{{ \"preset\": \"cheby_cf\", \"rank\": {rank} }}");
        let model = fitted(&dataset, &settings);
        assert_eq!(model.steps() < 8, rank > 0);
        for (user, row) in x.iter().enumerate() {
            let mut terms = vec![through(row, &identity(size), &degrees, 0.0)];
            terms.push(through(row, &shifted, &degrees, 0.4));
            for k in 2..series.len() {
                let twice = through(&terms[k - 1], &shifted, &degrees, 0.4);
                terms.push(sum(&[(2.0, twice), (-1.0, terms[k - 2].clone())]));
            }
            let mut parts: Vec<(f64, Vec<f64>)> = series.iter().copied().zip(terms).collect();
            if rank > 0 {
                parts.push((0.2, through(row, &ideal, &degrees, 0.4)));
            }
            let tolerance = if rank > 0 { 2e-3 } else { 1e-4 };
            assert_near(&scores(&model, &dataset, user), &sum(&parts), tolerance);
        }
    }
}

fn identity(size: usize) -> Dense {
    let entry = |i: usize, j: usize| f64::from(u8::from(i == j));
    (0..size)
        .map(|i| (0..size).map(|j| entry(i, j)).collect())
        .collect()
}

const ALL: [&str; 5] = [
    "{}",
    r#"{ "preset": "gf_cf" }"#,
    r#"{ "preset": "turbo_cf" }"#,
    r#"{ "preset": "bspm" }"#,
    r#"{ "preset": "cheby_cf", "user_exponent": 0.7, "item_exponent": 0.1 }"#,
];

#[test]
fn data_that_say_little_are_no_error_and_give_no_nan() {
    let alone: Vec<(u32, u32)> = (0..30).map(|user| (user, user)).collect();
    let everything: Vec<(u32, u32)> = (0..9).flat_map(|u| (0..9).map(move |i| (u, i))).collect();
    for pairs in [
        vec![(0, 0)],
        (0..9).map(|i| (0, i)).collect(),
        alone,
        everything,
    ] {
        let dataset = dataset(&pairs);
        for settings in ALL {
            let model = fitted(&dataset, settings);
            assert!(model.rank() <= dataset.items().len());
            let found = scores(&model, &dataset, 0);
            assert!(
                found.iter().all(|score| score.is_finite()),
                "{settings}: {found:?}"
            );
        }
    }
}

#[test]
fn without_interactions_there_is_nobody_to_answer() {
    let mut table = EventTable::new();
    let event = Event {
        visitor: "somebody".into(),
        item: Some("seen".into()),
        kind: EventKind::Impression,
        quantity: 1.0,
        time: Some(Timestamp::from_seconds(0)),
        ..Event::default()
    };
    table.push(&event).unwrap();
    let dataset = Dataset::new(table, Vec::new(), InteractionConfig::default()).unwrap();
    for settings in ALL {
        let model = fitted(&dataset, settings);
        let mut query = Query::new(5);
        query.session = vec![ItemIx(0)];
        assert!(model.recommend(&query).unwrap().is_empty());
        assert_eq!((model.rank(), model.item_bound()), (0, 0));
    }
}

#[test]
fn a_rank_past_what_the_matrix_has_is_reduced_to_it() {
    // Users alike in threes: 20 rows, of rank 20 at most, over 40 items.
    let some = pairs(20, 40);
    let alike: Vec<(u32, u32)> = (0..3)
        .flat_map(|copy| {
            some.iter()
                .map(move |&(user, item)| (user * 3 + copy, item))
        })
        .collect();
    let model = fitted(&dataset(&alike), r#"{ "rank": 5000, "rank_share": 1 }"#);
    assert!((1..=20).contains(&model.rank()), "{}", model.rank());
    let model = fitted(&dataset(&alike), r#"{ "rank_share": 0.1 }"#);
    assert_eq!(model.rank(), 4);
}

#[test]
fn memory_past_the_limit_is_refused_before_it_is_taken() {
    let dataset = dataset(&pairs(60, 40));
    for settings in [
        r#"{ "max_memory_bytes": 1000 }"#,
        r#"{ "preset": "turbo_cf", "max_memory_bytes": 100000, "rank": 0 }"#,
    ] {
        let config: GraphFilterConfig = serde_json::from_str(settings).unwrap();
        let config = GraphFilterConfig {
            max_memory_bytes: Some(1000),
            ..config
        };
        let error = config.fit(&dataset, &FitOptions::default()).unwrap_err();
        assert!(error.to_string().contains("max_memory_bytes"), "{error}");
    }
}
