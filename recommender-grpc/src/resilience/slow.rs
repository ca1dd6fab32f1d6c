//! What a caller sends, held to the size and the time of a message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};
use tonic::body::Body;

use crate::layers::{Next, Onlooker, Passing};
use crate::resilience::framing::Framing;
use crate::status::Denial;

/// The bounds of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessageBounds {
    /// Most bytes of it.
    pub(crate) bytes: usize,
    /// Most time from its first byte to its last.
    pub(crate) time: Duration,
}

/// Sees to it that the messages of a body are not too long in either sense.
///
/// Where a caller sends one message, it and the end of the body must come in time from the start of the call; where she
/// sends many, each in time from its own beginning: how long she thinks between two is her affair.
pub(crate) struct Punctual {
    bounds: MessageBounds,
    framing: Framing,
    streams: bool,
    /// When what is under way began.
    since: Option<Instant>,
    /// Made only if there is something to wait for.
    alarm: Option<Pin<Box<Sleep>>>,
    failed: bool,
}

impl Punctual {
    /// A body of one message.
    pub(crate) fn one(body: Body, bounds: MessageBounds) -> Passing<Self> {
        Passing::new(body, Self::new(bounds, Some(Instant::now())))
    }

    /// A body of many messages.
    pub(crate) fn many(body: Body, bounds: MessageBounds) -> Passing<Self> {
        Passing::new(body, Self::new(bounds, None))
    }

    fn new(bounds: MessageBounds, since: Option<Instant>) -> Self {
        Self {
            bounds,
            framing: Framing::default(),
            streams: since.is_none(),
            since,
            alarm: None,
            failed: false,
        }
    }

    fn took(&mut self, piece: &[u8]) -> Result<(), Denial> {
        let (limit, ended) = (self.bounds.bytes, self.framing.ended());
        let taken = self.framing.take(piece, limit);
        taken.map_err(|found| Denial::TooLarge { limit, found })?;
        if self.streams {
            if self.framing.ended() != ended || !self.framing.is_within() {
                (self.since, self.alarm) = (None, None);
            }
            if self.framing.is_within() {
                self.since.get_or_insert_with(Instant::now);
            }
        }
        Ok(())
    }

    /// Whether the time is up.
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<Denial> {
        let Some(since) = self.since else {
            return Poll::Pending;
        };
        let end = since + self.bounds.time;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(end)));
        ready!(alarm.as_mut().poll(context));
        Poll::Ready(Denial::Slow {
            limit: self.bounds.time,
        })
    }
}

impl Onlooker for Punctual {
    fn pass(&mut self, next: Next, context: &mut Context<'_>) -> Next {
        let denial = match &next {
            Poll::Ready(Some(Ok(frame))) => {
                let taken = frame.data_ref().map(|piece| self.took(piece));
                taken.and_then(Result::err)
            }
            Poll::Ready(_) => None,
            Poll::Pending => Some(ready!(self.poll_late(context))),
        };
        let Some(denial) = denial else {
            return next;
        };
        self.failed = true;
        Poll::Ready(Some(Err(denial.into())))
    }

    fn is_done(&self) -> bool {
        self.failed
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::poll_fn;

    use http_body::{Body as _, Frame};
    use tonic::codegen::Bytes;
    use tonic::{Code, Status};

    use super::*;

    /// A caller who sends pieces, each after so many milliseconds, and then nothing more.
    struct Sends {
        pieces: VecDeque<(u64, &'static [u8])>,
        pause: Option<Pin<Box<Sleep>>>,
    }

    impl http_body::Body for Sends {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            let Some((after, piece)) = self.pieces.front().copied() else {
                return Poll::Pending;
            };
            let pause = self
                .pause
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(Duration::from_millis(after))));
            ready!(pause.as_mut().poll(context));
            self.pause = None;
            self.pieces.pop_front();
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece)))))
        }
    }

    fn sends(pieces: &[(u64, &'static [u8])]) -> Body {
        Body::new(Sends {
            pieces: pieces.iter().copied().collect(),
            pause: None,
        })
    }

    const BOUNDS: MessageBounds = MessageBounds {
        bytes: 9,
        time: Duration::from_millis(300),
    };

    async fn next(body: &mut Passing<Punctual>) -> Result<usize, Code> {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        let frame = frame.unwrap().map_err(|status| status.code())?;
        Ok(frame.into_data().unwrap().len())
    }

    #[tokio::test]
    async fn one_message_has_its_time_from_the_start_of_the_call() {
        let pieces: &[(u64, &[u8])] = &[(200, &[0, 0]), (200, &[0, 0, 1])];
        let mut body = Punctual::one(sends(pieces), BOUNDS);
        assert_eq!(next(&mut body).await, Ok(2));
        assert_eq!(next(&mut body).await, Err(Code::DeadlineExceeded));
        let mut silent = Punctual::one(sends(&[]), BOUNDS);
        assert_eq!(next(&mut silent).await, Err(Code::DeadlineExceeded));
    }

    #[tokio::test]
    async fn of_many_messages_each_has_its_own_time() {
        let whole: &[u8] = &[0, 0, 0, 0, 1, 7];
        let half: &[u8] = &[0, 0];
        let pieces = [(500, whole), (500, half), (100, &[0, 0, 1, 7]), (500, half)];
        let mut body = Punctual::many(sends(&pieces), BOUNDS);
        for length in [6, 2, 4, 2] {
            assert_eq!(next(&mut body).await, Ok(length));
        }
        assert_eq!(next(&mut body).await, Err(Code::DeadlineExceeded));
    }

    #[tokio::test]
    async fn a_message_over_the_limit_is_refused_at_its_head() {
        let mut body = Punctual::one(sends(&[(0, &[0, 0, 0, 0, 10])]), BOUNDS);
        assert_eq!(next(&mut body).await, Err(Code::OutOfRange));
        assert!(body.is_end_stream());
    }
}
