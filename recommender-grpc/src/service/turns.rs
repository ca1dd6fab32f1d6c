//! Changes of one thing, one after another.

use std::hash::{BuildHasher, RandomState};

use tokio::sync::{Mutex, MutexGuard};

/// How many locks there are; things that share one wait for each other now and then.
const LOCKS: usize = 64;

/// Lets who reads a thing and then writes it do so undisturbed by others of this process.
#[derive(Debug)]
pub(crate) struct Turns {
    locks: [Mutex<()>; LOCKS],
    hashes: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            locks: [const { Mutex::const_new(()) }; LOCKS],
            hashes: RandomState::new(),
        }
    }
}

impl Turns {
    /// Waits until nobody else changes what has this key, and keeps others waiting as long as the guard is held.
    pub(crate) async fn take(&self, key: &str) -> MutexGuard<'_, ()> {
        let number = self.hashes.hash_one(key) % LOCKS as u64;
        let number = usize::try_from(number).expect("a remainder is below the number of locks");
        self.locks[number].lock().await
    }
}
