//! Long computing that gives way to answers.

use std::panic::resume_unwind;
use std::thread;

use recommender_core::Error;

/// Does `work`, with whatever threads it starts, in the time that threads of the usual priority leave: whoever answers
/// does not wait for it.
///
/// It must not lock for long what answers need: one that gives way may be put aside at any moment, with what it locked.
/// Locks of some hundred nanoseconds, as reading the store takes, do no harm: whoever waits for one leaves a processor
/// free to go on with.
///
/// # Errors
/// [`Error::Internal`] if the system gives no thread; else as `work`.
pub(super) fn giving_way<T: Send, E: From<Error> + Send>(
    work: impl FnOnce() -> Result<T, E> + Send,
) -> Result<T, E> {
    // On a thread of its own: one that has given way may not be allowed to take that back.
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("training".into());
        let training = thread.spawn_scoped(scope, || {
            give_way();
            work()
        });
        let training = training.map_err(|error| Error::Internal(error.to_string()))?;
        training.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Has the current thread, and those it starts from now on, give way to others.
fn give_way() {
    if let Err(error) = lowered() {
        tracing::debug!(?error, "the system lets no training give way to answers");
    }
}

/// A thread of this policy is put aside as soon as another wants to run: one of low priority within the usual policy
/// would still have its turns, some milliseconds each.
#[cfg(target_os = "linux")]
fn lowered() -> Result<(), thread_priority::Error> {
    use thread_priority::unix::{
        NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id,
    };
    set_thread_priority_and_policy(
        thread_native_id(),
        thread_priority::ThreadPriority::Min,
        ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle),
    )
}

#[cfg(not(target_os = "linux"))]
fn lowered() -> Result<(), thread_priority::Error> {
    thread_priority::set_current_thread_priority(thread_priority::ThreadPriority::Min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_way_gives_its_result_or_its_error() {
        assert_eq!(giving_way(|| Ok::<_, Error>(7)).unwrap(), 7);
        let failed: Result<u8, Error> = giving_way(|| Err(Error::Cancelled));
        assert!(matches!(failed, Err(Error::Cancelled)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_threads_it_starts_give_way_too_and_the_caller_does_not() {
        use thread_priority::ThreadSchedulePolicy::Normal;
        use thread_priority::unix::{NormalThreadSchedulePolicy, thread_schedule_policy};
        let policy = || thread_schedule_policy().unwrap();
        let within = giving_way(|| Ok::<_, Error>(thread::spawn(policy).join().unwrap()));
        assert_eq!(within.unwrap(), Normal(NormalThreadSchedulePolicy::Idle));
        assert_eq!(policy(), Normal(NormalThreadSchedulePolicy::Other));
    }
}
