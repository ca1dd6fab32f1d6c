//! What a caller is told when there is no answer: the one place where errors become gRPC statuses.

mod denial;

use std::collections::HashMap;
use std::time::Duration;

use recommender_core::Error;
use recommender_store::StoreError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::workers::WorkError;
pub(crate) use denial::Denial;

/// The domain of every `ErrorInfo` of this service.
pub const ERROR_DOMAIN: &str = "recommender";

/// When a caller who was turned away should ask again.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Why an answer can't be explained by its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The token has not the form of one.
    Malformed,
    /// This server did not give it, or not since it started.
    Foreign,
    /// It was too long ago, too much was answered since, it was too large to be kept, or the person was erased.
    Forgotten,
}

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The request is wrong in these fields.
    Invalid(Vec<FieldViolation>),
    /// There is no serving config of this name.
    UnknownServingConfig {
        /// The name as the caller wrote it.
        name: String,
        /// Names of those that exist.
        known: Vec<String>,
    },
    /// The model of this serving config is not loaded yet.
    NotLoaded(String),
    /// The workers gave no result.
    Work(WorkError),
    /// The engine failed.
    Engine(Error),
    /// The store failed, or refused.
    Store(StoreError),
    /// The write that the caller wants to be seen can't be seen yet.
    NotYetVisible,
    /// There is no answer of this token here.
    NoAnswer(Lost),
    /// The server has no store.
    NoStore,
    /// The server is about to stop, and begins nothing more.
    Draining,
    /// The client of a stream did not read what was sent to it.
    Unread,
    /// There is no such thing.
    NotFound {
        /// What sort of thing, as the contract calls it: `recommender.v1.Product`.
        resource_type: &'static str,
        /// Its resource name.
        name: String,
    },
    /// There is such a thing already.
    AlreadyExists {
        /// What sort of thing.
        resource_type: &'static str,
        /// Its resource name.
        name: String,
    },
    /// The state of things does not allow it.
    Precondition {
        /// In one word, in capitals, such as `MODEL_NOT_PROMOTED`.
        reason: &'static str,
        /// What would have to be so.
        message: String,
    },
}

