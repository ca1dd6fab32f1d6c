//! Calls from browsers: gRPC-Web over HTTP/1.1.

use std::net::SocketAddr;

use prost::Message;
use recommender_grpc::proto::RecommendResponse;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::shop::{Open, question};

const SHOP: &str = "cors_origins = ['https://shop.example']";

/// Sends a request by hand, and gives the head and the body of the response.
pub(crate) async fn exchange(address: SocketAddr, head: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{head}\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream
        .write_all(&[head.as_bytes(), body].concat())
        .await
        .unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    let end = response
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(response[..end].to_vec())
        .unwrap()
        .to_lowercase();
    let body = response.split_off(end + 4);
    let chunked = head.contains("transfer-encoding: chunked");
    (head, if chunked { joined(&body) } else { body })
}

/// The body of chunks.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = chunks
            .windows(2)
            .position(|bytes| bytes == b"\r\n")
            .unwrap();
        let length = std::str::from_utf8(&chunks[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&chunks[end + 2..end + 2 + length]);
        chunks = &chunks[end + 2 + length + 2..];
    }
}

const ASK: &str = "POST /recommender.v1.RecommendationService/Recommend HTTP/1.1\r\n\
                   Content-Type: application/grpc-web+proto\r\nX-Grpc-Web: 1";

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], message].concat()
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_is_answered() {
    let open = Open::shop(SHOP).await;
    let ask = format!("{ASK}\r\nOrigin: https://shop.example");
    let body = framed(&question().encode_to_vec());
    let (head, body) = exchange(open.address, &ask, &body).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        head.contains("access-control-allow-origin: https://shop.example"),
        "{head}"
    );
    assert!(
        head.contains("access-control-expose-headers: grpc-status"),
        "{head}"
    );
    let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
    let response = RecommendResponse::decode(&body[5..5 + length]).unwrap();
    assert_eq!(response.results.len(), 2);
    let trailers = &body[5 + length..];
    assert_eq!(trailers[0], 0x80);
    let trailers = String::from_utf8_lossy(&trailers[5..]).replace(' ', "");
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
}

#[tokio::test]
async fn a_browser_asks_first_and_is_told_who_may() {
    let open = Open::shop(SHOP).await;
    for (origin, allowed) in [
        ("https://shop.example", true),
        ("https://evil.example", false),
    ] {
        let ask = format!(
            "OPTIONS /recommender.v1.RecommendationService/Recommend HTTP/1.1\r\nOrigin: {origin}\r\n\
             Access-Control-Request-Method: POST\r\n\
             Access-Control-Request-Headers: content-type,x-grpc-web,authorization"
        );
        let (head, _) = exchange(open.address, &ask, b"").await;
        let named = format!("access-control-allow-origin: {origin}");
        assert_eq!(head.contains(&named), allowed, "{head}");
    }
}

#[tokio::test]
async fn what_is_no_call_is_no_more_than_a_bad_request() {
    let open = Open::shop("").await;
    let (head, _) = exchange(open.address, "GET / HTTP/1.1", b"").await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
    let (head, _) = exchange(
        open.address,
        "GET / HTTP/1.1\r\nContent-Type: application/grpc-web",
        b"",
    )
    .await;
    assert!(head.starts_with("http/1.1 405"), "{head}");
}
