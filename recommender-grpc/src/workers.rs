//! The processors: a bounded pool that computes answers away from the threads that talk to clients.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::error::ServeError;
use crate::resilience::QueueDelay;
use crate::settings::WorkerSettings;
use crate::telemetry::Metrics;

/// Threads that compute, and a bound on the work that waits for them.
///
/// Work that finds no room is turned away at once instead of making everyone wait longer. Work whose
/// caller has hung up or whose deadline has passed is not started.
#[derive(Clone)]
pub struct Workers {
    pool: Arc<rayon::ThreadPool>,
    room: Arc<Semaphore>,
    capacity: usize,
    watch: Option<Arc<Watch>>,
}

/// What is done about waiting, besides the bound on how much may wait.
#[derive(Debug)]
struct Watch {
    delay: QueueDelay,
    metrics: Metrics,
    queue: &'static str,
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("threads", &self.pool.current_num_threads())
            .field("room", &self.room())
            .finish()
    }
}

/// Why work gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// Too much work waits already.
    #[error("more work waits than the server can do")]
    Full,
    /// The deadline passed before there was a result.
    #[error("the deadline passed before there was an answer")]
    DeadlineExceeded,
    /// The work panicked, with this message.
    #[error("the work panicked: {0}")]
    Panicked(String),
}

/// The one who waits for a piece of work.
#[derive(Debug)]
pub struct Caller {
    deadline: Instant,
    waiting: Weak<()>,
}

impl Caller {
    /// Whether nobody waits any longer: she hung up, or her deadline has passed. Long work asks between its steps.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.waiting.strong_count() == 0 || Instant::now() >= self.deadline
    }
}

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`ServeError::Workers`] if the system gives no threads.
    pub fn start(settings: WorkerSettings) -> Result<Self, ServeError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .thread_name(|number| format!("recommend-{number}"))
            .build()
            .map_err(|error| ServeError::Workers(error.to_string()))?;
        let capacity = settings.threads + settings.max_queued;
        Ok(Self {
            pool: Arc::new(pool),
            room: Arc::new(Semaphore::new(capacity)),
            capacity,
            watch: None,
        })
    }

    /// The same workers, of whose waiting `metrics` knows under the name `queue`, and which turn work away while all of
    /// it waits longer than `bound`.
    pub(crate) fn watched(
        mut self,
        queue: &'static str,
        bound: Duration,
        metrics: Metrics,
    ) -> Self {
        self.watch = Some(Arc::new(Watch {
            delay: QueueDelay::new(bound),
            metrics,
            queue,
        }));
        self
    }

    /// Work that runs or waits, and the most there may be.
    pub(crate) fn load(&self) -> (usize, usize) {
        (
            self.capacity - self.room().min(self.capacity),
            self.capacity,
        )
    }

    /// How many pieces of work may run or wait at once.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many more pieces of work would be taken now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.room.available_permits()
    }

    /// Runs `work` on one of the threads and waits for its result without blocking.
    /// Dropping the future takes work that has not been started out of the queue.
    ///
    /// # Errors
    /// [`WorkError`], as its variants say.
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&Caller) -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        if Instant::now() >= deadline {
            return Err(WorkError::DeadlineExceeded);
        }
        let room = Arc::clone(&self.room);
        let permit = room.try_acquire_owned().map_err(|_| WorkError::Full)?;
        let waiting = Arc::new(());
        let caller = Caller {
            deadline,
            waiting: Arc::downgrade(&waiting),
        };
        let (answer, answered) = oneshot::channel();
        let queued = std::time::Instant::now();
        let watch = self.watch.clone();
        let alone = self.load().0 <= self.pool.current_num_threads();
        if let Some(watch) = watch.as_ref().filter(|_| alone) {
            watch.delay.found_empty(queued);
        }
        self.pool.spawn(move || {
            let result = if watch.is_some_and(|watch| watch.turns_away(queued, alone)) {
                Some(Err(WorkError::Full))
            } else {
                (!caller.is_gone()).then(|| {
                    let result = catch_unwind(AssertUnwindSafe(|| work(&caller)));
                    result.map_err(|panic| WorkError::Panicked(panic_message(panic.as_ref())))
                })
            };
            // Room is made before the answer goes out, so that a caller who asks again finds it.
            drop(permit);
            // A send fails only if the caller has gone, and then nobody misses it.
            let _ = answer.send(result);
        });
        let result = timeout_at(deadline, answered).await;
        drop(waiting);
        match result {
            Ok(Ok(Some(result))) => result,
            Ok(Ok(None) | Err(_)) | Err(_) => Err(WorkError::DeadlineExceeded),
        }
    }
}

