//! Sums over logged slots, and the figures that come of them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, InputError, Result};
use crate::evaluation::bootstrap::{Bootstrap, Interval, Sample};
use crate::recommender::FitOptions;

/// Most groups of persons of which sums are kept; persons beyond share them. So memory and the work of an interval are
/// bounded, and groups of persons are as independent of one another as persons are.
const MOST_GROUPS: usize = 1 << 17;

/// Resamples of an interval.
const RESAMPLES: usize = 1000;

/// How the value of a policy is worked out of slots, each of a weight `w`: the chance with which the policy in question
/// shows the product there, beside the propensity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// Inverse propensity scores: the mean of `w · reward` (Horvitz and Thompson 1952, "A generalization of sampling
    /// without replacement from a finite universe"). Unbiased where the log could show all that the policy shows.
    #[default]
    Ips,
    /// Self-normalized: the sum of `w · reward` by the sum of `w` (Swaminathan and Joachims 2015, "The self-normalized
    /// estimator for counterfactual learning"). Consistent, of a smaller variance, and never outside the range of
    /// rewards.
    Snips,
    /// Doubly robust: the mean of what a model foretells of the policy, mended by `w` times what it is wrong by on what
    /// was shown (Dudik, Langford and Li 2011, "Doubly robust policy evaluation and learning"). Unbiased if propensities
    /// are right, whatever the model; of a smaller variance if the model is good.
    DoublyRobust,
}

/// A product that was shown in a slot of a list, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoggedSlot {
    /// The probability with which the log's policy showed this product in this slot: above 0, at most 1.
    pub propensity: f64,
    /// The probability with which the policy in question shows it there: 0 to 1.
    pub target: f64,
    /// What followed: finite, such as 1 for a click and 0 for none.
    pub reward: f64,
    /// What a model foretells of this product in this slot: finite; only for [`Estimator::DoublyRobust`].
    pub predicted: f64,
    /// The mean of what the model foretells of what the policy in question shows in this slot: finite; only for
    /// [`Estimator::DoublyRobust`].
    pub expected: f64,
}

impl LoggedSlot {
    /// A slot that nothing followed, and of which no model foretells anything.
    #[must_use]
    pub fn new(propensity: f64, target: f64) -> Self {
        Self {
            propensity,
            target,
            reward: 0.0,
            predicted: 0.0,
            expected: 0.0,
        }
    }

    /// What is wrong with it: a field, what was expected there, and what was found.
    fn wrong(&self) -> Option<(&'static str, &'static str, f64)> {
        // Not a number is in no range.
        if !(self.propensity > 0.0 && self.propensity <= 1.0) {
            return Some(("propensity", "above 0 and at most 1", self.propensity));
        }
        if !(0.0..=1.0).contains(&self.target) {
            return Some(("target", "from 0 to 1", self.target));
        }
        let finite = [
            ("reward", self.reward),
            ("predicted", self.predicted),
            ("expected", self.expected),
        ];
        let mut wrong = finite.into_iter().filter(|(_, value)| !value.is_finite());
        wrong.next().map(|(field, value)| (field, "finite", value))
    }
}

/// A mean with its 95 % interval, by a bootstrap over persons.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its interval; a point where there is one person.
    pub interval: Interval,
}

