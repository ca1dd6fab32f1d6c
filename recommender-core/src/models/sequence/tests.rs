use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::factors::Factors;
use crate::ids::DenseIndex;
use crate::query::HistoryItem;
use crate::time::Timestamp;

const ITEMS: usize = 30;

fn config() -> SequenceConfig {
    SequenceConfig {
        factors: 12,
        heads: 3,
        length: 6,
        ..SequenceConfig::default()
    }
}

/// A model of random weights: what it answers makes no sense, but has to be right.
fn random_model(config: &SequenceConfig) -> Sequence {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut factors = Factors::zeros(ITEMS, config.factors);
    for item in 0..ITEMS {
        let row = &mut factors.row_mut(item)[..config.factors];
        row.fill_with(|| random.random_range(-0.5f32..0.5));
    }
    let items: Vec<ItemIx> = (0..ITEMS).map(ItemIx::at).collect();
    let weights = Weights::collect(config, |_, shape| {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|_| random.random_range(-1.0f32..1.0))
            .collect();
        Ok((shape.to_vec(), values.into()))
    });
    let items = ItemFactors::new(&items, &factors);
    Sequence::new(config.clone(), items, weights.unwrap()).unwrap()
}

fn visit(items: &[u32]) -> Query {
    let mut query = Query::new(ITEMS);
    query.session = items.iter().copied().map(ItemIx).collect();
    query
}

/// Scores by item.
fn scores(model: &Sequence, query: &Query) -> Vec<f32> {
    let ranked = model.recommend(query).unwrap();
    assert_eq!(ranked.len(), ITEMS);
    let mut entries = ranked.entries().to_vec();
    entries.sort_by_key(|entry| entry.item);
    entries.iter().map(|entry| entry.score).collect()
}

/// The model as the paper and the docs say it, in double precision, one number at a time.
mod plainly {
    use super::*;
    use crate::models::sequence::weights::{Linear, Norm};

    type Rows = Vec<Vec<f64>>;

    fn normed(norm: Norm<'_>, row: &[f64]) -> Vec<f64> {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let squares: f64 = row.iter().map(|x| (x - mean).powi(2)).sum();
        let deviation = (squares / row.len() as f64 + 1e-5).sqrt();
        let affine = norm.scale.iter().zip(norm.shift);
        let values = row.iter().zip(affine);
        values
            .map(|(x, (scale, shift))| {
                (x - mean) / deviation * f64::from(*scale) + f64::from(*shift)
            })
            .collect()
    }

    fn turned(linear: Linear<'_>, row: &[f64]) -> Vec<f64> {
        let width = linear.bias.len();
        let output = |at: usize| {
            let inputs = row.iter().enumerate();
            let products = inputs.map(|(i, x)| x * f64::from(linear.weight[i * width + at]));
            products.sum::<f64>() + f64::from(linear.bias[at])
        };
        (0..width).map(output).collect()
    }

    fn added(one: &[f64], other: &[f64]) -> Vec<f64> {
        one.iter().zip(other).map(|(a, b)| a + b).collect()
    }

    pub(super) fn scores(model: &Sequence, items: &[u32]) -> Vec<f64> {
        let d = model.config.factors;
        let vector = |item: u32| -> Vec<f64> {
            let row = &model.items.view().values(item)[..d];
            row.iter().map(|&x| f64::from(x)).collect()
        };
        let mut states: Rows = Vec::new();
        for (place, &item) in items.iter().enumerate() {
            let position = &model.weights.positions()[place * d..][..d];
            let scaled = vector(item).into_iter().map(|x| x * (d as f64).sqrt());
            states.push(
                scaled
                    .zip(position)
                    .map(|(x, p)| x + f64::from(*p))
                    .collect(),
            );
        }
        for number in 0..model.weights.blocks() {
            states = block(model, number, &states);
        }
        let last = normed(model.weights.last_norm(), &states[items.len() - 1]);
        let score = |item: u32| vector(item).iter().zip(&last).map(|(a, b)| a * b).sum();
        (0..ITEMS).map(|item| score(ItemIx::at(item).0)).collect()
    }

