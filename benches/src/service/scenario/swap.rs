//! Events are written, and a model is trained anew and swapped, while questions are answered.
#![expect(
    clippy::print_stdout,
    reason = "what the program reports to a terminal"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use recommender_core::{Error, Result};

use crate::service::learning::Teacher;
use crate::service::load::{Clients, Outcome, open, open_while};
use crate::service::process::Server;
use crate::service::scenario::{MIB, Stage, busy, must_not_fail, ready, tell};
use crate::service::shop::Folders;
use crate::service::writers::{self, Written};

/// Trainings that are waited for.
const TRAININGS: u32 = 2;

/// What questions are asked at, as a share of what the server can do.
const SHARE: f64 = 0.3;

/// Answers while `events` a second are written and the model is trained and swapped, beside those of the same server
/// in quiet.
///
/// # Errors
/// If a question fails, an event is not acknowledged, or no swap is seen within `at_most`.
pub async fn swap(stage: &Stage, events: f64, at_most: Duration) -> Result<()> {
    let place = tempfile::tempdir_in(&stage.temporary);
    let place = place.map_err(|error| Error::data("the shop", error.to_string()))?;
    // A copy: what is written stays out of a shop that is kept.
    let (from, to) = (Folders::below(&stage.dir), Folders::below(place.path()));
    copy(&from.store, &to.store).map_err(|error| Error::data("the shop", error.to_string()))?;
    let server = stage.start("learning", place.path())?;
    let mut teacher = Teacher::connect(&server.address).await?;
    teacher.begin().await?;
    let begun = Instant::now();
    teacher.train().await?;
    println!(
        "the first training took {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let clients = Clients::connect(&server.address).await?;
    ready(stage, &clients).await?;
    server.settle();
    let most = busy(stage, &server, &clients).await?;
    let rate = most.rate * SHARE;
    let quiet = open(&clients, &stage.ask(), rate, stage.times.measured).await?;
    tell("quiet, at 30 of 100", &quiet);
    let before = server.resident_bytes() as f64;
    let (loud, written) = under_change(stage, (&server, teacher), (rate, events), at_most).await?;
    tell("while events are written and models swapped", &loud);
    println!(
        "{} events written, {} acknowledged, {:.0} a second; {} swaps seen; p99 {:.2} times the quiet one; memory {:.0} MiB, then {:.0} MiB",
        written.sent,
        written.acknowledged,
        written.acknowledged as f64 / written.seconds,
        loud.versions.len().saturating_sub(1),
        loud.within(0.99) / quiet.within(0.99),
        before / MIB,
        server.resident_bytes() as f64 / MIB
    );
    must_not_fail(&quiet)?;
    must_not_fail(&loud)?;
    must_have_changed(&loud, &written)
}

/// Asks, writes and trains at once, until the model was trained often enough and all was measured long enough.
async fn under_change(
    stage: &Stage,
    (server, teacher): (&Server, Teacher),
    (rate, events): (f64, f64),
    at_most: Duration,
) -> Result<(Outcome, Written)> {
    let goes_on = Arc::new(AtomicBool::new(true));
    let (address, shop) = (server.address.clone(), stage.shop);
    let writing = Arc::clone(&goes_on);
    let writer = tokio::spawn(async move { writers::write(&address, shop, events, writing).await });
    let trainer = tokio::spawn(train(teacher, Arc::clone(&goes_on), stage.times.measured));
    let clients = Clients::connect(&server.address).await?;
    let asking = Arc::clone(&goes_on);
    let until = move |elapsed| elapsed < at_most && asking.load(Ordering::Relaxed);
    let outcome = open_while(&clients, &stage.ask(), rate, until).await;
    goes_on.store(false, Ordering::Relaxed);
    let ended = |error: tokio::task::JoinError| Error::Internal(error.to_string());
    let written = writer.await.map_err(ended)??;
    if trainer.is_finished() {
        trainer.await.map_err(ended)??;
    } else {
        trainer.abort();
        println!("a training was still under way");
    }
    Ok((outcome?, written))
}

/// Trains again and again for that long, but so often at least; then nothing goes on.
async fn train(mut teacher: Teacher, goes_on: Arc<AtomicBool>, time: Duration) -> Result<()> {
    let (begun, mut trained) = (Instant::now(), 0);
    let mut ended = Ok(());
    while ended.is_ok() && (trained < TRAININGS || begun.elapsed() < time) {
        ended = teacher.train().await;
        trained += 1;
    }
    if ended.is_ok() {
        println!(
            "{trained} trainings in {:.1} s",
            begun.elapsed().as_secs_f64()
        );
        // The last version is asked for some time too.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    goes_on.store(false, Ordering::Relaxed);
    ended
}

/// Every event must have been acknowledged, and a swap seen.
fn must_have_changed(outcome: &Outcome, written: &Written) -> Result<()> {
    if written.sent != written.acknowledged {
        let lost = written.sent - written.acknowledged;
        let found = format!("{lost} were not acknowledged ({:?})", written.failure);
        return Err(Error::data("events", found));
    }
    if outcome.versions.len() < 2 {
        return Err(Error::data("models", "no swap was seen"));
    }
    Ok(())
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
