//! Events out and in: Parquet partitioned by day, which a batch job or a data scientist reads, and any file of events or
//! products.

mod columns;
mod directory;
mod erase;
mod export;
mod import;
mod manifest;
mod part;
mod products;
mod rows;

pub use erase::{Erased, erase};
pub use export::{ExportOptions, Exported, export};
pub use import::{Admission, BadRow, Door, ImportOptions, ImportReport, import};
pub use manifest::{ExportManifest, PartFacts, Unfinished};

pub(crate) use erase::manifest_of;

/// Told, from time to time, how many events are done.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

#[cfg(test)]
mod tests;