    fn block(model: &Sequence, number: usize, states: &Rows) -> Rows {
        let block = model.weights.block(number);
        let (d, length) = (model.config.factors, model.config.length);
        let width = d / model.config.heads;
        let mixed: Rows = states
            .iter()
            .map(|state| turned(block.input, &normed(block.attention_norm, state)))
            .collect();
        let mut out = Rows::new();
        for (i, state) in states.iter().enumerate() {
            let mut seen = vec![0.0; d];
            for head in 0..model.config.heads {
                let part = |j: usize, which: usize| &mixed[j][which * d + head * width..][..width];
                let score = |j: usize| {
                    let product: f64 = part(i, 0).iter().zip(part(j, 1)).map(|(q, k)| q * k).sum();
                    product / (width as f64).sqrt()
                        + f64::from(block.distance[head * length + i - j])
                };
                let exps: Vec<f64> = (0..=i).map(|j| score(j).exp()).collect();
                let sum: f64 = exps.iter().sum();
                for (j, exp) in exps.iter().enumerate() {
                    for (at, value) in part(j, 2).iter().enumerate() {
                        seen[head * width + at] += exp / sum * value;
                    }
                }
            }
            let state = added(state, &turned(block.output, &seen));
            let inner = turned(block.inner, &normed(block.forward_norm, &state));
            let inner: Vec<f64> = inner.into_iter().map(|x| x.max(0.0)).collect();
            out.push(added(&state, &turned(block.outer, &inner)));
        }
        out
    }
}

#[test]
fn the_scores_are_those_of_the_formulas() {
    for (factors, heads, blocks) in [(12, 3, 2), (16, 1, 1), (7, 7, 3)] {
        let model = random_model(&SequenceConfig {
            factors,
            heads,
            blocks,
            ..config()
        });
        for items in [&[4][..], &[1, 2, 3], &[9, 9, 0, 29, 5, 1]] {
            let expected = plainly::scores(&model, items);
            let found = scores(&model, &visit(items));
            for (expected, found) in expected.iter().zip(&found) {
                assert!(
                    (expected - f64::from(*found)).abs() < 1e-3,
                    "{expected} {found}"
                );
            }
        }
    }
}

#[test]
fn the_latest_events_count_in_their_order_and_unknown_items_do_not() {
    let model = random_model(&config());
    let latest = scores(&model, &visit(&[2, 3, 4, 5, 6, 7]));
    assert_eq!(scores(&model, &visit(&[0, 1, 2, 3, 4, 5, 6, 7])), latest);
    assert_eq!(scores(&model, &visit(&[2, 3, 99, 4, 5, 99, 6, 7])), latest);
    assert_ne!(scores(&model, &visit(&[2, 3, 4, 5, 7, 6])), latest);
    assert!(model.recommend(&visit(&[99])).unwrap().is_empty());
    assert!(model.recommend(&Query::new(5)).unwrap().is_empty());
}

#[test]
fn a_query_is_read_from_timeline_visit_and_page() {
    let happened = |pairs: &[(u32, i64)]| -> Vec<HistoryItem> {
        let item = |&(item, time): &(u32, i64)| HistoryItem {
            item: ItemIx(item),
            weight: 1.0,
            time: Timestamp(time),
        };
        pairs.iter().map(item).collect()
    };
    let read = |query: &Query| -> Vec<u32> { events_of(query).iter().map(|it| it.0).collect() };
    let mut query = visit(&[]);
    query.history = happened(&[(1, 30), (2, 10), (3, 20)]);
    assert_eq!(read(&query), [2, 3, 1]);
    query.timeline = happened(&[(1, 5), (2, 10), (3, 20), (1, 30)]);
    assert_eq!(read(&query), [1, 2, 3, 1]);
    query.session = vec![ItemIx(3), ItemIx(1)];
    assert_eq!(
        read(&query),
        [1, 2, 3, 1],
        "the visit is the timeline's end"
    );
    query.session = vec![ItemIx(1), ItemIx(4)];
    query.context_items = vec![ItemIx(4), ItemIx(7)];
    assert_eq!(read(&query), [1, 2, 3, 1, 1, 4, 7]);
}

