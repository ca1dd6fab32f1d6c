//! What is learned: names, shapes, beginnings.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::settings::Settings;

/// A named array of a trained model.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name, `blocks.0.attention.input.weight`.
    pub name: String,
    /// Its shape, the slowest dimension first.
    pub shape: Vec<usize>,
    /// Its numbers in row-major order.
    pub values: Vec<f32>,
}

/// Where the items' vectors stand among the parameters.
pub(crate) const ITEMS: usize = 0;
/// Where the vectors of the positions stand.
pub(crate) const POSITIONS: usize = 1;
/// Where the first block begins.
pub(crate) const BLOCKS: usize = 2;
/// Parameters of one block.
pub(crate) const PER_BLOCK: usize = 13;

/// How much wider a block's inner layer is than its hidden state.
pub(crate) const INNER: usize = 4;

/// What an array holds before training.
#[derive(Clone, Copy)]
enum Start {
    Zeros,
    Ones,
    /// Normal around 0 with this deviation.
    Normal(f32),
}

/// All parameters of a model of `settings`, as training begins.
pub(crate) fn initial(settings: &Settings) -> Vec<Parameter> {
    let mut random = ChaCha8Rng::seed_from_u64(settings.seed);
    let mut made = Vec::new();
    let mut add = |name: String, shape: &[usize], start: Start| {
        let count = shape.iter().product();
        let values = match start {
            Start::Zeros => vec![0.0; count],
            Start::Ones => vec![1.0; count],
            Start::Normal(deviation) => (0..count)
                .map(|_| deviation * normal(&mut random))
                .collect(),
        };
        let shape = shape.to_vec();
        made.push(Parameter {
            name,
            shape,
            values,
        });
    };
    let d = settings.factors;
    let start = Start::Normal((d as f32).sqrt().recip());
    add("items".into(), &[settings.items, d], start);
    add(
        "positions".into(),
        &[settings.length, d],
        Start::Normal(0.02),
    );
    for block in 0..settings.blocks {
        for (name, shape, start) in of_block(settings) {
            add(format!("blocks.{block}.{name}"), &shape, start);
        }
    }
    add("norm.scale".into(), &[d], Start::Ones);
    add("norm.shift".into(), &[d], Start::Zeros);
    made
}

/// A block's parameters in the order in which [`Body`](crate::body::Body) takes them.
fn of_block(settings: &Settings) -> [(&'static str, Vec<usize>, Start); PER_BLOCK] {
    let d = settings.factors;
    let wide = INNER * d;
    let weight = |inputs: usize| Start::Normal((inputs as f32).sqrt().recip());
    // What a block adds to the hidden state begins small, so that deep models begin as shallow ones.
    let last =
        |inputs: usize| Start::Normal(((2 * settings.blocks * inputs) as f32).sqrt().recip());
    [
        ("attention.norm.scale", vec![d], Start::Ones),
        ("attention.norm.shift", vec![d], Start::Zeros),
        ("attention.input.weight", vec![d, 3 * d], weight(d)),
        ("attention.input.bias", vec![3 * d], Start::Zeros),
        (
            "attention.distance",
            vec![settings.heads, settings.length],
            Start::Zeros,
        ),
        ("attention.output.weight", vec![d, d], last(d)),
        ("attention.output.bias", vec![d], Start::Zeros),
        ("forward.norm.scale", vec![d], Start::Ones),
        ("forward.norm.shift", vec![d], Start::Zeros),
        ("forward.inner.weight", vec![d, wide], weight(d)),
        ("forward.inner.bias", vec![wide], Start::Zeros),
        ("forward.outer.weight", vec![wide, d], last(wide)),
        ("forward.outer.bias", vec![d], Start::Zeros),
    ]
}

/// A number of the standard normal distribution, after Box and Muller.
fn normal(random: &mut ChaCha8Rng) -> f32 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    let angle = std::f64::consts::TAU * random.random::<f64>();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are kept in single precision"
    )]
    let value = (radius * angle.cos()) as f32;
    value
}
