//! A write on its way, and what is done once it is on the disk.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::error::{Result, StoreError};
use crate::record::{Fact, Written};
use crate::store::shared::Shared;
use crate::ticket::Ticket;

/// Makes the answer of what became of a batch.
type Finish<T> = Box<dyn FnOnce(&Written) -> T + Send>;

/// A write on its way: waited for with [`Writing::wait`] by a thread, or awaited by a task. Once it gave its answer,
/// everyone who asks this store sees the write.
///
/// Dropping it does not take the write back; it is then seen a moment after it is on the disk.
#[must_use = "what became of a write is not known before it is waited for"]
pub struct Writing<T> {
    shared: Arc<Shared>,
    unsettled: Option<Unsettled>,
    finish: Option<Finish<T>>,
}

/// A batch on its way, and its facts.
pub(super) struct Unsettled {
    ticket: Ticket<Written>,
    facts: Vec<Fact>,
}

impl Unsettled {
    /// What became of the batch, if it is known.
    pub(super) fn settled(&mut self, context: &mut Context<'_>) -> Poll<Result<Written>> {
        Pin::new(&mut self.ticket).poll(context)
    }

    pub(super) fn facts(&self) -> &[Fact] {
        &self.facts
    }
}

impl<T> Writing<T> {
    pub(super) fn new(
        shared: &Arc<Shared>,
        batch: (Ticket<Written>, Vec<Fact>),
        finish: impl FnOnce(&Written) -> T + Send + 'static,
    ) -> Self {
        let (ticket, facts) = batch;
        Self {
            shared: Arc::clone(shared),
            unsettled: Some(Unsettled { ticket, facts }),
            finish: Some(Box::new(finish)),
        }
    }

    /// Blocks the thread until the write is on the disk and everyone sees it.
    ///
    /// # Errors
    /// What went wrong with it; [`StoreError::Closed`] if the store was shut down before.
    ///
    /// # Panics
    /// Within an asynchronous task: await it there.
    pub fn wait(mut self) -> Result<T> {
        let Some(unsettled) = self.unsettled.take() else {
            return Err(StoreError::Closed);
        };
        let written = unsettled.ticket.wait()?;
        self.finished(&written, &unsettled.facts)
    }

    fn finished(&mut self, written: &Written, facts: &[Fact]) -> Result<T> {
        self.shared.take_own(facts, written)?;
        let finish = self.finish.take().ok_or(StoreError::Closed)?;
        Ok(finish(written))
    }
}

impl<T> Future for Writing<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(unsettled) = &mut self.unsettled else {
            return Poll::Ready(Err(StoreError::Closed));
        };
        let Poll::Ready(written) = unsettled.settled(context) else {
            return Poll::Pending;
        };
        let facts = self.unsettled.take().map(|unsettled| unsettled.facts);
        let finished =
            written.and_then(|written| self.finished(&written, &facts.unwrap_or_default()));
        Poll::Ready(finished)
    }
}

impl<T> Drop for Writing<T> {
    fn drop(&mut self) {
        let Some(mut unsettled) = self.unsettled.take() else {
            return;
        };
        if unsettled.facts.is_empty() {
            return;
        }
        let mut context = Context::from_waker(Waker::noop());
        match unsettled.settled(&mut context) {
            // Who dropped it does not hear what went wrong; whoever reads the facts next does not see them.
            Poll::Ready(written) => {
                let _ =
                    written.and_then(|written| self.shared.take_own(&unsettled.facts, &written));
            }
            Poll::Pending => self.shared.leave(unsettled),
        }
    }
}

impl<T> fmt::Debug for Writing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writing")
    }
}
