//! Everything that is kept of a person, given in pieces.

use std::time::Duration;

use recommender_core::Error;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::convert::Violations;
use crate::proto::{ExportUserDataRequest, ExportUserDataResponse};
use crate::security::Caller;
use crate::shop::Shop;
use crate::status::Refusal;

/// Bytes of a piece.
const PIECE: usize = 1 << 20;
/// How long a piece may wait to be read before the rest is forgotten.
const UNREAD: Duration = Duration::from_secs(30);

impl Shop {
    pub(super) async fn export(
        &self,
        request: &ExportUserDataRequest,
        by: &Caller,
        deadline: Instant,
    ) -> Result<impl Stream<Item = Result<ExportUserDataResponse, Status>> + Send + use<>, Refusal>
    {
        let store = self.store()?.clone();
        let mut wrong = Violations::default();
        let Some(identifier) = self.user(&request.name, &mut wrong) else {
            return Err(wrong.into());
        };
        let by = by.name.clone();
        let work = move |_: &crate::workers::Caller| {
            let export = store.export_person(&identifier, &by)?;
            let text = serde_json::to_vec(&export);
            text.map_err(|error| Refusal::from(Error::Internal(error.to_string())))
        };
        let text = self.background.run(deadline, work).await??;
        let piece = PIECE.min(self.rules.limits.max_message_bytes / 2).max(1);
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            for piece in text.chunks(piece) {
                let data = piece.to_vec();
                let sent = sender.send(Ok(ExportUserDataResponse { data }));
                // Whoever went away, or does not read, does without the rest.
                if !matches!(timeout(UNREAD, sent).await, Ok(Ok(()))) {
                    return;
                }
            }
        });
        Ok(ReceiverStream::new(receiver))
    }
}
