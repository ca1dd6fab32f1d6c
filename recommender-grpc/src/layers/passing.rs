//! Bodies that are looked at while they pass.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

/// What a body has next.
pub(crate) type Next = Poll<Option<Result<Frame<Bytes>, Status>>>;

/// One who looks at what passes.
pub(crate) trait Onlooker: Send + Unpin + 'static {
    /// What is passed on: what came, or a refusal in its place.
    fn pass(&mut self, next: Next, context: &mut Context<'_>) -> Next;

    /// Whether nothing is passed on any more, whatever the body has.
    fn is_done(&self) -> bool {
        false
    }
}

/// A body with somebody who looks at it.
pub(crate) struct Passing<L> {
    body: Body,
    onlooker: L,
}

impl<L: Onlooker> Passing<L> {
    pub(crate) fn new(body: Body, onlooker: L) -> Self {
        Self { body, onlooker }
    }
}

impl<L: Onlooker> http_body::Body for Passing<L> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Next {
        if self.onlooker.is_done() {
            return Poll::Ready(None);
        }
        let next = Pin::new(&mut self.body).poll_frame(context);
        self.onlooker.pass(next, context)
    }

    fn is_end_stream(&self) -> bool {
        self.onlooker.is_done() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
