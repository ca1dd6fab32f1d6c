//! The bridge to the crate that trains.

use recommender_sequence::{Error as TrainingError, Parameter, Settings, train};

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::factors::{Factors, ItemFactors};
use crate::ids::{DenseIndex, ItemIx};
use crate::models::sequence::weights::Weights;
use crate::models::sequence::{Sequence, SequenceConfig, events_of};
use crate::recommender::FitOptions;

/// The model of `config` that `dataset` teaches.
pub(super) fn learned(
    config: &SequenceConfig,
    dataset: &Dataset,
    options: &FitOptions,
) -> Result<Sequence> {
    options.step("sequences", 0.0)?;
    let sequences = sequences(dataset)?;
    let (items, sequences) = numbered(sequences, dataset.items().len());
    let settings = settings(config, items.len(), options.seed);
    let step = |done: f64| options.step("epochs", done).is_ok();
    let parameters = if items.is_empty() {
        Vec::new()
    } else {
        train(&sequences, &settings, &mut |progress| step(progress.done)).map_err(said)?
    };
    options.step("epochs", 1.0)?;
    fitted(config, &items, parameters)
}

/// What each shopper did, oldest first, as she would be answered.
fn sequences(dataset: &Dataset) -> Result<Vec<Vec<ItemIx>>> {
    let users = dataset.users().iter();
    users
        .map(|(user, _)| Ok(events_of(&dataset.query_of(user, 0)?)))
        .collect()
}

/// The items of the sequences, ascending, and the sequences in their numbers.
fn numbered(sequences: Vec<Vec<ItemIx>>, items: usize) -> (Vec<ItemIx>, Vec<Vec<u32>>) {
    let mut numbers = vec![None; items];
    for item in sequences.iter().flatten() {
        numbers[item.position()] = Some(0);
    }
    let met = numbers
        .iter_mut()
        .enumerate()
        .filter_map(|(item, number)| number.as_mut().map(|number| (ItemIx::at(item), number)));
    let mut known = Vec::new();
    for ((item, number), next) in met.zip(0u32..) {
        *number = next;
        known.push(item);
    }
    let number = |item: ItemIx| numbers[item.position()];
    let sequences = sequences.into_iter().filter(|sequence| sequence.len() > 1);
    let sequences = sequences.map(|items| items.into_iter().filter_map(number).collect());
    (known, sequences.collect())
}

fn settings(config: &SequenceConfig, items: usize, seed: u64) -> Settings {
    Settings {
        items,
        factors: config.factors,
        blocks: config.blocks,
        heads: config.heads,
        length: config.length,
        dropout: config.dropout,
        negatives: config.negatives,
        learning_rate: config.learning_rate,
        regularization: config.regularization,
        epochs: config.epochs,
        patience: config.patience,
        batch_size: config.batch_size,
        validation: config.validation,
        seed,
    }
}

fn said(error: TrainingError) -> Error {
    match error {
        TrainingError::Cancelled => Error::Cancelled,
        TrainingError::Settings(reason) => Error::data("sequence", reason),
        TrainingError::Diverged => Error::data("sequence", TrainingError::Diverged.to_string()),
        TrainingError::Tensors(reason) => Error::Internal(format!("sequence: {reason}")),
    }
}

/// The model of what training gave; one that answers nothing, if there was nothing to learn from.
fn fitted(
    config: &SequenceConfig,
    items: &[ItemIx],
    parameters: Vec<Parameter>,
) -> Result<Sequence> {
    let bound = items.last().map_or(0, |item| item.position() + 1);
    let mut factors = Factors::zeros(bound, config.factors);
    let mut parameters = parameters.into_iter();
    if let Some(vectors) = parameters.next() {
        let rows = vectors.values.chunks_exact(config.factors);
        for (item, row) in items.iter().zip(rows) {
            factors.row_mut(item.position())[..config.factors].copy_from_slice(row);
        }
    }
    let items = ItemFactors::new(items, &factors);
    let weights = Weights::collect(config, |name, shape| match parameters.next() {
        Some(parameter) if parameter.name == name => Ok((parameter.shape, parameter.values.into())),
        Some(parameter) => Err(Error::Internal(format!(
            "{} stands for {name}",
            parameter.name
        ))),
        None => Ok((shape.to_vec(), vec![0.0; shape.iter().product()].into())),
    })?;
    Sequence::new(config.clone(), items, weights)
}
