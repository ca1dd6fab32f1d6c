//! What the shop sells, what is where, and what may be offered to whom.
//!
//! [`Catalogue`] is fed facts about products, stock and places and answers from memory; [`EligibilityView`] gives what
//! may be offered in the numbering of a fitted model, as a bit for each item.

mod catalogue;
mod check;
mod currency;
mod eligibility;
mod language;
mod levels;
mod money;
mod nearby;
mod obstacle;
mod patch;
mod place;
mod product;
mod products;
mod stock;
mod viewing;

pub use catalogue::Catalogue;
pub use check::{MAX_EMBEDDING, MAX_ITEM_BYTES, MAX_LANGUAGES, MAX_PLACE_BYTES};
pub use currency::Currency;
pub use eligibility::{EligibilityView, Offer, Orders};
pub use language::{Language, LocalizedText, MAX_LANGUAGE_BYTES, Texts};
pub use money::Money;
pub use nearby::NearStock;
pub use obstacle::Obstacle;
pub use patch::ProductPatch;
pub use place::{NearPlace, Place, PlaceKind, Places, Point};
pub use product::{Availability, Image, ProductRecord, RatingSummary};
pub use stock::{Stock, StockOutcome};

pub(crate) use eligibility::{AtomicBits, Change, Follow};
pub(crate) use viewing::{Lend, for_each_item};

#[cfg(test)]
mod tests;
