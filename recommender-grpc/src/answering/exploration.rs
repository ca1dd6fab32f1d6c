//! What of an answer is left to chance, and with which probability.
//!
//! The last places of a first page that nothing holds in place are drawn for, each by itself: what stands right behind the
//! page is dealt out to them in turn, so that no two places can show one product, and what one place shows says nothing of
//! what another does. The probability of a page is therefore the product of those of its places, whatever the policy.
//!
//! What is drawn and what stood there change places: a list that is explored holds what it held before, and later pages go
//! on where the first one left off.

mod slots;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering as Atomically};

use recommender_core::{ItemBits, ItemIx, Query};
use rustc_hash::FxHashMap;

use crate::answering::Refused;
use crate::answering::consultation::{Consultation, Offered};
use crate::answering::ordering::Ordering;
use crate::answering::prepared::Act;
use crate::answering::shortlist::{Entry, Origin};
use crate::serving::Exploration;
use slots::{Slot, behind, slots};

/// What a first page was drawn with: with it, the same list gives the same page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draw {
    pub(crate) seed: u64,
    /// Most products of the first page.
    pub(crate) first: usize,
}

/// Gives each answer a seed that nobody can foretell.
#[derive(Debug, Default)]
pub(crate) struct Seeds {
    keys: RandomState,
    given: AtomicU64,
}

impl Seeds {
    pub(crate) fn next(&self) -> u64 {
        let number = self.given.fetch_add(1, Atomically::Relaxed);
        self.keys.hash_one(number)
    }
}

/// What was drawn.
#[derive(Debug, Default)]
struct Drawn {
    /// Products that change places: one of the page, and what is shown in its place.
    swaps: Vec<(ItemIx, ItemIx)>,
    /// The probability with which a product stands where it now stands, if that was left to chance.
    propensities: FxHashMap<ItemIx, f64>,
}

/// What must stay so whatever is shown at a place.
enum Kept {
    /// The place is of these if and only if its own product is.
    Alike(ItemBits),
    /// The place is of these if its own product is.
    NoLess(ItemBits),
}

impl Kept {
    fn by(&self, (own, other): (ItemIx, ItemIx)) -> bool {
        match self {
            Self::Alike(meant) => meant.contains(own) == meant.contains(other),
            Self::NoLess(meant) => !meant.contains(own) || meant.contains(other),
        }
    }
}

