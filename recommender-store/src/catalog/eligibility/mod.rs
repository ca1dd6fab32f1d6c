//! What may be offered, as a bit for each item.

mod bits;
mod follow;
mod view;
mod windows;

pub use view::{EligibilityView, Offer, Orders};

pub(crate) use bits::AtomicBits;
pub(crate) use follow::{Change, Follow};
pub(super) use view::ItemState;
