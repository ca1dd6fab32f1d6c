//! Events written and answered for.

use std::future::Future;

use recommender_store::StoreError;
use recommender_store::store::{
    EventsWritten, NotStored as Reason, Submission, SubmissionOutcome, Writing,
};
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use super::Desk;
use crate::answering::Freshness;
use crate::convert::writes::{self, Rules, Written};
use crate::convert::{self, Violations, identities};
use crate::proto::{
    BatchWriteUserEventsRequest, BatchWriteUserEventsResponse, NotStored, UserEventOutcome,
    WaitFor, WriteUserEventRequest, WriteUserEventResponse,
};
use crate::security::Caller;
use crate::status::Refusal;
use crate::workers::WorkError;

/// Most events of a batch.
const MAX_BATCH: usize = 1000;

/// What became of events that were written together.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Of each, whether it was there already, and why it was not stored.
    pub(super) each: Vec<(bool, NotStored)>,
    /// The token of the write; empty if nobody waited for it.
    pub(super) freshness: String,
    /// The caps that links would have gone past.
    pub(super) refused_links: Vec<String>,
}

impl Desk {
    /// Writes one event.
    pub(super) async fn write_one(
        &self,
        request: WriteUserEventRequest,
        by: &Caller,
        deadline: Instant,
    ) -> Result<WriteUserEventResponse, Refusal> {
        self.check_parent(&request.parent)?;
        let wait = wait_for(request.wait_for)?;
        let new_id = || self.ids.of_call(by, &request.request_id, 0);
        let rules = self.rules()?;
        let written = writes::written(request.user_event, ("user_event", rules), new_id)?;
        let (id, count) = (written.id, written.submissions.len());
        let writing = self.shop.store()?.write_events(written.submissions)?;
        let began = Instant::now();
        let mut settled = settle(writing, &[count], wait, deadline).await?;
        self.count(began, wait);
        let (duplicate, not_stored) = settled.each.pop().unwrap_or_default();
        Ok(WriteUserEventResponse {
            event_id: id,
            freshness_token: settled.freshness,
            duplicate,
            not_stored: not_stored.into(),
            refused_links: settled.refused_links,
        })
    }

    /// Writes several events, those that are right.
    pub(super) async fn write_batch(
        &self,
        request: BatchWriteUserEventsRequest,
        by: &Caller,
        deadline: Instant,
    ) -> Result<BatchWriteUserEventsResponse, Refusal> {
        self.check_parent(&request.parent)?;
        let wait = wait_for(request.wait_for)?;
        let mut wrong = Violations::default();
        if request.user_events.is_empty() {
            wrong.add("user_events", "expected at least one event, found none");
        }
        wrong.bound("user_events", request.user_events.len(), MAX_BATCH);
        wrong.or(())?;
        let rules = self.rules()?;
        let read = (request.user_events.into_iter().enumerate()).map(|(number, event)| {
            let field = format!("user_events[{number}]");
            let new_id = || self.ids.of_call(by, &request.request_id, number);
            writes::written(Some(event), (&field, rules), new_id)
        });
        let read: Vec<Result<Written, Violations>> = read.collect();
        let mut submissions = Vec::new();
        let mut counts = Vec::new();
        let mut outcomes = Vec::new();
        for written in read {
            outcomes.push(written.map(|written| {
                counts.push(written.submissions.len());
                submissions.extend(written.submissions);
                written.id
            }));
        }
        let writing = self.shop.store()?.write_events(submissions)?;
        let began = Instant::now();
        let settled = settle(writing, &counts, wait, deadline).await?;
        self.count(began, wait);
        let mut each = settled.each.into_iter();
        let outcomes = outcomes.into_iter().map(|outcome| match outcome {
            Ok(id) => stored(id, each.next().unwrap_or_default()),
            Err(wrong) => refused(wrong.into()),
        });
        Ok(BatchWriteUserEventsResponse {
            outcomes: outcomes.collect(),
            freshness_token: settled.freshness,
            refused_links: settled.refused_links,
        })
    }

