use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const WIDTH: usize = 5;

fn random(rows: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..rows * WIDTH)
        .map(|_| random.random_range(-1.0..1.0))
        .collect()
}

fn matrix(values: &[f32]) -> Tensor {
    Tensor::from_slice(values, (values.len() / WIDTH, WIDTH), &Device::Cpu).unwrap()
}

fn dot(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(a, b)| f64::from(a * b)).sum()
}

const WEIGHT: f32 = 0.25;

/// The loss as the docs say it, over `others` and the target: all items once, or the sampled ones.
fn plainly(hidden: &[f32], items: &[f32], targets: &[u32], negatives: Option<&[u32]>) -> f64 {
    let row = |item: u32| &items[item as usize * WIDTH..][..WIDTH];
    let count = items.len() / WIDTH;
    let mut loss = 0.0;
    for (hidden, &target) in hidden.chunks_exact(WIDTH).zip(targets) {
        let own = dot(hidden, row(target));
        let others: f64 = match negatives {
            None => (0..count)
                .filter(|&item| item != target as usize)
                .map(|item| dot(hidden, &items[item * WIDTH..][..WIDTH]).exp())
                .sum(),
            Some(negatives) => negatives
                .iter()
                .filter(|&&item| item != target)
                .map(|&item| {
                    dot(hidden, row(item)).exp() * (count as f64 - 1.0) / negatives.len() as f64
                })
                .sum(),
        };
        loss += f64::from(WEIGHT) * ((own.exp() + others).ln() - own);
    }
    loss
}

fn dense(gradient: &ItemGradient, items: usize) -> Vec<f32> {
    match gradient {
        ItemGradient::Dense(values) => values.clone(),
        ItemGradient::Rows(numbers, values) => {
            let mut sums = vec![0.0; items];
            for (&item, values) in numbers.iter().zip(values.chunks_exact(WIDTH)) {
                for (at, value) in values.iter().enumerate() {
                    sums[item as usize * WIDTH + at] += value;
                }
            }
            sums
        }
    }
}

#[test]
fn the_loss_and_its_slopes_are_those_of_the_formula() {
    let (hidden, items) = (random(4, 1), random(37, 2));
    let targets = [3, 36, 0, 3];
    let negatives = [1u32, 3, 3, 20, 36, 7];
    for sampled in [None, Some(&negatives[..])] {
        let choice = Choice {
            targets: &targets,
            weight: WEIGHT,
        };
        let lesson = match sampled {
            None => choice.of_all(&matrix(&hidden), &matrix(&items)).unwrap(),
            Some(negatives) => {
                let table = Table {
                    values: &items,
                    width: WIDTH,
                };
                choice.of_some(&matrix(&hidden), table, negatives).unwrap()
            }
        };
        let loss = |hidden: &[f32], items: &[f32]| plainly(hidden, items, &targets, sampled);
        assert!((lesson.loss - loss(&hidden, &items)).abs() < 1e-4);
        let of_hidden = lesson
            .hidden
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        for (at, slope) in of_hidden.iter().enumerate() {
            let measured = measured(&hidden, at, |moved| loss(moved, &items));
            assert!((measured - f64::from(*slope)).abs() < 1e-3);
        }
        for (at, slope) in dense(&lesson.items, items.len()).iter().enumerate() {
            let measured = measured(&items, at, |moved| loss(&hidden, moved));
            assert!(
                (measured - f64::from(*slope)).abs() < 1e-3,
                "{at}: {measured} {slope}"
            );
        }
    }
}

fn measured(values: &[f32], at: usize, loss: impl Fn(&[f32]) -> f64) -> f64 {
    let moved = |by: f32| {
        let mut values = values.to_vec();
        values[at] += by;
        loss(&values)
    };
    (moved(0.01) - moved(-0.01)) / 0.02
}

#[test]
fn the_exponential_is_right_to_a_millionth() {
    for step in 0..=20_000 {
        let x = -(step as f32) * 0.004;
        let right = f64::from(x).exp();
        assert!((f64::from(exp(x)) - right).abs() <= 1e-6 * right, "{x}");
    }
    assert!(exp(-1_000.0) < 1e-37 && exp(f32::NEG_INFINITY) < 1e-37);
}

#[test]
fn blocks_of_scores_add_up() {
    let items = random(SCORES_AT_ONCE / 16 + 1, 3);
    let hidden = random(20, 4);
    let targets: Vec<u32> = (0..20).collect();
    let choice = Choice {
        targets: &targets,
        weight: WEIGHT,
    };
    let together = choice.of_all(&matrix(&hidden), &matrix(&items)).unwrap();
    let mut loss = 0.0;
    for (hidden, target) in hidden.chunks_exact(WIDTH).zip(&targets) {
        let choice = Choice {
            targets: &[*target],
            weight: WEIGHT,
        };
        loss += choice
            .of_all(&matrix(hidden), &matrix(&items))
            .unwrap()
            .loss;
    }
    assert!((together.loss - loss).abs() < 1e-3 * loss);
    assert_eq!(together.hidden.dims(), [20, WIDTH]);
}
