//! Calls that may block, on threads of their own.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, spawn_blocking};

use crate::status::Refusal;
use crate::workers::WorkError;

/// Room for so many calls at once; those beyond are turned away. A handle: clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    pub(crate) fn new(calls: usize) -> Self {
        Self(Arc::new(Semaphore::new(calls)))
    }

    /// Takes a place, which is free again when it is dropped.
    ///
    /// # Errors
    /// [`WorkError::Full`].
    pub(crate) fn enter(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let place = Arc::clone(&self.0).try_acquire_owned();
        place.map_err(|_| WorkError::Full.into())
    }

    /// Does `work` on a thread that may block, if there is room. What was begun is done, whatever becomes of the caller.
    ///
    /// # Errors
    /// [`WorkError::Full`]; as `work`; [`WorkError::Panicked`].
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = self.enter()?;
        blocking(move || {
            let _place = place;
            work()
        })
        .await
    }
}

/// Does `work` on a thread that may block.
///
/// # Errors
/// As `work`; [`WorkError::Panicked`].
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    // Not on a pool of workers: these lend their threads to one another while they load files, and one that holds the
    // registry of models would wait for itself.
    let worked = spawn_blocking(work).await;
    worked.map_err(|error: JoinError| Refusal::from(WorkError::Panicked(error.to_string())))?
}
