//! What a user takes in the test part, all at once.

use crate::dataset::{self, Dataset};
use crate::error::Result;
use crate::evaluation::cases::test_users::TestUser;
use crate::evaluation::cases::{
    CaseOptions, ColdUsers, DropReason, Outcome, SeenItems, Task, TestCases, ask, history_events,
};
use crate::evaluation::split::Split;
use crate::events::{EventKind, refused};
use crate::ids::ItemIx;
use crate::interactions::HistoryEvent;
use crate::time::Timestamp;

impl TestCases {
    /// The test cases of `split`, whose training part `dataset` holds: one for each user with relevant test events. She
    /// is asked at the split's moment, or at the end of the training data if it has none.
    ///
    /// # Errors
    /// [`crate::Error::Data`] if the dataset holds anything but the training part, or nobody is left to ask;
    /// [`crate::Error::Config`] for a custom kind without a weight.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "options are given away, as to every constructor of cases"
    )]
    pub fn new(dataset: &Dataset, split: &Split, options: CaseOptions) -> Result<Self> {
        split.check_dataset(dataset)?;
        let asked_at = split.time().unwrap_or(dataset.interactions().end());
        Self::of_users(dataset, split, Task::Items(options.seen), |user| {
            outcome(dataset, user, asked_at, &options)
        })
    }
}

fn outcome(
    dataset: &Dataset,
    user: TestUser,
    asked_at: Timestamp,
    options: &CaseOptions,
) -> Result<Outcome> {
    let known = ask(dataset, &user.history, asked_at, 0)?.history;
    let mut truth = relevant_items(dataset, &user.test, &options.relevant_kinds)?;
    let all = truth.len();
    let had = |item: &ItemIx| {
        let found = known.binary_search_by_key(item, |entry| entry.item);
        found.is_ok()
    };
    if options.seen == SeenItems::Excluded {
        truth.retain(|item| !had(item));
    }
    let cold = known.is_empty();
    let dropped = if all == 0 {
        Some(DropReason::NothingRelevant)
    } else if truth.is_empty() {
        Some(DropReason::OnlySeenItems)
    } else {
        (cold && options.cold_users == ColdUsers::Dropped).then_some(DropReason::NoHistory)
    };
    let mut outcome = Outcome {
        dropped,
        cold,
        seen_items_left_out: all - truth.len(),
        ..Outcome::default()
    };
    if dropped.is_none() {
        outcome.repeated_items = truth.iter().filter(|item| had(item)).count();
        outcome.asked.push(user.case(known.len(), truth, asked_at));
    }
    Ok(outcome)
}

/// Distinct items of the rows with a positive weight, ascending; of these kinds, if any are given. What was refused in the
/// end, by whatever kind, is none of them.
pub(super) fn relevant_items(
    dataset: &Dataset,
    rows: &[u32],
    kinds: &[EventKind],
) -> Result<Vec<ItemIx>> {
    let counts = |kind: &EventKind| {
        let undone = kind.takes_back();
        kinds.is_empty() || kinds.contains(kind) || undone.is_some_and(|it| kinds.contains(&it))
    };
    let mut events = history_events(dataset, rows);
    let refused = refused(events.iter().filter_map(HistoryEvent::said).collect());
    let wanted = |event: &HistoryEvent| refused.binary_search(&event.item).is_err();
    events.retain(|event| counts(&event.kind) && wanted(event));
    // Asked at the beginning of time, no event has aged: decay can't wipe out a relevant item.
    let asked = dataset::query(dataset.config(), &events, Timestamp(i64::MIN), 0)?;
    Ok(asked.history.iter().map(|entry| entry.item).collect())
}