impl Consultation<'_> {
    fn exploration(&self) -> Option<&Exploration> {
        self.prepared.recipe.config.exploration.as_ref()
    }

    /// How much of a list is looked at to explore a first page of `first` products; nothing if nothing is explored.
    pub(crate) fn reach(&self, first: usize) -> usize {
        let behind = self.exploration().map(|how| behind(how, first));
        behind.map_or(0, |behind| first.saturating_add(behind))
    }

    /// Leaves to chance what the serving config says, by the draw of the question; nothing without one.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn explore(
        &self,
        entries: &mut [Entry],
        (query, offered): (&Query, &Offered),
    ) -> Result<(), Refused> {
        let Some(draw) = self.question.page.draw else {
            return Ok(());
        };
        let drawn = if self.question.page.offset == 0 {
            drawn(&self.slots(entries, offered, draw.first), entries, draw)
        } else {
            // Rules look at what is wanted, so the list of another page may stand in another order than that drawn from.
            let first = self.first_list(draw.first, (query, offered))?;
            drawn(&self.slots(&first, offered, draw.first), &first, draw)
        };
        drawn.apply(entries);
        Ok(())
    }

    /// The list whose first `size` products are the page that is explored, before anything is drawn.
    fn first_list(
        &self,
        size: usize,
        (query, offered): (&Query, &Offered),
    ) -> Result<Vec<Entry>, Refused> {
        let ordering = Ordering::new(self, query, offered, size).reaching(self.reach(size));
        Ok(ordering.answered()?.list.entries)
    }

    /// The places of a first page of `first` products that are drawn for.
    fn slots(&self, entries: &[Entry], offered: &Offered, first: usize) -> Vec<Slot> {
        let Some(how) = self.exploration() else {
            return Vec::new();
        };
        let kept = self.kept(offered);
        let fits = |own, other| kept.iter().all(|kept| kept.by((own, other)));
        slots(entries, (how, first), &fits)
    }

    /// What quotas, and boosts that put products before or behind all others, ask of each place.
    fn kept(&self, offered: &Offered) -> Vec<Kept> {
        let Some(allowed) = &offered.bits else {
            return Vec::new();
        };
        let kept = self.rules.iter().filter_map(|(_, rule)| match &rule.act {
            Act::Quota(filter, _) => Some(Kept::NoLess(self.meant(filter, allowed))),
            Act::Boost(filter, strength) if strength.abs() >= 1.0 => {
                Some(Kept::Alike(self.meant(filter, allowed)))
            }
            Act::Boost(..) | Act::Pin(..) | Act::Filter(_) | Act::Hide(_) => None,
        });
        kept.collect()
    }

    /// What may stand at each place of the first page, as large as the question's, with the probability of each: products
    /// by their keys, no product at two places, the probabilities of a place adding up to 1. Nothing is drawn.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn chances(&self) -> Result<Vec<Vec<(String, f64)>>, Refused> {
        let size = self.question.page.size;
        let mut query = self.query(size, &mut Vec::new())?;
        let mut offered = self.offered();
        self.restrict(&mut query, &mut offered);
        let ordering = Ordering::new(self, &query, &offered, size).reaching(self.reach(size));
        let mut ordering = ordering.answered()?;
        let entries = &ordering.list.entries;
        let key = |item: ItemIx| self.engine.items().key(item).to_owned();
        let choice = |&(place, chance): &(usize, f64)| (key(entries[place].item), chance);
        let mut left: FxHashMap<usize, Vec<(String, f64)>> = (self.slots(entries, &offered, size))
            .iter()
            .map(|slot| (slot.own(), slot.choices.iter().map(choice).collect()))
            .collect();
        ordering.list.entries.truncate(size);
        self.back_fill(&mut ordering, &query, &offered)?;
        let places = ordering.list.entries.iter().enumerate();
        let chances = places.map(|(place, entry)| {
            let left = left.remove(&place);
            left.unwrap_or_else(|| vec![(key(entry.item), 1.0)])
        });
        Ok(chances.collect())
    }
}

fn drawn(slots: &[Slot], entries: &[Entry], draw: Draw) -> Drawn {
    let mut drawn = Drawn::default();
    for slot in slots {
        let item = |place: usize| entries[place].item;
        let own = slot.own();
        let (chosen, chance) = slot.pick(draw.seed);
        // The others of the place stay where they are unless they are drawn.
        let others = slot.choices[1..].iter().filter(|other| other.0 != chosen);
        let others = others.map(|&(place, chance)| (item(place), 1.0 - chance));
        drawn.propensities.extend(others);
        drawn.propensities.insert(item(own), chance);
        if chosen != own {
            drawn.propensities.insert(item(chosen), chance);
            drawn.swaps.push((item(own), item(chosen)));
        }
    }
    drawn
}

impl Drawn {
    /// Has what was drawn stand in the list.
    fn apply(&self, entries: &mut [Entry]) {
        let place_of = |entries: &[Entry], item| entries.iter().position(|it| it.item == item);
        for &(own, chosen) in &self.swaps {
            let places = (place_of(entries, own), place_of(entries, chosen));
            if let (Some(before), Some(behind)) = places {
                entries[behind].origin = Origin::Explored;
                entries.swap(before, behind);
            }
        }
        if self.propensities.is_empty() {
            return;
        }
        for entry in entries {
            if let Some(&propensity) = self.propensities.get(&entry.item) {
                entry.propensity = propensity;
            }
        }
    }
}
