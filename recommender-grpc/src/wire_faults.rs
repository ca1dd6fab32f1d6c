//! What the transport refuses by itself, said as the service says it.
//!
//! The transport calls bytes that are no message an internal error, and gives no reason a program could read. Both
//! are the caller's to mend, so she is told.

use http::Response;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::status;

/// How the transport begins its word for bytes that are no message of the method.
const UNREADABLE: &str = "failed to decode Protobuf message";

/// How it begins its word for a message larger than the server takes.
const TOO_LARGE: &str = "Error, decoded message length too large";

/// The response with the service's own words for what the transport refused; any other one as it is.
pub(crate) fn in_our_words(response: Response<Body>) -> Response<Body> {
    let refused = Status::from_header_map(response.headers());
    match refused.and_then(|refused| ours(&refused)) {
        Some(status) => status.into_http(),
        None => response,
    }
}

/// What a stream of requests ended with, in the service's words: it comes after the head of the response has gone.
pub(crate) fn of_stream(status: Status) -> Status {
    ours(&status).unwrap_or(status)
}

/// The service's word for a status of the transport.
fn ours(theirs: &Status) -> Option<Status> {
    let message = theirs.message();
    let said = |code, words| theirs.code() == code && message.starts_with(words);
    if said(Code::Internal, UNREADABLE) {
        return Some(status::unreadable(message));
    }
    said(Code::OutOfRange, TOO_LARGE).then(|| status::too_large(message))
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;

    fn reason(status: &Status) -> String {
        status.get_details_error_info().unwrap().reason
    }

    #[test]
    fn what_the_transport_refuses_is_the_callers_to_mend() {
        let said = |status: Status| {
            let response = in_our_words(status.into_http());
            Status::from_header_map(response.headers()).unwrap()
        };
        let unreadable = said(Status::internal(format!("{UNREADABLE}: buffer underflow")));
        assert_eq!(unreadable.code(), Code::InvalidArgument);
        assert_eq!(reason(&unreadable), "INVALID_REQUEST");
        let large = said(Status::out_of_range(format!("{TOO_LARGE}: found 9 bytes")));
        assert_eq!(large.code(), Code::OutOfRange);
        assert_eq!(reason(&large), "MESSAGE_TOO_LARGE");
        let other = said(Status::internal("a bug"));
        assert_eq!((other.code(), other.message()), (Code::Internal, "a bug"));
    }
}