impl Watch {
    /// Work that came at `queued` is taken up now: whether it is turned away after all. What was `alone` waited for
    /// nobody, however long its thread took to wake up.
    fn turns_away(&self, queued: std::time::Instant, alone: bool) -> bool {
        let now = std::time::Instant::now();
        let wait = now.saturating_duration_since(queued);
        self.metrics.queued(self.queue, wait);
        let late = self.delay.is_too_late(queued, now) && !alone;
        if late {
            self.metrics.turned_away(self.queue);
        }
        late
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn workers(threads: usize, max_queued: usize) -> Workers {
        Workers::start(WorkerSettings {
            threads,
            max_queued,
        })
        .unwrap()
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    /// Occupies one thread until the returned sender is dropped.
    async fn occupy(workers: &Workers) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let (start, started) = oneshot::channel();
        let busy = workers.clone();
        tokio::spawn(async move {
            let work = move |_: &Caller| {
                start.send(()).unwrap();
                let _ = released.recv();
            };
            busy.run(later(), work).await
        });
        started.await.unwrap();
        release
    }

    #[tokio::test]
    async fn work_gives_its_result_and_makes_room_for_the_next() {
        let workers = workers(1, 0);
        for number in 0..100 {
            assert_eq!(workers.run(later(), move |_| number).await, Ok(number));
        }
    }

    #[tokio::test]
    async fn work_beyond_the_queue_is_turned_away() {
        let workers = workers(1, 0);
        let release = occupy(&workers).await;
        assert_eq!(workers.run(later(), |_| ()).await, Err(WorkError::Full));
        drop(release);
    }

    #[tokio::test]
    async fn while_all_work_waits_too_long_some_is_turned_away() {
        let metrics = Metrics::default();
        let bound = Duration::from_millis(1);
        let workers = workers(1, 100).watched("answers", bound, metrics.clone());
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let workers = workers.clone();
            let work = |_: &Caller| std::thread::sleep(Duration::from_millis(2));
            calls.spawn(async move { workers.run(later(), work).await });
        }
        let results = calls.join_all().await;
        let done = results.iter().filter(|result| result.is_ok()).count();
        assert!((1..25).contains(&done), "{done}");
        let full = results
            .iter()
            .filter(|result| **result == Err(WorkError::Full));
        assert_eq!(full.count() + done, 50);
        let mut text = crate::telemetry::Exposition::default();
        metrics.write(&mut text);
        let turned_away = format!(
            "recommender_turned_away_total{{queue=\"answers\"}} {}",
            50 - done
        );
        assert!(text.into_text().contains(&turned_away));
        // After a rest there is nobody to wait for.
        assert_eq!(workers.run(later(), |_| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn work_of_a_caller_who_hung_up_is_not_started() {
        let workers = workers(1, 2);
        let release = occupy(&workers).await;
        let started = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&started);
        let mut queued =
            Box::pin(workers.run(later(), move |_| flag.store(true, Ordering::SeqCst)));
        assert!(futures_poll_once(queued.as_mut()).await.is_none());
        drop(queued);
        drop(release);
        // The one thread takes work in order: once this is done, the one before it was looked at.
        workers.run(later(), |_| ()).await.unwrap();
        assert!(!started.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_deadline_is_kept_before_and_while_waiting() {
        let workers = workers(1, 2);
        let passed = Instant::now();
        let result = workers.run(passed, |_| ()).await;
        assert_eq!(result, Err(WorkError::DeadlineExceeded));
        let release = occupy(&workers).await;
        let soon = Instant::now() + Duration::from_millis(5);
        let result = workers.run(soon, |_| ()).await;
        assert_eq!(result, Err(WorkError::DeadlineExceeded));
        drop(release);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_workers_live_on() {
        let workers = workers(1, 0);
        let result = workers
            .run(later(), |_| -> u8 { panic!("out of cups") })
            .await;
        assert_eq!(result, Err(WorkError::Panicked("out of cups".into())));
        assert_eq!(workers.run(later(), |_| 7u8).await, Ok(7));
    }

    async fn futures_poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
