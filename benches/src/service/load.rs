//! Requests from outside: as fast as answers come, or at a rate of their own.
//!
//! At a rate of its own (an open loop) a request is sent when it is due, whether or not the earlier ones were answered,
//! and its time counts from when it was due: a server that stalls is not asked less meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::{Error, Result};
use recommender_grpc::client::RecommendationServiceClient;
use recommender_grpc::proto::RecommendRequest;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// Connections to the server.
const CONNECTIONS: usize = 8;

/// Most requests on their way; what is due beyond is counted as not sent.
const MOST_WAITING: usize = 20_000;

/// What requests are asked.
pub type Ask = dyn Fn(u64) -> RecommendRequest + Send + Sync;

/// What came of a load.
#[derive(Debug)]
pub struct Outcome {
    /// Answers.
    pub answered: u64,
    /// Turned away with RESOURCE_EXHAUSTED and told when to come again.
    pub turned_away: u64,
    /// Errors of every other kind, and one of their messages.
    pub failed: u64,
    /// The first of those errors.
    pub failure: Option<String>,
    /// Not sent, because too many were on their way.
    pub unsent: u64,
    /// Answers that held no product.
    pub empty: u64,
    /// Answers that the service called degraded.
    pub degraded: u64,
    /// Seconds from the first request to the last answer.
    pub seconds: f64,
    /// Times of the answers in microseconds.
    pub times: Histogram<u64>,
    /// Answers of each version of the model.
    pub versions: BTreeMap<String, u64>,
}

impl Outcome {
    fn new() -> Result<Self> {
        let times = Histogram::new_with_bounds(1, 60_000_000, 3);
        Ok(Self {
            answered: 0,
            turned_away: 0,
            failed: 0,
            failure: None,
            unsent: 0,
            empty: 0,
            degraded: 0,
            seconds: 0.0,
            versions: BTreeMap::new(),
            times: times.map_err(|error| Error::Internal(error.to_string()))?,
        })
    }

    /// Answers a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds
    }

    /// The time in milliseconds within which that share of the answers came.
    #[must_use]
    pub fn within(&self, share: f64) -> f64 {
        self.times.value_at_quantile(share) as f64 / 1000.0
    }

    fn take(&mut self, came: Came) {
        match came.answer {
            Ok(answer) => {
                self.answered += 1;
                self.empty += u64::from(answer.is_empty);
                self.degraded += u64::from(answer.is_degraded);
                let micros = u64::try_from(came.time.as_micros()).unwrap_or(u64::MAX);
                self.times.saturating_record(micros);
                if let Some(count) = self.versions.get_mut(&answer.version) {
                    *count += 1;
                } else {
                    self.versions.insert(answer.version, 1);
                }
            }
            Err(status) if is_turned_away(&status) => self.turned_away += 1,
            Err(status) => {
                self.failed += 1;
                self.failure.get_or_insert_with(|| status.to_string());
            }
        }
    }
}

/// Whether the caller was turned away as it should be: told when to come again.
fn is_turned_away(status: &Status) -> bool {
    use tonic_types::StatusExt;
    status.code() == Code::ResourceExhausted && status.get_details_retry_info().is_some()
}

struct Came {
    time: Duration,
    answer: Result<Answer, Status>,
}

struct Answer {
    is_empty: bool,
    is_degraded: bool,
    version: String,
}

/// Clients of the server at an address.
#[derive(Debug, Clone)]
pub struct Clients(Vec<RecommendationServiceClient<Channel>>);

impl Clients {
    /// Connects them.
    ///
    /// # Errors
    /// If nobody answers there.
    pub async fn connect(address: &str) -> Result<Self> {
        let mut clients = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let channel = channel(address).await?;
            clients.push(RecommendationServiceClient::new(channel));
        }
        Ok(Self(clients))
    }

    fn client(&self, number: u64) -> RecommendationServiceClient<Channel> {
        let count = self.0.len() as u64;
        self.0[usize::try_from(number % count).unwrap_or_default()].clone()
    }

    async fn ask(&self, number: u64, ask: &Ask, due: Instant) -> Came {
        let answer = self.client(number).recommend(ask(number)).await;
        Came {
            time: due.elapsed(),
            answer: answer.map(|response| {
                let response = response.into_inner();
                Answer {
                    is_empty: response.results.is_empty(),
                    is_degraded: response.degraded,
                    version: response.model_version,
                }
            }),
        }
    }
}

