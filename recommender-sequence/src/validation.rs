//! How well a model foretells the items kept back.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::Result;
use crate::batches::tasks;
use crate::body::{Body, Dropout};
use crate::gradients::input_scale;
use crate::output::Table;
use crate::parameters::{ITEMS, Parameter};
use crate::settings::Settings;

/// An item kept back, and what came before it.
pub(crate) struct Question<'a> {
    pub(crate) before: &'a [u32],
    pub(crate) target: u32,
}

/// Mean of `1 / log2(1 + rank)` over `questions`, the rank among all items.
pub(crate) fn gain(
    settings: &Settings,
    parameters: &[Parameter],
    questions: &[Question<'_>],
) -> Result<f64> {
    let histories: Vec<&[u32]> = questions.iter().map(|question| question.before).collect();
    let scores = scores(settings, parameters, &histories)?;
    let gains = scores.iter().zip(questions).map(|(scores, question)| {
        let own = scores[question.target as usize];
        let better = scores.iter().filter(|&&score| score > own).count();
        let equal = scores.iter().filter(|&&score| score == own).count();
        let rank = better as f64 + (equal as f64 + 1.0) / 2.0;
        (1.0 + rank).log2().recip()
    });
    Ok(gains.sum::<f64>() / questions.len() as f64)
}

/// Scores of all items to come next after each of `histories`: one to `length` items, oldest first.
///
/// # Errors
/// [`Error::Tensors`](crate::Error::Tensors) if a history is empty or too long or the parameters are of other settings.
pub fn scores(
    settings: &Settings,
    parameters: &[Parameter],
    histories: &[&[u32]],
) -> Result<Vec<Vec<f32>>> {
    let tensors: Vec<Tensor> = parameters
        .iter()
        .map(|parameter| {
            Tensor::from_slice(&parameter.values, parameter.shape.as_slice(), &Device::Cpu)
        })
        .collect::<candle_core::Result<_>>()?;
    let table = Table {
        values: &parameters[ITEMS].values,
        width: settings.factors,
    };
    let parts: Vec<Vec<Vec<f32>>> = tasks(histories, settings.factors, |history| history.len())
        .into_par_iter()
        .map(|histories| {
            let hidden = hidden(settings, &tensors, table, histories)?;
            Ok(hidden.matmul(&tensors[ITEMS].t()?)?.to_vec2()?)
        })
        .collect::<Result<_>>()?;
    Ok(parts.into_iter().flatten().collect())
}

/// The last hidden state of each of `histories`.
fn hidden(
    settings: &Settings,
    tensors: &[Tensor],
    table: Table<'_>,
    histories: &[&[u32]],
) -> Result<Tensor> {
    let width = settings.factors;
    let longest = histories
        .iter()
        .map(|history| history.len())
        .max()
        .unwrap_or(0);
    let mut inputs = vec![0.0; histories.len() * longest * width];
    let mut places = Vec::with_capacity(histories.len());
    for (number, history) in histories.iter().enumerate() {
        let rows = inputs[number * longest * width..].chunks_exact_mut(width);
        for (row, &item) in rows.zip(*history) {
            for (out, value) in row.iter_mut().zip(table.row(item)) {
                *out = input_scale(width) * value;
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "a task's places are few")]
        places.push((number * longest + history.len().max(1) - 1) as u32);
    }
    let inputs = Tensor::from_vec(inputs, (histories.len(), longest, width), &Device::Cpu)?;
    let body = Body {
        settings,
        parameters: tensors,
    };
    let hidden = body.hidden(&inputs, &mut Dropout::new(0.0, 0))?;
    let places = Tensor::new(places.as_slice(), &Device::Cpu)?;
    Ok(hidden.flatten_to(1)?.index_select(&places, 0)?)
}
