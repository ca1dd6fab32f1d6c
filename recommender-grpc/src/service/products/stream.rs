//! Stock as it comes: a stream of inventories and of what became of each.

use std::pin::Pin;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::Products;
use crate::proto::{SetInventoryRequest, StreamInventoryRequest, StreamInventoryResponse};
use crate::wire_faults;

/// Inventories that are written at once.
const MOST_AT_ONCE: usize = 64;

/// Once so many bytes have come, they are written before more is read.
const MOST_BYTES: usize = 1 << 20;

/// Results that may wait to be read; then nothing more is taken.
const MOST_WAITING: usize = 256;

impl Products {
    /// Sets what `incoming` says, in its order. A client that does not read what became of it is not read on from: what is
    /// kept for her is bounded.
    pub(super) fn stream(
        &self,
        incoming: Streaming<StreamInventoryRequest>,
    ) -> Pin<Box<dyn Stream<Item = Result<StreamInventoryResponse, Status>> + Send>> {
        let (sender, results) = mpsc::channel(MOST_WAITING);
        let products = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = products.set_all(incoming, &sender) => (),
                // Nobody hears what becomes of the rest, so it is not taken.
                () = sender.closed() => (),
            }
        });
        Box::pin(ReceiverStream::new(results))
    }

    async fn set_all(
        &self,
        mut incoming: Streaming<StreamInventoryRequest>,
        results: &mpsc::Sender<Result<StreamInventoryResponse, Status>>,
    ) {
        loop {
            let (requests, end) = next_of(&mut incoming).await;
            for result in self.set_together(&requests).await {
                let response = StreamInventoryResponse {
                    result: Some(result),
                };
                if results.send(Ok(response)).await.is_err() {
                    return;
                }
            }
            match end {
                None => (),
                Some(Ok(())) => return,
                Some(Err(status)) => {
                    // A send fails only if nobody listens any more.
                    let _ = results.send(Err(status)).await;
                    return;
                }
            }
        }
    }
}

/// Waits for an inventory, takes those that are there behind it, and says whether and how the stream ended.
async fn next_of(
    incoming: &mut Streaming<StreamInventoryRequest>,
) -> (Vec<SetInventoryRequest>, Option<Result<(), Status>>) {
    let mut requests = Vec::new();
    let mut bytes = 0;
    let mut next = incoming.message().await;
    loop {
        match next {
            Ok(Some(message)) => {
                bytes += message.encoded_len();
                requests.push(message.request.unwrap_or_default());
            }
            Ok(None) => return (requests, Some(Ok(()))),
            Err(status) => return (requests, Some(Err(wire_faults::of_stream(status)))),
        }
        if requests.len() == MOST_AT_ONCE || bytes >= MOST_BYTES {
            return (requests, None);
        }
        next = tokio::select! {
            biased;
            next = incoming.message() => next,
            () = std::future::ready(()) => return (requests, None),
        };
    }
}
