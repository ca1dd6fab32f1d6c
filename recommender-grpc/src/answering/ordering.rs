//! What serving configs and controls do to a list: boosts, diversity, quotas, pins.

use recommender_core::{ItemBits, Query};
use rustc_hash::FxHashSet;

use crate::answering::Refused;
use crate::answering::consultation::{Consultation, Offered};
use crate::answering::desk::bits;
use crate::answering::diversity::{self, Caps};
use crate::answering::prepared::{Act, Rule};
use crate::answering::shortlist::{Cause, Entry, Origin, Shortlist};
use crate::serving::Diversity;

/// The share of the list's span by which a full match of what was searched for moves a product up.
const SEARCH: f32 = 0.25;

/// For a list that is put in another order more products are asked for: so many times the page, and at least so many.
const ROOM: (usize, usize) = (4, 100);

/// Most products that are asked for where bounds on categories or brands leave too few.
const DEEPEST: usize = 4096;

/// A list being put in order.
#[derive(Debug)]
pub(crate) struct Ordering<'c, 'a> {
    consultation: &'c Consultation<'a>,
    query: &'c Query,
    /// What may be answered; everything that the query allows if none.
    bits: Option<&'c ItemBits>,
    diversity: Diversity,
    /// Products wanted at the end.
    wanted: usize,
    /// Products looked at whatever is wanted, as far as there are so many.
    reach: usize,
    pub(crate) list: Shortlist,
    pub(crate) caps: Caps,
    /// Controls that changed something.
    pub(crate) acted: Vec<usize>,
    surplus: Surplus,
}

/// What becomes of products that exceed a bound on their category or brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surplus {
    /// They are left out.
    Dropped,
    /// They stand behind all others.
    Behind,
}

impl<'c, 'a> Ordering<'c, 'a> {
    /// An empty list, for `wanted` of what `query` asks for.
    pub(crate) fn new(
        consultation: &'c Consultation<'a>,
        query: &'c Query,
        offered: &'c Offered,
        wanted: usize,
    ) -> Self {
        let question = consultation.question;
        let usual = consultation.prepared.recipe.config.diversity;
        let diversity = question.diversity.unwrap_or(usual);
        Self {
            list: Shortlist {
                entries: Vec::new(),
                explained: consultation.is_explained(),
            },
            bits: offered.bits.as_deref(),
            caps: Caps::of(&diversity),
            acted: offered.acted.clone(),
            consultation,
            query,
            diversity,
            wanted,
            reach: 0,
            surplus: Surplus::Dropped,
        }
    }

    /// The same, looking at `reach` products at least: those beyond the ones wanted stand behind them.
    pub(crate) fn reaching(mut self, reach: usize) -> Self {
        self.reach = reach;
        self
    }

