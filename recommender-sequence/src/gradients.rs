//! What a batch says of the weights, worked out in tasks side by side.

use candle_core::{Device, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::Result;
use crate::batches::{Window, tasks};
use crate::body::{Body, Dropout};
use crate::output::{Choice, ItemGradient, Lesson, Table};
use crate::parameters::{ITEMS, Parameter};
use crate::settings::Settings;

/// Gradients of one batch or a part of it, a vector for each parameter, and the loss.
pub(crate) struct Gradients {
    pub(crate) loss: f64,
    pub(crate) values: Vec<Vec<f32>>,
}

/// One task's part of them; the items' apart, as they are seldom all touched.
struct Part {
    loss: f64,
    values: Vec<Vec<f32>>,
    output: ItemGradient,
    input: ItemGradient,
}

impl Gradients {
    /// What `batch` says of `parameters`; `seed` draws what is random.
    pub(crate) fn of(
        settings: &Settings,
        parameters: &[Parameter],
        batch: &[Window<'_>],
        seed: u64,
    ) -> Result<Self> {
        let targets: usize = batch.iter().map(|window| window.len() - 1).sum();
        let vars: Vec<Var> = parameters.iter().map(variable).collect::<Result<_>>()?;
        let task = Task {
            settings,
            table: Table {
                values: &parameters[ITEMS].values,
                width: settings.factors,
            },
            tensors: vars.iter().map(|var| var.as_tensor().clone()).collect(),
            weight: 1.0 / targets as f32,
        };
        let zeros = |parameter: &Parameter| vec![0.0; parameter.values.len()];
        let mut sum = Self {
            loss: 0.0,
            values: parameters.iter().map(zeros).collect(),
        };
        let tasks = tasks(batch, settings.factors, |window| window.len() - 1);
        let numbered: Vec<(u64, &[Window])> = (0..).zip(tasks).collect();
        for some in numbered.chunks(TASKS_AT_ONCE) {
            let parts: Vec<Part> = some
                .par_iter()
                .map(|&(number, windows)| task.part(windows, seed.wrapping_add(number)))
                .collect::<Result<_>>()?;
            parts
                .iter()
                .for_each(|part| sum.add(part, settings.factors));
        }
        Ok(sum)
    }

    fn add(&mut self, part: &Part, width: usize) {
        self.loss += part.loss;
        for (sum, values) in self.values.iter_mut().zip(&part.values) {
            add(sum, values);
        }
        add_items(&mut self.values[ITEMS], &part.output, width);
        add_items(&mut self.values[ITEMS], &part.input, width);
    }
}

/// Tasks whose gradients are held at once: each may have one of every item.
const TASKS_AT_ONCE: usize = 16;

fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut()
        .zip(values)
        .for_each(|(sum, value)| *sum += value);
}

/// Numbers that one task adds up.
const NUMBERS_PER_TASK: usize = 1 << 14;

fn add_items(sum: &mut [f32], gradient: &ItemGradient, width: usize) {
    match gradient {
        ItemGradient::Dense(values) => {
            let tasks = sum.par_chunks_mut(NUMBERS_PER_TASK);
            let tasks = tasks.zip(values.par_chunks(NUMBERS_PER_TASK));
            tasks.for_each(|(sum, values)| add(sum, values));
        }
        ItemGradient::Rows(items, values) => {
            for (&item, values) in items.iter().zip(values.chunks_exact(width)) {
                add(&mut sum[item as usize * width..][..width], values);
            }
        }
    }
}

fn variable(parameter: &Parameter) -> Result<Var> {
    let tensor = Tensor::from_slice(&parameter.values, parameter.shape.as_slice(), &Device::Cpu)?;
    Ok(Var::from_tensor(&tensor)?)
}

/// What the tasks of a batch share.
struct Task<'a> {
    settings: &'a Settings,
    table: Table<'a>,
    tensors: Vec<Tensor>,
    weight: f32,
}

