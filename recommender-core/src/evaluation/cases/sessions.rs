//! What comes next in a session, event by event.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::baskets::BasketConfig;
use crate::dataset::{self, Dataset};
use crate::error::Result;
use crate::evaluation::cases::test_users::TestUser;
use crate::evaluation::cases::{
    Case, DropReason, Outcome, Task, TestCases, Visit, ask, history_events,
};
use crate::evaluation::split::{Split, visits};
use crate::ids::ItemIx;
use crate::query::HistoryItem;
use crate::time::Timestamp;

/// Which items of the session so far may be recommended. The truth is the same in all cases, so an item that may not be
/// recommended and comes all the same is a miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionItems {
    /// Any item, also the one looked at now.
    #[default]
    Allowed,
    /// Any but the one looked at now.
    CurrentExcluded,
    /// None that was looked at in the session.
    AllExcluded,
}

/// Which prefixes of a session are questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reveal {
    /// Every one that leaves an event to come.
    #[default]
    Every,
    /// The longest alone: the last event is to be foretold from all others.
    Last,
}

/// How the questions of sessions are made of a split.
///
/// | field | default |
/// |---|---|
/// | `items` | any item may be recommended |
/// | `reveal` | every prefix is a question |
/// | `gap_minutes` | 30: rows without a session key are cut where they are this far apart |
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionOptions {
    /// Which items of the session so far may be recommended.
    pub items: SessionItems,
    /// Which prefixes are questions.
    pub reveal: Reveal,
    /// Where rows without a session key are cut into sessions.
    pub gap_minutes: f64,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            items: SessionItems::default(),
            reveal: Reveal::default(),
            gap_minutes: 30.0,
        }
    }
}

impl TestCases {
    /// One question for every prefix of every test session, asked at the time of its last event: the session is the
    /// prefix, the history what the user did in the training part. Relevant are all items yet to come in the session; the
    /// one that comes first is [`TestCases::next`]. Events without a weight, and what the session itself took
    /// back, are left out; a session with fewer than two events left asks nothing.
    ///
    /// # Errors
    /// [`crate::Error::Data`] if the dataset holds anything but the training part, or nothing is left to ask;
    /// [`crate::Error::Config`] for a gap out of range or a custom kind without a weight.
    pub fn sessions(dataset: &Dataset, split: &Split, options: SessionOptions) -> Result<Self> {
        split.check_dataset(dataset)?;
        let gap = BasketConfig {
            gap_minutes: options.gap_minutes,
        };
        gap.validate()?;
        Self::of_users(dataset, split, Task::Sessions(options.items), |user| {
            outcome(dataset, &user, &gap, options.reveal)
        })
    }
}

fn outcome(
    dataset: &Dataset,
    user: &TestUser,
    gap: &BasketConfig,
    reveal: Reveal,
) -> Result<Outcome> {
    let end = dataset.interactions().end();
    let known = ask(dataset, &user.history, end, 0)?.history;
    let known: BTreeSet<ItemIx> = known.iter().map(|entry| entry.item).collect();
    let mut outcome = Outcome {
        cold: known.is_empty(),
        ..Outcome::default()
    };
    for rows in visits(dataset.table(), &user.test, gap) {
        let events = history_events(dataset, &rows);
        let events = dataset::query(dataset.config(), &events, Timestamp(i64::MIN), 0)?.timeline;
        if events.len() < 2 {
            continue;
        }
        let mut prefixes = prefixes(user, &known, &events, outcome.sessions);
        if reveal == Reveal::Last {
            prefixes.drain(..prefixes.len() - 1);
        }
        if !dataset.table().has_times() {
            prefixes.iter_mut().for_each(|case| case.asked_at = end);
        }
        outcome.sessions += 1;
        outcome.asked.append(&mut prefixes);
    }
    let truths = outcome.asked.iter().flat_map(|case| &case.truth);
    outcome.repeated_items = truths.filter(|item| known.contains(item)).count();
    outcome.dropped = (outcome.sessions == 0).then_some(DropReason::ShortSessions);
    Ok(outcome)
}

/// A question for each prefix of a session of two or more events, the shortest first.
fn prefixes(
    user: &TestUser,
    known: &BTreeSet<ItemIx>,
    events: &[HistoryItem],
    number: usize,
) -> Vec<Case> {
    let items: Arc<[ItemIx]> = events.iter().map(|event| event.item).collect();
    let mut to_come = BTreeSet::new();
    let mut truths = Vec::with_capacity(items.len());
    // From the end, so that what is yet to come only grows.
    for item in items.iter().skip(1).rev() {
        to_come.insert(*item);
        truths.push(to_come.iter().copied().collect());
    }
    let mut seen = known.clone();
    let case = |(place, truth): (usize, Vec<ItemIx>)| {
        seen.insert(items[place]);
        Case {
            user: user.user,
            history: Arc::clone(&user.history),
            known_items: seen.len(),
            truth,
            asked_at: events[place].time,
            visit: Some(Visit {
                number,
                items: Arc::clone(&items),
                shown: place + 1,
            }),
        }
    };
    truths.into_iter().rev().enumerate().map(case).collect()
}