    /// `entries`, put in order, none of them left out.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn of_all(mut self, entries: Vec<Entry>) -> Result<Self, Refused> {
        self.surplus = Surplus::Behind;
        self.list.entries = entries;
        self.arrange()?;
        Ok(self)
    }

    /// Whether the list is put in another order than the model's.
    fn reorders(&self) -> bool {
        let moves =
            |(_, rule): &(usize, &Rule)| matches!(rule.act, Act::Boost(..) | Act::Quota(..));
        self.diversity.strength > 0.0
            || self.caps.are_set()
            || !self.consultation.question.scene.words.is_empty()
            || self.consultation.rules.iter().any(moves)
    }

    /// The model's list, put in order.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn answered(mut self) -> Result<Self, Refused> {
        let mut depth = self.wanted;
        if self.reorders() {
            let (times, least) = ROOM;
            depth = depth.saturating_mul(times).max(least);
        }
        depth = depth.max(self.reach);
        loop {
            let mut query = self.query.clone();
            query.limit = depth;
            let entries = self.consultation.ask(&query)?;
            let all = entries.len() < depth;
            self.list.entries = entries;
            self.arrange()?;
            let enough = self.list.entries.len() >= self.wanted;
            if enough || all || !self.caps.are_set() || depth >= DEEPEST {
                return Ok(self);
            }
            depth = depth.saturating_mul(4);
            self.caps = Caps::of(&self.diversity);
        }
    }

    /// Puts the list in order; what it is cut to is up to the caller.
    fn arrange(&mut self) -> Result<(), Refused> {
        let _stage = self.consultation.trace.stage("order");
        self.boost()?;
        self.search();
        if self.caps.are_set() {
            let (caps, consultation) = (&mut self.caps, self.consultation);
            let entries = std::mem::take(&mut self.list.entries);
            let admitted = |entry: &Entry| caps.admit(consultation, entry.item);
            let (within, surplus): (Vec<Entry>, Vec<Entry>) =
                entries.into_iter().partition(admitted);
            self.list.entries = within;
            if self.surplus == Surplus::Behind {
                self.list.entries.extend(surplus);
            }
        }
        if self.diversity.strength > 0.0 {
            diversity::spread(self.consultation, &mut self.list, self.diversity.strength);
        }
        self.fill_quotas()?;
        self.pin();
        self.list.settle();
        Ok(())
    }

    fn note(&mut self, number: usize) {
        if !self.acted.contains(&number) {
            self.acted.push(number);
        }
    }

    fn boost(&mut self) -> Result<(), Refused> {
        let Some(allowed) = self.bits else {
            return Ok(());
        };
        let boosts = self.consultation.rules.iter();
        let boosts = boosts.filter_map(|&(number, rule)| match &rule.act {
            Act::Boost(filter, strength) => Some((number, filter, *strength)),
            Act::Filter(_) | Act::Hide(_) | Act::Pin(..) | Act::Quota(..) => None,
        });
        let boosts: Vec<_> = boosts
            .map(|(number, filter, strength)| {
                (number, self.consultation.meant(filter, allowed), strength)
            })
            .collect();
        if boosts.is_empty() {
            return Ok(());
        }
        for (_, meant, strength) in &boosts {
            // Who comes before all others must be in the list.
            if *strength >= 1.0 {
                self.fetch(meant.clone(), self.wanted)?;
            } else if *strength <= -1.0 {
                self.fetch(bits::without(allowed, meant), self.wanted)?;
            }
        }
        let span = self.list.span();
        for (number, meant, strength) in boosts {
            for place in 0..self.list.entries.len() {
                if meant.contains(self.list.entries[place].item) {
                    self.list
                        .add(place, Cause::Control(number), strength * span);
                    self.note(number);
                }
            }
        }
        self.list.sort();
        Ok(())
    }

    /// Puts the best of `among` into the list, until it holds `count` of them.
    fn fetch(&mut self, among: ItemBits, count: usize) -> Result<(), Refused> {
        let entries = self.list.entries.iter();
        let held = entries.filter(|entry| among.contains(entry.item)).count();
        let missing = count.min(among.len()).saturating_sub(held);
        if missing == 0 {
            return Ok(());
        }
        let listed: Vec<_> = self.list.entries.iter().map(|entry| entry.item).collect();
        let more =
            (self.consultation).ask_more(self.query, (among, missing), listed.into_iter())?;
        self.list.append(more);
        Ok(())
    }

    fn search(&mut self) {
        let question = self.consultation.question;
        let (words, language) = (&question.scene.words, question.manner.language.as_ref());
        if words.is_empty() {
            return;
        }
        let most = self.list.span() * SEARCH;
        for place in 0..self.list.entries.len() {
            let product = self.consultation.described(self.list.entries[place].item);
            let found = product.map_or(0.0, |product| product.matches(words, language));
            if found > 0.0 {
                self.list.add(place, Cause::Search, found * most);
            }
        }
        self.list.sort();
    }

    fn fill_quotas(&mut self) -> Result<(), Refused> {
        let Some(bits) = self.bits else {
            return Ok(());
        };
        for &(number, rule) in &self.consultation.rules {
            if let Act::Quota(filter, share) = &rule.act {
                let meant = self.consultation.meant(filter, bits);
                self.fill_quota((number, *share), &meant)?;
            }
        }
        Ok(())
    }

    /// Brings products that are meant forward, until they are their share of those wanted: the last of the others make
    /// room, and stand right behind.
    fn fill_quota(
        &mut self,
        (number, share): (usize, f64),
        meant: &ItemBits,
    ) -> Result<(), Refused> {
        self.fetch_admitted(meant, part(share, self.wanted))?;
        let entries = &mut self.list.entries;
        let wanted = self.wanted.min(entries.len());
        let is_meant = |entry: &Entry| meant.contains(entry.item);
        let held = entries[..wanted].iter().filter(|it| is_meant(it)).count();
        let missing = part(share, wanted).saturating_sub(held);
        let room = (0..wanted).rev().filter(|&it| !is_meant(&entries[it]));
        let room: Vec<usize> = room.take(missing).collect();
        let chosen = (wanted..entries.len()).filter(|&it| is_meant(&entries[it]));
        let chosen: Vec<usize> = chosen.take(room.len()).collect();
        let room = &room[..chosen.len()];
        let mut brought = Vec::with_capacity(chosen.len());
        for &place in chosen.iter().rev() {
            let mut entry = entries.remove(place);
            entry.raised_by = Some(number);
            brought.push(entry);
        }
        // From the last on, so that the places of those before stay what they are.
        let mut behind: Vec<Entry> = room.iter().map(|&place| entries.remove(place)).collect();
        behind.reverse();
        brought.reverse();
        let at = wanted - behind.len();
        let acted = !brought.is_empty();
        entries.splice(at..at, brought.into_iter().chain(behind));
        if acted {
            self.note(number);
        }
        Ok(())
    }

    /// As `fetch`, of what the bounds on categories and brands leave room for.
    fn fetch_admitted(&mut self, among: &ItemBits, count: usize) -> Result<(), Refused> {
        let before = self.list.entries.len();
        self.fetch(among.clone(), count)?;
        let fetched = self.list.entries.split_off(before);
        let (caps, consultation) = (&mut self.caps, self.consultation);
        let admitted = |entry: &Entry| caps.admit(consultation, entry.item);
        self.list
            .entries
            .extend(fetched.into_iter().filter(admitted));
        Ok(())
    }

    fn pin(&mut self) {
        let pins = self.consultation.rules.iter();
        let pins = pins.filter_map(|&(number, rule)| match rule.act {
            Act::Pin(item, place) => Some((place, number, item?)),
            Act::Filter(_) | Act::Hide(_) | Act::Boost(..) | Act::Quota(..) => None,
        });
        let mut pins: Vec<_> = pins
            .filter(|&(place, _, item)| place < self.wanted && self.query.allows(item))
            .collect();
        pins.sort_by_key(|&(place, number, _)| (place, number));
        let mut taken = FxHashSet::default();
        // Of two pins of one product the first counts.
        pins.retain(|&(.., item)| taken.insert(item));
        // All are taken out before the first is put in, so that none moves another.
        let pinned = pins.into_iter().map(|(place, number, item)| {
            let listed = self.list.place_of(item);
            let entry = listed.map(|place| self.list.entries.remove(place));
            self.note(number);
            let entry = entry.unwrap_or_else(|| Entry::unproposed(item));
            let (origin, raised_by) = (Origin::Rule, Some(number));
            (
                place,
                Entry {
                    origin,
                    raised_by,
                    ..entry
                },
            )
        });
        for (place, entry) in pinned.collect::<Vec<_>>() {
            let place = place.min(self.list.entries.len());
            self.list.entries.insert(place, entry);
        }
    }
}

/// So much of `whole`, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a page has fewer products than a float has integers, and a share is from 0 to 1"
)]
fn part(share: f64, whole: usize) -> usize {
    ((share * whole as f64).ceil() as usize).min(whole)
}
