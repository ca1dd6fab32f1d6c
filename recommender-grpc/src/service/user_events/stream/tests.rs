use std::sync::Arc;

use recommender_store::{MemoryEngine, Store, StoreConfig};
use tonic::Code;

use super::*;
use crate::proto::{EventType, ProductDetail, UserEvent};
use crate::server::ServerBuilder;
use crate::settings::Settings;

fn desk() -> Desk {
    // Opening a store waits for it, which no thread of a runtime may.
    let open = || Store::open(Arc::new(MemoryEngine::default()), StoreConfig::default());
    let store = std::thread::spawn(open).join().unwrap().unwrap();
    let builder = ServerBuilder::new(Settings::default()).with_store(store);
    let server = builder.awaiting_model("home").build().unwrap();
    Desk {
        shop: server.shop(),
        ids: Arc::default(),
    }
}

fn message(sequence: u64) -> Result<StreamUserEventsRequest, Status> {
    let mut event = UserEvent {
        visitor_id: "phone".into(),
        product_details: vec![ProductDetail {
            product_id: "cup".into(),
            ..ProductDetail::default()
        }],
        ..UserEvent::default()
    };
    event.set_event_type(EventType::ViewItem);
    Ok(StreamUserEventsRequest {
        parent: "catalogs/default".into(),
        sequence,
        user_event: Some(event),
    })
}

#[tokio::test]
async fn who_reads_no_acknowledgements_is_cut_off() {
    let bounds = Bounds {
        in_flight: 2,
        unsent: 3,
        unread: Duration::from_millis(20),
        ..BOUNDS
    };
    let desk = desk();
    let (sender, receiver) = mpsc::channel(1);
    let mut answers = begin_within(desk, ReceiverStream::new(receiver), bounds);
    // It is not read any more once it is cut off.
    let mut sent = 0;
    while sender.send(message(sent)).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 20, "{sent}");
    for number in 0..3 {
        assert_eq!(answers.next().await.unwrap().unwrap().sequence, number);
    }
    let ended = answers.next().await.unwrap().unwrap_err();
    assert_eq!(ended.code(), Code::Aborted);
    assert!(answers.next().await.is_none());
}

#[tokio::test]
async fn a_broken_stream_ends_after_what_came_before() {
    let broken = Err(Status::data_loss("broken"));
    let inbound = tokio_stream::iter([message(0), message(1), broken]);
    let answers: Vec<_> = begin(desk(), inbound).collect().await;
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[1].as_ref().unwrap().sequence, 1);
    assert_eq!(answers[2].as_ref().unwrap_err().code(), Code::DataLoss);
}
