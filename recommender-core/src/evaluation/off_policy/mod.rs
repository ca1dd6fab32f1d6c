//! Judges a policy by lists that another policy showed: what would have followed, had the other been in service.
//!
//! A log that says of every product shown with which probability it stood in its slot (its propensity) can be read anew:
//! a slot counts as often as the policy in question would have shown that product there, beside how often the log did.
//! This is the item-position form of importance weighting: what follows a product depends on the product and the slot,
//! not on its neighbours (Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay and Wen 2018, "Offline evaluation of ranking
//! policies with click models", section 4.3). It needs no model of shoppers, and weighs far less than whole lists would.
//!
//! [`PolicyJudge`] takes lists one by one and keeps sums alone; [`PolicyValue`] is what it finds, with 95 % intervals by
//! persons. [`RewardModel`] foretells rewards, for [`Estimator::DoublyRobust`].
//!
//! ```
//! use recommender_core::FitOptions;
//! use recommender_core::evaluation::{Estimator, LoggedSlot, PolicyJudge};
//!
//! // A coin decided which of two products was shown; the one that is clicked shall be shown always.
//! let mut judge = PolicyJudge::new(Estimator::Ips, None)?;
//! for person in 0..100 {
//!     let clicked = person % 2 == 0;
//!     let target = if clicked { 1.0 } else { 0.0 };
//!     let slot = LoggedSlot { reward: target, ..LoggedSlot::new(0.5, target) };
//!     judge.add(person, &[slot])?;
//! }
//! let found = judge.value(&FitOptions::default())?;
//! assert_eq!(found.logged.mean, 0.5);
//! assert_eq!(found.value.unwrap().mean, 1.0);
//! # Ok::<(), recommender_core::Error>(())
//! ```

mod judge;
mod reward_model;
#[cfg(test)]
mod tests;

pub use judge::{Estimate, Estimator, LoggedSlot, PolicyJudge, PolicyValue};
pub use reward_model::{RewardModel, RewardModelBuilder};
