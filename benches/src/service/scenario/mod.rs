//! What is asked of the service, and what is said of it.
#![expect(
    clippy::print_stdout,
    reason = "what the program reports to a terminal"
)]

mod soak;
mod swap;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use recommender_core::engine::EngineRequest;
use recommender_core::{Error, Result};

use crate::service::load::{Ask, Clients, Outcome, closed, open};
use crate::service::process::{Server, processor_seconds};
use crate::service::shop::{Folders, question};
use crate::store::workload::Shop;

pub use soak::{soak, soak_gently};
pub use swap::swap;

/// Requests on their way at any time where the server is to be kept busy.
const AT_ONCE: usize = 64;

/// How long the scenarios last.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Of a measurement.
    pub measured: Duration,
    /// Of the load that is too much.
    pub overloaded: Duration,
    /// Of the load that goes on and on.
    pub soaked: Duration,
}

/// Where a shop stands, how large it is, and how long it is asked.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The folder of the shop.
    pub dir: PathBuf,
    /// A folder for what is needed only for a while.
    pub temporary: PathBuf,
    /// How much there is of what.
    pub shop: Shop,
    /// How long the scenarios last.
    pub times: Times,
    /// What starts the server of a kind on what stands in a folder, in a process of its own.
    pub command: fn(&str, &Path) -> Result<Command>,
}

impl Stage {
    /// The server of a kind on what stands in `dir`.
    fn start(&self, kind: &str, dir: &Path) -> Result<Server> {
        Server::run((self.command)(kind, dir)?)
    }

    /// What shoppers ask.
    fn ask(&self) -> Arc<Ask> {
        let shop = self.shop;
        Arc::new(move |number| question(shop, number))
    }
}

const MIB: f64 = 1024.0 * 1024.0;

/// A server that is kept busy, and what an answer takes of the processor.
#[derive(Debug)]
struct Busy {
    rate: f64,
    /// Microseconds of processor time of the server.
    cost: f64,
}

async fn busy(stage: &Stage, server: &Server, clients: &Clients) -> Result<Busy> {
    let (ask, time) = (stage.ask(), stage.times.measured);
    closed(clients, &ask, AT_ONCE, time / 4).await?;
    let before = server.processor_seconds();
    let outcome = closed(clients, &ask, AT_ONCE, time).await?;
    let spent = server.processor_seconds() - before;
    must_answer(&outcome)?;
    Ok(Busy {
        rate: outcome.rate(),
        cost: spent * 1e6 / outcome.answered as f64,
    })
}

/// Every answer that came must hold products and be all that it should be.
fn must_answer(outcome: &Outcome) -> Result<()> {
    match outcome.degraded {
        0 => must_not_fail(outcome),
        _ => Err(wrong(outcome)),
    }
}

/// Every answer that came must hold products. To be turned away for a while, and told how long, is no failure: on a
/// machine that stands still for some milliseconds now and then it comes about. How often is told.
fn must_not_fail(outcome: &Outcome) -> Result<()> {
    let wrong_ones = outcome.failed + outcome.empty + outcome.unsent;
    if wrong_ones == 0 && outcome.answered > outcome.turned_away {
        return Ok(());
    }
    Err(wrong(outcome))
}

fn wrong(outcome: &Outcome) -> Error {
    Error::data(
        "answers",
        format!(
            "{} came, {} failed ({:?}), {} were turned away, {} were empty, {} degraded",
            outcome.answered,
            outcome.failed,
            outcome.failure,
            outcome.turned_away,
            outcome.empty,
            outcome.degraded
        ),
    )
}

fn tell(what: &str, outcome: &Outcome) {
    println!(
        "{what}: {:.0} answers a second, median {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms; {} turned away, {} failed{}, {} not sent, {} degraded",
        outcome.rate(),
        outcome.within(0.5),
        outcome.within(0.99),
        outcome.within(0.999),
        outcome.turned_away,
        outcome.failed,
        outcome
            .failure
            .as_deref()
            .map_or(String::new(), |failure| format!(" ({failure})")),
        outcome.unsent,
        outcome.degraded
    );
}

