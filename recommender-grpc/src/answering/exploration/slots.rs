//! Places that are left to chance: what may be shown at each, with which probability, and which of it is.

use recommender_core::ItemIx;

use crate::answering::ranking::Range;
use crate::answering::shortlist::{Entry, Origin};
use crate::serving::{Exploration, ExplorationPolicy};

/// Products behind the page that are looked at for each place, and for all of them at most.
const BEHIND: (usize, usize) = (10, 1000);

/// A place that is drawn for.
#[derive(Debug)]
pub(super) struct Slot {
    /// Places in the list of what may be shown there, its own first, each with its probability.
    pub(super) choices: Vec<(usize, f64)>,
}

/// How many products behind a page of `first` are looked at.
pub(super) fn behind(how: &Exploration, first: usize) -> usize {
    let (each, most) = BEHIND;
    how.max_items.min(first).saturating_mul(each).min(most)
}

/// The places of a first page of `first` products that are drawn for: the last ones that no control holds and to which
/// something could be dealt that `fits` in the place of their own product.
pub(super) fn slots(
    entries: &[Entry],
    (how, first): (&Exploration, usize),
    fits: &dyn Fn(ItemIx, ItemIx) -> bool,
) -> Vec<Slot> {
    let page = first.min(entries.len());
    let end = entries.len().min(page + behind(how, first));
    let is_free = |&place: &usize| {
        let entry = &entries[place];
        entry.origin == Origin::Proposed && entry.raised_by.is_none()
    };
    let own = (0..page).rev().filter(is_free).take(how.max_items);
    let mut hands: Vec<Vec<usize>> = own.map(|place| vec![place]).collect();
    hands.reverse();
    let mut turn = 0;
    for place in (page..end).filter(is_free) {
        let mut order = (turn..hands.len()).chain(0..turn);
        let item = |place: usize| entries[place].item;
        if let Some(taker) = order.find(|&it| fits(item(hands[it][0]), item(place))) {
            hands[taker].push(place);
            turn = (taker + 1) % hands.len();
        }
    }
    hands.retain(|hand| hand.len() > 1);
    let score = |&place: &usize| f64::from(entries[place].score);
    let range = Range::of(hands.iter().flatten().map(score));
    let fit = |place: &usize| range.part(score(place));
    let slot = |hand: Vec<usize>| {
        let chances = match how.policy {
            ExplorationPolicy::Epsilon(epsilon) => by_epsilon(epsilon, hand.len()),
            ExplorationPolicy::SoftmaxTemperature(t) => {
                by_softmax(t, &hand.iter().map(fit).collect::<Vec<_>>())
            }
        };
        let choices = hand.into_iter().zip(chances).collect();
        Slot { choices }
    };
    hands.into_iter().map(slot).collect()
}

/// The first of `count` choices, unless one of the others is drawn: at least one of them.
#[expect(clippy::cast_precision_loss, reason = "there are at most a thousand")]
fn by_epsilon(epsilon: f64, count: usize) -> Vec<f64> {
    let others = count - 1;
    let mut chances = vec![epsilon / others as f64; count];
    chances[0] = 1.0 - epsilon;
    chances
}

/// Each choice in proportion to the exponential of how it fits, from 0 to 1, over the temperature.
fn by_softmax(temperature: f64, fits: &[f64]) -> Vec<f64> {
    // Of the best, the exponential is 1, so that the sum is never 0, nor too large.
    let best = fits.iter().copied().fold(0.0, f64::max);
    let weights = fits.iter().map(|fit| ((fit - best) / temperature).exp());
    let weights: Vec<f64> = weights.collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

impl Slot {
    pub(super) fn own(&self) -> usize {
        self.choices[0].0
    }

    /// What the seed of an answer has stand here, with its probability.
    pub(super) fn pick(&self, seed: u64) -> (usize, f64) {
        let mut number = uniform(seed, self.own());
        let mut last = self.choices[0];
        for &choice in self.choices.iter().filter(|choice| choice.1 > 0.0) {
            last = choice;
            if number < choice.1 {
                break;
            }
            number -= choice.1;
        }
        last
    }
}

/// A number from 0 to below 1 for one place: the output of `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014, figure 13)
/// at so many steps from the seed.
#[expect(
    clippy::cast_precision_loss,
    reason = "53 bits are left, as many as a float has"
)]
fn uniform(seed: u64, place: usize) -> f64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let steps = (place as u64).wrapping_add(1);
    let mut bits = seed.wrapping_add(STEP.wrapping_mul(steps));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests;
