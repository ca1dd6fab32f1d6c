//! The passes over the sequences.

use rand::seq::SliceRandom;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::adam::Adam;
use crate::batches::{Window, shuffled, windows};
use crate::gradients::Gradients;
use crate::parameters::{Parameter, initial};
use crate::settings::Settings;
use crate::validation::{Question, gain};
use crate::{Error, Result};

/// How training went so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Share of all epochs that is done, from 0 to 1; training may end before it reaches 1.
    pub done: f64,
    /// Mean loss of the targets since the epoch began, in nats.
    pub loss: f64,
    /// How well the items kept back were foretold after the last epoch, and by the best: mean of `1 / log2(1 + rank)`.
    pub gains: (f64, f64),
}

/// Vectors kept while they are the best.
struct Best {
    gain: f64,
    epoch: usize,
    parameters: Vec<Parameter>,
}

/// A model in training.
struct Trainer<'a> {
    settings: &'a Settings,
    parameters: Vec<Parameter>,
    adam: Adam,
    random: ChaCha8Rng,
}

/// Learns from `sequences` of item numbers, oldest first.
///
/// `step` is told how far training is after each batch and says whether it goes on. Runs on the current rayon pool; the
/// same sequences, settings and seed give the same bytes on any number of threads.
///
/// # Errors
/// [`Error::Settings`] if the settings do not fit one another or a sequence holds an item they do not know,
/// [`Error::Cancelled`] if `step` said to stop, [`Error::Diverged`] if the weights grew past all numbers.
pub fn train(
    sequences: &[Vec<u32>],
    settings: &Settings,
    step: &mut dyn FnMut(Progress) -> bool,
) -> Result<Vec<Parameter>> {
    check(sequences, settings)?;
    let parameters = initial(settings);
    let trainer = Trainer {
        adam: Adam::new(&parameters, settings.learning_rate, settings.regularization),
        settings,
        parameters,
        random: ChaCha8Rng::seed_from_u64(settings.seed ^ ORDER),
    };
    trainer.run(sequences, step)
}

/// Sets the order of the batches apart from the first weights.
const ORDER: u64 = 0x6f72_6465_7200;

fn check(sequences: &[Vec<u32>], settings: &Settings) -> Result<()> {
    let wrong = |reason: &str| Err(Error::Settings(reason.into()));
    let counts = [
        settings.items,
        settings.factors,
        settings.heads,
        settings.length,
        settings.batch_size,
    ];
    if counts.contains(&0) || settings.negatives == Some(0) {
        return wrong("items, factors, heads, length, batch_size and negatives are at least 1");
    }
    if !settings.factors.is_multiple_of(settings.heads) {
        return wrong("the factors are no multiple of the heads");
    }
    if !(0.0..1.0).contains(&settings.dropout) || !(0.0..=1.0).contains(&settings.validation) {
        return wrong("dropout is from 0 to below 1, validation from 0 to 1");
    }
    let known = |item: &u32| (*item as usize) < settings.items;
    if !sequences.iter().flatten().all(known) {
        return wrong("a sequence holds an item past the last");
    }
    Ok(())
}

impl Trainer<'_> {
    fn run(
        mut self,
        sequences: &[Vec<u32>],
        step: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Vec<Parameter>> {
        let (sequences, questions) = self.keep_back(sequences);
        let mut windows = windows(&sequences, self.settings.length);
        let mut best = Best {
            gain: 0.0,
            epoch: 0,
            parameters: Vec::new(),
        };
        let mut last = 0.0;
        for epoch in 0..self.settings.epochs {
            let batches = shuffled(&mut windows, self.settings.batch_size, &mut self.random);
            let (mut loss, count) = (0.0, batches.len());
            for (number, batch) in batches.iter().enumerate() {
                let seed = self.random.next_u64();
                let gradients = Gradients::of(self.settings, &self.parameters, batch, seed)?;
                self.adam.step(&mut self.parameters, &gradients.values);
                loss += gradients.loss;
                let done = (epoch as f64 + (number + 1) as f64 / count as f64)
                    / self.settings.epochs as f64;
                let loss = loss / (number + 1) as f64;
                if !loss.is_finite() {
                    return Err(Error::Diverged);
                }
                if !step(Progress {
                    done,
                    loss,
                    gains: (last, best.gain),
                }) {
                    return Err(Error::Cancelled);
                }
            }
            if questions.is_empty() {
                continue;
            }
            last = gain(self.settings, &self.parameters, &questions)?;
            if last > best.gain {
                best = Best {
                    gain: last,
                    epoch,
                    parameters: self.parameters.clone(),
                };
            } else if epoch >= best.epoch + self.settings.patience {
                break;
            }
        }
        Ok(if best.parameters.is_empty() {
            self.parameters
        } else {
            best.parameters
        })
    }

    /// The sequences without the last items of some, and those items as questions.
    fn keep_back<'s>(&mut self, sequences: &'s [Vec<u32>]) -> (Vec<Window<'s>>, Vec<Question<'s>>) {
        let mut numbers: Vec<usize> = (0..sequences.len())
            .filter(|&number| sequences[number].len() > 2)
            .collect();
        numbers.shuffle(&mut self.random);
        #[expect(clippy::cast_possible_truncation, reason = "a share of a count")]
        #[expect(clippy::cast_sign_loss, reason = "a share is not below 0")]
        let kept = (numbers.len() as f64 * f64::from(self.settings.validation)) as usize;
        numbers.truncate(kept);
        numbers.sort_unstable();
        let mut all: Vec<Window> = sequences.iter().map(Vec::as_slice).collect();
        let mut questions = Vec::with_capacity(kept);
        for number in numbers {
            if let Some((&target, before)) = all[number].split_last() {
                all[number] = before;
                let before = &before[before.len().saturating_sub(self.settings.length)..];
                questions.push(Question { before, target });
            }
        }
        (all, questions)
    }
}
