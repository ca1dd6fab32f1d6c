//! What is asked, of whom, and what would have been right.

mod baskets;
mod items;
mod sessions;
mod test_users;

pub use baskets::BasketOptions;
pub use sessions::{Reveal, SessionItems, SessionOptions};

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dataset::{self, Dataset};
use crate::digits::hex;
use crate::error::{Error, Result};
use crate::evaluation::cases::test_users::{TestUser, test_users};
use crate::evaluation::split::Split;
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

/// What is asked, and under which conditions.
#[derive(Debug, Clone, PartialEq)]
pub enum Questions {
    /// What a user takes in the test part: [`TestCases::new`].
    Items(CaseOptions),
    /// What comes next in a session: [`TestCases::sessions`].
    Sessions(SessionOptions),
    /// The next basket: [`TestCases::baskets`].
    Baskets(BasketOptions),
}

impl Default for Questions {
    fn default() -> Self {
        Self::Items(CaseOptions::default())
    }
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
    /// None of her test sessions has two events, so that there is nothing to foretell.
    ShortSessions,
}

/// Who is asked and who is not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CaseCounts {
    /// Users with a test event: those asked and those dropped.
    pub test_users: u64,
    /// Questions asked: one of each user, or one of each prefix of a session.
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
    /// Test sessions asked about; 0 where questions are not about sessions.
    #[serde(default)]
    pub sessions: u64,
    /// Relevant items over all queries that stand in the user's history.
    #[serde(default)]
    pub repeated_items: u64,
}

impl CaseCounts {
    /// Adds the counts of other questions.
    pub(super) fn add(&mut self, other: &Self) {
        self.test_users += other.test_users;
        self.queries += other.queries;
        self.cold_users += other.cold_users;
        self.users_without_test += other.users_without_test;
        for (&reason, count) in &other.dropped {
            *self.dropped.entry(reason).or_default() += count;
        }
        self.relevant_items += other.relevant_items;
        self.seen_items_left_out += other.seen_items_left_out;
        self.sessions += other.sessions;
        self.repeated_items += other.repeated_items;
    }
}

/// The questions of a split with their right answers.
///
/// * [`TestCases::new`], items: one question for each user with relevant test events. Her truth is the distinct items of
///   her test events that have a positive weight, after returns have taken their purchases back.
/// * [`TestCases::sessions`]: one for every prefix of every test session.
/// * [`TestCases::baskets`]: one for the first test basket of each user.
///
/// A user's history is what she did in the training part, or her fold-in part if she was held out, through
/// [`dataset::query`], the function serving uses.
#[derive(Debug, Clone)]
pub struct TestCases {
    cases: Vec<Case>,
    task: Task,
    counts: CaseCounts,
    digest: String,
}

/// What the questions are about, and what may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Items(SeenItems),
    Sessions(SessionItems),
    Baskets,
}

/// One question: rows of the user's history by time, relevant items ascending.
#[derive(Debug, Clone)]
struct Case {
    user: UserIx,
    history: Arc<[u32]>,
    /// Different items known of the shopper when she is asked.
    known_items: usize,
    truth: Vec<ItemIx>,
    asked_at: Timestamp,
    visit: Option<Visit>,
}

/// The part of a session that has been seen.
#[derive(Debug, Clone)]
struct Visit {
    /// Which of the sessions asked about, counted from 0.
    number: usize,
    /// Items of the whole session, oldest first.
    items: Arc<[ItemIx]>,
    /// How many of them have been seen, at least one and never all.
    shown: usize,
}

/// What became of one user with test events.
#[derive(Debug, Default)]
struct Outcome {
    asked: Vec<Case>,
    dropped: Option<DropReason>,
    cold: bool,
    seen_items_left_out: usize,
    repeated_items: usize,
    sessions: usize,
}

impl TestCases {
    /// The test cases of `split`, whose training part `dataset` holds, that ask `questions`.
    ///
    /// # Errors
    /// As [`TestCases::new`], [`TestCases::sessions`] and [`TestCases::baskets`].
    pub fn of(dataset: &Dataset, split: &Split, questions: &Questions) -> Result<Self> {
        match questions {
            Questions::Items(options) => Self::new(dataset, split, options.clone()),
            Questions::Sessions(options) => Self::sessions(dataset, split, *options),
            Questions::Baskets(options) => Self::baskets(dataset, split, *options),
        }
    }

    /// The cases of what `outcome` makes of each user with test events.
    fn of_users(
        dataset: &Dataset,
        split: &Split,
        task: Task,
        outcome: impl Fn(TestUser) -> Result<Outcome> + Send + Sync,
    ) -> Result<Self> {
        let (users, without_test) = test_users(dataset, split);
        let outcomes = users.into_par_iter().map(outcome);
        Self::gather(split, task, outcomes.collect::<Result<_>>()?, without_test)
    }

