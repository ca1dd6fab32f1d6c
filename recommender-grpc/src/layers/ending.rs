//! How calls end, seen from outside the services.

use std::task::{Context, Poll};

use http::{HeaderMap, Response};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::layers::{Next, Onlooker, Passing};

/// Something to be told once how a call ended: cancelled, if it is dropped before anybody knows.
pub(crate) struct Ending<F: FnOnce(Code)> {
    told: Option<F>,
}

impl<F: FnOnce(Code)> Ending<F> {
    pub(crate) fn new(told: F) -> Self {
        Self { told: Some(told) }
    }

    pub(crate) fn tell(&mut self, code: Code) {
        if let Some(told) = self.told.take() {
            told(code);
        }
    }
}

impl<F: FnOnce(Code)> Drop for Ending<F> {
    fn drop(&mut self) {
        self.tell(Code::Cancelled);
    }
}

/// The same response, which tells `ending` how the call ended once it has.
pub(crate) fn watched<F>(response: Response<Body>, mut ending: Ending<F>) -> Response<Body>
where
    F: FnOnce(Code) + Send + Unpin + 'static,
{
    if let Some(code) = code(response.headers()) {
        ending.tell(code);
        return response;
    }
    response.map(|body| Body::new(Passing::new(body, ending)))
}

fn code(headers: &HeaderMap) -> Option<Code> {
    let code = headers.get(Status::GRPC_STATUS)?;
    Some(Code::from_bytes(code.as_bytes()))
}

impl<F: FnOnce(Code) + Send + Unpin + 'static> Onlooker for Ending<F> {
    fn pass(&mut self, next: Next, _: &mut Context<'_>) -> Next {
        match &next {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(code) = frame.trailers_ref().and_then(code) {
                    self.tell(code);
                }
            }
            Poll::Ready(Some(Err(status))) => self.tell(status.code()),
            Poll::Ready(None) => self.tell(Code::Unknown),
            Poll::Pending => (),
        }
        next
    }
}
