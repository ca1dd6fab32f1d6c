use prost_types::FieldMask;
use recommender_grpc::proto::control::Action;
use recommender_grpc::proto::{
    AddControlRequest, Channel, Control, ControlCondition, CreateControlRequest,
    DeleteControlRequest, GetControlRequest, GetServingConfigRequest, HideAction,
    ListControlsRequest, PinAction, UpdateControlRequest,
};
use tonic::Code;

use crate::shop::{CATALOG, HOME, Running, TOGETHER, fields, manual, reason};

/// A control that hides a cup.
pub(crate) async fn create_hiding(running: &Running, id: &str) -> Control {
    let hide = HideAction {
        product_ids: vec!["cup-1".into()],
    };
    let request = CreateControlRequest {
        parent: CATALOG.into(),
        control: Some(Control {
            display_name: "No cup".into(),
            action: Some(Action::HideAction(hide)),
            ..Control::default()
        }),
        control_id: id.into(),
        ..CreateControlRequest::default()
    };
    let created = running.controls().create_control(request).await;
    created.unwrap().into_inner()
}

fn named(id: &str) -> String {
    format!("{CATALOG}/controls/{id}")
}

#[tokio::test]
async fn a_control_is_made_listed_changed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    let mut controls = running.controls();
    for id in ["b", "a", "c"] {
        assert_eq!(create_hiding(&running, id).await.name, named(id));
    }
    let mut request = ListControlsRequest {
        parent: CATALOG.into(),
        page_size: 2,
        page_token: String::new(),
    };
    let first = controls
        .list_controls(request.clone())
        .await
        .unwrap()
        .into_inner();
    request.page_token.clone_from(&first.next_page_token);
    let second = controls.list_controls(request).await.unwrap().into_inner();
    let pages = first.controls.iter().chain(&second.controls);
    let names: Vec<&str> = pages.map(|control| &*control.name).collect();
    assert_eq!(names, ["a", "b", "c"].map(named));

    let pin = PinAction {
        product_id: "cup-2".into(),
        position: 1,
    };
    let condition = ControlCondition {
        channels: vec![Channel::Kiosk.into()],
        ..ControlCondition::default()
    };
    let request = UpdateControlRequest {
        control: Some(Control {
            name: named("a"),
            action: Some(Action::PinAction(pin.clone())),
            condition: Some(condition.clone()),
            ..Control::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["pin_action".into(), "condition".into()],
        }),
        ..UpdateControlRequest::default()
    };
    let changed = controls.update_control(request).await.unwrap().into_inner();
    assert_eq!(changed.display_name, "No cup");
    assert_eq!(changed.action, Some(Action::PinAction(pin)));
    assert_eq!(changed.condition, Some(condition));
    let request = GetControlRequest { name: named("a") };
    let got = controls
        .get_control(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(got, changed);

    let delete = DeleteControlRequest {
        name: named("a"),
        ..DeleteControlRequest::default()
    };
    controls.delete_control(delete).await.unwrap();
    let gone = controls.get_control(request).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn a_control_in_use_goes_only_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    create_hiding(&running, "rule").await;
    let add = AddControlRequest {
        serving_config: HOME.into(),
        control_id: "rule".into(),
        ..AddControlRequest::default()
    };
    running.configs().add_control(add).await.unwrap();
    let mut controls = running.controls();
    let get = GetControlRequest {
        name: named("rule"),
    };
    let control = controls.get_control(get).await.unwrap().into_inner();
    assert_eq!(control.associated_serving_config_ids, ["home"]);
    let mut delete = DeleteControlRequest {
        name: named("rule"),
        ..DeleteControlRequest::default()
    };
    let refused = controls.delete_control(delete.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "CONTROL_IN_USE");
    assert!(refused.message().contains("home"), "{refused}");
    delete.force = true;
    controls.delete_control(delete).await.unwrap();
    let get = GetServingConfigRequest { name: HOME.into() };
    let config = running.configs().get_serving_config(get).await.unwrap();
    assert!(config.into_inner().control_ids.is_empty());
}

#[tokio::test]
async fn a_control_that_does_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    let request = CreateControlRequest {
        parent: CATALOG.into(),
        control: Some(Control::default()),
        control_id: "rule".into(),
        validate_only: true,
        ..CreateControlRequest::default()
    };
    let refused = running
        .controls()
        .create_control(request)
        .await
        .unwrap_err();
    assert_eq!(fields(&refused), ["control.action"]);
}

#[tokio::test]
async fn a_repeated_change_of_a_control_is_answered_as_the_first_was() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::with_model(folder.path(), TOGETHER, manual()).await;
    let mut controls = running.controls();
    let hide = HideAction {
        product_ids: vec!["cup-1".into()],
    };
    let create = CreateControlRequest {
        parent: CATALOG.into(),
        control: Some(Control {
            action: Some(Action::HideAction(hide)),
            ..Control::default()
        }),
        control_id: "rule".into(),
        request_id: "make".into(),
        ..CreateControlRequest::default()
    };
    let first = controls.create_control(create.clone()).await.unwrap();
    let again = controls.create_control(create.clone()).await.unwrap();
    assert_eq!(first.into_inner(), again.into_inner());
    let other = CreateControlRequest {
        control_id: "another".into(),
        ..create
    };
    let refused = controls.create_control(other).await.unwrap_err();
    assert_eq!(fields(&refused), ["request_id"]);
    let update = UpdateControlRequest {
        control: Some(Control {
            name: named("rule"),
            display_name: "No cup".into(),
            ..Control::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["display_name".into()],
        }),
        request_id: "make".into(),
        ..UpdateControlRequest::default()
    };
    let changed = controls.update_control(update.clone()).await.unwrap();
    let delete = DeleteControlRequest {
        name: named("rule"),
        request_id: "end".into(),
        ..DeleteControlRequest::default()
    };
    for _ in 0..2 {
        controls.delete_control(delete.clone()).await.unwrap();
    }
    let answered = controls.update_control(update).await.unwrap().into_inner();
    assert_eq!(answered, changed.into_inner(), "though it is gone by now");
    let get = GetControlRequest {
        name: named("rule"),
    };
    let gone = controls.get_control(get).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}