    /// The cases of `outcomes`, one for each user with test events.
    fn gather(
        split: &Split,
        task: Task,
        outcomes: Vec<Outcome>,
        users_without_test: usize,
    ) -> Result<Self> {
        let mut counts = CaseCounts {
            users_without_test: users_without_test as u64,
            ..CaseCounts::default()
        };
        let mut cases = Vec::new();
        for mut outcome in outcomes {
            counts.test_users += 1;
            counts.seen_items_left_out += outcome.seen_items_left_out as u64;
            counts.repeated_items += outcome.repeated_items as u64;
            counts.cold_users += u64::from(outcome.cold);
            counts.queries += outcome.asked.len() as u64;
            let relevant = outcome.asked.iter().map(|case| case.truth.len() as u64);
            counts.relevant_items += relevant.sum::<u64>();
            for visit in outcome.asked.iter_mut().filter_map(|it| it.visit.as_mut()) {
                visit.number += usize::try_from(counts.sessions).expect("sessions in memory");
            }
            counts.sessions += outcome.sessions as u64;
            if let Some(reason) = outcome.dropped {
                *counts.dropped.entry(reason).or_default() += 1;
            }
            cases.append(&mut outcome.asked);
        }
        if cases.is_empty() {
            let reason = format!("nobody is left to ask: {counts:?}");
            return Err(Error::data("evaluation", reason));
        }
        let digest = digest_of(split, task, &cases);
        Ok(Self {
            cases,
            task,
            counts,
            digest,
        })
    }

    /// The query of case `case` for `limit` items.
    ///
    /// # Errors
    /// [`Error::Config`] for a custom kind without a weight.
    ///
    /// # Panics
    /// If there is no such case.
    pub fn query(&self, dataset: &Dataset, case: usize, limit: usize) -> Result<Query> {
        let case = &self.cases[case];
        let mut query = ask(dataset, &case.history, case.asked_at, limit)?;
        if let Some(visit) = &case.visit {
            query.session = visit.items[..visit.shown].to_vec();
        }
        match self.task {
            Task::Items(SeenItems::Excluded) => Ok(query.excluding_seen()),
            Task::Sessions(SessionItems::CurrentExcluded) => {
                query.exclusions.extend(query.session.last().copied());
                Ok(query)
            }
            Task::Sessions(SessionItems::AllExcluded) => {
                query.exclusions.extend(query.session.iter().copied());
                Ok(query)
            }
            Task::Items(SeenItems::Allowed)
            | Task::Sessions(SessionItems::Allowed)
            | Task::Baskets => Ok(query),
        }
    }

    /// The relevant items of case `case`, ascending, at least one.
    ///
    /// # Panics
    /// If there is no such case.
    #[must_use]
    pub fn truth(&self, case: usize) -> &[ItemIx] {
        &self.cases[case].truth
    }

    /// The relevant item that came first, if the questions are about sessions.
    ///
    /// # Panics
    /// If there is no such case.
    #[must_use]
    pub fn next(&self, case: usize) -> Option<ItemIx> {
        let visit = self.cases[case].visit.as_ref()?;
        visit.items.get(visit.shown).copied()
    }

    /// How many events are foretold by case `case`: those left of the session, an item that comes again counting again.
    /// As many as there are relevant items, if the questions are not about sessions.
    ///
    /// # Panics
    /// If there is no such case.
    #[must_use]
    pub fn events_to_come(&self, case: usize) -> usize {
        let case = &self.cases[case];
        let left = |visit: &Visit| visit.items.len() - visit.shown;
        case.visit.as_ref().map_or(case.truth.len(), left)
    }

    /// Which cases belong together and are drawn together: those of one session. Numbers ascend from 0 in the order of
    /// the cases.
    ///
    /// # Panics
    /// If there is no such case.
    #[must_use]
    pub fn cluster(&self, case: usize) -> usize {
        let visit = self.cases[case].visit.as_ref();
        visit.map_or(case, |visit| visit.number)
    }

    /// Whose case `case` is.
    ///
    /// # Panics
    /// If there is no such case.
    #[must_use]
    pub fn user(&self, case: usize) -> UserIx {
        self.cases[case].user
    }

    /// How many different items are known of the shopper of case `case` when she is asked: those of her history, and of
    /// the session so far.
    ///
    /// # Panics
    /// If there is no such case.
    #[must_use]
    pub fn history_items(&self, case: usize) -> usize {
        self.cases[case].known_items
    }

    /// When the question of case `case` is asked.
    ///
    /// # Panics
    /// If there is no such case.
    #[must_use]
    pub fn asked_at(&self, case: usize) -> Timestamp {
        self.cases[case].asked_at
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

    /// SHA-256 over split, users, truth and policy: only evaluations of the same questions are compared.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

fn digest_of(split: &Split, task: Task, cases: &[Case]) -> String {
    let mut hash = Sha256::new();
    hash.update(split.digest());
    for case in cases {
        hash.update(case.user.0.to_le_bytes());
        hash.update((case.truth.len() as u64).to_le_bytes());
        for item in &case.truth {
            hash.update(item.0.to_le_bytes());
        }
        if let Some(visit) = &case.visit {
            hash.update((visit.number as u64).to_le_bytes());
            hash.update((visit.shown as u64).to_le_bytes());
        }
    }
    let task = match task {
        Task::Items(SeenItems::Excluded) => 0,
        Task::Items(SeenItems::Allowed) => 1,
        Task::Sessions(SessionItems::Allowed) => 2,
        Task::Sessions(SessionItems::CurrentExcluded) => 3,
        Task::Sessions(SessionItems::AllExcluded) => 4,
        Task::Baskets => 5,
    };
    hash.update([task]);
    hex(&hash.finalize())
}

/// The query of whoever did these rows of the table.
fn ask(dataset: &Dataset, rows: &[u32], at: Timestamp, limit: usize) -> Result<Query> {
    dataset::query(dataset.config(), &history_events(dataset, rows), at, limit)
}

fn history_events(dataset: &Dataset, rows: &[u32]) -> Vec<HistoryEvent> {
    let table = dataset.table();
    rows.iter()
        .map(|&row| table.row(row as usize).into())
        .collect()
}
