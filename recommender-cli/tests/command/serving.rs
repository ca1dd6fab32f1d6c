//! A server that is killed, and one that is told to stop while it is asked.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use recommender_grpc::client::{self, UserEventServiceClient};
use recommender_grpc::proto::{
    Channel, EventType, PersonalizationTier, ProductDetail, RecommendContext, RecommendRequest,
    Timestamp, UserEvent, WriteUserEventRequest,
};
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

use crate::shop::{Shop, assert_done};

/// Callers who ask at once.
const ASKERS: usize = 16;

/// A server of the shop's store and model, in a process of its own.
struct Serving {
    process: Child,
    address: String,
}

impl Serving {
    fn start(shop: &Shop) -> Self {
        let mut process = shop
            .command("serve --data data --model model --config server.toml")
            .stderr(Stdio::piped())
            .spawn()
            .expect("a server");
        let lines = BufReader::new(process.stderr.take().expect("stderr")).lines();
        let mut lines = lines.map_while(Result::ok);
        let serving = lines.find_map(|line| {
            let (_, address) = line.split_once("serving on ")?;
            Some(address.trim().to_owned())
        });
        let address = serving.expect("it says where it serves");
        // Nobody reads on: a full pipe would hold the server up.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.process.id().to_string()])
            .status();
        assert!(status.expect("kill").success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already if this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn shop() -> Shop {
    let shop = Shop::open();
    shop.train();
    shop.write("server.toml", "listen = \"127.0.0.1:0\"\n");
    shop.write(
        "products.csv",
        &(0..40).fold("item,title\n".to_owned(), |rows, item| {
            format!("{rows}i{item},Product {item}\n")
        }),
    );
    assert_done(&shop.run("import --data data --events events.csv --catalog products.csv"));
    shop
}

fn look(visitor: &str, id: &str) -> WriteUserEventRequest {
    let mut event = UserEvent {
        event_id: id.to_owned(),
        visitor_id: visitor.to_owned(),
        event_time: Some(Timestamp {
            seconds: 1_714_000_000,
            nanos: 0,
        }),
        product_details: vec![ProductDetail {
            product_id: "i4".to_owned(),
            ..ProductDetail::default()
        }],
        ..UserEvent::default()
    };
    event.set_event_type(EventType::ViewItem);
    event.set_channel(Channel::Web);
    WriteUserEventRequest {
        parent: "catalogs/default".to_owned(),
        user_event: Some(event),
        ..WriteUserEventRequest::default()
    }
}

fn question(visitor: &str) -> RecommendRequest {
    RecommendRequest {
        serving_config: "catalogs/default/servingConfigs/default".to_owned(),
        context: Some(RecommendContext {
            visitor_id: visitor.to_owned(),
            ..RecommendContext::default()
        }),
        page_size: 3,
        ..RecommendRequest::default()
    }
}

/// Writes one event after another until the server is gone; says how many were acknowledged.
async fn write_until_gone(address: String, writer: usize) -> usize {
    let channel = client::channel(address).await.expect("a connection");
    let mut events = UserEventServiceClient::new(channel);
    for number in 0.. {
        let event = look(
            &format!("w{writer}-{number}"),
            &format!("{writer}/{number}"),
        );
        if events.write_user_event(event).await.is_err() {
            return number;
        }
    }
    unreachable!("there are always more events")
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let shop = shop();
    let runtime = Runtime::new().expect("a runtime");
    let serving = Serving::start(&shop);
    let writers: Vec<_> = (0..8)
        .map(|writer| runtime.spawn(write_until_gone(serving.address.clone(), writer)))
        .collect();
    sleep(Duration::from_millis(400));
    serving.signal("-KILL");
    let acknowledged: Vec<usize> = writers
        .into_iter()
        .map(|writer| runtime.block_on(writer).expect("a writer"))
        .collect();
    assert!(acknowledged.iter().sum::<usize>() > 8, "{acknowledged:?}");
    drop(serving);
    let again = Serving::start(&shop);
    runtime.block_on(async {
        let channel = client::channel(&*again.address)
            .await
            .expect("a connection");
        let mut events = UserEventServiceClient::new(channel);
        for (writer, &count) in acknowledged.iter().enumerate() {
            for number in 0..count {
                let event = look(
                    &format!("w{writer}-{number}"),
                    &format!("{writer}/{number}"),
                );
                let written = events.write_user_event(event).await.expect("an answer");
                assert!(written.get_ref().duplicate, "{writer}/{number} is gone");
            }
        }
        let mut asked = client::connect(&*again.address).await.expect("a client");
        let answer = asked.recommend(question("w0-0")).await.expect("an answer");
        assert_eq!(answer.get_ref().tier(), PersonalizationTier::Personal);
        assert_eq!(answer.get_ref().results.len(), 3);
    });
}

#[test]
fn every_call_that_was_taken_is_answered_when_the_server_is_told_to_stop() {
    let shop = shop();
    let runtime = Runtime::new().expect("a runtime");
    let mut serving = Serving::start(&shop);
    let ready = Arc::new(Barrier::new(ASKERS + 1));
    let askers: Vec<_> = (0..ASKERS)
        .map(|asker| {
            let (address, ready) = (serving.address.clone(), Arc::clone(&ready));
            runtime.spawn(async move {
                let mut client = client::connect(address).await.expect("a client");
                let visitor = format!("v{asker}");
                // The port is open a little before the model is there.
                while client.recommend(question(&visitor)).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                ready.wait().await;
                let mut answered = 0;
                loop {
                    match client.recommend(question(&visitor)).await {
                        Ok(_) => answered += 1,
                        Err(status) => return (answered, status),
                    }
                }
            })
        })
        .collect();
    runtime.block_on(ready.wait());
    sleep(Duration::from_millis(500));
    serving.signal("-TERM");
    assert_eq!(serving.process.wait().expect("the end").code(), Some(0));
    for asker in askers {
        let (answered, status) = runtime.block_on(asker).expect("an asker");
        assert!(answered > 0, "{status}");
        // A call that was not taken is told so, in a way that lets the caller try elsewhere.
        let message = status.to_string();
        assert_eq!(status.code() as i32, 14, "{message}");
    }
}
