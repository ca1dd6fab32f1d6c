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
        validate_only: false,
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
    };
    let refused = running
        .controls()
        .create_control(request)
        .await
        .unwrap_err();
    assert_eq!(fields(&refused), ["control.action"]);
}
