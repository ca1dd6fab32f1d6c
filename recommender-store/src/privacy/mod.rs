//! What may be done with what is known of a person, and what she is known by.
//!
//! - [`ConsentConfig`] says what is stored, served and learned from under each consent.
//! - [`Pseudonyms`] replace personal keys at the door, so that none reaches a file.
//! - [`PersonExport`] is everything that is kept of a person.

mod consent;
mod export;
mod pseudonyms;

pub use consent::{ConsentConfig, ConsentRecord, Unspecified, Uses};
pub use export::{ExportedEvent, PersonExport};
pub use pseudonyms::{MIN_KEY_BYTES, Pseudonyms};

pub(crate) use consent::ConsentBook;
