//! The words of `recommender rules`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use recommender_core::rules::MiningConfig;

use crate::args::EventFormat;

/// By what baskets are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RulesBy {
    /// The channel of their events.
    Channel,
    /// The place of their events.
    Place,
}

#[derive(Debug, Args)]
pub(crate) struct Rules {
    /// Files of events.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) events: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) format: EventFormat,
    /// How events are weighed, those without weight being in no basket: a file FILE.toml with the fields that stand under interactions in a pipeline.
    #[arg(long, value_name = "FILE")]
    pub(crate) interactions: Option<PathBuf>,
    /// Kinds of events that put an item into a basket; all that weigh anything if absent.
    #[arg(long, value_name = "KIND", num_args = 1.., value_delimiter = ',')]
    pub(crate) kinds: Vec<String>,
    /// Minutes without an event after which the next basket begins, where rows name none.
    #[arg(long, value_name = "MINUTES", default_value_t = MiningConfig::default().gap_minutes)]
    pub(crate) gap_minutes: f64,
    /// A table for each channel or place, in one file, with a column that says which.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) by: Option<RulesBy>,
    #[command(flatten)]
    pub(crate) bounds: RuleBounds,
    /// File to write: rules.csv, rules.json or rules.parquet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Worker threads; one per core if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

/// Which rules are kept.
#[derive(Debug, Args)]
pub(crate) struct RuleBounds {
    /// Least share of the baskets that hold all items of a rule, above 0.
    #[arg(long, value_name = "SHARE", default_value_t = MiningConfig::default().support)]
    pub(crate) support: f64,
    /// Least number of baskets that do; the larger of both bounds holds.
    #[arg(long, value_name = "N", default_value_t = MiningConfig::default().least_baskets)]
    pub(crate) least_baskets: u32,
    /// Least share of the baskets with the antecedent that also hold the consequent.
    #[arg(long, value_name = "SHARE", default_value_t = MiningConfig::default().confidence)]
    pub(crate) confidence: f64,
    /// Least lift; 1 if both sides have nothing to do with one another.
    #[arg(long, value_name = "N", default_value_t = MiningConfig::default().lift)]
    pub(crate) lift: f64,
    /// Least log-likelihood ratio: 3.84, 6.63 and 10.83 are reached by chance with one pair in 20, 100 and 1,000.
    #[arg(long, value_name = "N", default_value_t = MiningConfig::default().log_likelihood_ratio)]
    pub(crate) log_likelihood_ratio: f64,
    /// Most items of a rule, both sides together.
    #[arg(long, value_name = "N", default_value_t = MiningConfig::default().length)]
    pub(crate) length: usize,
    /// Most items of its consequent.
    #[arg(long, value_name = "N", default_value_t = MiningConfig::default().consequent)]
    pub(crate) consequent: usize,
    /// Most memory that itemsets and rules may take; a mine that needs more says what it needs.
    #[arg(long, value_name = "BYTES", default_value_t = MiningConfig::default().max_memory_bytes)]
    pub(crate) max_memory_bytes: u64,
}
