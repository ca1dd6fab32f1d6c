//! What may be offered, as a bit for each item.

mod bits;
mod view;
mod windows;

pub use view::{EligibilityView, Offer, Orders};

pub(super) use view::ItemState;