fn saved(model: &Sequence) -> Tensors {
    let mut sink = TensorSink::default();
    model.save(&mut sink);
    let mut bytes = Vec::new();
    sink.write(&mut bytes).unwrap();
    Tensors::open("sequence", bytes.into()).unwrap()
}

#[test]
fn a_loaded_model_answers_the_same_and_a_batch_as_one_by_one() {
    let model = random_model(&config());
    let loaded = Sequence::load(&saved(&model)).unwrap();
    let mut queries: Vec<Query> = (0..25).map(|item| visit(&[item, 3, 29 - item])).collect();
    queries.push(Query::new(5));
    queries[3].session.clear();
    queries[5].limit = 4;
    queries[7] = queries[7].clone().excluding_seen();
    let single: Vec<Ranked> = queries
        .iter()
        .map(|it| model.recommend(it).unwrap())
        .collect();
    assert_eq!(model.recommend_batch(&queries).unwrap(), single);
    assert_eq!(loaded.recommend_batch(&queries).unwrap(), single);
    assert_eq!(loaded.item_bound(), ITEMS);
    assert!(single[7].items().all(|item| queries[7].allows(item)));
}

#[test]
fn arrays_that_do_not_fit_or_hold_no_numbers_are_refused() {
    let good = random_model(&config());
    for wrong in [
        SequenceConfig {
            blocks: 3,
            ..config()
        },
        SequenceConfig {
            factors: 18,
            ..config()
        },
        SequenceConfig {
            length: 7,
            ..config()
        },
        SequenceConfig {
            heads: 4,
            ..config()
        },
    ] {
        let weights = good.weights.clone();
        let model = Sequence::new(wrong, good.items.clone(), weights).unwrap();
        assert!(Sequence::load(&saved(&model)).is_err());
    }
    let broken = Weights::collect(&config(), |_, shape| {
        let count = shape.iter().product();
        Ok((shape.to_vec(), vec![f32::NAN; count].into()))
    });
    assert!(broken.unwrap_err().to_string().contains("positions"));
}

#[test]
fn settings_out_of_range_are_named() {
    let wrong = |change: fn(&mut SequenceConfig)| {
        let mut config = SequenceConfig::default();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    };
    assert!(wrong(|config| config.factors = 0).contains("sequence.factors"));
    assert!(wrong(|config| config.heads = 3).contains("sequence.factors"));
    assert!(wrong(|config| config.negatives = Some(0)).contains("sequence.negatives"));
    assert!(wrong(|config| config.dropout = 1.0).contains("sequence.dropout"));
    assert!(wrong(|config| config.validation = f32::NAN).contains("sequence.validation"));
    assert!(wrong(|config| config.learning_rate = 0.0).contains("sequence.learning_rate"));
    assert!(wrong(|config| config.regularization = -1.0).contains("sequence.regularization"));
}

mod fitting {
    use super::*;
    use crate::dataset::Dataset;
    use crate::events::{Event, EventKind, EventTable};
    use crate::interactions::InteractionConfig;
    use crate::recommender::FitOptions;

    fn dataset(sequences: &[Vec<u32>]) -> Dataset {
        let mut table = EventTable::new();
        for (number, items) in sequences.iter().enumerate() {
            for (second, item) in (0i64..).zip(items) {
                let event = Event {
                    visitor: format!("user {number}"),
                    item: Some(item.to_string()),
                    kind: EventKind::View,
                    quantity: 1.0,
                    time: Some(Timestamp::from_seconds(second)),
                    ..Event::default()
                };
                table.push(&event).unwrap();
            }
        }
        Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
    }

