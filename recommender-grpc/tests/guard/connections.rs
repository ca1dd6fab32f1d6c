//! Connections that say nothing, and more than there is room for.

use std::net::SocketAddr;
use std::time::Duration;

use recommender_grpc::client::RecommendationServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::shop::{Open, question};

/// What HTTP/2 begins with: its first word, and settings that set nothing.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// Connects, says this, and then nothing more.
async fn say(address: SocketAddr, word: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(word).await.unwrap();
    stream
}

/// Whether the server ends the connection.
async fn is_ended(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    // It may end in an orderly way or not: ended it is.
    timeout(Duration::from_secs(10), stream.read_to_end(&mut rest))
        .await
        .is_ok()
}

#[tokio::test]
async fn who_does_not_say_the_first_word_is_let_go() {
    let open = Open::shop("handshake_timeout_ms = 100").await;
    for word in [&b""[..], b"PRI * HTTP/2.0\r\n"] {
        assert!(is_ended(&mut say(open.address, word).await).await);
    }
    let mut client = RecommendationServiceClient::new(open.channel().await);
    assert!(client.recommend(question()).await.is_ok());
}

#[tokio::test]
async fn who_does_not_answer_any_more_is_let_go_and_who_does_is_not() {
    let open = Open::shop("keepalive_interval_ms = 100\nkeepalive_timeout_ms = 100").await;
    let mut client = RecommendationServiceClient::new(open.channel().await);
    assert!(client.recommend(question()).await.is_ok());
    let mut gone = say(open.address, HELLO).await;
    assert!(is_ended(&mut gone).await);
    assert!(client.recommend(question()).await.is_ok());
}

#[tokio::test]
async fn connections_beyond_the_most_are_closed_at_once() {
    let open = Open::shop("max_connections = 2").await;
    let mut client = RecommendationServiceClient::new(open.channel().await);
    assert!(client.recommend(question()).await.is_ok());
    let mut second = say(open.address, HELLO).await;
    let mut settings = [0; 9];
    second.read_exact(&mut settings).await.unwrap();
    assert!(is_ended(&mut say(open.address, b"").await).await);
    assert!(client.recommend(question()).await.is_ok());
    drop(second);
    loop {
        let mut third = say(open.address, HELLO).await;
        if third.read_exact(&mut settings).await.is_ok() {
            break;
        }
    }
}
