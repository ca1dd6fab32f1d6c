//! What is asked, of whom, and what would have been right.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dataset::{self, Dataset};
use crate::error::{Error, Result};
use crate::evaluation::split::{Split, hexadecimal, rows_of_users};
use crate::events::EventKind;
use crate::ids::{ItemIx, UserIx};
use crate::interactions::HistoryEvent;
use crate::query::Query;
use crate::time::Timestamp;

/// Whether items of a user's history may be recommended to her.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenItems {
    /// They may not, and are no truth either: "something she has not had yet", the usual protocol for items.
    #[default]
    Excluded,
    /// They may, and count as truth: repeat purchases, baskets, sessions.
    Allowed,
}

/// Whether users without history are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColdUsers {
    /// They are, as a service is: a recommender that has nothing to say gets no hit for them.
    #[default]
    Asked,
    /// They are dropped, and counted.
    Dropped,
}

/// How test cases are made of a split.
///
/// | field | default |
/// |---|---|
/// | `seen` | excluded from the answers and from the truth |
/// | `cold_users` | asked |
/// | `relevant_kinds` | empty: every kind of event with a weight |
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseOptions {
    /// Whether items of the history may be recommended.
    pub seen: SeenItems,
    /// Whether users without history are asked.
    pub cold_users: ColdUsers,
    /// Kinds of test events that make an item relevant; with none given, all that weigh something.
    pub relevant_kinds: Vec<EventKind>,
}

/// Why a user with test events is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// Her test events name nothing relevant: returns, searches, impressions, low ratings.
    NothingRelevant,
    /// All that was relevant stands in her history, from which nothing may be recommended.
    OnlySeenItems,
    /// She has no history and [`ColdUsers::Dropped`] was asked for.
    NoHistory,
}

/// Who is asked and who is not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CaseCounts {
    /// Users with a test event: those asked and those dropped.
    pub test_users: u64,
    /// Users asked, one query each.
    pub queries: u64,
    /// Users with a test event but no history, asked or dropped.
    pub cold_users: u64,
    /// Users with training or fold-in events but no test event: there is nothing to ask them.
    pub users_without_test: u64,
    /// Users not asked, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Relevant items over all queries.
    pub relevant_items: u64,
    /// Relevant items left out because they stand in the user's history.
    pub seen_items_left_out: u64,
}

/// The questions of a split with their right answers, one for each user with relevant test events.
///
/// A user's history is what she did in the training part, or her fold-in part if she was held out, through
/// [`dataset::query`], the function serving uses. She is asked at the split's moment, or at the end of the training
/// data if it has none. Her truth is the distinct items of her test events that have a positive weight, after
/// returns have taken their purchases back.
#[derive(Debug, Clone)]
pub struct TestCases {
    cases: Vec<Case>,
    options: CaseOptions,
    asked_at: Timestamp,
    counts: CaseCounts,
    digest: String,
}

/// One user's question: rows of her history by time, relevant items ascending.
#[derive(Debug, Clone)]
struct Case {
    user: UserIx,
    history: Vec<u32>,
    history_items: usize,
    truth: Vec<ItemIx>,
}

/// What became of one user with test events.
enum Outcome {
    Asked(Case),
    Dropped(DropReason),
}

impl TestCases {
    /// The test cases of `split`, whose training part `dataset` holds.
    ///
    /// # Errors
    /// [`Error::Data`] if the dataset holds anything but the training part, or nobody is left to ask;
    /// [`Error::Config`] for a custom kind without a weight.
    pub fn new(dataset: &Dataset, split: &Split, options: CaseOptions) -> Result<Self> {
        split.check_dataset(dataset)?;
        let table = dataset.table();
        let context = [split.train(), split.fold_in()].concat();
        let mut context: BTreeMap<UserIx, Vec<u32>> =
            rows_of_users(table, &context).into_iter().collect();
        let test = rows_of_users(table, split.test());
        let mut cases = Self {
            asked_at: split.time().unwrap_or(dataset.interactions().end()),
            options,
            cases: Vec::new(),
            counts: CaseCounts::default(),
            digest: String::new(),
        };
        let users: Vec<(UserIx, Vec<u32>, Vec<u32>)> = test
            .into_iter()
            .map(|(user, test)| (user, context.remove(&user).unwrap_or_default(), test))
            .collect();
        cases.counts.users_without_test = context.len() as u64;
        let outcomes = users
            .into_par_iter()
            .map(|(user, history, test)| cases.outcome(dataset, user, history, &test))
            .collect::<Result<Vec<_>>>()?;
        cases.gather(outcomes);
        if cases.cases.is_empty() {
            let reason = format!("nobody is left to ask: {:?}", cases.counts);
            return Err(Error::data("evaluation", reason));
        }
        cases.digest = cases.digest_of(split);
        Ok(cases)
    }