/// A connection to the server at an address.
///
/// # Errors
/// If nobody answers there.
pub async fn channel(address: &str) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"));
    let channel = match endpoint {
        Ok(endpoint) => endpoint.connect().await,
        Err(error) => Err(error),
    };
    channel.map_err(|error| Error::data(address, error.to_string()))
}

/// Asks as fast as answers come, with so many requests on their way at any time.
///
/// # Errors
/// If the histogram can't be made.
pub async fn closed(
    clients: &Clients,
    ask: &Arc<Ask>,
    at_once: usize,
    time: Duration,
) -> Result<Outcome> {
    let mut outcome = Outcome::new()?;
    let (start, next) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let (send, mut came) = mpsc::unbounded_channel();
    let mut askers = JoinSet::new();
    for _ in 0..at_once {
        let (clients, ask) = (clients.clone(), Arc::clone(ask));
        let (next, send) = (Arc::clone(&next), send.clone());
        askers.spawn(async move {
            while start.elapsed() < time {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let answer = clients.ask(number, &*ask, Instant::now()).await;
                // Nobody counts any more once the receiver is gone.
                let _ = send.send(answer);
            }
        });
    }
    drop(send);
    while let Some(came) = came.recv().await {
        outcome.take(came);
    }
    outcome.seconds = start.elapsed().as_secs_f64();
    Ok(outcome)
}

/// Asks `rate` times a second, at random moments, whether or not earlier answers have come.
///
/// # Errors
/// If the histogram can't be made.
pub async fn open(clients: &Clients, ask: &Arc<Ask>, rate: f64, time: Duration) -> Result<Outcome> {
    open_while(clients, ask, rate, move |elapsed| elapsed < time).await
}

/// As [`open`], as long as `goes_on` says so of the time since the first request.
///
/// # Errors
/// If the histogram can't be made.
pub async fn open_while(
    clients: &Clients,
    ask: &Arc<Ask>,
    rate: f64,
    goes_on: impl Fn(Duration) -> bool + Send + 'static,
) -> Result<Outcome> {
    let mut outcome = Outcome::new()?;
    let (send, mut came) = mpsc::unbounded_channel();
    let (clients, ask) = (clients.clone(), Arc::clone(ask));
    let runtime = tokio::runtime::Handle::current();
    let start = Instant::now();
    // A thread of its own keeps the pace: the timers of the runtime are too coarse.
    let pace = tokio::task::spawn_blocking(move || {
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let (mut due, mut number, mut unsent) = (start, 0, 0);
        while goes_on(due.duration_since(start)) {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            number += 1;
            if waiting.load(Ordering::Relaxed) >= MOST_WAITING {
                unsent += 1;
            } else {
                waiting.fetch_add(1, Ordering::Relaxed);
                let (clients, ask) = (clients.clone(), Arc::clone(&ask));
                let (waiting, send) = (Arc::clone(&waiting), send.clone());
                runtime.spawn(async move {
                    let answer = clients.ask(number, &*ask, due).await;
                    waiting.fetch_sub(1, Ordering::Relaxed);
                    let _ = send.send(answer);
                });
            }
            let gap = -(1.0 - random.random::<f64>()).ln() / rate;
            due += Duration::from_secs_f64(gap);
        }
        unsent
    });
    while let Some(came) = came.recv().await {
        outcome.take(came);
    }
    let unsent = pace.await;
    outcome.unsent = unsent.map_err(|error| Error::Internal(error.to_string()))?;
    outcome.seconds = start.elapsed().as_secs_f64();
    Ok(outcome)
}
