//! Chooses the settings of models on a validation part, within a budget of trials and time that is the same for each.
//!
//! A [`Study`] holds the data and the questions; a [`ModelSpace`] says what may be tried of a model
//! ([`built_in`] has one for every model, [`read_space`] reads them from a file); a [`Sampler`] chooses the next settings;
//! a [`Tuner`] tries them out and gives a [`TuningReport`], whose [`TuningReport::pipeline`] is the best of all;
//! a [`Committee`] blends the best of each model.
//!
//! Nothing but the validation split is looked at: the test part of the data plays no role in any choice. Trials that fail
//! (settings that do not go together, too much memory) are recorded and do not end the search. The caller brings the clock
//! and keeps the log, whose lines [`log_line`] and [`read_log`] make and read: a search goes on after it.
//!
//! ```
//! use recommender_core::events::{Event, EventTable};
//! use recommender_core::tuning::{Budget, ModelSpace, Sampler, Study, StudyData, Tuner, Validation, built_in};
//! use recommender_core::{FitOptions, InteractionConfig};
//!
//! let mut table = EventTable::new();
//! for visitor in 0..20 {
//!     for step in 0..4 {
//!         table.push(&Event { visitor: format!("v{visitor}"), quantity: 1.0,
//!                             item: Some(format!("i{}", (visitor / 2 + step) % 8 * 2 + visitor % 2)),
//!                             ..Event::default() })?;
//!     }
//! }
//! let rows: Vec<u32> = (0..80).collect();
//! let validation = Validation::hold_out(&table, &rows, None, 0)?;
//! assert!(validation.without_times);
//! let data = StudyData { table: table.into(), split: validation.split, products: vec![], cases: Default::default(),
//!                        interactions: InteractionConfig::default() };
//! let study = Study::new(data, "ndcg@5")?;
//! let space = |kind| ModelSpace::new(kind, kind, built_in(kind, &study.facts()).unwrap_or_default());
//! let spaces = [space("popularity")?, space("ease")?];
//! let budget = Budget { trials: 4, ..Budget::default() };
//! let tuner = Tuner::new(budget, Sampler::Tpe, FitOptions::default(), || 0.0)?;
//! let report = tuner.run(&study, &spaces, &[], &mut |_| Ok(()))?;
//! assert_eq!(report.best().0, "ease");
//! assert!(report.pipeline().to_toml()?.contains("regularization"));
//! # Ok::<(), recommender_core::Error>(())
//! ```

mod committee;
mod log;
mod report;
mod sampler;
mod space;
mod study;
mod tuner;
mod validation;

pub use committee::Committee;
pub use log::{LogHeader, LogSubject, LoggedTrials, TrialRecord, log_line, read_log};
pub use report::{BestTrial, ModelResult, Stop, TuningReport};
pub use sampler::{Observation, Sampler};
pub use space::{
    Condition, DataFacts, Domain, ModelSpace, Parameter, Point, Scale, SpaceFile, built_in,
    interaction_parameters, read_space,
};
pub use study::{Judged, Study, StudyData, Weighed};
pub use tuner::{Budget, Clock, Tuner};
pub use validation::Validation;

#[cfg(test)]
mod tests;
