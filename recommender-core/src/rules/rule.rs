//! Rules: what follows from what, and how strongly.

use std::cmp::Ordering;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::ids::ItemIx;
use crate::recommender::FitOptions;
use crate::rules::itemsets::Level;
use crate::rules::ledger::{Ledger, Room};
use crate::rules::{Itemsets, MiningConfig, RuleCounts};

/// Rules of one collection of baskets: those with the largest log-likelihood ratio first, of equals those with the
/// larger confidence, then by the numbers of the items of the antecedent, then of the consequent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    baskets: u32,
    /// The antecedent of each rule and its consequent, one rule behind the other.
    items: Vec<ItemIx>,
    sides: Vec<Sides>,
}

/// Where a rule's items stand, and in how many baskets.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sides {
    begin: usize,
    antecedent: u8,
    consequent: u8,
    counts: RuleCounts,
    log_likelihood_ratio: f64,
}

/// A rule: whoever takes the antecedent also takes the consequent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule<'a> {
    /// What is in the basket: items ascending, at least one.
    pub antecedent: &'a [ItemIx],
    /// What goes with it: items ascending, at least one, none of the antecedent.
    pub consequent: &'a [ItemIx],
    /// In how many baskets both stand, from which all measures follow.
    pub counts: RuleCounts,
}

impl Rules {
    /// How many baskets were mined.
    #[must_use]
    pub fn baskets(&self) -> u32 {
        self.baskets
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sides.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sides.is_empty()
    }

    /// All rules, the surest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Rule<'_>> + Clone {
        self.sides.iter().map(|sides| self.rule(sides))
    }

    fn rule(&self, sides: &Sides) -> Rule<'_> {
        let middle = sides.begin + usize::from(sides.antecedent);
        Rule {
            antecedent: &self.items[sides.begin..middle],
            consequent: &self.items[middle..middle + usize::from(sides.consequent)],
            counts: sides.counts,
        }
    }

    fn order(&self, a: &Sides, b: &Sides) -> Ordering {
        // Shares of counts are compared as products, which are exact.
        let confidence = |one: &Sides, other: &Sides| {
            u64::from(one.counts.both) * u64::from(other.counts.antecedent)
        };
        let items = |sides: &Sides| {
            let rule = self.rule(sides);
            (rule.antecedent, rule.consequent)
        };
        b.log_likelihood_ratio
            .total_cmp(&a.log_likelihood_ratio)
            .then_with(|| confidence(b, a).cmp(&confidence(a, b)))
            .then_with(|| items(a).cmp(&items(b)))
    }

    /// Puts `part` behind these.
    fn append(&mut self, part: &Self) {
        let before = self.items.len();
        self.items.extend_from_slice(&part.items);
        let moved = part.sides.iter().map(|sides| Sides {
            begin: before + sides.begin,
            ..*sides
        });
        self.sides.extend(moved);
    }
}

/// Sets one task makes rules of; fixed, so that nothing depends on the number of threads.
const SETS_PER_TASK: usize = 2_048;

/// Bytes a rule of `length` items takes, as it is found and as it is put in order.
fn bytes_of_rule(length: usize) -> u64 {
    2 * (4 * length as u64 + size_of::<Sides>() as u64)
}

impl MiningConfig {
    /// The rules that `itemsets` hold, above the bounds of this configuration. The same whatever the number of threads.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if a setting is out of range, [`Error::Data`](crate::Error::Data) if the
    /// rules need more than [`MiningConfig::max_memory_bytes`], saying what they need,
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn rules(&self, itemsets: &Itemsets, options: &FitOptions) -> Result<Rules> {
        self.validate()?;
        let ledger = Ledger::new(self.max_memory_bytes, options);
        let maker = Maker {
            config: self,
            baskets: itemsets.baskets(),
            counts: counts_of(itemsets),
            ledger: &ledger,
        };
        let mut rules = Rules {
            baskets: itemsets.baskets(),
            ..Rules::default()
        };
        for (length, level) in itemsets.levels().skip(1) {
            ledger.step("rules", 0.0)?;
            let tasks = level.len().div_ceil(SETS_PER_TASK);
            let parts: Vec<Rules> = (0..tasks)
                .into_par_iter()
                .map(|task| maker.rules_of(level, length, task * SETS_PER_TASK))
                .collect::<Result<_>>()?;
            parts.iter().for_each(|part| rules.append(part));
        }
        ledger.settle("rules")?;
        let mut sides = std::mem::take(&mut rules.sides);
        sides.par_sort_unstable_by(|a, b| rules.order(a, b));
        rules.sides = sides;
        Ok(rules)
    }
}

