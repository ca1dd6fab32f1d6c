//! Artefacts byte by byte: taken from callers who have no access to the server's files, and given to them.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};
use tokio::time::timeout;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::convert::{self, Violations};
use crate::proto::download_model_response::Part as Sent;
use crate::proto::upload_model_request::Part;
use crate::proto::{
    ArtefactFile as File, DownloadModelRequest, DownloadModelResponse, UploadModelHeader,
    UploadModelRequest, UploadModelResponse,
};
use crate::service::models::ModelCalls;
use crate::service::room::blocking;
use crate::status::Refusal;
use crate::training::{ArtefactFile, Download, Piece, Upload, Version};
use crate::wire_faults;

/// How long the other side may take for its next message, or to read one.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pieces that may wait to be sent.
const UNSENT: usize = 2;

/// The pieces of an artefact.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = Result<DownloadModelResponse, Status>> + Send>>;

impl ModelCalls {
    /// Takes an artefact; goes on to its end in a task of its own, which clears up when the caller hangs up.
    pub(super) async fn upload(
        &self,
        request: Request<Streaming<UploadModelRequest>>,
    ) -> Result<Response<UploadModelResponse>, Status> {
        let place = self.transfers.enter()?;
        let (calls, incoming) = (self.clone(), request.into_inner());
        let taking = tokio::spawn(async move {
            let _place = place;
            calls.take(incoming).await
        });
        let taken = taking.await;
        let version = taken.map_err(|error| Status::internal(error.to_string()))??;
        Ok(Response::new(UploadModelResponse {
            version: Some(convert::version(&version)),
        }))
    }

    async fn take(&self, mut incoming: Streaming<UploadModelRequest>) -> Result<Version, Status> {
        let Some(Part::Header(header)) = self.next(&mut incoming).await? else {
            return Err(wrong("header", "expected a header first, found none").into());
        };
        let calls = self.clone();
        let mut upload = blocking(move || calls.begin_upload(&header)).await?;
        loop {
            let next = self.next(&mut incoming).await;
            let part = match next {
                Ok(Some(part)) => part,
                Ok(None) => return Ok(blocking(move || upload.finish()).await?),
                Err(status) => {
                    // What came is removed, which may block.
                    let removed = move || {
                        drop(upload);
                        Ok(())
                    };
                    blocking(removed).await?;
                    return Err(status);
                }
            };
            upload = blocking(move || taken(upload, part)).await?;
        }
    }

    fn begin_upload(&self, header: &UploadModelHeader) -> Result<Upload, Refusal> {
        let mut wrong = Violations::default();
        let id = self.id_in("header.name", &header.name, &mut wrong);
        let most = self.shop.rules.limits.max_upload_bytes;
        self.registry.begin_upload(&wrong.or(id)?, most)
    }

    /// The next part; none at the end.
    async fn next(
        &self,
        incoming: &mut Streaming<UploadModelRequest>,
    ) -> Result<Option<Part>, Status> {
        let message = tokio::select! {
            biased;
            () = self.shop.operations.closed() => return Err(Refusal::Draining.into()),
            message = timeout(PATIENCE, incoming.message()) => message,
        };
        let waited = format!("expected the next message within {PATIENCE:?}, found none");
        let message = message.map_err(|_| Status::deadline_exceeded(waited))?;
        let Some(message) = message.map_err(wire_faults::of_stream)? else {
            return Ok(None);
        };
        let nothing = || Status::from(wrong("part", "expected a part, found none"));
        Ok(Some(message.part.ok_or_else(nothing)?))
    }

    /// Gives the files of a version.
    pub(super) async fn download(
        &self,
        request: DownloadModelRequest,
    ) -> Result<Response<Pieces>, Status> {
        let place = self.transfers.enter()?;
        let calls = self.clone();
        let (version, download) = blocking(move || calls.begin_download(&request)).await?;
        let (sender, pieces) = mpsc::channel(UNSENT);
        tokio::spawn(async move {
            let _place = place;
            let version = Ok(Sent::Version(convert::version(&version)));
            if send(&sender, version).await {
                send_all(download, &sender).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(pieces))))
    }

    fn begin_download(
        &self,
        request: &DownloadModelRequest,
    ) -> Result<(Version, Download), Refusal> {
        let mut wrong = Violations::default();
        let id = self.id_in("name", &request.name, &mut wrong);
        let number = version_of(&request.version, &mut wrong);
        wrong.or(())?;
        self.registry.begin_download(&id, number)
    }
}

/// The number of a version, if one is named.
pub(super) fn version_of(version: &str, wrong: &mut Violations) -> Option<u64> {
    (!version.is_empty()).then(|| convert::version_number(version, wrong))
}

/// The upload with this part taken.
fn taken(mut upload: Upload, part: Part) -> Result<Upload, Refusal> {
    match part {
        Part::Header(_) => return Err(wrong("header", "expected one header, found another")),
        Part::Chunk(bytes) => upload.chunk(&bytes)?,
        Part::File(file) => {
            let bytes = u64::try_from(file.size_bytes).map_err(|_| {
                let found = format!("expected at least 0, found {}", file.size_bytes);
                wrong("file.size_bytes", &found)
            })?;
            upload.file(ArtefactFile {
                path: file.path,
                bytes,
                sha256: file.sha256,
            })?;
        }
    }
    Ok(upload)
}

async fn send_all(mut download: Download, sender: &Sender<Result<DownloadModelResponse, Status>>) {
    loop {
        let read = blocking(move || {
            let piece = download.next()?;
            Ok((download, piece))
        });
        let part = match read.await {
            Ok((_, None)) => return,
            Ok((rest, Some(piece))) => {
                download = rest;
                Ok(part_of(piece))
            }
            Err(refusal) => {
                send(sender, Err(refusal.into())).await;
                return;
            }
        };
        if !send(sender, part).await {
            return;
        }
    }
}

fn part_of(piece: Piece) -> Sent {
    match piece {
        Piece::Chunk(bytes) => Sent::Chunk(bytes),
        Piece::File(file) => Sent::File(File {
            path: file.path,
            size_bytes: i64::try_from(file.bytes).unwrap_or(i64::MAX),
            sha256: file.sha256,
        }),
    }
}

/// Sends a part; says whether the caller reads on.
async fn send(
    sender: &Sender<Result<DownloadModelResponse, Status>>,
    part: Result<Sent, Status>,
) -> bool {
    let message = part.map(|part| DownloadModelResponse { part: Some(part) });
    matches!(timeout(PATIENCE, sender.send(message)).await, Ok(Ok(())))
}

fn wrong(field: &str, description: &str) -> Refusal {
    let mut wrong = Violations::default();
    wrong.add(field, description);
    wrong.into()
}
