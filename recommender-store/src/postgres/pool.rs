//! A few connections that readers share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connect::{Connector, Session, is_lost};
use crate::error::Result;

/// Connections for reading.
pub(super) struct Pool {
    connector: Arc<Connector>,
    limit: usize,
    patience: Duration,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Session>,
    busy: usize,
}

impl Pool {
    pub(super) fn new(connector: Arc<Connector>, limit: usize, patience: Duration) -> Self {
        Self {
            connector,
            limit,
            patience,
            state: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connections that nobody uses, to be closed.
    pub(super) fn close(&self) -> Vec<Session> {
        std::mem::take(&mut self.state().idle)
    }

    /// Reads on one of the connections. What an old connection could not read because it was lost is read once more on
    /// a new one.
    pub(super) fn read<T>(
        &self,
        mut work: impl FnMut(&mut Session) -> Result<T, postgres::Error>,
    ) -> Result<T> {
        let idle = self.lease()?;
        // Gives the place back however the work ends.
        let mut lease = Lease {
            pool: self,
            session: None,
        };
        if let Some(mut session) = idle {
            match work(&mut session) {
                Err(error) if is_lost(&error, session.client()) => self.state().idle.clear(),
                answer => {
                    lease.session = Some(session);
                    return answer.map_err(|error| self.connector.failed(&error));
                }
            }
        }
        let mut session = self.connector.connect()?;
        let answer = work(&mut session);
        if !session.client().is_closed() {
            lease.session = Some(session);
        }
        answer.map_err(|error| self.connector.failed(&error))
    }

    /// A place among the busy, with an idle connection if there is one.
    fn lease(&self) -> Result<Option<Session>> {
        let deadline = Instant::now() + self.patience;
        let mut state = self.state();
        while state.busy >= self.limit {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let reason = format!("all {} connections are busy", self.limit);
                return Err(self.connector.unavailable(&reason));
            }
            let waited = self.returned.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.busy += 1;
        Ok(state.idle.pop())
    }
}

/// A place among the busy.
struct Lease<'a> {
    pool: &'a Pool,
    session: Option<Session>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.busy -= 1;
        state.idle.extend(self.session.take());
        self.pool.returned.notify_one();
    }
}
