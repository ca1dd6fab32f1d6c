//! An answer to a question.

use std::sync::Arc;

use recommender_core::engine::Tier;
use recommender_core::{Query, Timestamp};
use recommender_store::catalog::{Money, ProductRecord};
use recommender_store::filter::FilterStats;

use crate::answering::consultation::{Consultation, Offered};
use crate::answering::desk::bits;
use crate::answering::ordering::Ordering;
use crate::answering::shortlist::{Cause, Entry, Origin, Shortlist};
use crate::answering::{Freshness, Manner, Refused};

/// An answer to a question.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The page, best first.
    pub(crate) results: Vec<Listed>,
    /// Whether there may be more behind.
    pub(crate) more: bool,
    pub(crate) basis: Basis,
}

/// What an answer rests on, and what was left out of it.
#[derive(Debug)]
pub(crate) struct Basis {
    pub(crate) tier: Tier,
    /// Keys of the request that the model does not know, each once, sorted.
    pub(crate) missing: Vec<String>,
    /// Resource names of the controls that changed something.
    pub(crate) applied: Vec<String>,
    pub(crate) stats: Option<FilterStats>,
    pub(crate) seen: Seen,
}

/// What an answer has seen of the store; nothing if there is none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// When it looked at stock.
    pub(crate) inventory: Option<Timestamp>,
    /// The latest write of which it knows.
    pub(crate) freshness: Option<Freshness>,
}

/// A product of an answer, in the caller's words.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) score: f32,
    /// The probability with which it was to be shown at its place.
    pub(crate) propensity: f64,
    /// Name of the source that contributed most; empty if there is none.
    pub(crate) source: String,
    pub(crate) origin: Origin,
    /// What the score is made of, the largest first; nothing if nobody asked.
    pub(crate) shares: Vec<(Share, f32)>,
    /// The product, if it was asked for.
    pub(crate) product: Option<Told>,
}

/// A product as it is told to the shopper.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) record: Arc<ProductRecord>,
    /// What it costs where she is; none if it has no price, or none in the currency asked for.
    pub(crate) price: Option<Money>,
    pub(crate) manner: Manner,
}

/// What a share of a score comes from, in the caller's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Share {
    /// Name of a source.
    Model(String),
    /// Resource name of a control.
    Control(String),
    Diversity,
    Search,
    BaseScore,
    /// Key of a product with which she did something.
    Past(String),
    /// Key of a product that the page is about.
    Context(String),
    /// What anyone would be answered.
    Base,
}

