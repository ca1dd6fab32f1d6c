//! The users of a test part.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dataset::Dataset;
use crate::evaluation::cases::Case;
use crate::evaluation::split::{Split, rows_of_users};
use crate::ids::{ItemIx, UserIx};
use crate::time::Timestamp;

/// A user with test events: rows by time.
#[derive(Debug)]
pub(super) struct TestUser {
    pub(super) user: UserIx,
    pub(super) history: Arc<[u32]>,
    pub(super) test: Vec<u32>,
}

impl TestUser {
    /// Her question at `asked_at`, when so many items of hers are known: what she takes, all at once.
    pub(super) fn case(self, known_items: usize, truth: Vec<ItemIx>, asked_at: Timestamp) -> Case {
        Case {
            user: self.user,
            history: self.history,
            known_items,
            truth,
            asked_at,
            visit: None,
        }
    }
}

/// The users of the test part, ascending, and how many others have a history.
pub(super) fn test_users(dataset: &Dataset, split: &Split) -> (Vec<TestUser>, usize) {
    let table = dataset.table();
    let context = [split.train(), split.fold_in()].concat();
    let mut context: BTreeMap<UserIx, Vec<u32>> =
        rows_of_users(table, &context).into_iter().collect();
    let users = rows_of_users(table, split.test())
        .into_iter()
        .map(|(user, test)| TestUser {
            user,
            history: context.remove(&user).unwrap_or_default().into(),
            test,
        })
        .collect();
    (users, context.len())
}
