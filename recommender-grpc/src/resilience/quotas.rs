//! How many calls each caller may make.

use std::sync::Arc;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::security::Caller;
use crate::settings::CallerQuota;
use crate::status::Denial;

/// Callers that are counted one by one. Tokens can name any number of them.
const MOST_CALLERS: usize = 10_000;

/// What all share who came when there was no room.
const OTHERS: &str = "others";

/// Counts the calls of each caller.
#[derive(Debug)]
pub(crate) struct Quotas {
    limiter: DefaultKeyedRateLimiter<Arc<str>>,
    clock: DefaultClock,
    others: Arc<str>,
}

impl Quotas {
    pub(crate) fn new(quota: CallerQuota) -> Self {
        let rate = Quota::per_second(quota.calls_per_second).allow_burst(quota.burst);
        Self {
            limiter: RateLimiter::keyed(rate),
            clock: DefaultClock::default(),
            others: OTHERS.into(),
        }
    }

    /// Counts a call of `caller`.
    ///
    /// # Errors
    /// [`Denial::Quota`] if it is one too many, with the time after which it would not be.
    pub(crate) fn count(&self, caller: &Caller) -> Result<(), Denial> {
        let counted = self.limiter.check_key(self.key(&caller.name));
        counted.map_err(|early| Denial::Quota {
            caller: caller.name.to_string(),
            retry: early.wait_time_from(self.clock.now()),
        })
    }

    /// Whom a caller is counted as. Who has been silent for long is forgotten when there is no room.
    fn key<'a>(&'a self, name: &'a Arc<str>) -> &'a Arc<str> {
        if self.limiter.len() < MOST_CALLERS {
            return name;
        }
        self.limiter.retain_recent();
        if self.limiter.len() < MOST_CALLERS {
            name
        } else {
            &self.others
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn caller(name: &str) -> Caller {
        Caller {
            name: name.into(),
            ..Caller::stranger()
        }
    }

    fn quotas(calls_per_second: u32, burst: u32) -> Quotas {
        Quotas::new(CallerQuota {
            calls_per_second: NonZeroU32::new(calls_per_second).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
        })
    }

    #[test]
    fn a_caller_has_her_burst_and_is_told_when_to_come_again() {
        let quotas = quotas(1, 3);
        for _ in 0..3 {
            assert_eq!(quotas.count(&caller("web")), Ok(()));
        }
        let Err(Denial::Quota {
            caller: name,
            retry,
        }) = quotas.count(&caller("web"))
        else {
            panic!("the fourth call was let in");
        };
        assert_eq!(name, "web");
        assert!(retry > Duration::from_millis(100) && retry <= Duration::from_secs(1));
        assert_eq!(quotas.count(&caller("till")), Ok(()), "each has her own");
    }

    #[test]
    fn there_are_never_more_callers_than_there_is_room_for() {
        let quotas = quotas(1, 1);
        for number in 0..MOST_CALLERS + 50 {
            let _ = quotas.count(&caller(&number.to_string()));
        }
        assert!(quotas.limiter.len() <= MOST_CALLERS + 1);
    }
}
