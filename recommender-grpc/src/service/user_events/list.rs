//! The events of a person, listed.

use recommender_store::record::StoredEvent;
use tokio::time::Instant;

use super::Desk;
use crate::convert::{self, List, Violations, identities, writes};
use crate::proto::{ListUserEventsRequest, ListUserEventsResponse};
use crate::status::Refusal;

/// Events of a person that can be listed, the latest.
const LISTED: usize = 5000;

impl Desk {
    pub(super) async fn list(
        &self,
        request: ListUserEventsRequest,
        deadline: Instant,
    ) -> Result<ListUserEventsResponse, Refusal> {
        let mut wrong = Violations::default();
        convert::check_parent(&request.parent, &self.shop.catalog, &mut wrong);
        let asked = (request.page_size, request.page_token.as_str());
        let of = request.person.as_ref();
        let words = of.map_or(["", ""], |person| [&person.namespace, &person.value]);
        let words = [&request.parent, words[0], words[1]].map(str::as_bytes);
        let page = convert::page(asked, List::of("userEvents", words), &mut wrong);
        let person = match &request.person {
            Some(person) => identities::of_external(person, "person", &mut wrong),
            None => {
                wrong.add("person", "expected an identifier, found none");
                None
            }
        };
        let (Some(person), true) = (person, wrong.is_empty()) else {
            return Err(wrong.into());
        };
        let store = self.shop.store()?.clone();
        let work = move |_: &crate::workers::Caller| store.history(&[person], LISTED);
        let history = self.shop.background.run(deadline, work).await??;
        let keyed = history
            .into_iter()
            .rev()
            .map(|stored| (key(&stored), stored));
        let (listed, next_page_token) = page.of_all(keyed, |(key, _)| key);
        let listed = listed
            .into_iter()
            .map(|(_, stored)| writes::stored(stored.event));
        Ok(ListUserEventsResponse {
            user_events: listed.collect(),
            next_page_token,
        })
    }
}

/// A text that sorts the latest event first.
fn key(stored: &StoredEvent) -> String {
    let time = stored.event.time.unwrap_or_default().0;
    // The order of signed numbers, as that of unsigned ones, turned around.
    let time = u64::MAX - (time as u64 ^ (1 << 63));
    format!("{time:016x}{:016x}", u64::MAX - stored.position.0)
}

#[cfg(test)]
mod tests {
    use recommender_core::Timestamp;
    use recommender_core::events::Event;
    use recommender_store::record::Position;

    use super::*;

    #[test]
    fn keys_sort_the_latest_first() {
        let of = |time, position| {
            key(&StoredEvent {
                position: Position(position),
                event: Event {
                    time: Some(Timestamp(time)),
                    ..Event::default()
                },
            })
        };
        let order = [
            of(9, 1),
            of(5, 7),
            of(5, 6),
            of(0, 9),
            of(-1, 9),
            of(i64::MIN, 1),
        ];
        assert!(order.is_sorted());
    }
}
