//! Adam with weight decay apart from the gradient (Loshchilov and Hutter, ICLR 2019).

use rayon::prelude::*;

use crate::parameters::Parameter;

/// How fast the mean of the gradients forgets.
const MEAN_DECAY: f32 = 0.9;
/// How fast the mean of their squares forgets.
const SQUARE_DECAY: f32 = 0.98;
const EPSILON: f32 = 1e-8;

/// Numbers that one task works on; fixed, though each is worked out alone.
const NUMBERS_PER_TASK: usize = 1 << 14;

/// Means of what the gradients of one parameter were.
#[derive(Debug)]
struct Moments {
    mean: Vec<f32>,
    square: Vec<f32>,
}

/// The state of Adam.
#[derive(Debug)]
pub(crate) struct Adam {
    moments: Vec<Moments>,
    learning_rate: f32,
    regularization: f32,
    steps: i32,
}

impl Adam {
    pub(crate) fn new(parameters: &[Parameter], learning_rate: f32, regularization: f32) -> Self {
        let moments = parameters.iter().map(|parameter| Moments {
            mean: vec![0.0; parameter.values.len()],
            square: vec![0.0; parameter.values.len()],
        });
        Self {
            moments: moments.collect(),
            learning_rate,
            regularization,
            steps: 0,
        }
    }

    /// One step against `gradients`, one for each parameter.
    pub(crate) fn step(&mut self, parameters: &mut [Parameter], gradients: &[Vec<f32>]) {
        self.steps += 1;
        let mean_scale = 1.0 / (1.0 - MEAN_DECAY.powi(self.steps));
        let square_scale = 1.0 / (1.0 - SQUARE_DECAY.powi(self.steps));
        let rate = self.learning_rate;
        for ((parameter, moments), gradient) in
            parameters.iter_mut().zip(&mut self.moments).zip(gradients)
        {
            // Norms, biases and distances have nothing to gain from being near zero.
            let matrix = parameter.name == "items" || parameter.name.ends_with("weight");
            let keep = if matrix {
                1.0 - rate * self.regularization
            } else {
                1.0
            };
            let values = parameter.values.par_chunks_mut(NUMBERS_PER_TASK);
            let means = moments.mean.par_chunks_mut(NUMBERS_PER_TASK);
            let squares = moments.square.par_chunks_mut(NUMBERS_PER_TASK);
            let gradients = gradient.par_chunks(NUMBERS_PER_TASK);
            let tasks = values.zip(means).zip(squares).zip(gradients);
            tasks.for_each(|(((values, means), squares), gradients)| {
                for (at, &slope) in gradients.iter().enumerate() {
                    means[at] = MEAN_DECAY * means[at] + (1.0 - MEAN_DECAY) * slope;
                    squares[at] = SQUARE_DECAY * squares[at] + (1.0 - SQUARE_DECAY) * slope * slope;
                    let deviation = (squares[at] * square_scale).sqrt() + EPSILON;
                    values[at] = values[at] * keep - rate * means[at] * mean_scale / deviation;
                }
            });
        }
    }
}