impl Consultation<'_> {
    /// The answer; `remembers` says whether the store told anything of who asks.
    ///
    /// # Errors
    /// As the engine.
    pub(crate) fn answer(&self, remembers: bool) -> Result<Answer, Refused> {
        let page = self.question.page;
        let mut missing = Vec::new();
        let mut query = self.query(page.end(), &mut missing)?;
        let tier = self.tier(&query, remembers);
        let mut offered = self.offered();
        self.restrict(&mut query, &mut offered);
        // As deep without a draw, so that what is explained is the list that is drawn from.
        let reach = self.reach(page.draw.map_or(page.size, |draw| draw.first));
        let ordering = Ordering::new(self, &query, &offered, page.end()).reaching(reach);
        let mut ordering = ordering.answered()?;
        self.explore(&mut ordering.list.entries, (&query, &offered))?;
        ordering.list.entries.truncate(page.end());
        self.back_fill(&mut ordering, &query, &offered)?;
        let Ordering { list, acted, .. } = ordering;
        let more = list.entries.len() >= page.end() && page.size > 0;
        let shown = list.entries.into_iter().skip(page.offset);
        Ok(Answer {
            results: shown.map(|entry| self.listed(entry)).collect(),
            more,
            basis: self.basis(tier, missing, (acted, offered.stats)),
        })
    }

    /// Fills a page up past the filter of the request, and past nothing else.
    pub(crate) fn back_fill(
        &self,
        ordering: &mut Ordering<'_, '_>,
        query: &Query,
        offered: &Offered,
    ) -> Result<(), Refused> {
        let missing = query.limit.saturating_sub(ordering.list.entries.len());
        let (Some(all), Some(kept)) = (&offered.unfiltered, &offered.bits) else {
            return Ok(());
        };
        if missing == 0 || self.question.scope.strict {
            return Ok(());
        }
        let among = (bits::without(all, kept), missing);
        let listed: Vec<_> = ordering.list.entries.iter().map(|it| it.item).collect();
        let mut more = self.ask_more(query, among, listed.into_iter())?;
        more.retain(|entry| ordering.caps.admit(self, entry.item));
        for entry in &mut more {
            entry.origin = Origin::Backfill;
        }
        let list: &mut Shortlist = &mut ordering.list;
        list.append(more);
        Ok(())
    }

    /// What the answer to `query` rests on.
    pub(crate) fn tier(&self, query: &Query, remembers: bool) -> Tier {
        let tier = self.engine.tier(self.request(), query);
        // All she did is in the request, which does not say who told it.
        if tier == Tier::Personal && self.stock.is_some() && !remembers {
            return Tier::Session;
        }
        tier
    }

    /// What an answer rests on in which the controls `acted` changed something.
    pub(crate) fn basis(
        &self,
        tier: Tier,
        mut missing: Vec<String>,
        (acted, stats): (Vec<usize>, Option<FilterStats>),
    ) -> Basis {
        missing.sort_unstable();
        missing.dedup();
        Basis {
            tier,
            missing,
            applied: self.applied(acted),
            stats,
            seen: self.seen(),
        }
    }

    /// Resource names of controls, in the order they act.
    fn applied(&self, mut acted: Vec<usize>) -> Vec<String> {
        acted.sort_unstable();
        acted.dedup();
        let rules = &self.prepared.rules;
        let name = |number: usize| rules.get(number).map(|rule| rule.name.clone());
        acted.into_iter().filter_map(name).collect()
    }

    /// What is seen of the store.
    fn seen(&self) -> Seen {
        let inventory = self.stock.is_some().then_some(self.now);
        Seen {
            inventory,
            freshness: self.question.seen,
        }
    }

    /// A product in the caller's words.
    pub(crate) fn listed(&self, entry: Entry) -> Listed {
        let key = self.engine.items().key(entry.item);
        let pipeline = self.engine.pipeline();
        let source = entry.source.map(|source| pipeline.source_name(source));
        let mut shares: Vec<(Share, f32)> = (entry.shares.into_iter())
            .map(|(cause, share)| (self.share(cause), share))
            .collect();
        // Stable, so that equal shares stay in the order of the sources.
        shares.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        Listed {
            product: self.product(key),
            key: key.to_owned(),
            score: entry.score,
            propensity: entry.propensity,
            source: source.unwrap_or_default().to_owned(),
            origin: entry.origin,
            shares,
        }
    }

    /// The product of a key, if the question asks for products.
    pub(crate) fn product(&self, key: &str) -> Option<Told> {
        let stock = self.stock.filter(|_| self.question.with_products)?;
        let record = stock.store.product(key)?;
        let manner = self.question.manner.clone();
        let price = stock.store.price(self.place(), key);
        let counts = |price: &Money| manner.currency.is_none_or(|it| it.is_of(price));
        Some(Told {
            price: price.filter(counts),
            record,
            manner,
        })
    }

    pub(crate) fn share(&self, cause: Cause) -> Share {
        match cause {
            Cause::Model(source) => {
                Share::Model(self.engine.pipeline().source_name(source).to_owned())
            }
            Cause::Control(number) => {
                let rule = self.prepared.rules.get(number);
                Share::Control(rule.map(|rule| rule.name.clone()).unwrap_or_default())
            }
            Cause::Diversity => Share::Diversity,
            Cause::Search => Share::Search,
            Cause::BaseScore => Share::BaseScore,
        }
    }
}
