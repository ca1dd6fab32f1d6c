//! Forgetting a person: what is asked, what went, and the signed word that it went.
//!
//! [`Store::erase`](crate::store::Store::erase) does it, in steps that are noted before they are taken: what was
//! interrupted goes on with [`Store::resume_erasures`](crate::store::Store::resume_erasures).

mod models;
mod plan;
mod receipt;
mod signing;

pub use models::{ErasedModel, ErasureMethod, Retrain};
pub use plan::ErasureRequest;
pub use receipt::{ErasedExport, Erasure, ErasureReceipt};
pub use signing::SigningKey;

pub(crate) use models::ModelPlan;
pub(crate) use plan::{Plan, open_plan, receipt_id};