/// The count of every itemset.
fn counts_of(itemsets: &Itemsets) -> FxHashMap<&[ItemIx], u32> {
    let mut counts = FxHashMap::default();
    counts.reserve(itemsets.len());
    counts.extend(itemsets.iter());
    counts
}

/// Makes rules of itemsets.
struct Maker<'a> {
    config: &'a MiningConfig,
    baskets: u32,
    counts: FxHashMap<&'a [ItemIx], u32>,
    ledger: &'a Ledger<'a>,
}

impl Maker<'_> {
    /// The rules of a task's sets of `length`, from number `first` of `level` on.
    fn rules_of(&self, level: &Level, length: usize, first: usize) -> Result<Rules> {
        let mut rules = Rules::default();
        let mut room = Room::Left;
        for set in first..level.len().min(first + SETS_PER_TASK) {
            let before = rules.len();
            for consequent in 1..=self.config.consequent.min(length - 1) {
                self.split(level.get(set, length), consequent, &mut rules);
            }
            let made = rules.len() - before;
            if made == 0 {
                continue;
            }
            room = self
                .ledger
                .note(made, made as u64 * bytes_of_rule(length))?;
            if room != Room::Left {
                rules = Rules::default();
            }
            if room == Room::Gone {
                break;
            }
        }
        debug_assert!(room == Room::Left || rules.is_empty());
        Ok(rules)
    }

    /// Adds the rules of one set with a consequent of so many items.
    fn split(&self, (set, both): (&[ItemIx], u32), consequent: usize, rules: &mut Rules) {
        let mut chosen = (1u64 << consequent) - 1;
        while chosen >> set.len() == 0 {
            self.consider((set, both), chosen, rules);
            // The next larger number with as many bits set.
            let lowest = chosen & chosen.wrapping_neg();
            let carried = chosen + lowest;
            chosen = carried | (((chosen ^ carried) >> 2) / lowest);
        }
    }

    /// Adds the rule whose consequent is the items of `set` at the bits of `chosen`, if it is above all bounds.
    fn consider(&self, (set, both): (&[ItemIx], u32), chosen: u64, rules: &mut Rules) {
        let begin = rules.items.len();
        let side = |wanted: u64| {
            let places = set.iter().enumerate();
            places.filter_map(move |(at, &item)| (chosen >> at & 1 == wanted).then_some(item))
        };
        rules.items.extend(side(0));
        let middle = rules.items.len();
        rules.items.extend(side(1));
        let (antecedent, consequent) = rules.items[begin..].split_at(middle - begin);
        let counts = RuleCounts {
            baskets: self.baskets,
            antecedent: self.count(antecedent),
            consequent: self.count(consequent),
            both,
        };
        let log_likelihood_ratio = counts.log_likelihood_ratio();
        let kept = counts.confidence() >= self.config.confidence
            && counts.lift() >= self.config.lift
            && log_likelihood_ratio >= self.config.log_likelihood_ratio;
        if !kept {
            rules.items.truncate(begin);
            return;
        }
        let length =
            |side: &[ItemIx]| u8::try_from(side.len()).expect("a set has at most 32 items");
        rules.sides.push(Sides {
            begin,
            antecedent: length(antecedent),
            consequent: length(consequent),
            counts,
            log_likelihood_ratio,
        });
    }

    fn count(&self, set: &[ItemIx]) -> u32 {
        let count = self.counts.get(set).copied();
        count.expect("every part of a frequent set is frequent")
    }
}
