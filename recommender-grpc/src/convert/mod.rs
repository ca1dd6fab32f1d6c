//! Between the wire and the engine: the one place that knows both.

mod events;
mod names;
mod request;
mod response;
mod violations;

pub(crate) use request::{Question, check_batch, question};
pub(crate) use response::{duration, response, status};
pub(crate) use violations::Violations;
