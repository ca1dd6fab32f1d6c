//! Calls that may be repeated: another call of the same request id is answered as the first was.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prost::Message;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};

use crate::convert::Violations;
use crate::security::Caller;
use crate::service::deadline;
use crate::status::Refusal;
use crate::workers::WorkError;

/// Most calls that are remembered.
const MOST_CALLS: usize = 10_000;

/// About how many bytes they may take.
const MOST_BYTES: usize = 64 << 20;

/// Longest request id, in bytes.
const MAX_ID_BYTES: usize = 128;

/// Who asked, what, and under which request id.
type Key = (Arc<str>, &'static str, String);

/// The latest calls that had a request id, in the memory of this process: the oldest are forgotten first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replays(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    calls: HashMap<Key, Arc<Call>>,
    order: VecDeque<Key>,
    bytes: usize,
}

#[derive(Debug)]
struct Call {
    request: Box<dyn Any + Send + Sync>,
    answer: OnceCell<Box<dyn Any + Send + Sync>>,
    bytes: usize,
}

/// A call that may be repeated.
#[derive(Debug)]
pub(crate) struct Repeatable<'a, Q> {
    /// Who asks.
    pub(crate) caller: &'a Caller,
    /// What is asked, as the contract calls it.
    pub(crate) method: &'static str,
    /// Its request id; empty if it shall not be remembered.
    pub(crate) id: &'a str,
    /// What is asked for.
    pub(crate) request: &'a Q,
}

impl Replays {
    /// Does `work`, or gives what a call of the same id gave. Work with an id goes on when its caller hangs up, so that she
    /// learns what became of it when she asks again; what failed is done again.
    ///
    /// # Errors
    /// As `work`; if the id was that of a call that asked for something else.
    pub(crate) async fn once<Q, R>(
        &self,
        call: Repeatable<'_, Q>,
        work: impl Future<Output = Result<R, Refusal>> + Send + 'static,
    ) -> Result<R, Refusal>
    where
        Q: Message + Clone + PartialEq + 'static,
        R: Clone + Send + Sync + 'static,
    {
        if call.id.is_empty() {
            return work.await;
        }
        let remembered = self.remembered(&call)?;
        if remembered.request.downcast_ref::<Q>() != Some(call.request) {
            let expected = "expected an id of its own, found that of a call for something else";
            return Err(wrong_id(expected));
        }
        let task = tokio::spawn(async move {
            let answer = async { work.await.map(|answer| Box::new(answer) as Box<_>) };
            let answer: &Box<dyn Any + Send + Sync> =
                remembered.answer.get_or_try_init(|| answer).await?;
            let answer = answer.downcast_ref::<R>().cloned();
            Ok(answer.expect("the calls of one method have answers of one type"))
        });
        task.await
            .unwrap_or_else(|error| Err(WorkError::Panicked(error.to_string()).into()))
    }

    /// As [`Replays::once`], for a caller who waits until `deadline`.
    ///
    /// # Errors
    /// As [`Replays::once`]; [`WorkError::DeadlineExceeded`].
    pub(crate) async fn within<Q, R>(
        &self,
        deadline: Instant,
        call: Repeatable<'_, Q>,
        work: impl Future<Output = Result<R, Refusal>> + Send + 'static,
    ) -> Result<R, Refusal>
    where
        Q: Message + Clone + PartialEq + 'static,
        R: Clone + Send + Sync + 'static,
    {
        let answer = timeout_at(deadline, self.once(call, work)).await;
        answer.unwrap_or_else(|_| Err(WorkError::DeadlineExceeded.into()))
    }

