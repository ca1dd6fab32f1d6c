//! Opening a store.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, SystemClock};
use crate::engine::Engine;
use crate::error::{Result, StoreError};
use crate::privacy::Pseudonyms;
use crate::record::{Batch, Table};
use crate::store::Store;
use crate::store::config::StoreConfig;
use crate::store::shared::Shared;
use crate::store::state::{fact, value_of};

/// What a store takes from around it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Replaces personal keys, in place of those of [`StoreConfig::pseudonym_key_file`].
    pub pseudonyms: Option<Pseudonyms>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
}

impl Default for Surroundings {
    /// No pseudonyms, and the clock of the system.
    fn default() -> Self {
        Self {
            pseudonyms: None,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Under which secret the keys of a store are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeyMark {
    /// Tells the secret from others; none if keys are kept as they come.
    key: Option<String>,
}

/// How often old events are dropped in the background.
const EXPIRY: Duration = Duration::from_hours(6);

/// Key of the fact that holds the mark.
const KEY_MARK: &str = "pseudonym key";

impl Store {
    /// Reads the facts of an engine into memory.
    ///
    /// # Errors
    /// [`recommender_core::Error::Config`] for a setting out of range; [`StoreError::Invalid`] if the store was begun
    /// with another secret for pseudonyms, or a fact can't be understood; if the facts or the secret can't be read.
    pub fn open(engine: Arc<dyn Engine>, config: StoreConfig) -> Result<Self> {
        Self::open_with(engine, config, Surroundings::default())
    }

    /// As [`Store::open`], with a clock and pseudonyms of the caller's.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(
        engine: Arc<dyn Engine>,
        config: StoreConfig,
        around: Surroundings,
    ) -> Result<Self> {
        config.validate()?;
        let file = config.pseudonym_key_file.as_deref();
        let pseudonyms = match around.pseudonyms {
            Some(given) => Some(given),
            None => file.map(Pseudonyms::from_file).transpose()?,
        };
        check_mark(&*engine, pseudonyms.as_ref(), &config)?;
        let refresh = config.refresh_ms.map(Duration::from_millis);
        let expire = config.retention_days.map(|_| EXPIRY);
        let shared = Arc::new(Shared::open(engine, config, (pseudonyms, around.clock))?);
        if let Some(interval) = refresh {
            repeat(&shared, ("store-refresh", interval), |shared| {
                shared.refresh().map(|_| ())
            })?;
        }
        if let Some(interval) = expire {
            repeat(&shared, ("store-expiry", interval), |shared| {
                shared.expire().map(|_| ())
            })?;
        }
        Ok(Self(shared))
    }
}

/// Makes sure that keys are replaced as they were before, and notes how on the first day.
fn check_mark(
    engine: &dyn Engine,
    pseudonyms: Option<&Pseudonyms>,
    config: &StoreConfig,
) -> Result<()> {
    let mark = KeyMark {
        key: pseudonyms.map(|pseudonyms| pseudonyms.id().to_owned()),
    };
    let mut known = None;
    for stored in engine.facts(Table::Transfer)? {
        let stored = stored?;
        if stored.fact.key == KEY_MARK {
            known = value_of::<KeyMark>(&stored.fact)?;
        }
    }
    if known.as_ref() == Some(&mark) {
        return Ok(());
    }
    // A store that has events and no mark was filled by other means, with keys as they came.
    let plain = || KeyMark { key: None };
    let begun = match known {
        Some(known) => Some(known),
        None => (engine.status()?.contents.events > 0).then(plain),
    };
    if let Some(begun) = begun.filter(|begun| *begun != mark && !config.accept_new_key) {
        let name = |mark: KeyMark| mark.key.unwrap_or_else(|| "no key".into());
        let expected = format!("what the store was begun with ({})", name(begun));
        let what = "key of the pseudonyms";
        return Err(StoreError::invalid(what, expected, name(mark)));
    }
    let batch = Batch {
        facts: vec![fact(Table::Transfer, KEY_MARK.into(), &mark)?],
        ..Batch::default()
    };
    engine.write(batch)?.wait().map(|_| ())
}

/// Starts a thread that works at an interval, until the store is gone.
fn repeat(
    shared: &Arc<Shared>,
    (name, interval): (&'static str, Duration),
    work: fn(&Shared) -> Result<()>,
) -> Result<()> {
    let (sender, ended) = channel::<()>();
    let weak: Weak<Shared> = Arc::downgrade(shared);
    let turns = move || {
        while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
            let Some(shared) = weak.upgrade() else {
                return;
            };
            if let Err(error) = work(&shared) {
                tracing::warn!(%error, name, "work beside the store failed; it is tried again");
            }
        }
    };
    let spawned = thread::Builder::new().name(name.into()).spawn(turns);
    spawned.map_err(|error| StoreError::Unavailable {
        what: format!("a thread for {name}"),
        reason: error.to_string(),
    })?;
    shared
        .watched
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(sender);
    Ok(())
}
