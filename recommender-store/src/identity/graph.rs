//! The links that stand, and the persons they make.

use rustc_hash::FxHashMap;

use crate::error::{Result, StoreError};
use crate::identity::components::Components;
use crate::identity::{Cap, Identifier, IdentityConfig, Link, Refusal};
use crate::stamp::{Slot, Stamp};

/// Two identifiers, the stronger first.
type Pair = (Identifier, Identifier);

/// The links that stand, and the persons they make.
///
/// It is fed facts: [`IdentityGraph::apply`] takes what stands of a pair, in any order of arrival.
#[derive(Debug, Default)]
pub struct IdentityGraph {
    links: FxHashMap<Pair, Slot<Link>>,
    /// How many of `links` stand.
    standing: usize,
    components: Components,
}

impl IdentityGraph {
    /// Takes in that a link stands, or that none does between the two any more. What came with a larger stamp for the
    /// same two stays. Says whether anything changed.
    pub fn apply(
        &mut self,
        pair: (&Identifier, &Identifier),
        link: Option<Link>,
        stamp: Stamp,
    ) -> bool {
        let pair = (pair.0.clone(), pair.1.clone());
        let slot = self.links.entry(pair.clone()).or_default();
        let before = slot.is_some();
        if !slot.put(stamp, link) {
            return false;
        }
        match (before, slot.is_some()) {
            (false, true) => {
                self.standing += 1;
                self.components.link(&pair.0, &pair.1);
            }
            (true, false) => {
                self.standing -= 1;
                self.components.unlink(&pair.0, &pair.1);
            }
            (true, true) | (false, false) => {}
        }
        true
    }

    /// Whether a link is believed: says which cap it would go past if not. One that stands already is.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if both sides are one identifier.
    pub fn judge(&self, link: &Link, config: &IdentityConfig) -> Result<Option<Refusal>> {
        let (a, b) = link.pair();
        if a == b {
            return Err(StoreError::invalid("link", "two identifiers", a));
        }
        if self.link(a, b).is_some() {
            return Ok(None);
        }
        Ok(self
            .past_links(a, b, config)
            .or_else(|| self.past_person(a, b, config)))
    }

    fn past_links(
        &self,
        a: &Identifier,
        b: &Identifier,
        config: &IdentityConfig,
    ) -> Option<Refusal> {
        let sides = [(a, b), (b, a)];
        sides.into_iter().find_map(|(identifier, other)| {
            let strong = other.namespace() <= identifier.namespace();
            let found = self.components.strong_links(identifier) + 1;
            (strong && found > config.max_links).then(|| Refusal {
                cap: Cap::Links,
                allowed: config.max_links,
                found,
                identifier: identifier.clone(),
            })
        })
    }

    fn past_person(
        &self,
        a: &Identifier,
        b: &Identifier,
        config: &IdentityConfig,
    ) -> Option<Refusal> {
        if self.components.together(a, b) {
            return None;
        }
        let (of_a, of_b) = (self.components.size(a), self.components.size(b));
        // A person who has more than is allowed, as it was lowered, may still meet a cookie.
        let sum = |a: usize, b: usize| if a > 0 && b > 0 { a + b } else { 0 };
        let caps = [
            (
                Cap::Identifiers,
                config.max_identifiers,
                sum(of_a.members, of_b.members),
            ),
            (
                Cap::Accounts,
                config.max_accounts,
                sum(of_a.accounts, of_b.accounts),
            ),
            (Cap::Cards, config.max_cards, sum(of_a.cards, of_b.cards)),
        ];
        let over = caps
            .into_iter()
            .find(|&(_, allowed, found)| found > allowed);
        over.map(|(cap, allowed, found)| Refusal {
            cap,
            allowed,
            found,
            identifier: self.person(a),
        })
    }

    /// The link between two identifiers, if one stands.
    #[must_use]
    pub fn link(&self, a: &Identifier, b: &Identifier) -> Option<&Link> {
        let pair = if a <= b { (a, b) } else { (b, a) };
        self.links.get(&(pair.0.clone(), pair.1.clone()))?.value()
    }

    /// The key of the person an identifier is of: the strongest of her identifiers, the smallest of the strongest.
    /// It changes when a link to a stronger one comes or goes.
    #[must_use]
    pub fn person(&self, identifier: &Identifier) -> Identifier {
        self.components.first(identifier).clone()
    }

    /// All identifiers of the person an identifier is of, the strongest first; the one given alone if nothing links it.
    #[must_use]
    pub fn identifiers(&self, identifier: &Identifier) -> Vec<Identifier> {
        let mut members: Vec<Identifier> = self.components.members(identifier).cloned().collect();
        if members.is_empty() {
            return vec![identifier.clone()];
        }
        members.sort_unstable();
        members
    }

    /// The links among the identifiers of the person an identifier is of, by their two sides.
    #[must_use]
    pub fn links_of(&self, identifier: &Identifier) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for one in self.identifiers(identifier) {
            for other in self
                .components
                .neighbours(&one)
                .filter(|other| one < **other)
            {
                links.extend(self.link(&one, other).cloned());
            }
        }
        links.sort_by(|a, b| a.pair().cmp(&b.pair()));
        links
    }

    /// How many links stand.
    #[must_use]
    pub fn len(&self) -> usize {
        self.standing
    }

    /// Whether no link stands.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.standing == 0
    }
}