    #[cfg(not(feature = "sequence-training"))]
    #[test]
    fn a_build_that_cannot_learn_says_which_feature_is_missing() {
        let data = dataset(&[vec![0, 1]]);
        let error = config().fit(&data, &FitOptions::default()).unwrap_err();
        assert!(matches!(error, Error::Config(_)));
        assert!(error.to_string().contains("sequence-training"), "{error}");
    }

    #[cfg(feature = "sequence-training")]
    mod learning {
        use std::sync::Arc;
        use std::sync::atomic::Ordering;

        use super::*;

        /// Each follows the one before it, whoever begins where.
        fn round() -> Dataset {
            let follow = |start: u32| (0..5).map(|step| (start + step) % 12).collect();
            let sequences: Vec<Vec<u32>> = (0..60).map(|user| follow(user % 12)).collect();
            dataset(&sequences)
        }

        fn small() -> SequenceConfig {
            SequenceConfig {
                factors: 16,
                heads: 2,
                length: 4,
                dropout: 0.1,
                learning_rate: 0.01,
                epochs: 40,
                batch_size: 16,
                validation: 0.0,
                ..SequenceConfig::default()
            }
        }

        fn learned(config: &SequenceConfig, data: &Dataset) -> Sequence {
            config.fit(data, &FitOptions::default()).unwrap()
        }

        #[test]
        fn what_follows_what_is_learned_from_all_items_and_from_some() {
            let data = round();
            let sampled = SequenceConfig {
                negatives: Some(6),
                ..small()
            };
            for config in [small(), sampled] {
                let model = learned(&config, &data);
                let item = |key: u32| data.items().get(&key.to_string()).unwrap();
                for start in 0..12 {
                    let mut query = Query::new(1);
                    query.session = (0..3).map(|step| item((start + step) % 12)).collect();
                    let next: Vec<ItemIx> = model.recommend(&query).unwrap().items().collect();
                    assert_eq!(next, [item((start + 3) % 12)], "{config:?}");
                }
            }
        }

        #[test]
        fn the_same_bytes_are_learned_on_any_number_of_threads_and_others_of_another_seed() {
            let data = round();
            let config = SequenceConfig {
                epochs: 2,
                ..small()
            };
            let learned = |threads: usize, seed: u64| {
                let options = FitOptions {
                    threads: Some(threads),
                    seed,
                    ..FitOptions::default()
                };
                let model = config.fit(&data, &options).unwrap();
                (model.items, model.weights)
            };
            let one = learned(1, 0);
            assert!(one == learned(2, 0) && one == learned(8, 0));
            assert!(one != learned(2, 1));
        }

        #[test]
        fn a_fit_stops_where_it_stands_when_it_is_told_to() {
            let options = FitOptions::default();
            let cancel = Arc::clone(&options.cancel);
            let progress = move |stage: &str, done: f64| {
                cancel.store(stage == "epochs" && done > 0.2, Ordering::Relaxed);
            };
            let options = FitOptions {
                progress: Some(Arc::new(progress)),
                ..options
            };
            let result = small().fit(&round(), &options);
            assert!(matches!(result, Err(Error::Cancelled)));
        }

        #[test]
        fn data_of_which_little_can_be_learned_gives_a_model_all_the_same() {
            for sequences in [vec![vec![0]], vec![vec![0], vec![1]], vec![vec![0, 0, 0]]] {
                let data = dataset(&sequences);
                let model = learned(&small(), &data);
                let mut query = Query::new(5);
                query.session = vec![ItemIx(0)];
                let ranked = model.recommend(&query).unwrap();
                assert!(ranked.entries().iter().all(|entry| entry.score.is_finite()));
            }
        }

        #[test]
        fn a_learning_rate_past_reason_is_an_error_and_no_model_of_no_numbers() {
            let config = SequenceConfig {
                learning_rate: 1e30,
                ..small()
            };
            let error = config.fit(&round(), &FitOptions::default()).unwrap_err();
            assert!(error.to_string().contains("learning rate"), "{error}");
        }
    }
}
