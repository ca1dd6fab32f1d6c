//! The answer of a write that is still on its way to the disk.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::error::{Result, StoreError};

/// A write on its way: waited for with [`Ticket::wait`] by a thread, or awaited by a task.
///
/// Dropping it does not take the write back.
pub struct Ticket<T>(oneshot::Receiver<Result<T>>);

/// The other end of a [`Ticket`], held by who does the work.
pub struct Pending<T>(oneshot::Sender<Result<T>>);

impl<T> Ticket<T> {
    /// A ticket and the end that settles it.
    #[must_use]
    pub fn new() -> (Pending<T>, Self) {
        let (sender, receiver) = oneshot::channel();
        (Pending(sender), Self(receiver))
    }

    /// Blocks the thread until the work is done.
    ///
    /// # Errors
    /// What went wrong with it; [`StoreError::Closed`] if the store was shut down before.
    ///
    /// # Panics
    /// Within an asynchronous task: await the ticket there.
    pub fn wait(self) -> Result<T> {
        self.0.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl<T> Future for Ticket<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.0).poll(context);
        answer.map(|answer| answer.unwrap_or(Err(StoreError::Closed)))
    }
}

impl<T> Pending<T> {
    /// Gives the answer. Nobody may be waiting for it any more.
    pub fn settle(self, answer: Result<T>) {
        // A caller that went away is no reason not to have done the work.
        let _ = self.0.send(answer);
    }
}

impl<T> fmt::Debug for Ticket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}