/// What an answer takes of the library, on one thread and without a service around it.
///
/// # Errors
/// If the model can't be read or asked.
pub fn library(stage: &Stage) -> Result<()> {
    const ANSWERS: u64 = 20_000;
    let (engine, _) = recommender_files::load_engine(&Folders::below(&stage.dir).model)?;
    let request = |number| {
        let context = question(stage.shop, number).context.unwrap_or_default();
        EngineRequest {
            user: Some(context.visitor_id),
            place: Some(context.place_id),
            limit: 20,
            ..EngineRequest::default()
        }
    };
    for number in 0..ANSWERS / 10 {
        engine.recommend(&request(number))?;
    }
    let before = processor_seconds("self");
    for number in 0..ANSWERS {
        engine.recommend(&request(number))?;
    }
    let micros = (processor_seconds("self") - before) * 1e6 / ANSWERS as f64;
    println!("the library alone: {micros:.1} us of processor time an answer");
    Ok(())
}

/// What an answer costs beside the bare transport, and how long it takes at 60 of 100 of what the server can do.
///
/// # Errors
/// If a server does not answer.
pub async fn path(stage: &Stage) -> Result<()> {
    let bare = {
        let server = stage.start("bare", &stage.dir)?;
        let clients = Clients::connect(&server.address).await?;
        busy(stage, &server, &clients).await?
    };
    println!(
        "bare transport: {:.0} answers a second, {:.1} us of processor time each",
        bare.rate, bare.cost
    );
    let (server, clients, whole) = saturated(stage).await?;
    println!(
        "the whole path: {:.0} answers a second, {:.1} us of processor time each, {:.1} times the transport",
        whole.rate,
        whole.cost,
        whole.cost / bare.cost
    );
    let outcome = open(
        &clients,
        &stage.ask(),
        whole.rate * 0.6,
        stage.times.measured * 2,
    )
    .await?;
    tell("at 60 of 100 of that", &outcome);
    must_answer(&outcome)?;
    println!("memory {:.0} MiB", server.resident_bytes() as f64 / MIB);
    Ok(())
}

/// The whole service, warm, and what it can do at most.
async fn saturated(stage: &Stage) -> Result<(Server, Clients, Busy)> {
    let server = stage.start("whole", &stage.dir)?;
    let clients = Clients::connect(&server.address).await?;
    ready(stage, &clients).await?;
    server.settle();
    let busy = busy(stage, &server, &clients).await?;
    Ok((server, clients, busy))
}

async fn ready(stage: &Stage, clients: &Clients) -> Result<()> {
    for _ in 0..600 {
        let one = closed(clients, &stage.ask(), 1, Duration::from_millis(1)).await?;
        if one.failed == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Error::data("server", "it did not become ready in a minute"))
}

/// Twice what the server can do: who is answered, who is turned away, what memory does, and how soon it is as before.
///
/// # Errors
/// If a server does not answer.
pub async fn overload(stage: &Stage) -> Result<()> {
    let (server, clients, most) = saturated(stage).await?;
    let quiet = open(
        &clients,
        &stage.ask(),
        most.rate * 0.3,
        stage.times.measured,
    )
    .await?;
    tell("quiet, at 30 of 100", &quiet);
    open(
        &clients,
        &stage.ask(),
        most.rate * 2.0,
        stage.times.overloaded / 6,
    )
    .await?;
    let before = server.resident_bytes() as f64;
    let much = open(
        &clients,
        &stage.ask(),
        most.rate * 2.0,
        stage.times.overloaded,
    )
    .await?;
    let after = server.resident_bytes() as f64;
    tell("twice what it can do", &much);
    println!(
        "memory {:.0} MiB, then {:.0} MiB: {:+.1} of 100",
        before / MIB,
        after / MIB,
        (after / before - 1.0) * 100.0
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    let again = open(
        &clients,
        &stage.ask(),
        most.rate * 0.3,
        stage.times.measured,
    )
    .await?;
    tell("two seconds later, at 30 of 100", &again);
    println!(
        "p99 {:.2} times the quiet one",
        again.within(0.99) / quiet.within(0.99)
    );
    Ok(())
}