/// What a log says of a policy. Figures in rewards are per slot shown: times the mean length of the lists they are
/// rewards per list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyValue {
    /// The mean reward of a slot under the policy in question; none where it is undefined: [`Estimator::Snips`] where no
    /// slot has a weight.
    pub value: Option<Estimate>,
    /// The mean reward of a slot as it was shown.
    pub logged: Estimate,
    /// The first minus the second, on the same resamples.
    pub difference: Option<Estimate>,
    /// The mean weight before it was clipped. Where the log could show all that the policy shows, it tends to the share of
    /// slots that the policy fills, usually 1; what it falls short by is shown on nothing that was ever logged.
    pub mean_weight: Estimate,
    /// Kish's effective sample size, the square of the sum of weights by the sum of their squares: so many equally
    /// weighted slots would say as much. From 0 to the number of slots.
    pub effective_slots: f64,
    /// The largest weight before it was clipped.
    pub max_weight: f64,
    /// Lists that were shown.
    pub lists: u64,
    /// Their slots.
    pub slots: u64,
    /// Slots with a reward that is not 0.
    pub rewarded_slots: u64,
    /// Slots whose product the policy in question would never have shown there.
    pub unmatched_slots: u64,
    /// Lists all of whose slots are such.
    pub unmatched_lists: u64,
    /// Slots of a propensity of 1: nothing else could have been shown there.
    pub certain_slots: u64,
    /// Slots whose weight was clipped.
    pub clipped_slots: u64,
}

/// Sums of the slots of a group of persons.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    slots: f64,
    reward: f64,
    /// Weights before clipping.
    weight: f64,
    /// Over and under the line of the estimator.
    over: f64,
    under: f64,
}

/// Counts and sums over all slots.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    lists: u64,
    slots: u64,
    rewarded: u64,
    unmatched_slots: u64,
    unmatched_lists: u64,
    certain: u64,
    clipped: u64,
    weight: f64,
    squared_weight: f64,
    max_weight: f64,
}

/// Takes the lists of a log one by one and says what they tell of a policy.
///
/// It keeps sums alone, 40 bytes a person up to 131,072 persons; of more, several share their sums. The same lists in the
/// same order give the same figures at any thread count.
#[derive(Debug, Clone)]
pub struct PolicyJudge {
    estimator: Estimator,
    clip: f64,
    groups: Vec<Sums>,
    totals: Totals,
}

impl PolicyJudge {
    /// Judges by `estimator`. A weight above `clip` counts as `clip`: less variance, and for rewards that are not negative a
    /// value that is too low rather than too high (Ionides 2008, "Truncated importance sampling"); none does not clip.
    ///
    /// # Errors
    /// [`Error::Config`] if `clip` is not finite or below 1.
    pub fn new(estimator: Estimator, clip: Option<f64>) -> Result<Self> {
        let clip = match clip {
            None => f64::INFINITY,
            Some(clip) if clip.is_finite() && clip >= 1.0 => clip,
            Some(found) => return Err(Error::config("clip", "finite and at least 1", found)),
        };
        Ok(Self {
            estimator,
            clip,
            groups: Vec::new(),
            totals: Totals::default(),
        })
    }

    /// Takes a list that was shown to `person`, the persons being numbered from 0 in whatever order. Lists of one person
    /// are taken as dependent on one another, lists of several as independent. A list without slots says nothing.
    ///
    /// # Errors
    /// [`Error::Input`] naming list, slot and field of the first number that is out of its range; the list is not taken
    /// then.
    pub fn add(&mut self, person: usize, list: &[LoggedSlot]) -> Result<()> {
        for (at, slot) in list.iter().enumerate() {
            if let Some((field, expected, found)) = slot.wrong() {
                let wrong = InputError::new("logged lists", expected, found.to_string());
                let field = format!("slots[{at}].{field}");
                return Err(wrong.at_row(self.totals.lists + 1).in_field(field).into());
            }
        }
        if list.is_empty() {
            return Ok(());
        }
        let group = person % MOST_GROUPS;
        if self.groups.len() <= group {
            self.groups.resize(group + 1, Sums::default());
        }
        for slot in list {
            self.count(group, slot);
        }
        self.totals.lists += 1;
        if list.iter().all(|slot| slot.target == 0.0) {
            self.totals.unmatched_lists += 1;
        }
        Ok(())
    }

