//! One connection, encrypted or not.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use crate::security::{Peer, holder};
use crate::telemetry::Metrics;

/// Bytes of a client's first word: as many as HTTP/2 begins with. Until then it is not known to be a client at all.
const FIRST_WORD: usize = 24;

/// Room for so many connections. A handle: clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    room: Arc<Semaphore>,
    metrics: Metrics,
}

/// The room of one connection.
#[derive(Debug)]
pub(crate) struct Place {
    _room: OwnedSemaphorePermit,
    metrics: Metrics,
}

impl Places {
    pub(crate) fn new(most: usize, metrics: Metrics) -> Self {
        Self {
            room: Arc::new(Semaphore::new(most)),
            metrics,
        }
    }

    /// Room for one more, if there is any.
    pub(crate) fn take(&self) -> Option<Place> {
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            self.metrics.connection_refused();
            return None;
        };
        self.metrics.connection_opened();
        Some(Place {
            _room: room,
            metrics: self.metrics.clone(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.connection_closed();
    }
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// A connection whose client must say a first word in time, and which gives its room back when it is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    peer: Peer,
    /// Until the first word was said.
    silence: Option<Pin<Box<Sleep>>>,
    missing: usize,
    _place: Place,
}

impl Connection {
    pub(crate) fn plain(stream: TcpStream, place: Place, patience: Duration) -> Self {
        Self::new(Stream::Plain(stream), (None, place), patience)
    }

    pub(crate) fn encrypted(
        stream: TlsStream<TcpStream>,
        place: Place,
        patience: Duration,
    ) -> Self {
        let shown = stream.get_ref().1.peer_certificates();
        let first = shown.and_then(<[_]>::first);
        let holder = first.and_then(|first| holder(first));
        let holder = holder.map(Arc::from);
        Self::new(
            Stream::Encrypted(Box::new(stream)),
            (holder, place),
            patience,
        )
    }

    fn new(
        stream: Stream,
        (certificate, place): (Option<Arc<str>>, Place),
        patience: Duration,
    ) -> Self {
        Self {
            stream,
            peer: Peer { certificate },
            silence: Some(Box::pin(sleep(patience))),
            missing: FIRST_WORD,
            _place: place,
        }
    }

    fn writer(&mut self) -> Pin<&mut (dyn AsyncWrite + Send + Unpin)> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream),
            Stream::Encrypted(stream) => Pin::new(&mut **stream),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Encrypted(stream) => Pin::new(&mut **stream).poll_read(context, buffer),
        };
        let Some(silence) = &mut self.silence else {
            return polled;
        };
        if polled.is_pending() {
            ready!(silence.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let read = buffer.filled().len() - before;
        self.missing = self.missing.saturating_sub(read);
        if self.missing == 0 {
            self.silence = None;
        }
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writer().poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writer().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer().poll_shutdown(context)
    }
}
