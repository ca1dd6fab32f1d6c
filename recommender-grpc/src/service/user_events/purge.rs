//! Events deleted for good, or counted.

use recommender_core::{Error, Timestamp};
use recommender_store::Store;
use recommender_store::identity::{Identifier, Namespace};
use recommender_store::record::{Oblivion, Span};

use super::Desk;
use crate::convert::{self, Violations, identities};
use crate::operations::Progress;
use crate::proto::longrunning::Operation;
use crate::proto::{PurgeUserEventsRequest, PurgeUserEventsResponse};
use crate::status::Refusal;

/// Events between two looks at whether to stop.
const EVENTS_PER_LOOK: u64 = 1 << 12;

/// Which events.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    /// All that happened before.
    Before(Timestamp),
    /// All of the person of an identifier.
    Of(Identifier),
}

impl Desk {
    pub(super) fn purge(&self, request: PurgeUserEventsRequest) -> Result<Operation, Refusal> {
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.shop.catalog, &mut wrong);
        let which = which(&request.filter, &mut wrong);
        let (Some(which), true) = (which, wrong.is_empty()) else {
            return Err(wrong.into());
        };
        let store = self.shop.store()?.clone();
        let force = request.force;
        let work = move |progress: &Progress| {
            let purge_count = match force {
                true => which.delete(&store, progress)?,
                false => which.count(&store, progress)?,
            };
            Ok(PurgeUserEventsResponse { purge_count })
        };
        // The filter may name a person, and what an operation is about is listed.
        let target = request.parent;
        self.shop.operations.begin("PurgeUserEvents", target, work)
    }
}

impl Which {
    fn count(&self, store: &Store, progress: &Progress) -> Result<u64, Refusal> {
        progress.stage("counting events");
        let engine = store.engine();
        let mut count = 0;
        match self {
            Self::Before(time) => {
                let span = Span {
                    until: Some(*time),
                    ..Span::default()
                };
                for stored in engine.events(span)? {
                    stored?;
                    count += 1;
                    if count % EVENTS_PER_LOOK == 0 {
                        progress.succeeded(count);
                        if progress.is_cancelled() {
                            return Err(Error::Cancelled.into());
                        }
                    }
                }
            }
            Self::Of(person) => {
                for visitor in visitors(store, person)? {
                    count += engine.recent(&visitor, usize::MAX)?.len() as u64;
                }
            }
        }
        progress.succeeded(count);
        Ok(count)
    }

    fn delete(&self, store: &Store, progress: &Progress) -> Result<u64, Refusal> {
        progress.stage("deleting events");
        if progress.is_cancelled() {
            return Err(Error::Cancelled.into());
        }
        let count = match self {
            Self::Before(time) => store.engine().drop_before(*time)?,
            Self::Of(person) => {
                let oblivion = Oblivion {
                    visitors: visitors(store, person)?,
                    ..Oblivion::default()
                };
                store.engine().forget(&oblivion)?.events
            }
        };
        progress.succeeded(count);
        Ok(count)
    }
}

/// The visitor keys of a person, as they are kept.
fn visitors(store: &Store, person: &Identifier) -> Result<Vec<String>, Refusal> {
    let person = store.resolve(person)?;
    let visitors = person.identifiers.iter();
    let visitors = visitors.filter(|of| of.namespace() == Namespace::Visitor);
    Ok(visitors.map(|of| of.value().to_owned()).collect())
}

/// Reads the two forms of a filter.
fn which(filter: &str, wrong: &mut Violations) -> Option<Which> {
    let read = |sign: char, name: &str| {
        let (field, value) = filter.split_once(sign)?;
        let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
        (field.trim() == name && !value.contains('"')).then_some(value)
    };
    if let Some(id) = read('=', "person") {
        return identities::of_name(id, "filter", wrong).map(Which::Of);
    }
    let time = read('<', "event_time").and_then(|text| text.parse().ok());
    let time: Option<prost_types::Timestamp> = time;
    if let Some(time) = time {
        let time = convert::events::timestamp(Some(time), "filter", wrong);
        return time.map(Which::Before);
    }
    let expected = "expected event_time < \"2026-01-31T00:00:00Z\" or person = \"visitor:KEY\"";
    wrong.add("filter", format!("{expected}, found another filter"));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_nothing_else_is() {
        let read = |filter: &str| {
            let mut wrong = Violations::default();
            let which = which(filter, &mut wrong);
            assert_eq!(which.is_some(), wrong.is_empty(), "{filter}");
            which
        };
        let of = Which::Of(Identifier::visitor("a=b").unwrap());
        assert_eq!(read("person = \"visitor:a=b\""), Some(of));
        let before = Some(Which::Before(Timestamp(1000)));
        assert_eq!(read("event_time<\"1970-01-01T00:00:01Z\""), before);
        assert_eq!(read(" event_time < \"1970-01-01T01:00:01+01:00\" "), before);
        for filter in [
            "",
            "*",
            "person = \"ann\"",
            "person = visitor:ann",
            "event_time < \"yesterday\"",
            "event_time > \"1970-01-01T00:00:01Z\"",
            "person = \"visitor:a\" AND event_time < \"1970-01-01T00:00:01Z\"",
        ] {
            assert_eq!(read(filter), None, "{filter}");
        }
    }
}
