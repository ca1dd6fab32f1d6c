//! What a product in a slot is likely to be rewarded with, told from the log itself.

use rustc_hash::FxHashMap;

use crate::ids::ItemIx;

/// Positions that are told apart; those after them are one.
const MOST_POSITIONS: usize = 32;

/// Slots of the mean rate that every position is given besides its own.
const SLOTS_GIVEN: f64 = 20.0;

/// Expected rewards, of the usual lift of 1, that every product is given besides its own.
const REWARDS_GIVEN: f64 = 2.0;

/// Rewards seen so far, for a [`RewardModel`].
#[derive(Debug, Clone, Default)]
pub struct RewardModelBuilder {
    folds: [Seen; 2],
}

/// How often what was seen, and the sum of its rewards.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    slots: f64,
    reward: f64,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    positions: [Count; MOST_POSITIONS],
    products: FxHashMap<(ItemIx, u8), Count>,
}

/// Foretells the reward of a product in a slot: the rate of the position, times how much better or worse than the
/// positions it stood in the product did (clicks over expected clicks: Zhang and Jones 2007, "Comparing click logs and
/// editorial labels for training query rewriting").
///
/// Both are drawn towards the usual: a position by twenty slots of the mean rate, a product by two expected rewards of a
/// lift of 1. Rewards are in 0 to 1, and so is what is foretold. Positions from the 32nd on count as one.
///
/// It is fitted twice, on each half of the persons, and each half is asked of the model of the other, so that nobody's own
/// reward is in what is foretold of her: that keeps [`Estimator::DoublyRobust`](super::Estimator::DoublyRobust) unbiased
/// (Chernozhukov et al. 2018, "Double/debiased machine learning").
#[derive(Debug, Clone)]
pub struct RewardModel {
    folds: [Fitted; 2],
}

#[derive(Debug, Clone)]
struct Fitted {
    rates: [f64; MOST_POSITIONS],
    lifts: FxHashMap<ItemIx, f64>,
}

impl RewardModelBuilder {
    /// Takes the reward, 0 to 1, that followed a product at a position counted from 0; without a product it counts for the
    /// position alone. `fold` says by its parity to which half of the persons hers belongs.
    pub fn observe(&mut self, fold: usize, (item, position): (Option<ItemIx>, usize), reward: f64) {
        let seen = &mut self.folds[fold % 2];
        let place = position.min(MOST_POSITIONS - 1);
        seen.positions[place].add(reward);
        if let Some(item) = item {
            let place = u8::try_from(place).expect("a position that is told apart");
            seen.products.entry((item, place)).or_default().add(reward);
        }
    }

    /// The model of what was taken.
    #[must_use]
    pub fn fit(&self) -> RewardModel {
        RewardModel {
            folds: [self.folds[0].fit(), self.folds[1].fit()],
        }
    }
}

impl Count {
    fn add(&mut self, reward: f64) {
        self.slots += 1.0;
        self.reward += reward;
    }
}

impl Seen {
    fn fit(&self) -> Fitted {
        let (mut slots, mut reward) = (0.0, 0.0);
        for count in &self.positions {
            slots += count.slots;
            reward += count.reward;
        }
        let mean = if slots > 0.0 { reward / slots } else { 0.0 };
        let rate = |count: Count| (count.reward + SLOTS_GIVEN * mean) / (count.slots + SLOTS_GIVEN);
        let rates = self.positions.map(rate);
        let mut products: Vec<(&(ItemIx, u8), &Count)> = self.products.iter().collect();
        // Sums do not depend on the order of a hash map.
        products.sort_unstable_by_key(|(key, _)| **key);
        let mut sums: FxHashMap<ItemIx, (f64, f64)> = FxHashMap::default();
        for ((item, place), count) in products {
            let (expected, found) = sums.entry(*item).or_default();
            *expected += count.slots * rates[usize::from(*place)];
            *found += count.reward;
        }
        let lift =
            |(expected, found): (f64, f64)| (found + REWARDS_GIVEN) / (expected + REWARDS_GIVEN);
        let lifts = sums.into_iter().map(|(item, sums)| (item, lift(sums)));
        Fitted {
            rates,
            lifts: lifts.collect(),
        }
    }
}

impl RewardModel {
    /// The reward, 0 to 1, to be expected of a product at a position counted from 0, for a person of `fold`, as those of
    /// the other fold tell it. Of a product that they never saw, the rate of the position.
    #[must_use]
    pub fn predict(&self, fold: usize, (item, position): (Option<ItemIx>, usize)) -> f64 {
        let other = &self.folds[(fold + 1) % 2];
        let rate = other.rates[position.min(MOST_POSITIONS - 1)];
        let lift = item.and_then(|item| other.lifts.get(&item));
        (rate * lift.copied().unwrap_or(1.0)).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUP: (Option<ItemIx>, usize) = (Some(ItemIx(0)), 0);
    const POT: (Option<ItemIx>, usize) = (Some(ItemIx(1)), 0);

    #[test]
    fn a_product_does_better_than_its_positions_or_worse() {
        let mut seen = RewardModelBuilder::default();
        for number in 0..1000 {
            let tenth = f64::from(u8::from(number % 10 == 0));
            seen.observe(1, CUP, 0.0);
            seen.observe(1, POT, tenth);
            seen.observe(1, (None, 40), 1.0);
        }
        let model = seen.fit();
        // The position: 100 of 2,000, and twenty slots of the mean of 1,100 of 3,000.
        let rate = (100.0 + 20.0 * 1100.0 / 3000.0) / 2020.0;
        let expected = 1000.0 * rate;
        let (cup, pot) = (2.0 / (expected + 2.0), 102.0 / (expected + 2.0));
        assert!((model.predict(0, CUP) - rate * cup).abs() < 1e-12);
        assert!((model.predict(0, POT) - rate * pot).abs() < 1e-12);
        assert_eq!(model.predict(0, (Some(ItemIx(7)), 0)), rate);
        let last = model.predict(0, (None, 31));
        assert!(last > 0.98 && model.predict(0, (None, 1000)) == last);
    }

    #[test]
    fn nobody_is_told_her_own_rewards() {
        let mut seen = RewardModelBuilder::default();
        for _ in 0..100 {
            seen.observe(0, CUP, 1.0);
            seen.observe(3, CUP, 0.0);
        }
        let model = seen.fit();
        assert_eq!(model.predict(0, CUP), 0.0);
        assert!(model.predict(1, CUP) > 0.9);
        assert_eq!(RewardModelBuilder::default().fit().predict(0, CUP), 0.0);
    }
}
