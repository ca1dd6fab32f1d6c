//! A load that goes on and on: what memory does.
#![expect(
    clippy::print_stdout,
    reason = "what the program reports to a terminal"
)]

use std::pin::pin;
use std::time::Duration;

use recommender_core::{Error, Result};
use tokio::time::interval;

use crate::service::load::{Clients, Outcome, closed, open};
use crate::service::process::Server;
use crate::service::scenario::{MIB, Stage, must_answer, must_not_fail, ready, saturated, tell};

/// Memory may grow by this share.
const MOST_GROWTH: f64 = 0.02;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Half of what the server can do, on and on.
///
/// # Errors
/// If a server does not answer, or its memory grows by 2 of 100 or more.
pub async fn soak(stage: &Stage) -> Result<()> {
    let (server, clients, most) = saturated(stage).await?;
    let load = Load {
        rate: most.rate * 0.5,
        warm: stage.times.soaked / 10,
        time: stage.times.soaked,
    };
    let outcome = endure(stage, (&server, &clients), load).await?;
    tell("half of what it can do", &outcome);
    must_answer(&outcome)
}

/// So many answers a second, however busy the machine is with other things: only memory and failures are looked at.
///
/// # Errors
/// As [`soak`].
pub async fn soak_gently(stage: &Stage, rate: f64) -> Result<()> {
    let server = stage.start("whole", &stage.dir)?;
    let clients = Clients::connect(&server.address).await?;
    ready(stage, &clients).await?;
    // Everyone has been asked for once, and many at a time, before memory is looked at.
    closed(&clients, &stage.ask(), 16, stage.times.soaked / 8).await?;
    let load = Load {
        rate,
        warm: stage.times.soaked / 8,
        time: stage.times.soaked,
    };
    let outcome = endure(stage, (&server, &clients), load).await?;
    tell("gently", &outcome);
    must_not_fail(&outcome)
}

/// A load that goes on.
#[derive(Debug, Clone, Copy)]
struct Load {
    /// Questions a second.
    rate: f64,
    /// How long memory is not looked at yet.
    warm: Duration,
    time: Duration,
}

async fn endure(
    stage: &Stage,
    (server, clients): (&Server, &Clients),
    load: Load,
) -> Result<Outcome> {
    let ask = stage.ask();
    let warm = open(clients, &ask, load.rate, load.warm);
    let (_, samples) = sampled(server, warm).await?;
    let before = middle(&samples[samples.len() / 2..]);
    let long = open(clients, &ask, load.rate, load.time);
    let (outcome, samples) = sampled(server, long).await?;
    let after = middle(&samples[samples.len() / 4 * 3..]);
    let growth = after / before - 1.0;
    println!(
        "memory {:.1} MiB, then {:.1} MiB: {:+.2} of 100",
        before / MIB,
        after / MIB,
        growth * 100.0
    );
    if growth < MOST_GROWTH {
        return Ok(outcome);
    }
    let found = format!("{:.2} of 100", growth * 100.0);
    Err(Error::data(
        "memory",
        format!("expected it to grow by less than 2 of 100, found {found}"),
    ))
}

/// What comes of a load, and the server's own memory meanwhile.
async fn sampled(
    server: &Server,
    load: impl Future<Output = Result<Outcome>>,
) -> Result<(Outcome, Vec<u64>)> {
    let (mut load, mut looks) = (pin!(load), interval(LOOK));
    let mut samples = vec![server.own_bytes()];
    loop {
        tokio::select! {
            outcome = &mut load => return Ok((outcome?, samples)),
            _ = looks.tick() => samples.push(server.own_bytes()),
        }
    }
}

/// The median: one look may fall on a moment when much was under way.
fn middle(samples: &[u64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2] as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_does_not_count() {
        assert_eq!(middle(&[5, 900, 4, 6, 5]), 5.0);
    }
}
