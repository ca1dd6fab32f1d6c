//! A consistent copy as files of text, whichever engine writes or reads it.
//!
//! A snapshot is a directory of `events.jsonl.sz`, `facts.jsonl.sz` and `manifest.json`. The first two are JSON Lines in
//! the framing format of Snappy; the manifest has the version of the form, the position, and records, bytes and SHA-256
//! of each file. It is written last: a directory without it is no snapshot.
//! - An event: `{"position":1,"id":"…","visitor":"…","time":1700000000000,"body":{"kind":"view",…}}`, time in
//!   milliseconds since 1970, by visitor, time and position.
//! - A fact: `{"position":2,"table":"product","key":"…","version":3,"text":"…"}`, its value as `text`, as `hex` if it is
//!   no UTF-8, or neither if it has none; by table and key.

mod line;
mod manifest;
mod read;
mod write;

pub(crate) use line::Fields;
pub(crate) use read::Reading;
pub(crate) use write::{Copy, write};