    fn count(&mut self, group: usize, slot: &LoggedSlot) {
        let whole = slot.target / slot.propensity;
        let weight = whole.min(self.clip);
        let (over, under) = match self.estimator {
            Estimator::Ips => (weight * slot.reward, 1.0),
            Estimator::Snips => (weight * slot.reward, weight),
            Estimator::DoublyRobust => {
                let mended = weight * (slot.reward - slot.predicted);
                (slot.expected + mended, 1.0)
            }
        };
        let sums = &mut self.groups[group];
        sums.slots += 1.0;
        sums.reward += slot.reward;
        sums.weight += whole;
        sums.over += over;
        sums.under += under;
        let totals = &mut self.totals;
        totals.slots += 1;
        totals.rewarded += u64::from(slot.reward != 0.0);
        totals.unmatched_slots += u64::from(slot.target == 0.0);
        totals.certain += u64::from(slot.propensity >= 1.0);
        totals.clipped += u64::from(whole > self.clip);
        totals.weight += weight;
        totals.squared_weight += weight * weight;
        totals.max_weight = totals.max_weight.max(whole);
    }

    /// What the lists taken so far tell; of `options` seed, threads and cancellation count.
    ///
    /// # Errors
    /// [`Error::Data`] if there is no slot; [`Error::Cancelled`].
    pub fn value(&self, options: &FitOptions) -> Result<PolicyValue> {
        if self.totals.slots == 0 {
            return Err(Error::data(
                "off-policy evaluation",
                "there is no list that was shown",
            ));
        }
        options.step("off-policy evaluation", 0.0)?;
        options.run(|| Ok(self.found(options.seed)))
    }

    fn found(&self, seed: u64) -> PolicyValue {
        let groups: Vec<&Sums> = self.groups.iter().filter(|sums| sums.slots > 0.0).collect();
        let sample = |over: fn(&Sums) -> f64, under: fn(&Sums) -> f64| {
            let sums = groups.iter().map(|sums| (over(sums), under(sums)));
            Sample::of_clusters(sums)
        };
        let value = sample(|sums| sums.over, |sums| sums.under);
        let logged = sample(|sums| sums.reward, |sums| sums.slots);
        let weight = sample(|sums| sums.weight, |sums| sums.slots);
        let bootstrap = Bootstrap {
            seed,
            resamples: RESAMPLES,
        };
        let resampled = bootstrap.resampled_means(&[&value, &logged, &weight], groups.len());
        let pairs = resampled[0].iter().zip(&resampled[1]);
        let differences: Vec<f64> = pairs.map(|(value, logged)| value - logged).collect();
        let mut resampled = resampled.into_iter();
        let mut next = |ratio: f64| estimate(ratio, resampled.next().unwrap_or_default());
        let (value_mean, logged_mean) = (value.ratio(), logged.ratio());
        let value = next(value_mean);
        let logged = next(logged_mean).expect("slots were counted");
        let mean_weight = next(weight.ratio()).expect("slots were counted");
        let difference = estimate(value_mean - logged_mean, differences);
        self.of(value, logged, (difference, mean_weight))
    }

    fn of(
        &self,
        value: Option<Estimate>,
        logged: Estimate,
        (difference, mean_weight): (Option<Estimate>, Estimate),
    ) -> PolicyValue {
        let totals = &self.totals;
        let effective = totals.weight * totals.weight / totals.squared_weight;
        PolicyValue {
            value,
            logged,
            difference,
            mean_weight,
            // Without any weight nothing is said at all.
            effective_slots: if effective.is_nan() { 0.0 } else { effective },
            max_weight: totals.max_weight,
            lists: totals.lists,
            slots: totals.slots,
            rewarded_slots: totals.rewarded,
            unmatched_slots: totals.unmatched_slots,
            unmatched_lists: totals.unmatched_lists,
            certain_slots: totals.certain,
            clipped_slots: totals.clipped,
        }
    }
}

/// A mean with the interval of its resamples, without those in which nothing has a weight; none if it is undefined.
fn estimate(mean: f64, mut resampled: Vec<f64>) -> Option<Estimate> {
    resampled.retain(|mean| mean.is_finite());
    if !mean.is_finite() || resampled.is_empty() {
        return None;
    }
    Some(Estimate {
        mean,
        interval: Interval::of_resampled(resampled),
    })
}