    /// Answers the call `method` with what `work` makes of its request, once for its id and within the caller's time.
    ///
    /// # Errors
    /// As [`Replays::within`].
    pub(crate) async fn answer<Q, R, F>(
        &self,
        timeout: Duration,
        (method, request): (&'static str, Request<Q>),
        id: fn(&Q) -> &str,
        work: impl FnOnce(Q) -> F,
    ) -> Result<Response<R>, Status>
    where
        Q: Message + Clone + PartialEq + 'static,
        R: Clone + Send + Sync + 'static,
        F: Future<Output = Result<R, Refusal>> + Send + 'static,
    {
        let deadline = deadline::of(request.metadata(), timeout);
        let caller = Caller::of(request.extensions());
        let request = request.into_inner();
        let call = Repeatable {
            caller: &caller,
            method,
            id: id(&request),
            request: &request,
        };
        let work = work(request.clone());
        Ok(Response::new(self.within(deadline, call, work).await?))
    }

    fn remembered<Q>(&self, call: &Repeatable<'_, Q>) -> Result<Arc<Call>, Refusal>
    where
        Q: Message + Clone + 'static,
    {
        if call.id.len() > MAX_ID_BYTES {
            let found = call.id.len();
            let wrong = format!("expected at most {MAX_ID_BYTES} bytes, found {found}");
            return Err(wrong_id(&wrong));
        }
        let key = (
            Arc::clone(&call.caller.name),
            call.method,
            call.id.to_owned(),
        );
        let mut book = self.book();
        if let Some(known) = book.calls.get(&key) {
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(Call {
            request: Box::new(call.request.clone()),
            answer: OnceCell::new(),
            // What is decoded takes more than its bytes, and the answer about as much again.
            bytes: 512 + 4 * call.request.encoded_len(),
        });
        book.note(key, Arc::clone(&new));
        Ok(new)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Nothing that holds the lock can panic half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A service whose calls may be repeated. A handle: clones share it.
pub(crate) trait Repeating: Clone + Send + Sync + 'static {
    /// What was answered before.
    fn replays(&self) -> &Replays;

    /// How long a caller is answered who does not say how long she waits.
    fn timeout(&self) -> Duration;

    /// Answers the call `method` with what `work` makes of its request, once for its id and within the caller's time.
    fn once<Q, R, F>(
        &self,
        call: (&'static str, Request<Q>),
        id: fn(&Q) -> &str,
        work: impl FnOnce(Self, Q) -> F + Send,
    ) -> impl Future<Output = Result<Response<R>, Status>> + Send
    where
        Q: Message + Clone + PartialEq + 'static,
        R: Clone + Send + Sync + 'static,
        F: Future<Output = Result<R, Refusal>> + Send + 'static,
    {
        let (replays, timeout) = (self.replays().clone(), self.timeout());
        let service = self.clone();
        async move {
            let work = |request| work(service, request);
            replays.answer(timeout, call, id, work).await
        }
    }
}

impl Book {
    fn note(&mut self, key: Key, call: Arc<Call>) {
        self.bytes += call.bytes;
        self.calls.insert(key.clone(), call);
        self.order.push_back(key);
        while self.order.len() > MOST_CALLS || (self.bytes > MOST_BYTES && self.order.len() > 1) {
            let oldest = self.order.pop_front();
            let forgotten = oldest.and_then(|key| self.calls.remove(&key));
            self.bytes -= forgotten.map_or(0, |call| call.bytes);
        }
    }
}

fn wrong_id(description: &str) -> Refusal {
    let mut wrong = Violations::default();
    wrong.add("request_id", description);
    wrong.into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::proto::longrunning::GetOperationRequest;

    fn asked(name: &str) -> GetOperationRequest {
        GetOperationRequest {
            name: name.to_owned(),
        }
    }

    struct Asker {
        replays: Replays,
        caller: Caller,
        done: Arc<AtomicUsize>,
    }

    impl Asker {
        fn new() -> Self {
            Self {
                replays: Replays::default(),
                caller: Caller::anonymous(),
                done: Arc::default(),
            }
        }

        async fn ask(&self, id: &str, name: &str, fails: usize) -> Result<usize, Refusal> {
            let (done, request) = (Arc::clone(&self.done), asked(name));
            let call = Repeatable {
                caller: &self.caller,
                method: "Test",
                id,
                request: &request,
            };
            let work = async move {
                tokio::task::yield_now().await;
                let times = done.fetch_add(1, Ordering::SeqCst) + 1;
                if times <= fails {
                    return Err(Refusal::NoStore);
                }
                Ok(times)
            };
            self.replays.once(call, work).await
        }
    }

    #[tokio::test]
    async fn a_repeated_call_is_answered_as_the_first_was() {
        let asker = Asker::new();
        let both = tokio::join!(asker.ask("a", "x", 0), asker.ask("a", "x", 0));
        assert_eq!((both.0.unwrap(), both.1.unwrap()), (1, 1));
        assert_eq!(asker.ask("b", "x", 0).await.unwrap(), 2);
        assert_eq!(asker.ask("", "x", 0).await.unwrap(), 3);
        assert_eq!(asker.ask("", "x", 0).await.unwrap(), 4);
        let other = asker.ask("a", "y", 0).await.unwrap_err();
        assert!(matches!(other, Refusal::Invalid(_)));
        assert!(asker.ask(&"i".repeat(129), "x", 0).await.is_err());
    }

    #[tokio::test]
    async fn what_failed_is_done_again_and_what_was_begun_is_finished() {
        let asker = Asker::new();
        assert!(asker.ask("a", "x", 1).await.is_err());
        assert_eq!(asker.ask("a", "x", 1).await.unwrap(), 2);
        tokio::select! {
            biased;
            _ = asker.ask("b", "x", 0) => unreachable!("the work gives way once"),
            () = std::future::ready(()) => (),
        }
        assert_eq!(asker.ask("b", "x", 0).await.unwrap(), 3);
        assert_eq!(asker.done.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let asker = Asker::new();
        let large = "x".repeat(1 << 20);
        for number in 0..40 {
            asker.ask(&number.to_string(), &large, 0).await.unwrap();
        }
        let book = asker.replays.book();
        assert!(book.bytes <= MOST_BYTES && book.calls.len() < 20);
        assert_eq!(book.calls.len(), book.order.len());
    }
}
