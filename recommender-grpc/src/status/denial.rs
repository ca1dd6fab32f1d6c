//! What a caller is told who is turned away at the door, before any service saw her call.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::status::{RETRY_DELAY, because};

/// Why a call was turned away at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denial {
    /// She showed nothing.
    Missing,
    /// What she showed is not known here.
    Wrong,
    /// What she showed was good once.
    Expired,
    /// What she showed will be good later.
    NotYet,
    /// She may not call this method.
    Role {
        /// Path of the method.
        method: String,
        /// The roles of which one would do.
        needed: String,
    },
    /// She has called too often.
    Quota {
        /// Her name.
        caller: String,
        /// When she may call again.
        retry: Duration,
    },
    /// The server has as many calls as it can take.
    Overloaded,
    /// A message is larger than the server takes.
    TooLarge {
        /// Most bytes of a message.
        limit: usize,
        /// Bytes of this one.
        found: usize,
    },
    /// A message did not come to its end in time.
    Slow {
        /// The time it had.
        limit: Duration,
    },
}

/// What every caller is told about credentials who has none that are known.
const CREDENTIALS: &str = "send an API key or a token as `authorization: Bearer …`, an API key as `x-api-key`, \
                           or come with a certificate that is known here";

impl From<Denial> for Status {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Missing => unauthenticated("CREDENTIALS_MISSING", CREDENTIALS),
            Denial::Wrong => {
                unauthenticated("CREDENTIALS_WRONG", "the credentials are not known here")
            }
            Denial::Expired => unauthenticated("CREDENTIALS_EXPIRED", "the token has expired"),
            Denial::NotYet => {
                unauthenticated("CREDENTIALS_NOT_YET_VALID", "the token is not valid yet")
            }
            Denial::Role { method, needed } => role(&method, &needed),
            Denial::Quota { caller, retry } => quota(&caller, retry),
            Denial::Overloaded => {
                let mut details = because("OVERLOADED", []);
                details.set_retry_info(Some(RETRY_DELAY));
                let message = "more calls are under way than the server can take";
                Status::with_error_details(Code::ResourceExhausted, message, details)
            }
            Denial::TooLarge { limit, found } => too_large(limit, found),
            Denial::Slow { limit } => {
                let millis = limit.as_millis().to_string();
                let details = because("MESSAGE_TOO_SLOW", [("limit_ms", &*millis)]);
                let message = format!("the message did not come to its end within {millis} ms");
                Status::with_error_details(Code::DeadlineExceeded, message, details)
            }
        }
    }
}

fn unauthenticated(reason: &str, message: &str) -> Status {
    Status::with_error_details(Code::Unauthenticated, message, because(reason, []))
}

fn role(method: &str, needed: &str) -> Status {
    let details = because("ROLE_MISSING", [("method", method), ("roles", needed)]);
    let message = format!("{method} needs one of the roles {needed}");
    Status::with_error_details(Code::PermissionDenied, message, details)
}

fn quota(caller: &str, retry: Duration) -> Status {
    let mut details = because("QUOTA_EXCEEDED", [("caller", caller)]);
    let message = "this caller makes more calls than she may";
    details.add_quota_failure_violation(format!("caller:{caller}"), message);
    details.set_retry_info(Some(retry));
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

fn too_large(limit: usize, found: usize) -> Status {
    let (limit, found) = (limit.to_string(), found.to_string());
    let details = because(
        "MESSAGE_TOO_LARGE",
        [("limit_bytes", &*limit), ("found_bytes", &*found)],
    );
    let message = format!("expected a message of at most {limit} bytes, found {found}");
    Status::with_error_details(Code::OutOfRange, message, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_denial_says_why_in_a_word() {
        let role = Denial::Role {
            method: "/a/B".into(),
            needed: "admin".into(),
        };
        let quota = Denial::Quota {
            caller: "kiosk".into(),
            retry: Duration::from_millis(7),
        };
        let slow = Denial::Slow {
            limit: Duration::from_secs(1),
        };
        let large = Denial::TooLarge { limit: 4, found: 5 };
        let cases = [
            (
                Denial::Missing,
                Code::Unauthenticated,
                "CREDENTIALS_MISSING",
            ),
            (Denial::Wrong, Code::Unauthenticated, "CREDENTIALS_WRONG"),
            (
                Denial::Expired,
                Code::Unauthenticated,
                "CREDENTIALS_EXPIRED",
            ),
            (
                Denial::NotYet,
                Code::Unauthenticated,
                "CREDENTIALS_NOT_YET_VALID",
            ),
            (role, Code::PermissionDenied, "ROLE_MISSING"),
            (quota, Code::ResourceExhausted, "QUOTA_EXCEEDED"),
            (Denial::Overloaded, Code::ResourceExhausted, "OVERLOADED"),
            (large, Code::OutOfRange, "MESSAGE_TOO_LARGE"),
            (slow, Code::DeadlineExceeded, "MESSAGE_TOO_SLOW"),
        ];
        for (denial, code, reason) in cases {
            let status = Status::from(denial);
            assert_eq!(status.code(), code);
            let details = status.get_error_details();
            assert_eq!(details.error_info().unwrap().reason, reason);
            let waits = details.retry_info().is_some();
            assert_eq!(waits, code == Code::ResourceExhausted, "{reason}");
        }
    }
}
