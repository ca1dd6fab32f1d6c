//! A file of events that never changes: sorted by visitor and time, compressed, with what finds a visitor or an id.
//!
//! ```text
//! head      16 bytes
//! blocks    runs of one visitor's events, Snappy, each with a checksum in the index
//! words     items, places and names of attributes, by number
//! index     first visitor, place and checksum of every block
//! prints    fingerprints of all event ids, sorted, in pages; and the pages' index
//! filters   which ids, which visitors may be here, and which of them may refuse a product
//! footer    JSON: counts, bounds, and where each section is, with its checksum
//! tail      length and checksum of the footer, 16 bytes
//! ```

mod block;
mod filter;
mod footer;
mod prints;
mod read;
mod words;
mod write;

pub(super) use read::{Scratch, Segment};
pub(super) use words::Dictionary;
pub(super) use write::SegmentWriter;

/// The head of the file: what it is, and its format.
const HEAD: &[u8; 16] = b"recommender evt1";

/// The last four bytes of the file.
const TAIL: &[u8; 4] = b"evt1";

/// Uncompressed bytes after which a block ends: small enough that reading one visitor reads little else.
const BLOCK_BYTES: usize = 4 << 10;

#[cfg(test)]
mod tests;
