//! What a reader waits for, and whether she reads what was just written.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_store::{Engine, Result};

use super::workload::{SHOP, Workload};

/// Times of reading, in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// The median.
    pub median: f64,
    /// Ninety-nine of a hundred wait no longer.
    pub p99: f64,
}

/// Reads the latest `limit` events of every visitor once, then of `reads` random ones: how long the first and the
/// later reading of a visitor takes.
///
/// # Errors
/// If the engine can't read.
pub fn recent(engine: &dyn Engine, limit: usize, reads: usize) -> Result<(Waits, Waits)> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let read = |visitor: u32| -> Result<Duration> {
        let visitor = format!("visitor-{visitor:06}");
        let start = Instant::now();
        let found = engine.recent(&visitor, limit)?;
        let time = start.elapsed();
        std::hint::black_box(found);
        Ok(time)
    };
    let first: Result<Vec<Duration>> = (0..SHOP.visitors).map(read).collect();
    let mut drawn = || random.random_range(0..SHOP.visitors);
    let later: Result<Vec<Duration>> = (0..reads).map(|_| read(drawn())).collect();
    Ok((waits(first?), waits(later?)))
}

/// Sums times up.
#[must_use]
pub fn waits(mut times: Vec<Duration>) -> Waits {
    times.sort_unstable();
    let at = |hundredths: usize| {
        let place = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
        times
            .get(place)
            .map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    Waits {
        median: at(50),
        p99: at(99),
    }
}

/// Writes an event and asks for the visitor's latest at once, `pairs` times over `clients` at a time, while another
/// client writes large batches. Says how often the event was not there.
///
/// # Errors
/// If the engine can't read or write.
///
/// # Panics
/// If a client does.
pub fn stale_reads(engine: &dyn Engine, clients: u64, pairs: u64) -> Result<u64> {
    let (done, stale) = (AtomicBool::new(false), AtomicU64::new(0));
    let load = || -> Result<()> {
        let mut workload = Workload::new(SHOP, u64::MAX);
        while !done.load(Ordering::Relaxed) {
            engine.write(workload.batch(1_000))?.wait()?;
        }
        Ok(())
    };
    let pair = |client: u64| {
        let (stale, done) = (&stale, &done);
        move || -> Result<()> {
            let mut workload = Workload::new(SHOP, 1_000 + client);
            for _ in 0..pairs / clients {
                let batch = workload.batch(1);
                let event = batch.events[0].clone();
                engine.write(batch)?.wait()?;
                let latest = engine.recent(&event.visitor, 50)?;
                let there = latest.iter().any(|stored| stored.event.id == event.id);
                stale.fetch_add(u64::from(!there), Ordering::Relaxed);
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
            Ok(())
        }
    };
    thread::scope(|scope| {
        let load = scope.spawn(load);
        let pairs: Vec<_> = (0..clients)
            .map(|client| scope.spawn(pair(client)))
            .collect();
        let read: Result<()> = pairs
            .into_iter()
            .try_for_each(|pair| pair.join().expect("a client does not panic"));
        done.store(true, Ordering::Relaxed);
        load.join().expect("the load does not panic").and(read)
    })?;
    Ok(stale.into_inner())
}
