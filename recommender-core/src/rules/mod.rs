//! Association rules: what is taken with what, mined from baskets.
//!
//! [`MiningConfig::mine`] finds the sets of items that often stand in one basket (Agrawal & Srikant, *Fast algorithms
//! for mining association rules*, VLDB 1994, say what they are; FP-growth after Han, Pei & Yin, *Mining frequent
//! patterns without candidate generation*, SIGMOD 2000, finds them) and splits each into rules: whoever takes the
//! antecedent also takes the consequent. Both directions of a pair are rules of their own. [`RuleCounts`] has the
//! measures.

mod config;
mod fp_tree;
mod itemsets;
mod ledger;
mod measures;
mod rule;
mod table;

pub use config::{Grouping, MiningConfig};
pub use itemsets::Itemsets;
pub use measures::RuleCounts;
pub use rule::{Rule, Rules};
pub use table::{Group, RuleTable};

#[cfg(test)]
mod tests;
