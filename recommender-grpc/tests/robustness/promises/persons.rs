//! Shoppers as they must be known: their events, who is who, what they agreed to.

use std::collections::{BTreeMap, BTreeSet};

use recommender_core::Timestamp;
use recommender_core::events::{Channel, Event, EventKind};
use recommender_grpc::proto::Consent;

/// Shoppers at any time.
pub(crate) const SHOPPERS: usize = 6;

/// What shoppers do: they look at a product, never want to see it again, or buy it after all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Deed {
    Looks,
    Hides,
    Buys,
}

impl Deed {
    /// The kind of event in the library's words.
    pub(crate) fn kind(self) -> EventKind {
        match self {
            Self::Looks => EventKind::View,
            Self::Hides => EventKind::Hide,
            Self::Buys => EventKind::Purchase,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Done {
    pub(crate) shopper: usize,
    pub(crate) deed: Deed,
    pub(crate) item: String,
    /// Milliseconds since 1970.
    pub(crate) time: i64,
}

/// The shoppers.
#[derive(Debug)]
pub(crate) struct Persons {
    /// The key of each. Who was erased comes back under another.
    pub(crate) keys: Vec<String>,
    /// What is stored, by event id.
    pub(crate) events: BTreeMap<String, Done>,
    /// Who was said to be one person.
    links: BTreeSet<(usize, usize)>,
    /// What was said under each key, and when.
    consents: BTreeMap<usize, (i64, Consent)>,
    /// Keys of those who were erased.
    pub(crate) erased: Vec<String>,
}

impl Persons {
    pub(crate) fn new() -> Self {
        Self {
            keys: (0..SHOPPERS).map(|it| format!("shopper-{it}-0")).collect(),
            events: BTreeMap::new(),
            links: BTreeSet::new(),
            consents: BTreeMap::new(),
            erased: Vec::new(),
        }
    }

    /// All shoppers who are the same person as this one, by number.
    pub(crate) fn person(&self, shopper: usize) -> BTreeSet<usize> {
        let mut person = BTreeSet::from([shopper]);
        loop {
            let before = person.len();
            for &(one, other) in &self.links {
                if person.contains(&one) || person.contains(&other) {
                    person.extend([one, other]);
                }
            }
            if person.len() == before {
                return person;
            }
        }
    }

    /// The keys of a person, sorted.
    pub(crate) fn keys_of(&self, shopper: usize) -> Vec<String> {
        let person = self.person(shopper).into_iter();
        let mut keys: Vec<String> = person.map(|it| self.keys[it].clone()).collect();
        keys.sort();
        keys
    }

    /// Links two; says whether they were linked before.
    pub(crate) fn link(&mut self, one: usize, other: usize) -> bool {
        !self.links.insert((one.min(other), one.max(other)))
    }

    /// Takes a link back; says whether there was one.
    pub(crate) fn unlink(&mut self, one: usize, other: usize) -> bool {
        self.links.remove(&(one.min(other), one.max(other)))
    }

    /// Takes in what one said at a time; says whether she said something later under the same key.
    pub(crate) fn say(&mut self, shopper: usize, time: i64, consent: Consent) -> bool {
        let known = self.consents.get(&shopper);
        let stale = known.is_some_and(|known| known.0 > time);
        if !stale {
            self.consents.insert(shopper, (time, consent));
        }
        stale
    }

    /// What a person agreed to.
    pub(crate) fn consent(&self, shopper: usize) -> Consent {
        let person = self.person(shopper);
        let said = person.iter().filter_map(|it| self.consents.get(it));
        let latest = said.max_by_key(|said| (said.0, said.1 == Consent::Denied));
        latest.map_or(Consent::Unspecified, |said| said.1)
    }

    /// Ids of the stored events of a person, oldest first.
    pub(crate) fn stored(&self, shopper: usize) -> Vec<&String> {
        let person = self.person(shopper);
        let events = self.events.iter();
        let hers = events.filter(|(_, done)| person.contains(&done.shopper));
        let mut hers: Vec<_> = hers.map(|(id, done)| (done.time, id)).collect();
        hers.sort();
        hers.into_iter().map(|(_, id)| id).collect()
    }

    /// Ids of the events of a person that may be used, oldest first.
    pub(crate) fn served(&self, shopper: usize) -> Vec<&String> {
        if self.consent(shopper) == Consent::Denied {
            return Vec::new();
        }
        self.stored(shopper)
    }

    /// The same in the words of the library.
    pub(crate) fn history(&self, shopper: usize) -> Vec<Event> {
        let ids = self.served(shopper).into_iter();
        let events = ids.map(|id| {
            let done = &self.events[id];
            Event {
                id: Some(id.clone()),
                visitor: self.keys[done.shopper].clone(),
                item: Some(done.item.clone()),
                kind: done.deed.kind(),
                channel: Some(Channel::Web),
                time: Some(Timestamp(done.time)),
                quantity: 1.0,
                ..Event::default()
            }
        });
        events.collect()
    }

    /// The products that a person never wants to see again.
    pub(crate) fn refused(&self, shopper: usize) -> BTreeSet<String> {
        let mut refused = BTreeSet::new();
        for id in self.served(shopper) {
            let done = &self.events[id];
            match done.deed {
                Deed::Looks => continue,
                Deed::Hides => refused.insert(done.item.clone()),
                Deed::Buys => refused.remove(&done.item),
            };
        }
        refused
    }

    /// Drops the events of a person; gives their number.
    pub(crate) fn purge(&mut self, shopper: usize) -> usize {
        let (person, before) = (self.person(shopper), self.events.len());
        self.events
            .retain(|_, done| !person.contains(&done.shopper));
        before - self.events.len()
    }

    /// Drops all that is known of a person; gives the keys she had.
    pub(crate) fn erase(&mut self, shopper: usize, turn: usize) -> Vec<String> {
        self.purge(shopper);
        let person = self.person(shopper);
        let mut gone = Vec::new();
        for &it in &person {
            self.consents.remove(&it);
            gone.push(std::mem::replace(
                &mut self.keys[it],
                format!("shopper-{it}-{turn}"),
            ));
        }
        self.links.retain(|(one, _)| !person.contains(one));
        self.erased.extend(gone.iter().cloned());
        gone
    }
}
