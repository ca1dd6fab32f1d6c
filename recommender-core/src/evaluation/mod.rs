//! Measures any [`Recommender`](crate::Recommender) by what shoppers did next, over the whole catalogue.
//!
//! A [`Split`] says which events are learned from and which are asked about; [`TestCases`] are its questions, about items,
//! sessions or baskets; an [`Evaluator`] asks them, through the code that serves, and judges the answers; a [`Report`]
//! puts several evaluations side by side, with 95 % intervals and paired differences.
//!
//! A [`PolicyJudge`] asks the other question: what would have followed, had shoppers been shown something else. It reads
//! lists that were shown with known probabilities.
//!
//! ```
//! use recommender_core::evaluation::{CaseOptions, Evaluator, Report, Splitter, TestCases};
//! use recommender_core::events::{Event, EventTable};
//! use recommender_core::{Dataset, FitOptions, InteractionConfig, Query, Ranked, Recommender, Result, ItemIx};
//!
//! /// Recommends the items in the order of their numbers.
//! #[derive(Debug)]
//! struct ByNumber(u32);
//! impl Recommender for ByNumber {
//!     fn recommend(&self, query: &Query) -> Result<Ranked> {
//!         Ranked::top(query, (0..self.0).map(|item| (ItemIx(item), -(item as f32))))
//!     }
//!     fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
//!         queries.iter().map(|query| self.recommend(query)).collect()
//!     }
//! }
//!
//! let mut table = EventTable::new();
//! for (visitor, item) in [("ann", "cup"), ("bob", "pot"), ("bob", "cup"), ("ann", "pot")] {
//!     table.push(&Event { visitor: visitor.into(), item: Some(item.into()), quantity: 1.0, ..Event::default() })?;
//! }
//! let split = "leave-last:1".parse::<Splitter>()?.split(&table, 0)?;
//! let dataset = Dataset::of_rows(table, split.train().to_vec(), vec![], InteractionConfig::default())?;
//! let cases = TestCases::new(&dataset, &split, CaseOptions::default())?;
//! let evaluator = Evaluator::new("recall@1,ndcg@1".parse()?);
//! let evaluation = evaluator.evaluate("by_number", &ByNumber(2), &dataset, &cases)?;
//! assert_eq!(evaluation.mean("recall@1"), Some(1.0));
//! let report = Report::new(&evaluator, &split, &cases, &[evaluation])?;
//! assert!(report.to_string().contains("by_number"));
//! # Ok::<(), recommender_core::Error>(())
//! ```

mod average;
mod bootstrap;
mod cases;
mod evaluator;
mod judging;
mod latency;
pub mod metrics;
mod off_policy;
mod outcome;
mod report;
mod run;
mod slices;
mod split;
mod table;

pub use bootstrap::Interval;
pub use cases::{
    BasketOptions, CaseCounts, CaseOptions, ColdUsers, DropReason, Questions, Reveal, SeenItems,
    SessionItems, SessionOptions, TestCases,
};
pub use evaluator::Evaluator;
pub use judging::Ties;
pub use metrics::{Metric, MetricList};
pub use off_policy::{
    Estimate, Estimator, LoggedSlot, PolicyJudge, PolicyValue, RewardModel, RewardModelBuilder,
};
pub use outcome::{Evaluation, MetricReport, ModelReport, SliceReport};
pub use report::{Difference, Report, SplitReport};
pub use slices::{ItemBand, Slice, SliceRule};
pub use split::{FoldInOrder, SlidingWindows, Split, Splitter, UserFolds};
