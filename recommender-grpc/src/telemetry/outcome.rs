//! How calls end, seen from outside the services.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::{Code, Status};

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
    response.map(|body| Body::new(Watched { body, ending }))
}

fn code(headers: &HeaderMap) -> Option<Code> {
    let code = headers.get(Status::GRPC_STATUS)?;
    Some(Code::from_bytes(code.as_bytes()))
}

/// A body whose trailers are looked at.
struct Watched<F: FnOnce(Code)> {
    body: Body,
    ending: Ending<F>,
}

impl<F: FnOnce(Code) + Unpin> http_body::Body for Watched<F> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(code) = frame.trailers_ref().and_then(code) {
                    self.ending.tell(code);
                }
            }
            Poll::Ready(Some(Err(status))) => self.ending.tell(status.code()),
            Poll::Ready(None) => self.ending.tell(Code::Unknown),
            Poll::Pending => (),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
