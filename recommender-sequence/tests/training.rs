//! What training promises, on sequences whose next item is known.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use recommender_sequence::{Error, Parameter, Settings, scores, train};

const ITEMS: u32 = 24;

fn settings() -> Settings {
    Settings {
        items: ITEMS as usize,
        factors: 32,
        blocks: 2,
        heads: 2,
        length: 8,
        dropout: 0.0,
        negatives: None,
        learning_rate: 0.01,
        regularization: 0.0,
        epochs: 60,
        patience: 60,
        batch_size: 32,
        validation: 0.1,
        seed: 5,
    }
}

/// Two walks round the items in turns: the one before the last tells what comes next, the last one says nothing.
fn next(before: u32) -> u32 {
    (before + 1) % ITEMS
}

fn sequences() -> Vec<Vec<u32>> {
    let sequence = |number: u32| {
        let mut items = vec![number % ITEMS, (number * 7 + number / ITEMS) % ITEMS];
        for at in 2..(4 + number as usize % 8) {
            items.push(next(items[at - 2]));
        }
        items
    };
    (0..240).map(sequence).collect()
}

fn trained(settings: &Settings) -> Vec<Parameter> {
    train(&sequences(), settings, &mut |_| true).unwrap()
}

/// Share of all pairs of items after which the right one is the best.
fn right(settings: &Settings, parameters: &[Parameter]) -> f64 {
    let pairs: Vec<[u32; 2]> = sequences()
        .iter()
        .map(|items| [items[0], items[1]])
        .collect();
    let histories: Vec<&[u32]> = pairs.iter().map(<[u32; 2]>::as_slice).collect();
    let scores = scores(settings, parameters, &histories).unwrap();
    let hits = scores.iter().zip(&pairs).filter(|(scores, pair)| {
        let own = scores[next(pair[0]) as usize];
        scores.iter().all(|&score| score <= own)
    });
    hits.count() as f64 / pairs.len() as f64
}

#[test]
fn what_came_before_the_last_is_learned_from_all_items_and_from_some() {
    for negatives in [None, Some(8)] {
        let settings = Settings {
            negatives,
            ..settings()
        };
        let right = right(&settings, &trained(&settings));
        assert!(right > 0.9, "{negatives:?}: {right}");
    }
}

#[test]
fn the_same_bytes_are_learned_on_any_number_of_threads_and_others_of_another_seed() {
    for negatives in [None, Some(8)] {
        let learned = |threads: usize, seed: u64| {
            let settings = Settings {
                negatives,
                seed,
                epochs: 2,
                batch_size: 200,
                factors: 64,
                ..settings()
            };
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| trained(&settings))
        };
        let one = learned(1, 0);
        assert!(one == learned(2, 0) && one == learned(8, 0));
        assert!(one != learned(1, 1));
    }
}

#[test]
fn training_stops_when_it_is_told_to() {
    let mut last = 0.0;
    let result = train(&sequences(), &settings(), &mut |progress| {
        last = progress.done;
        last < 0.1
    });
    assert!(matches!(result, Err(Error::Cancelled)));
    assert!((0.1..0.12).contains(&last), "{last}");
}

#[test]
fn the_best_model_by_what_was_kept_back_is_kept() {
    let settings = Settings {
        epochs: 200,
        patience: 5,
        learning_rate: 0.03,
        ..settings()
    };
    let (mut epochs, mut best) = (0.0, 0.0);
    let parameters = train(&sequences(), &settings, &mut |progress| {
        epochs = progress.done * 200.0;
        best = progress.gains.1;
        true
    });
    assert!(epochs < 150.0, "it ends before its time: {epochs}");
    let right = right(&settings, &parameters.unwrap());
    assert!(best > 0.7 && right > 0.8, "{best} {right}");
}

#[test]
fn long_sequences_are_foretold_to_their_ends() {
    let long: Vec<u32> = (0..200).map(|at| at % ITEMS).collect();
    let settings = Settings {
        epochs: 60,
        validation: 0.0,
        ..settings()
    };
    let parameters = train(&vec![long; 4], &settings, &mut |_| true).unwrap();
    for start in [0, 5, 23] {
        let before: Vec<u32> = (start..start + 8).map(|at| at % ITEMS).collect();
        let scores = scores(&settings, &parameters, &[&before]).unwrap();
        let own = scores[0][((start + 8) % ITEMS) as usize];
        assert!(scores[0].iter().all(|&score| score <= own));
    }
}

#[test]
fn nothing_to_learn_from_gives_the_first_weights() {
    for sequences in [vec![], vec![vec![]], vec![vec![3]]] {
        let parameters = train(&sequences, &settings(), &mut |_| true).unwrap();
        let numbers = parameters.iter().flat_map(|parameter| &parameter.values);
        assert!(numbers.into_iter().all(|value| value.is_finite()));
    }
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let refused = |settings: Settings, sequences: &[Vec<u32>]| {
        let result = train(sequences, &settings, &mut |_| true);
        assert!(matches!(result, Err(Error::Settings(_))), "{settings:?}");
    };
    refused(settings(), &[vec![0, ITEMS]]);
    refused(
        Settings {
            heads: 3,
            ..settings()
        },
        &sequences(),
    );
    refused(
        Settings {
            factors: 0,
            ..settings()
        },
        &sequences(),
    );
    refused(
        Settings {
            negatives: Some(0),
            ..settings()
        },
        &sequences(),
    );
    refused(
        Settings {
            dropout: 1.0,
            ..settings()
        },
        &sequences(),
    );
    let wild = Settings {
        learning_rate: 1e30,
        ..settings()
    };
    let result = train(&sequences(), &wild, &mut |_| true);
    assert!(matches!(result, Err(Error::Diverged)));
}
