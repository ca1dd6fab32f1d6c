//! Connections as they come in.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;

use crate::resilience::connection::Place;
use crate::resilience::{Connection, Places};
use crate::security::Watched;
use crate::security::tls::Encryption;
use crate::telemetry::Metrics;

/// Connections that may wait to be served: they are taken up at once.
const WAITING: usize = 64;

/// How long to wait when the system gives no connections: it may have run out of files.
const RELIEF: Duration = Duration::from_millis(20);

/// Takes connections in, and encrypts them where there are certificates.
#[derive(Debug)]
pub(crate) struct Accepting {
    places: Places,
    encryption: Option<Watched<Encryption>>,
    handshakes: Arc<Semaphore>,
    patience: Duration,
    metrics: Metrics,
}

/// Connections ready to be served.
type Ready = mpsc::Sender<Result<Connection, io::Error>>;

impl Accepting {
    pub(crate) fn new(
        (max_connections, patience): (usize, Duration),
        encryption: Option<Watched<Encryption>>,
        metrics: Metrics,
    ) -> Self {
        // Who does not finish her handshake must not keep out those who are served already.
        let handshakes = max_connections.div_ceil(4).max(64);
        Self {
            places: Places::new(max_connections, metrics.clone()),
            encryption,
            handshakes: Arc::new(Semaphore::new(handshakes)),
            patience,
            metrics,
        }
    }

    /// The connections of `listener`, taken in by a task that ends, and closes it, when nobody wants them any more.
    pub(crate) fn from(
        self,
        listener: TcpListener,
    ) -> ReceiverStream<Result<Connection, io::Error>> {
        let (ready, connections) = mpsc::channel(WAITING);
        tokio::spawn(self.accept(listener, ready));
        ReceiverStream::new(connections)
    }

    async fn accept(self, listener: TcpListener, ready: Ready) {
        loop {
            let accepted = tokio::select! {
                () = ready.closed() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => self.take(stream, &ready).await,
                Err(error) => {
                    tracing::warn!(%error, "a connection can't be taken in");
                    sleep(RELIEF).await;
                }
            }
        }
    }

    async fn take(&self, stream: TcpStream, ready: &Ready) {
        let Some(place) = self.places.take() else {
            return;
        };
        // A small answer must not wait for the one after it.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let Some(encryption) = &self.encryption else {
            let connection = Connection::plain(stream, place, self.patience);
            // Nobody is there to take it only when the server stops.
            let _ = ready.send(Ok(connection)).await;
            return;
        };
        let Ok(permit) = Arc::clone(&self.handshakes).try_acquire_owned() else {
            self.metrics.connection_refused();
            return;
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&encryption.now().config));
        let (ready, metrics, patience) = (ready.clone(), self.metrics.clone(), self.patience);
        tokio::spawn(async move {
            let connection = handshake(acceptor, (stream, place), patience).await;
            drop(permit);
            match connection {
                Ok(connection) => {
                    let _ = ready.send(Ok(connection)).await;
                }
                Err(error) => {
                    metrics.handshake_failed();
                    tracing::debug!(%error, "a connection could not be encrypted");
                }
            }
        });
    }
}

async fn handshake(
    acceptor: TlsAcceptor,
    (stream, place): (TcpStream, Place),
    patience: Duration,
) -> io::Result<Connection> {
    let stream = timeout(patience, acceptor.accept(stream)).await;
    let stream = stream.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    Ok(Connection::encrypted(stream, place, patience))
}
