//! What persons agreed to, and what follows from it.

use recommender_core::Timestamp;
use recommender_core::events::Consent;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::identity::Identifier;
use crate::stamp::{Slot, Stamp};

/// What is done where nobody said anything.
///
/// | field | default | values |
/// |---|---|---|
/// | `unspecified` | `use` | `use`, `store_only`, `refuse` |
///
/// An event has a consent of its own, and its person has the latest that she gave under any of her identifiers. If one
/// of the two was denied, the event is denied; if one was granted, it is granted; else it is unspecified:
///
/// | consent | stored | served to her | learned from |
/// |---|---|---|---|
/// | granted | yes | yes | yes |
/// | unspecified, `use` | yes | yes | yes |
/// | unspecified, `store_only` | yes | no | no |
/// | unspecified, `refuse` | no | no | no |
/// | denied | no | no | no |
///
/// What was stored before a person denied stays until it is erased or expires, and is neither served nor learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentConfig {
    /// What is done with events where neither they nor their person say anything.
    pub unspecified: Unspecified,
}

/// What is done with events of which nobody said whether they may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unspecified {
    /// They are used as if it had been granted: for operators who ask before they send.
    #[default]
    Use,
    /// They are stored, and wait for a consent.
    StoreOnly,
    /// They are not stored.
    Refuse,
}

/// What may be done with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Uses {
    /// It may be kept.
    pub stored: bool,
    /// It may count in the answers to its person.
    pub served: bool,
    /// It may be learned from.
    pub trained: bool,
}

impl Uses {
    const ALL: Self = Self {
        stored: true,
        served: true,
        trained: true,
    };
    const STORED: Self = Self {
        served: false,
        trained: false,
        ..Self::ALL
    };
    const NONE: Self = Self {
        stored: false,
        ..Self::STORED
    };
}

impl ConsentConfig {
    /// What may be done with an event, by its own consent and that of its person.
    #[must_use]
    pub fn uses(&self, event: Consent, person: Consent) -> Uses {
        let said = [event, person];
        if said.contains(&Consent::Denied) {
            return Uses::NONE;
        }
        if said.contains(&Consent::Granted) {
            return Uses::ALL;
        }
        match self.unspecified {
            Unspecified::Use => Uses::ALL,
            Unspecified::StoreOnly => Uses::STORED,
            Unspecified::Refuse => Uses::NONE,
        }
    }
}

/// What a person said under one of her identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// What she said. To take back what she said is `unspecified`.
    pub consent: Consent,
    /// When she said it: of two records the later counts, whenever they arrive.
    pub time: Timestamp,
    /// Who took it down: a service or a person of the operator.
    #[serde(default)]
    pub by: String,
    /// What it rests on, such as the version of the text she saw.
    #[serde(default)]
    pub evidence: String,
}

/// What was said under which identifier.
#[derive(Debug, Default)]
pub(crate) struct ConsentBook(FxHashMap<Identifier, Slot<ConsentRecord>>);

impl ConsentBook {
    pub(crate) fn apply(
        &mut self,
        of: &Identifier,
        record: Option<ConsentRecord>,
        stamp: Stamp,
    ) -> bool {
        self.0.entry(of.clone()).or_default().put(stamp, record)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn record(&self, of: &Identifier) -> Option<&ConsentRecord> {
        self.0.get(of)?.value()
    }

    /// What a person said last under any of her identifiers; of two things said at one moment, that she denied.
    pub(crate) fn latest<'a>(&self, person: impl IntoIterator<Item = &'a Identifier>) -> Consent {
        let said = person.into_iter().filter_map(|of| self.record(of));
        let denied = |record: &ConsentRecord| record.consent == Consent::Denied;
        let latest = said.max_by_key(|record| (record.time, denied(record)));
        latest.map_or(Consent::Unspecified, |record| record.consent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Position;

    fn said(consent: Consent, time: i64) -> ConsentRecord {
        ConsentRecord {
            consent,
            time: Timestamp(time),
            by: String::new(),
            evidence: String::new(),
        }
    }

    #[test]
    fn a_denial_outweighs_and_a_default_needs_silence() {
        let uses = |unspecified, event, person| ConsentConfig { unspecified }.uses(event, person);
        let (none, granted, denied) = (Consent::Unspecified, Consent::Granted, Consent::Denied);
        assert_eq!(uses(Unspecified::Use, granted, denied), Uses::NONE);
        assert_eq!(uses(Unspecified::Use, denied, granted), Uses::NONE);
        assert_eq!(uses(Unspecified::Refuse, granted, none), Uses::ALL);
        assert_eq!(uses(Unspecified::Refuse, none, granted), Uses::ALL);
        assert_eq!(uses(Unspecified::Refuse, none, none), Uses::NONE);
        assert_eq!(uses(Unspecified::StoreOnly, none, none), Uses::STORED);
        assert_eq!(uses(Unspecified::Use, none, none), Uses::ALL);
    }

    #[test]
    fn the_latest_word_of_a_person_counts_whenever_it_arrives() {
        let mut book = ConsentBook::default();
        let [card, phone]: [Identifier; 2] =
            ["loyalty:1", "app:2"].map(|text| text.parse().unwrap());
        let stamp = |version, position| Stamp {
            version,
            position: Position(position),
        };
        let person = [card.clone(), phone.clone()];
        assert_eq!(book.latest(&person), Consent::Unspecified);
        assert!(book.apply(&card, Some(said(Consent::Denied, 20)), stamp(20, 1)));
        assert!(book.apply(&phone, Some(said(Consent::Granted, 10)), stamp(10, 2)));
        assert_eq!(book.latest(&person), Consent::Denied);
        assert!(!book.apply(&card, Some(said(Consent::Granted, 19)), stamp(19, 3)));
        assert!(book.apply(&phone, Some(said(Consent::Granted, 20)), stamp(20, 4)));
        assert_eq!(book.latest(&person), Consent::Denied, "at one moment");
        assert!(book.apply(&phone, Some(said(Consent::Granted, 21)), stamp(21, 5)));
        assert_eq!(book.latest(&person), Consent::Granted);
        assert_eq!(
            book.latest(&person[..1]),
            Consent::Denied,
            "once they are unlinked"
        );
    }
}
