//! Calls of any method with any bytes.

use std::time::Duration;

use prost::bytes::{Buf, BufMut};
use prost_reflect::MethodDescriptor;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// Bytes as they are.
#[derive(Debug, Default, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(bytes.copy_to_bytes(bytes.remaining()).to_vec()))
    }
}

/// The longest that a call may take to be answered in some way.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most messages of an answer that are read.
const MOST_READ: usize = 50;

/// Sends `messages` to a method and reads what comes back; says how it ended, and with which text.
pub(crate) async fn call(
    channel: &Channel,
    method: &MethodDescriptor,
    messages: Vec<Vec<u8>>,
) -> (Code, String) {
    let answered = tokio::time::timeout(PATIENCE, ask(channel, method, messages)).await;
    let path = path(method);
    let ended = answered.unwrap_or_else(|_| panic!("{path} gave no answer within {PATIENCE:?}"));
    ended.map_or_else(
        |status| (status.code(), status.message().to_owned()),
        |()| (Code::Ok, String::new()),
    )
}

/// `/package.Service/Method`.
pub(crate) fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

async fn ask(
    channel: &Channel,
    method: &MethodDescriptor,
    messages: Vec<Vec<u8>>,
) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client
        .ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let request = Request::new(tokio_stream::iter(messages));
    let path = path(method).parse().unwrap();
    let mut answers = client.streaming(request, path, Raw).await?.into_inner();
    for _ in 0..MOST_READ {
        // Watches never end by themselves.
        let next = tokio::time::timeout(Duration::from_millis(300), answers.message()).await;
        match next {
            Ok(Ok(Some(_))) => (),
            Ok(Ok(None)) | Err(_) => return Ok(()),
            Ok(Err(status)) => return Err(status),
        }
    }
    Ok(())
}
