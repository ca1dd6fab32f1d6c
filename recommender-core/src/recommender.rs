//! The two seams of the crate: what answers a query, and what reorders an answer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::query::Query;
use crate::ranked::Ranked;

/// Answers queries. Models, blends, fallbacks and whole pipelines implement it, so hybrids nest
/// and the evaluator takes any.
///
/// An implementation has no interior state. It honours limit, exclusions and candidates before the cut:
/// exactly `min(limit, available)` items come back, where available are the allowed items it has a score for.
/// A shopper it knows nothing of gets an empty list, not an error.
pub trait Recommender: Send + Sync + fmt::Debug {
    /// The best items for one query.
    ///
    /// # Errors
    /// [`Error::Internal`] only: any well-formed query has an answer.
    fn recommend(&self, query: &Query) -> Result<Ranked>;

    /// The answers to many queries, in their order, each equal to what [`Recommender::recommend`] gives.
    /// Runs on the current rayon pool.
    ///
    /// # Errors
    /// As [`Recommender::recommend`].
    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>>;
}

/// Reorders or drops entries of a list; never invents one.
pub trait Rerank: Send + Sync + fmt::Debug {
    /// The list in its new order.
    ///
    /// # Errors
    /// [`Error::Internal`] only.
    fn rerank(&self, query: &Query, ranked: Ranked) -> Result<Ranked>;
}

/// Answers `queries` in parallel, giving each worker a scratch space of its own:
/// the usual body of [`Recommender::recommend_batch`].
///
/// # Errors
/// The first error in the order of the queries.
pub fn in_parallel<S: Send>(
    queries: &[Query],
    scratch: impl Fn() -> S + Send + Sync,
    answer: impl Fn(&Query, &mut S) -> Result<Ranked> + Send + Sync,
) -> Result<Vec<Ranked>> {
    queries
        .par_iter()
        .map_init(scratch, |scratch, query| answer(query, scratch))
        .collect()
}

/// Told the stage of a fit and the share of it that is done, from 0 to 1.
pub type Progress = Arc<dyn Fn(&str, f64) + Send + Sync>;

/// How a fit is run; what the model is stands in its configuration.
#[derive(Clone, Default)]
pub struct FitOptions {
    /// Seed of everything random.
    pub seed: u64,
    /// Worker threads; none takes the current rayon pool.
    pub threads: Option<usize>,
    /// Told the stage and the share done, from 0 to 1.
    pub progress: Option<Progress>,
    /// Set to stop the work early with [`Error::Cancelled`].
    pub cancel: Arc<AtomicBool>,
}

impl fmt::Debug for FitOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FitOptions")
            .field("seed", &self.seed)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl FitOptions {
    /// Reports progress and stops if asked to. Call it at every natural step of a fit.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once the caller has set [`FitOptions::cancel`].
    pub fn step(&self, stage: &str, done: f64) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        if let Some(progress) = &self.progress {
            progress(stage, done);
        }
        Ok(())
    }

    /// Runs `work` on as many threads as asked for.
    ///
    /// # Errors
    /// [`Error::Internal`] if the threads can't be started, else what `work` gives.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let Some(threads) = self.threads else {
            return work();
        };
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| Error::Internal(error.to_string()))?
            .install(work)
    }
}