    /// Events whose writing began at `began` are known to answers now, where their writer waited for it.
    fn count(&self, began: Instant, wait: WaitFor) {
        if wait != WaitFor::Accepted {
            self.shop.metrics.visible(began.elapsed());
        }
    }

    /// What events are held to that are received now.
    pub(super) fn rules(&self) -> Result<Rules<'_>, Refusal> {
        Ok(Rules {
            events: &self.shop.rules.events,
            now: self.shop.store()?.now(),
        })
    }

    /// Hands an event to the store, waiting while it is busy: whoever sends is slowed down with it.
    pub(super) async fn hand_over(
        &self,
        submissions: &[Submission],
        deadline: Instant,
    ) -> Result<Writing<EventsWritten>, Refusal> {
        let store = self.shop.store()?;
        loop {
            match store.write_events(submissions.to_vec()) {
                Err(StoreError::Busy { .. }) if Instant::now() < deadline => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                writing => return Ok(writing?),
            }
        }
    }
}

/// How long to wait before a busy store is asked again.
const BUSY_PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// What became of events that were taken, of which each consists of so many submissions as `counts` says.
pub(super) async fn settle(
    writing: impl Future<Output = recommender_store::Result<EventsWritten>>,
    counts: &[usize],
    wait: WaitFor,
    deadline: Instant,
) -> Result<Settled, Refusal> {
    if wait == WaitFor::Accepted {
        // What is on its way is written all the same.
        return Ok(Settled {
            each: vec![Default::default(); counts.len()],
            ..Settled::default()
        });
    }
    let Ok(written) = timeout_at(deadline, writing).await else {
        return Err(WorkError::DeadlineExceeded.into());
    };
    let written = written?;
    let mut outcomes = &written.outcomes[..];
    let each = counts.iter().map(|count| {
        let (own, others) = outcomes.split_at((*count).min(outcomes.len()));
        outcomes = others;
        together(own)
    });
    let refusals = written.refused_links.iter().map(identities::cap);
    Ok(Settled {
        each: each.collect::<Result<_, _>>()?,
        freshness: Freshness(written.position).to_string(),
        refused_links: refusals.map(str::to_owned).collect(),
    })
}

/// What became of an event, by what became of its parts.
fn together(parts: &[SubmissionOutcome]) -> Result<(bool, NotStored), Refusal> {
    let mut duplicate = true;
    for part in parts {
        match part {
            SubmissionOutcome::Stored => duplicate = false,
            SubmissionOutcome::Duplicate => {}
            SubmissionOutcome::NotStored(Reason::Denied | Reason::Ephemeral) => {
                return Ok((false, NotStored::Denied));
            }
            SubmissionOutcome::NotStored(Reason::Unspecified) => {
                return Ok((false, NotStored::NoConsent));
            }
            SubmissionOutcome::NotStored(Reason::Invalid(reason)) => {
                return Err(StoreError::invalid("event", "one that can be kept", reason).into());
            }
        }
    }
    Ok((duplicate, NotStored::Unspecified))
}

/// The outcome of an event that was right.
pub(super) fn stored(id: String, (duplicate, not_stored): (bool, NotStored)) -> UserEventOutcome {
    UserEventOutcome {
        status: Some(tonic_types::Status::default()),
        event_id: id,
        duplicate,
        not_stored: not_stored.into(),
    }
}

/// The outcome of an event that was not taken.
pub(super) fn refused(refusal: Refusal) -> UserEventOutcome {
    UserEventOutcome {
        status: Some(convert::status(&Status::from(refusal))),
        ..UserEventOutcome::default()
    }
}

fn wait_for(number: i32) -> Result<WaitFor, Refusal> {
    WaitFor::try_from(number).map_err(|_| {
        let mut wrong = Violations::default();
        wrong.add("wait_for", format!("expected a WaitFor, found {number}"));
        wrong.into()
    })
}
