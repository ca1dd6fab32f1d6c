//! Events that are written from outside, at a rate of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_core::{Error, Result};
use recommender_grpc::client::UserEventServiceClient;
use recommender_grpc::proto::{
    BatchWriteUserEventsRequest, BatchWriteUserEventsResponse, Channel as Place, EventType,
    ProductDetail, UserEvent,
};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{MissedTickBehavior, interval};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::service::load::channel;
use crate::store::workload::Shop;

/// Events of a batch.
const BATCH: u32 = 100;

/// Connections to the server.
const CONNECTIONS: usize = 4;

/// Most batches on their way; the writers wait for one of them to come back.
const MOST_WAITING: usize = 200;

/// What came of the writing.
#[derive(Debug, Default)]
pub struct Written {
    /// Events that were sent.
    pub sent: u64,
    /// Events of which the server said that they are stored.
    pub acknowledged: u64,
    /// Why some were not, the first time.
    pub failure: Option<String>,
    /// Seconds from the first batch to the last acknowledgement.
    pub seconds: f64,
}

impl Written {
    fn take(&mut self, answer: Result<BatchWriteUserEventsResponse, Status>) {
        match answer {
            Ok(answer) => {
                for outcome in answer.outcomes {
                    let status = outcome.status.unwrap_or_default();
                    if status.code == i32::from(Code::Ok) && !outcome.duplicate {
                        self.acknowledged += 1;
                    } else {
                        self.failure.get_or_insert(status.message);
                    }
                }
            }
            Err(status) => {
                self.failure.get_or_insert_with(|| status.to_string());
            }
        }
    }
}

/// Writes so many events of `shop` a second to the server at an address, as long as `goes_on` says so.
///
/// # Errors
/// If nobody answers there.
pub async fn write(
    address: &str,
    shop: Shop,
    rate: f64,
    goes_on: Arc<AtomicBool>,
) -> Result<Written> {
    let mut clients = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        clients.push(UserEventServiceClient::new(channel(address).await?));
    }
    let (send, mut came) = mpsc::unbounded_channel();
    let sender = tokio::spawn(send_all(clients, Draw::new(shop), rate, (goes_on, send)));
    let (start, mut written) = (Instant::now(), Written::default());
    while let Some(answer) = came.recv().await {
        written.take(answer);
    }
    written.seconds = start.elapsed().as_secs_f64();
    let sent = sender.await;
    written.sent = sent.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(written)
}

/// Answers of batches.
type Answers = mpsc::UnboundedSender<Result<BatchWriteUserEventsResponse, Status>>;

/// Sends batches when they are due; says how many events that were.
async fn send_all(
    clients: Vec<UserEventServiceClient<Channel>>,
    mut draw: Draw,
    rate: f64,
    (goes_on, answers): (Arc<AtomicBool>, Answers),
) -> u64 {
    let room = Arc::new(Semaphore::new(MOST_WAITING));
    let mut due = interval(Duration::from_secs_f64(f64::from(BATCH) / rate));
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut batches = 0;
    while goes_on.load(Ordering::Relaxed) {
        due.tick().await;
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            break;
        };
        let mut client = clients[batches % clients.len()].clone();
        let (request, answers) = (draw.batch(), answers.clone());
        batches += 1;
        tokio::spawn(async move {
            let answer = client.batch_write_user_events(request).await;
            // Nobody counts any more once the receiver is gone.
            let _ = answers.send(answer.map(tonic::Response::into_inner));
            drop(place);
        });
    }
    batches as u64 * u64::from(BATCH)
}

/// Draws events.
struct Draw {
    random: ChaCha8Rng,
    shop: Shop,
    number: u64,
}

impl Draw {
    fn new(shop: Shop) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(11),
            shop,
            number: 0,
        }
    }

    fn batch(&mut self) -> BatchWriteUserEventsRequest {
        BatchWriteUserEventsRequest {
            parent: "catalogs/default".into(),
            user_events: (0..BATCH).map(|_| self.event()).collect(),
            ..BatchWriteUserEventsRequest::default()
        }
    }

    /// Some visitor does something with an item of which few are seen often, now.
    fn event(&mut self) -> UserEvent {
        self.number += 1;
        let visitor = self.random.random_range(0..self.shop.visitors);
        let draw: f64 = self.random.random();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between zero and the number of items"
        )]
        let item = (draw * draw * draw * f64::from(self.shop.items)) as u32;
        let kind = match self.random.random_range(0..10) {
            0..8 => EventType::ViewItem,
            8 => EventType::AddToCart,
            _ => EventType::Purchase,
        };
        UserEvent {
            event_id: format!("written/{}", self.number),
            event_type: kind.into(),
            visitor_id: format!("visitor-{visitor:06}"),
            channel: Place::Web.into(),
            event_time: Some(SystemTime::now().into()),
            product_details: vec![ProductDetail {
                product_id: format!("item-{item:06}"),
                ..ProductDetail::default()
            }],
            ..UserEvent::default()
        }
    }
}
