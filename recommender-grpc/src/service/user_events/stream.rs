//! Events of a stream, taken as they come and acknowledged in their order.
//!
//! One task takes events and hands them to the store; another waits for each write and acknowledges it. Between them lies
//! a bounded number of writes, so that who sends more than the store takes, or reads no acknowledgements, is not read on.

use std::time::Duration;

use recommender_store::store::{EventsWritten, Writing};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::Desk;
use super::write::{refused, settle, stored};
use crate::convert::writes;
use crate::proto::{StreamUserEventsRequest, StreamUserEventsResponse, UserEventOutcome, WaitFor};
use crate::status::Refusal;
use crate::wire_faults;

/// What a stream is held to.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Events on their way to the disk.
    in_flight: usize,
    /// Acknowledgements that wait to be sent.
    unsent: usize,
    /// How long an acknowledgement may wait for room among them.
    unread: Duration,
    /// How long an event may wait for a busy store, and for the disk.
    written_within: Duration,
}

const BOUNDS: Bounds = Bounds {
    in_flight: 256,
    unsent: 64,
    unread: Duration::from_secs(30),
    written_within: Duration::from_secs(30),
};

/// An event that was taken.
enum Taken {
    /// It is on its way to the disk: in so many parts, under this key.
    Underway(u64, Box<Writing<EventsWritten>>, usize, String),
    /// It is wrong, or the store did not take it.
    Refused(u64, Refusal),
}

/// Takes the events of `inbound`; gives their acknowledgements.
pub(super) fn begin(
    desk: Desk,
    inbound: impl Stream<Item = Result<StreamUserEventsRequest, Status>> + Send + Unpin + 'static,
) -> impl Stream<Item = Result<StreamUserEventsResponse, Status>> + Send {
    begin_within(desk, inbound, BOUNDS)
}

fn begin_within(
    desk: Desk,
    inbound: impl Stream<Item = Result<StreamUserEventsRequest, Status>> + Send + Unpin + 'static,
    bounds: Bounds,
) -> ReceiverStream<Result<StreamUserEventsResponse, Status>> {
    let (underway, taken) = mpsc::channel(bounds.in_flight);
    // One more than may wait: there is always room for the status that ends the stream.
    let (acknowledge, acknowledged) = mpsc::channel(bounds.unsent + 1);
    let taking = tokio::spawn(take(desk, inbound, underway, bounds));
    tokio::spawn(settle_all(taken, taking, acknowledge, bounds));
    ReceiverStream::new(acknowledged)
}

/// Hands events to the store until there are no more, nobody waits for their acknowledgements, or the server is to stop;
/// gives the status that ends the stream, if it is to end with one.
async fn take(
    desk: Desk,
    mut inbound: impl Stream<Item = Result<StreamUserEventsRequest, Status>> + Unpin,
    underway: Sender<Taken>,
    bounds: Bounds,
) -> Option<Status> {
    let mut is_first = true;
    loop {
        let next = tokio::select! {
            biased;
            () = desk.shop.operations.closed() => return Some(Refusal::Draining.into()),
            () = underway.closed() => return None,
            next = inbound.next() => next,
        };
        let request = match next {
            None => return None,
            Some(Err(status)) => return Some(wire_faults::of_stream(status)),
            Some(Ok(request)) => request,
        };
        if (is_first || !request.parent.is_empty())
            && let Err(refusal) = desk.check_parent(&request.parent)
        {
            return Some(refusal.into());
        }
        is_first = false;
        let taken = desk.take_one(request, bounds).await;
        if underway.send(taken).await.is_err() {
            return None;
        }
    }
}

impl Desk {
    async fn take_one(&self, request: StreamUserEventsRequest, bounds: Bounds) -> Taken {
        let sequence = request.sequence;
        match self.hand_over_one(request, bounds).await {
            Ok((writing, parts, id)) => Taken::Underway(sequence, Box::new(writing), parts, id),
            Err(refusal) => Taken::Refused(sequence, refusal),
        }
    }

    async fn hand_over_one(
        &self,
        request: StreamUserEventsRequest,
        bounds: Bounds,
    ) -> Result<(Writing<EventsWritten>, usize, String), Refusal> {
        let rules = self.rules()?;
        let new_id = || self.ids.next();
        let written = writes::written(request.user_event, ("user_event", rules), new_id)?;
        let deadline = Instant::now() + bounds.written_within;
        let writing = self.hand_over(&written.submissions, deadline).await?;
        Ok((writing, written.submissions.len(), written.id))
    }
}

/// Acknowledges what was taken, in its order, and ends the stream as it is to end.
async fn settle_all(
    mut taken: Receiver<Taken>,
    taking: JoinHandle<Option<Status>>,
    acknowledge: Sender<Result<StreamUserEventsResponse, Status>>,
    bounds: Bounds,
) {
    let Ok(last) = acknowledge.clone().reserve_owned().await else {
        return;
    };
    while let Some(one) = taken.recv().await {
        let acknowledgement = one.settled(bounds).await;
        match timeout(bounds.unread, acknowledge.send(Ok(acknowledgement))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                last.send(Err(Refusal::Unread.into()));
                return;
            }
        }
    }
    // That it was taken to its end, or was not, is all there is to know of it.
    if let Ok(Some(status)) = taking.await {
        last.send(Err(status));
    }
}

impl Taken {
    async fn settled(self, bounds: Bounds) -> StreamUserEventsResponse {
        let (sequence, writing, parts, id) = match self {
            Self::Underway(sequence, writing, parts, id) => (sequence, writing, parts, id),
            Self::Refused(sequence, refusal) => return answer(sequence, refused(refusal)),
        };
        let deadline = Instant::now() + bounds.written_within;
        match settle(writing, &[parts], WaitFor::Durable, deadline).await {
            Ok(mut settled) => {
                let became = settled.each.pop().unwrap_or_default();
                StreamUserEventsResponse {
                    freshness_token: settled.freshness,
                    refused_links: settled.refused_links,
                    ..answer(sequence, stored(id, became))
                }
            }
            Err(refusal) => answer(sequence, refused(refusal)),
        }
    }
}

fn answer(sequence: u64, outcome: UserEventOutcome) -> StreamUserEventsResponse {
    StreamUserEventsResponse {
        sequence,
        outcome: Some(outcome),
        ..StreamUserEventsResponse::default()
    }
}

#[cfg(test)]
mod tests;
