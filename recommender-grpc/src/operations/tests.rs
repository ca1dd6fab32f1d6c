use std::sync::mpsc::{Receiver, Sender, channel};

use tonic::Code;

use super::*;
use crate::proto::OperationMetadata;
use crate::proto::longrunning::operation;

/// Work that says when it began and goes on until it is told to end, or asked to stop.
fn held(operations: &Operations) -> (Operation, Receiver<()>, Sender<()>) {
    let (begun, has_begun) = channel();
    let (end, to_end) = channel::<()>();
    let work = move |progress: &Progress| {
        // Nobody may be listening.
        let _ = begun.send(());
        loop {
            match to_end.recv_timeout(Duration::from_millis(1)) {
                Ok(()) => return Ok(()),
                Err(_) if progress.is_cancelled() => return Err(Error::Cancelled.into()),
                Err(_) => {}
            }
        }
    };
    let operation = operations.begin("Hold", String::new(), work).unwrap();
    (operation, has_begun, end)
}

fn later() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn code(operation: &Operation) -> Code {
    match operation.result.as_ref().unwrap() {
        operation::Result::Error(status) => status.code.into(),
        operation::Result::Response(_) => Code::Ok,
    }
}

fn metadata(operation: &Operation) -> OperationMetadata {
    operation.metadata.as_ref().unwrap().to_msg().unwrap()
}

#[tokio::test]
async fn work_is_begun_followed_and_answered() {
    let operations = Operations::new();
    let (go, may_go) = channel::<()>();
    let work = move |progress: &Progress| {
        progress.stage("counting");
        progress.succeeded(3);
        may_go.recv().unwrap();
        Ok(OperationMetadata {
            stage: "the answer".into(),
            ..OperationMetadata::default()
        })
    };
    let begun = operations
        .begin("Count", "catalogs/a".into(), work)
        .unwrap();
    assert!(!begun.done && begun.result.is_none());
    // A wait that is over before the work is tells how it stands.
    let soon = Instant::now() + Duration::from_millis(5);
    assert!(!operations.wait(&begun.name, soon).await.unwrap().done);
    go.send(()).unwrap();
    let ended = operations.wait(&begun.name, later()).await.unwrap();
    assert!(ended.done);
    let Some(operation::Result::Response(response)) = &ended.result else {
        panic!("{ended:?}");
    };
    assert_eq!(
        response.type_url,
        "type.googleapis.com/recommender.v1.OperationMetadata"
    );
    assert_eq!(
        response.to_msg::<OperationMetadata>().unwrap().stage,
        "the answer"
    );
    let metadata = metadata(&ended);
    assert_eq!(
        (&*metadata.method, &*metadata.target),
        ("Count", "catalogs/a")
    );
    assert_eq!((&*metadata.stage, metadata.success_count), ("counting", 3));
    assert!(metadata.end_time.is_some() && !metadata.cancel_requested);
    operations.delete(&ended.name).unwrap();
    assert!(matches!(
        operations.get(&ended.name),
        Err(Refusal::NotFound { .. })
    ));
}

#[tokio::test]
async fn what_runs_and_what_waits_can_be_cancelled() {
    let operations = Operations::new();
    let holds: Vec<_> = (0..=RUNNING).map(|_| held(&operations)).collect();
    holds[0].1.recv().unwrap();
    assert!(matches!(
        operations.delete(&holds[0].0.name),
        Err(Refusal::Precondition { .. })
    ));
    for (operation, ..) in [&holds[RUNNING], &holds[0]] {
        operations.cancel(&operation.name).unwrap();
        let ended = operations.wait(&operation.name, later()).await.unwrap();
        assert_eq!(code(&ended), Code::Cancelled);
        assert!(metadata(&ended).cancel_requested);
    }
    // The one that waited never began.
    assert!(holds[RUNNING].1.recv().is_err());
    // Cancelled after its end, it stays as it ended.
    holds[1].2.send(()).unwrap();
    operations.wait(&holds[1].0.name, later()).await.unwrap();
    operations.cancel(&holds[1].0.name).unwrap();
    let ended = operations.get(&holds[1].0.name).unwrap();
    assert_eq!(
        (code(&ended), metadata(&ended).cancel_requested),
        (Code::Ok, false)
    );
}

#[tokio::test]
async fn too_much_work_is_turned_away_and_closing_ends_all() {
    let operations = Operations::new();
    let running: Vec<_> = (0..RUNNING).map(|_| held(&operations)).collect();
    for (_, begun, _) in &running {
        begun.recv().unwrap();
    }
    let waiting: Vec<_> = (0..QUEUED).map(|_| held(&operations)).collect();
    let full = operations.begin("Hold", String::new(), |_| Ok(()));
    assert!(matches!(full, Err(Refusal::Work(WorkError::Full))));
    operations.close();
    operations.idle().await;
    for (operation, ..) in running.iter().chain(&waiting) {
        assert_eq!(
            code(&operations.get(&operation.name).unwrap()),
            Code::Cancelled
        );
    }
    let closed = operations.begin("Hold", String::new(), |_| Ok(()));
    assert!(matches!(closed, Err(Refusal::Draining)));
}

#[tokio::test]
async fn a_panic_ends_the_work_and_no_other() {
    let operations = Operations::new();
    let work = |_: &Progress| -> Result<(), Refusal> { panic!("out of cups") };
    let panicked = operations.begin("Panic", String::new(), work).unwrap();
    let panicked = operations.wait(&panicked.name, later()).await.unwrap();
    assert_eq!(code(&panicked), Code::Internal);
    let next = operations.begin("Next", String::new(), |_| Ok(())).unwrap();
    let next = operations.wait(&next.name, later()).await.unwrap();
    assert_eq!(code(&next), Code::Ok);
}

#[tokio::test]
async fn lists_are_paged_and_what_ended_is_kept_up_to_a_bound() {
    let operations = Operations::new();
    let mut names = Vec::new();
    for _ in 0..KEPT.0 + 5 {
        let operation = operations
            .begin("Count", String::new(), |_| Ok(()))
            .unwrap();
        operations.wait(&operation.name, later()).await.unwrap();
        names.push(operation.name);
    }
    let mut listed = Vec::new();
    let mut before = None;
    loop {
        let page = operations.list(before, 300);
        listed.extend(page.operations.into_iter().map(|operation| operation.name));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let latest: Vec<String> = names[5..].iter().rev().cloned().collect();
    assert_eq!(listed, latest);
}

#[test]
fn names_of_another_process_and_other_spellings_are_not_found() {
    let operations = Operations::new();
    let begun = operations
        .begin("Count", String::new(), |_| Ok(()))
        .unwrap();
    let other = Operations::new();
    let spelled = begun.name.replace("-0", "-00");
    for (operations, name) in [(&other, &begun.name), (&operations, &spelled)] {
        assert!(
            matches!(operations.get(name), Err(Refusal::NotFound { .. })),
            "{name}"
        );
    }
}