impl From<WorkError> for Refusal {
    fn from(error: WorkError) -> Self {
        Self::Work(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Core(error) => Self::Engine(error),
            error @ (StoreError::Invalid { .. }
            | StoreError::Busy { .. }
            | StoreError::Full { .. }
            | StoreError::Damaged { .. }
            | StoreError::Newer { .. }
            | StoreError::InUse { .. }
            | StoreError::Unavailable { .. }
            | StoreError::Io { .. }
            | StoreError::Closed) => Self::Store(error),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl Refusal {
    /// Whether the fault lies with the serving config's own model, so that another might still answer.
    pub(crate) fn is_fault(&self) -> bool {
        match self {
            Self::Engine(Error::Internal(_)) | Self::Work(WorkError::Panicked(_)) => true,
            Self::Engine(
                Error::Input(_) | Error::Config(_) | Error::Data { .. } | Error::Cancelled,
            )
            | Self::Work(WorkError::Full | WorkError::DeadlineExceeded)
            | Self::Invalid(_)
            | Self::UnknownServingConfig { .. }
            | Self::NotLoaded(_)
            | Self::Store(_)
            | Self::NotYetVisible
            | Self::NoAnswer(_)
            | Self::NoStore
            | Self::Draining
            | Self::Unread
            | Self::NotFound { .. }
            | Self::AlreadyExists { .. }
            | Self::Precondition { .. } => false,
        }
    }
}

impl Refusal {
    /// The cause in words, for those who run the server.
    pub(crate) fn reason(&self) -> String {
        if let Self::Engine(error) = self {
            return error.to_string();
        }
        if let Self::Store(error) = self {
            return error.to_string();
        }
        if let Self::Precondition { message, .. } = self {
            return message.clone();
        }
        format!("{self:?}")
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(violations) => invalid(&violations),
            Refusal::UnknownServingConfig { name, known } => unknown_serving_config(&name, &known),
            Refusal::NotLoaded(name) => not_loaded(&name),
            Refusal::Work(error) => of_work(&error),
            Refusal::Engine(error) => of_engine(&error),
            Refusal::Store(error) => of_store(&error),
            Refusal::NotYetVisible => {
                let message = "the write of min_freshness can't be seen here yet";
                retry(Code::Unavailable, "NOT_YET_VISIBLE", message)
            }
            Refusal::NoAnswer(lost) => no_answer(lost),
            Refusal::NoStore => precondition("NO_STORE", NO_STORE),
            Refusal::Draining => retry(Code::Unavailable, "DRAINING", DRAINING),
            Refusal::Unread => {
                let details = because("ACKNOWLEDGEMENTS_NOT_READ", []);
                Status::with_error_details(Code::Aborted, UNREAD, details)
            }
            Refusal::NotFound {
                resource_type,
                name,
            } => about(Code::NotFound, "NOT_FOUND", (resource_type, &name)),
            Refusal::AlreadyExists {
                resource_type,
                name,
            } => about(
                Code::AlreadyExists,
                "ALREADY_EXISTS",
                (resource_type, &name),
            ),
            Refusal::Precondition { reason, message } => precondition(reason, &message),
        }
    }
}

fn invalid(violations: &[FieldViolation]) -> Status {
    let told: Vec<FieldViolation> = (violations.iter().take(MOST_VIOLATIONS))
        .map(|violation| {
            let (field, description) = (&violation.field, &violation.description);
            FieldViolation::new(shortened(field), shortened(description))
        })
        .collect();
    let mut parts: Vec<String> = (told.iter())
        .map(|violation| format!("{}: {}", violation.field, violation.description))
        .collect();
    let more = violations.len() - told.len();
    parts.extend((more > 0).then(|| format!("and {more} more")));
    let mut details = because("INVALID_REQUEST", []);
    details.set_bad_request(told);
    with_details(Code::InvalidArgument, &parts.join("; "), details)
}

/// Most violations that a caller is told of at once, and longest text of hers that is repeated to her, in bytes: a
/// status travels in headers, of which clients take 16 KiB or less.
const MOST_VIOLATIONS: usize = 20;
const LONGEST_TEXT: usize = 120;

/// A text cut to what a status may repeat.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let cut = text.floor_char_boundary(LONGEST_TEXT);
    format!("{}...", &text[..cut])
}

fn unknown_serving_config(name: &str, known: &[String]) -> Status {
    let (name, known) = (&*shortened(name), shortened(&known.join(", ")));
    let message = format!("there is no serving config \"{name}\"; there are: {known}");
    let mut details = because(
        "SERVING_CONFIG_NOT_FOUND",
        [("serving_config", name), ("known", &known)],
    );
    details.set_resource_info(
        "recommender.v1.ServingConfig",
        name,
        "",
        shortened(&message),
    );
    with_details(Code::NotFound, &message, details)
}

fn not_loaded(name: &str) -> Status {
    let mut details = because("MODEL_NOT_LOADED", [("serving_config", name)]);
    details.set_retry_info(Some(RETRY_DELAY));
    let message = format!("the model of serving config \"{name}\" is still being loaded");
    with_details(Code::Unavailable, &message, details)
}

fn of_work(error: &WorkError) -> Status {
    let (code, reason) = match error {
        WorkError::Full => (Code::ResourceExhausted, "OVERLOADED"),
        WorkError::DeadlineExceeded => (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
        WorkError::Panicked(_) => (Code::Internal, "INTERNAL"),
    };
    let mut details = because(reason, []);
    if code == Code::ResourceExhausted {
        details.set_retry_info(Some(RETRY_DELAY));
    }
    with_details(code, &error.to_string(), details)
}

fn of_engine(error: &Error) -> Status {
    let message = error.to_string();
    let (code, details) = match error {
        Error::Input(input) => {
            let mut details = because("INVALID_REQUEST", []);
            let field = input.field.clone().unwrap_or_default();
            let wrong = format!("expected {}, found {}", input.expected, input.found);
            details.add_bad_request_violation(shortened(&field), shortened(&wrong));
            (Code::InvalidArgument, details)
        }
        Error::Config(config) => {
            let mut details = because("MODEL_CONFIGURATION", [("setting", &*config.field)]);
            let (field, told) = (shortened(&config.field), shortened(&message));
            details.add_precondition_failure_violation("CONFIGURATION", field, told);
            (Code::FailedPrecondition, details)
        }
        Error::Data { what, .. } => (
            Code::FailedPrecondition,
            because("UNPROCESSABLE", [("what", &**what)]),
        ),
        Error::Cancelled => (Code::Cancelled, because("CANCELLED", [])),
        Error::Internal(_) => (Code::Internal, because("INTERNAL", [])),
    };
    with_details(code, &message, details)
}

/// What a caller is told who asks a server without a store for what only a store knows.
const NO_STORE: &str = "this server keeps no events, identities or products: start it with a store";

const DRAINING: &str =
    "this server is about to stop; another one, or this one after its restart, will take it";

const UNREAD: &str = "the acknowledgements were not read; send again what was not acknowledged";

/// What became of a store's work. What lies with the operator's machine is logged, and the caller told nothing of it.
fn of_store(error: &StoreError) -> Status {
    match error {
        StoreError::Core(error) => of_engine(error),
        StoreError::Invalid {
            what,
            expected,
            found,
        } => {
            let mut details = because("INVALID_REQUEST", []);
            let wrong = format!("expected {expected}, found {found}");
            details.add_bad_request_violation(shortened(what), shortened(&wrong));
            with_details(Code::InvalidArgument, &error.to_string(), details)
        }
        StoreError::Busy { .. } => retry(Code::ResourceExhausted, "OVERLOADED", &error.to_string()),
        StoreError::Full { .. }
        | StoreError::Damaged { .. }
        | StoreError::Newer { .. }
        | StoreError::InUse { .. }
        | StoreError::Unavailable { .. }
        | StoreError::Io { .. }
        | StoreError::Closed => {
            tracing::error!(%error, "the store failed");
            let message = "the store can't be reached; what was not acknowledged may be sent again";
            retry(Code::Unavailable, "STORE_UNAVAILABLE", message)
        }
    }
}

fn no_answer(lost: Lost) -> Status {
    let (reason, message) = match lost {
        Lost::Malformed => {
            let expected = "expected 32 hexadecimal digits, found another text";
            return invalid(&[FieldViolation::new("attribution_token", expected)]);
        }
        Lost::Foreign => (
            "ANSWER_UNKNOWN",
            "this server did not give this attribution token, or not since it started",
        ),
        Lost::Forgotten => (
            "ANSWER_FORGOTTEN",
            "the answer of this attribution token is not kept any more; send its question instead",
        ),
    };
    with_details(Code::NotFound, message, because(reason, []))
}

fn retry(code: Code, reason: &str, message: &str) -> Status {
    let mut details = because(reason, []);
    details.set_retry_info(Some(RETRY_DELAY));
    with_details(code, message, details)
}

fn about(code: Code, reason: &str, (resource_type, name): (&str, &str)) -> Status {
    let name = &*shortened(name);
    let message = if code == Code::NotFound {
        format!("there is no \"{name}\"")
    } else {
        format!("there is \"{name}\" already")
    };
    let mut details = because(reason, [("name", name)]);
    details.set_resource_info(resource_type, name, "", &message);
    with_details(code, &message, details)
}

/// What a caller is told whose bytes are no message of the method.
pub(crate) fn unreadable(message: &str) -> Status {
    let details = because("INVALID_REQUEST", []);
    with_details(Code::InvalidArgument, message, details)
}

/// What a caller is told whose message is larger than the server takes.
pub(crate) fn too_large(message: &str) -> Status {
    let details = because("MESSAGE_TOO_LARGE", []);
    with_details(Code::OutOfRange, message, details)
}

fn precondition(reason: &str, message: &str) -> Status {
    let mut details = because(reason, []);
    details.add_precondition_failure_violation(reason, "", shortened(message));
    with_details(Code::FailedPrecondition, message, details)
}

/// A status whose message is no longer than headers can carry.
fn with_details(code: Code, message: &str, details: ErrorDetails) -> Status {
    const LONGEST_MESSAGE: usize = 2048;
    let end = message.floor_char_boundary(LONGEST_MESSAGE);
    Status::with_error_details(code, &message[..end], details)
}

fn because<const N: usize>(reason: &str, metadata: [(&str, &str); N]) -> ErrorDetails {
    let metadata: HashMap<String, String> = metadata
        .into_iter()
        .map(|(key, value)| (key.to_owned(), shortened(value)))
        .collect();
    ErrorDetails::with_error_info(reason, ERROR_DOMAIN, metadata)
}

#[cfg(test)]
mod tests {
    use recommender_core::error::InputError;

    use super::*;

    fn reason(status: &Status) -> String {
        let details = status.get_error_details();
        details.error_info().unwrap().reason.clone()
    }

    #[test]
    fn every_group_of_engine_errors_has_its_code() {
        let cases = [
            (
                InputError::new("request", "a key", "none")
                    .in_field("user")
                    .into(),
                Code::InvalidArgument,
            ),
            (
                Error::config("ease.regularization", "above 0", -1),
                Code::FailedPrecondition,
            ),
            (Error::data("ease", "too large"), Code::FailedPrecondition),
            (Error::Cancelled, Code::Cancelled),
            (Error::Internal("broken".into()), Code::Internal),
        ];
        for (error, code) in cases {
            let text = error.to_string();
            let status = Status::from(Refusal::from(error));
            assert_eq!(status.code(), code, "{text}");
            assert_eq!(status.message(), text);
            assert!(!reason(&status).is_empty());
        }
    }

    #[test]
    fn a_full_server_says_when_to_ask_again() {
        let status = Status::from(Refusal::from(WorkError::Full));
        assert_eq!(status.code(), Code::ResourceExhausted);
        let details = status.get_error_details();
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(RETRY_DELAY));
    }

    #[test]
    fn wrong_fields_are_named_one_by_one() {
        let violations = vec![
            FieldViolation::new("page_size", "expected at least 0, found -1"),
            FieldViolation::new("context", "expected a context, found none"),
        ];
        let status = Status::from(Refusal::Invalid(violations.clone()));
        assert_eq!(reason(&status), "INVALID_REQUEST");
        let details = status.get_error_details();
        let named = &details.bad_request().unwrap().field_violations;
        assert_eq!(format!("{named:?}"), format!("{violations:?}"));
    }
}
