//! Figures and probes by HTTP, on a port of their own: `/metrics`, `/healthz`, `/readyz`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use recommender_store::engine::Status;
use tokio::net::TcpListener;

use crate::health::Health;
use crate::resilience::{Connection, Places};
use crate::security::Watched;
use crate::security::tls::Encryption;
use crate::shop::Shop;
use crate::telemetry::{Exposition, Metrics, process};

/// Most connections at once: a scraper, a probe, a curious person.
const MOST_CONNECTIONS: usize = 64;

/// How long they may be silent at first.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest a scrape waits for the store.
const STORE_TIMEOUT: Duration = Duration::from_millis(500);

/// What the page tells of.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) shop: Shop,
    pub(crate) health: Health,
    pub(crate) encryption: Option<Watched<Encryption>>,
}

/// Answers on `listener`, for ever.
pub(crate) async fn serve(listener: TcpListener, page: Page) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .with_state(Arc::new(page));
    let few = Few {
        listener,
        // In books of their own: the figures are about those who call the service.
        places: Places::new(MOST_CONNECTIONS, Metrics::default()),
    };
    if let Err(error) = axum::serve(few, router).await {
        tracing::error!(%error, "figures and probes are no longer told");
    }
}

/// A listener with room for a few.
struct Few {
    listener: TcpListener,
    places: Places,
}

impl axum::serve::Listener for Few {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
            // Nobody waits for a small answer to grow.
            let _ = stream.set_nodelay(true);
            if let Some(place) = self.places.take() {
                return (Connection::plain(stream, place, PATIENCE), address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

async fn ready(State(page): State<Arc<Page>>) -> Response {
    if page.health.is_serving() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
}

async fn metrics(State(page): State<Arc<Page>>) -> Response {
    let store = page.store().await;
    let mut text = Exposition::default();
    page.shop.metrics.write(&mut text);
    page.write(&mut text);
    write_store(store.as_ref(), page.shop.store.is_some(), &mut text);
    process::write(&mut text);
    let kind = (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    ([kind], text.into_text()).into_response()
}

impl Page {
    /// How the store stands; nothing if it does not say so in time.
    async fn store(&self) -> Option<Status> {
        let store = self.shop.store.clone()?;
        let deadline = tokio::time::Instant::now() + STORE_TIMEOUT;
        let asked = self
            .shop
            .background
            .run(deadline, move |_| store.engine().status());
        asked.await.ok()?.ok()
    }

    fn write(&self, text: &mut Exposition) {
        let queues = [
            ("answers", &self.shop.workers),
            ("background", &self.shop.background),
        ];
        let name = "recommender_queue_depth";
        text.family(name, "gauge", "Work that runs or waits for a thread.");
        for (queue, workers) in queues {
            text.figure(name, &[("queue", queue)], workers.load().0);
        }
        let name = "recommender_queue_limit";
        text.family(name, "gauge", "Most work that may run or wait.");
        for (queue, workers) in queues {
            text.figure(name, &[("queue", queue)], workers.load().1);
        }
        let ready = u8::from(self.health.is_serving());
        let help = "Whether requests are welcome: 1 or 0.";
        text.single(("recommender_ready", "gauge"), help, ready);
        let name = "recommender_model_age_seconds";
        text.family(
            name,
            "gauge",
            "Time since a model was made ready to answer.",
        );
        for (id, model) in &*self.shop.models.snapshot() {
            let labels = [("model", &**id), ("version", model.version())];
            text.figure(name, &labels, model.age().as_secs());
        }
        let name = "recommender_certificate_end_timestamp_seconds";
        text.family(
            name,
            "gauge",
            "When the server's certificate ends, in seconds since 1970.",
        );
        let encryption = self.encryption.as_ref().map(Watched::now);
        if let Some(end) = encryption.and_then(|encryption| encryption.certificate_ends) {
            text.figure(name, &[], end);
        }
    }
}

fn write_store(store: Option<&Status>, expected: bool, text: &mut Exposition) {
    let name = "recommender_store_up";
    text.family(
        name,
        "gauge",
        "Whether the store takes writes: 1 or 0; nothing where there is none.",
    );
    if expected {
        let up = store.is_some_and(|store| store.refusing.is_none());
        text.figure(name, &[], u8::from(up));
    }
    let figures = [
        (
            "recommender_store_events",
            "Events in the store.",
            store.map(|store| store.contents.events),
        ),
        (
            "recommender_store_facts",
            "Facts in the store.",
            store.map(|store| store.contents.facts),
        ),
        (
            "recommender_store_bytes",
            "Bytes of the store on disk.",
            store.map(|store| store.contents.bytes),
        ),
        (
            "recommender_store_waiting",
            "Writes that wait for the disk.",
            store.map(|store| store.waiting as u64),
        ),
    ];
    for (name, help, value) in figures {
        text.family(name, "gauge", help);
        if let Some(value) = value {
            text.figure(name, &[], value);
        }
    }
}
