//! Ten thousand connections at once. The server and those who hold the connections are processes of their own, so that
//! none of them needs two files for a connection.

use std::io::{BufRead, BufReader, Lines, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use libtest_mimic::Failed;
use recommender_grpc::client::RecommendationServiceClient;
use recommender_grpc::proto::{RecommendContext, RecommendRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::shop::Open;

const CONNECTIONS: usize = 10_000;

/// Files that each of the processes may have open.
const FILES: usize = CONNECTIONS + 400;

/// What HTTP/2 begins with: its first word, and settings that set nothing.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// Whether the system lets a process open that many files.
pub(crate) fn is_affordable() -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let mut lines = limits.lines();
    let line = lines.find_map(|line| line.strip_prefix("Max open files"));
    let hard = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    hard.is_some_and(|hard: usize| hard >= FILES)
}

/// This program once more, as one of the processes. It ends when this is dropped.
struct Part {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Part {
    fn start(words: &[&str]) -> Self {
        let mut command = Command::new("sh");
        let limited = format!("ulimit -Sn {FILES} && exec \"$0\" --part \"$@\"");
        command.args(["-c", &limited]);
        command.arg(std::env::current_exe().unwrap()).args(words);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It is gone already if this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does what `words` ask of one of the processes, until the test is over.
pub(crate) fn play(words: &[String]) {
    let runtime = Runtime::new().unwrap();
    let kept = runtime.block_on(async {
        match words {
            [address] => (None, hold(address).await),
            _ => (Some(Open::new().await), Vec::new()),
        }
    });
    match &kept {
        (Some(open), _) => println!("{}", open.address),
        (None, held) => println!("{}", held.len()),
    }
    // Nothing is ever said: it is closed when the test ends, however it ends.
    let _ = std::io::stdin().read(&mut [0]);
}

/// Connections that were all taken in: each was told the server's settings.
async fn hold(address: &str) -> Vec<TcpStream> {
    let mut held = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(HELLO).await.unwrap();
        held.push(stream);
    }
    for stream in &mut held {
        let mut settings = [0; 9];
        stream.read_exact(&mut settings).await.unwrap();
        assert_eq!(settings[3], 4);
    }
    held
}

async fn ask(address: &str) {
    let channel = recommender_grpc::client::channel(address).await.unwrap();
    let mut client = RecommendationServiceClient::new(channel);
    let request = RecommendRequest {
        serving_config: "catalogs/default/servingConfigs/home".to_owned(),
        context: Some(RecommendContext {
            visitor_id: "stranger".to_owned(),
            ..RecommendContext::default()
        }),
        ..RecommendRequest::default()
    };
    for _ in 0..100 {
        let answer = client.recommend(request.clone()).await.unwrap();
        assert!(!answer.into_inner().results.is_empty());
    }
}

/// While that many are connected, one more is answered.
pub(crate) fn is_answered() -> Result<(), Failed> {
    let mut server = Part::start(&[]);
    let address = server.line();
    let mut crowd = Part::start(&[&address]);
    assert_eq!(crowd.line(), CONNECTIONS.to_string());
    Runtime::new()?.block_on(ask(&address));
    // The connections are still held: whoever holds them has not ended.
    assert!(crowd.child.try_wait()?.is_none());
    Ok(())
}