    /// The outcome of one user, the relevant items left out because she had them, and whether she is cold.
    fn outcome(
        &self,
        dataset: &Dataset,
        user: UserIx,
        history: Vec<u32>,
        test: &[u32],
    ) -> Result<(Outcome, usize, bool)> {
        let known = self.ask(dataset, &history, 0)?.history;
        let mut truth = self.relevant_items(dataset, test)?;
        let all = truth.len();
        if self.options.seen == SeenItems::Excluded {
            truth.retain(|item| {
                known
                    .binary_search_by_key(item, |entry| entry.item)
                    .is_err()
            });
        }
        let left_out = all - truth.len();
        let cold = known.is_empty();
        let outcome = if all == 0 {
            Outcome::Dropped(DropReason::NothingRelevant)
        } else if truth.is_empty() {
            Outcome::Dropped(DropReason::OnlySeenItems)
        } else if cold && self.options.cold_users == ColdUsers::Dropped {
            Outcome::Dropped(DropReason::NoHistory)
        } else {
            Outcome::Asked(Case {
                user,
                history,
                history_items: known.len(),
                truth,
            })
        };
        Ok((outcome, left_out, cold))
    }

    /// Distinct items of `test` with a positive weight, ascending.
    fn relevant_items(&self, dataset: &Dataset, test: &[u32]) -> Result<Vec<ItemIx>> {
        let kinds = &self.options.relevant_kinds;
        let counts = |kind: &EventKind| {
            let undone = kind.takes_back();
            kinds.is_empty() || kinds.contains(kind) || undone.is_some_and(|it| kinds.contains(&it))
        };
        let mut events = history_events(dataset, test);
        events.retain(|event| counts(&event.kind));
        // Asked at the beginning of time, no event has aged: decay can't wipe out a relevant item.
        let asked = dataset::query(dataset.config(), &events, Timestamp(i64::MIN), 0)?;
        Ok(asked.history.iter().map(|entry| entry.item).collect())
    }

    fn ask(&self, dataset: &Dataset, history: &[u32], limit: usize) -> Result<Query> {
        let events = history_events(dataset, history);
        dataset::query(dataset.config(), &events, self.asked_at, limit)
    }

    fn gather(&mut self, outcomes: Vec<(Outcome, usize, bool)>) {
        let counts = &mut self.counts;
        for (outcome, left_out, cold) in outcomes {
            counts.test_users += 1;
            counts.seen_items_left_out += left_out as u64;
            counts.cold_users += u64::from(cold);
            match outcome {
                Outcome::Asked(case) => {
                    counts.queries += 1;
                    counts.relevant_items += case.truth.len() as u64;
                    self.cases.push(case);
                }
                Outcome::Dropped(reason) => *counts.dropped.entry(reason).or_default() += 1,
            }
        }
    }

    fn digest_of(&self, split: &Split) -> String {
        let mut hash = Sha256::new();
        hash.update(split.digest());
        for case in &self.cases {
            hash.update(case.user.0.to_le_bytes());
            hash.update((case.truth.len() as u64).to_le_bytes());
            for item in &case.truth {
                hash.update(item.0.to_le_bytes());
            }
        }
        hash.update([u8::from(self.options.seen == SeenItems::Allowed)]);
        hexadecimal(&hash.finalize())
    }

    /// The query of case `case` for `limit` items.
    ///
    /// # Errors
    /// [`Error::Config`] for a custom kind without a weight.
    ///
    /// # Panics
    /// If there is no such case.
    pub fn query(&self, dataset: &Dataset, case: usize, limit: usize) -> Result<Query> {
        let query = self.ask(dataset, &self.cases[case].history, limit)?;
        Ok(match self.options.seen {
            SeenItems::Excluded => query.excluding_seen(),
            SeenItems::Allowed => query,
        })
    }

    /// The relevant items of case `case`, ascending, at least one.
    ///
    /// # Panics
    /// If there is no such case.
    #[must_use]
    pub fn truth(&self, case: usize) -> &[ItemIx] {
        &self.cases[case].truth
    }

    /// Whose case `case` is.
    ///
    /// # Panics
    /// If there is no such case.
    #[must_use]
    pub fn user(&self, case: usize) -> UserIx {
        self.cases[case].user
    }

    /// How many different items stand in the history of case `case`.
    ///
    /// # Panics
    /// If there is no such case.
    #[must_use]
    pub fn history_items(&self, case: usize) -> usize {
        self.cases[case].history_items
    }

    /// How many cases there are, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always a case")]
    pub fn len(&self) -> usize {
        self.cases.len()
    }

    /// Who is asked and who is not.
    #[must_use]
    pub fn counts(&self) -> &CaseCounts {
        &self.counts
    }

    /// When the questions are asked.
    #[must_use]
    pub fn asked_at(&self) -> Timestamp {
        self.asked_at
    }

    /// SHA-256 over split, users, truth and policy: only evaluations of the same questions are compared.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

fn history_events(dataset: &Dataset, rows: &[u32]) -> Vec<HistoryEvent> {
    let table = dataset.table();
    rows.iter()
        .map(|&row| table.row(row as usize).into())
        .collect()
}
