//! What a user takes the next time.

use serde::{Deserialize, Serialize};

use crate::baskets::BasketConfig;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::evaluation::cases::items::relevant_items;
use crate::evaluation::cases::test_users::TestUser;
use crate::evaluation::cases::{ColdUsers, DropReason, Outcome, Task, TestCases, ask};
use crate::evaluation::split::{Split, visits};
use crate::query::HistoryItem;

/// How the questions of baskets are made of a split.
///
/// | field | default |
/// |---|---|
/// | `cold_users` | dropped, and counted |
/// | `gap_minutes` | 60: rows without a session key are cut where they are this far apart |
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BasketOptions {
    /// Whether users without history are asked.
    pub cold_users: ColdUsers,
    /// Where rows without a session key are cut into baskets.
    pub gap_minutes: f64,
}

impl Default for BasketOptions {
    fn default() -> Self {
        Self {
            cold_users: ColdUsers::Dropped,
            gap_minutes: BasketConfig::default().gap_minutes,
        }
    }
}

impl TestCases {
    /// One question for each user: what she takes in the first basket of her test part that holds anything, asked when
    /// the basket begins. Nothing is excluded: what she had before may be recommended, and counts.
    ///
    /// # Errors
    /// [`crate::Error::Data`] if the dataset holds anything but the training part, or nobody is left to ask;
    /// [`crate::Error::Config`] for a gap out of range or a custom kind without a weight.
    pub fn baskets(dataset: &Dataset, split: &Split, options: BasketOptions) -> Result<Self> {
        split.check_dataset(dataset)?;
        let gap = BasketConfig {
            gap_minutes: options.gap_minutes,
        };
        gap.validate()?;
        Self::of_users(dataset, split, Task::Baskets, |user| {
            outcome(dataset, user, &gap, options.cold_users)
        })
    }
}

fn outcome(
    dataset: &Dataset,
    user: TestUser,
    gap: &BasketConfig,
    cold_users: ColdUsers,
) -> Result<Outcome> {
    let table = dataset.table();
    let end = dataset.interactions().end();
    let mut found = None;
    for rows in visits(table, &user.test, gap) {
        let truth = relevant_items(dataset, &rows, &[])?;
        if !truth.is_empty() {
            let begin = table.time(rows[0] as usize);
            found = Some((truth, if table.has_times() { begin } else { end }));
            break;
        }
    }
    let asked_at = found.as_ref().map_or(end, |&(_, time)| time);
    let known = ask(dataset, &user.history, asked_at, 0)?.history;
    let cold = known.is_empty();
    let mut outcome = Outcome {
        cold,
        ..Outcome::default()
    };
    match found {
        None => outcome.dropped = Some(DropReason::NothingRelevant),
        Some(_) if cold && cold_users == ColdUsers::Dropped => {
            outcome.dropped = Some(DropReason::NoHistory);
        }
        Some((truth, _)) => {
            let had = |entry: &&HistoryItem| truth.binary_search(&entry.item).is_ok();
            outcome.repeated_items = known.iter().filter(had).count();
            outcome.asked.push(user.case(known.len(), truth, asked_at));
        }
    }
    Ok(outcome)
}