impl Task<'_> {
    fn part(&self, windows: &[Window<'_>], seed: u64) -> Result<Part> {
        let longest = windows
            .iter()
            .map(|window| window.len() - 1)
            .max()
            .unwrap_or(0);
        let shape = (windows.len(), longest, self.settings.factors);
        let inputs = self.inputs(windows, longest);
        let vectors = Var::from_vec(inputs, shape, &Device::Cpu)?;
        let body = Body {
            settings: self.settings,
            parameters: &self.tensors,
        };
        let mut dropout = Dropout::new(self.settings.dropout, seed);
        let hidden = body.hidden(vectors.as_tensor(), &mut dropout)?;
        let (places, targets) = places_and_targets(windows, longest);
        let places = Tensor::new(places.as_slice(), &Device::Cpu)?;
        let hidden = hidden.flatten_to(1)?.index_select(&places, 0)?;
        let lesson = self.lesson(&hidden.detach(), &targets, seed)?;
        let grads = (&hidden * &lesson.hidden)?.sum_all()?.backward()?;
        let values =
            self.tensors
                .iter()
                .enumerate()
                .map(|(number, tensor)| match grads.get(tensor) {
                    Some(gradient) if number != ITEMS => Ok(gradient.flatten_all()?.to_vec1()?),
                    _ => Ok(Vec::new()),
                });
        let values = values.collect::<Result<_>>()?;
        let of_inputs = grads.get(vectors.as_tensor());
        let input = match of_inputs {
            Some(gradient) => self.of_inputs(windows, longest, &gradient.flatten_all()?.to_vec1()?),
            None => ItemGradient::Rows(Vec::new(), Vec::new()),
        };
        Ok(Part {
            loss: lesson.loss,
            values,
            output: lesson.items,
            input,
        })
    }

    /// The vectors of the items that are looked back on, zeros where a sequence is shorter than the longest.
    fn inputs(&self, windows: &[Window<'_>], longest: usize) -> Vec<f32> {
        let width = self.settings.factors;
        let scale = input_scale(width);
        let mut inputs = vec![0.0; windows.len() * longest * width];
        for (window, rows) in windows.iter().zip(inputs.chunks_exact_mut(longest * width)) {
            for (&item, row) in window[..window.len() - 1]
                .iter()
                .zip(rows.chunks_exact_mut(width))
            {
                for (out, value) in row.iter_mut().zip(self.table.row(item)) {
                    *out = scale * value;
                }
            }
        }
        inputs
    }

    fn of_inputs(&self, windows: &[Window<'_>], longest: usize, gradient: &[f32]) -> ItemGradient {
        let width = self.settings.factors;
        let scale = input_scale(width);
        let (mut items, mut values) = (Vec::new(), Vec::new());
        for (window, rows) in windows.iter().zip(gradient.chunks_exact(longest * width)) {
            let before = &window[..window.len() - 1];
            items.extend_from_slice(before);
            values.extend(
                rows[..before.len() * width]
                    .iter()
                    .map(|value| scale * value),
            );
        }
        ItemGradient::Rows(items, values)
    }

    fn lesson(&self, hidden: &Tensor, targets: &[u32], seed: u64) -> Result<Lesson> {
        let choice = Choice {
            targets,
            weight: self.weight,
        };
        let Some(count) = self.settings.negatives else {
            return Ok(choice.of_all(hidden, &self.tensors[ITEMS].detach())?);
        };
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ NEGATIVES);
        #[expect(clippy::cast_possible_truncation, reason = "items are numbered by u32")]
        let items = self.settings.items as u32;
        let negatives: Vec<u32> = (0..count).map(|_| random.random_range(0..items)).collect();
        Ok(choice.of_some(hidden, self.table, &negatives)?)
    }
}

/// Sets the sampled items apart from what is left out.
const NEGATIVES: u64 = 0x6e65_6761_7469_7665;

/// Items' vectors come into the body times this, so that a short vector speaks as loud as a position.
pub(crate) fn input_scale(width: usize) -> f32 {
    (width as f32).sqrt()
}

/// Where the hidden states stand that foretell something, and what they foretell.
fn places_and_targets(windows: &[Window<'_>], longest: usize) -> (Vec<u32>, Vec<u32>) {
    let (mut places, mut targets) = (Vec::new(), Vec::new());
    for (number, window) in windows.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "a task's places are few")]
        let first = (number * longest) as u32;
        places.extend((first..).take(window.len() - 1));
        targets.extend_from_slice(&window[1..]);
    }
    (places, targets)
}
