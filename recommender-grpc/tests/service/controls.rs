//! Business rules.

use recommender_core::Timestamp;
use recommender_core::events::Channel;
use recommender_grpc::proto::{
    self, AttributeValue, RecommendRequest, RecommendResponse, RecommendView, RecommenderKind,
};
use recommender_grpc::serving::{Action, Condition, Control, Direction, PageType, TimeRange};
use recommender_store::filter::Filter;

use crate::shop::{Running, keys};
use crate::stocked::{ask, bought, control, of, open_with, store, write};

fn filter(text: &str) -> Filter {
    text.parse().unwrap()
}

/// Ann, who buys lamps, asks a shop with these controls for eight products, and why.
async fn answered(controls: Vec<Control>) -> (RecommendResponse, RecommendResponse) {
    let store = store().await;
    let lamps = [3, 5, 6].map(|number| bought("ann", &format!("lamp-{number}"), number));
    write(&store, lamps.into()).await;
    let mut plain = open_with(&store, vec![], |_| ()).await;
    let mut shop = open_with(&store, controls, |_| ()).await;
    let request = RecommendRequest {
        page_size: 8,
        view: RecommendView::WithExplanation.into(),
        ..of("ann")
    };
    (
        ask(&mut plain, request.clone()).await,
        ask(&mut shop, request).await,
    )
}

fn name(id: &str) -> String {
    format!("catalogs/default/controls/{id}")
}

fn boost(id: &str, text: &str, direction: Direction, strength: f64) -> Control {
    control(
        id,
        Action::Boost {
            filter: filter(text),
            direction,
            strength,
        },
    )
}

#[tokio::test]
async fn a_full_boost_comes_before_everything_and_says_so() {
    let (plain, boosted) =
        answered(vec![boost("ropes", "categories: rope", Direction::Up, 1.0)]).await;
    assert!(keys(&plain).iter().any(|key| key.starts_with("lamp-")));
    assert!(keys(&boosted).iter().all(|key| key.starts_with("rope-")));
    assert_eq!(boosted.applied_controls, [name("ropes")]);
    assert!(plain.applied_controls.is_empty());
    for result in &boosted.results {
        let share = result.reasons.iter().find(|it| it.control == name("ropes"));
        assert!(share.unwrap().weight > 0.0, "{result:?}");
    }
}

#[tokio::test]
async fn a_full_burying_comes_behind_everything() {
    let (_, buried) = answered(vec![boost(
        "no-lamps",
        "categories: lamp",
        Direction::Down,
        1.0,
    )])
    .await;
    assert!(keys(&buried).iter().all(|key| !key.starts_with("lamp-")));
}

#[tokio::test]
async fn what_changes_nothing_is_not_applied() {
    let (plain, same) = answered(vec![
        boost("none", "brands: nobody", Direction::Up, 1.0),
        control(
            "hide",
            Action::Hide {
                products: vec!["unknown".into()],
            },
        ),
        control("all", Action::Filter(filter("price >= 0"))),
    ])
    .await;
    assert_eq!(same.results, plain.results);
    assert!(same.applied_controls.is_empty());
}

#[tokio::test]
async fn pins_stand_where_they_are_put() {
    let (plain, pinned) = answered(vec![
        control(
            "third",
            Action::Pin {
                product: "rope-9".into(),
                position: 3,
            },
        ),
        control(
            "first",
            Action::Pin {
                product: "cup-7".into(),
                position: 1,
            },
        ),
        control(
            "again",
            Action::Pin {
                product: "cup-7".into(),
                position: 5,
            },
        ),
        control(
            "seen",
            Action::Pin {
                product: "lamp-3".into(),
                position: 2,
            },
        ),
        control(
            "late",
            Action::Pin {
                product: "cup-9".into(),
                position: 800,
            },
        ),
    ])
    .await;
    let found = keys(&pinned);
    assert_eq!((found[0], found[2]), ("cup-7", "rope-9"));
    assert!(!found.contains(&"lamp-3"));
    let others: Vec<&str> = found
        .iter()
        .copied()
        .filter(|key| !["cup-7", "rope-9"].contains(key))
        .collect();
    assert_eq!(others, keys(&plain)[..6]);
    assert_eq!(pinned.applied_controls, [name("third"), name("first")]);
    let source = pinned.results[0].source.as_ref().unwrap();
    assert_eq!(source.recommender(), RecommenderKind::Rule);
}

#[tokio::test]
async fn a_quota_is_filled() {
    let quota = Action::Quota {
        filter: filter("categories: cup"),
        percent: 50.0,
    };
    let (plain, filled) = answered(vec![control("cups", quota)]).await;
    let cups = |response: &RecommendResponse| {
        keys(response)
            .iter()
            .filter(|key| key.starts_with("cup-"))
            .count()
    };
    assert!(cups(&plain) < 4);
    assert_eq!((cups(&filled), filled.results.len()), (4, 8));
    assert_eq!(filled.results[0].product_id, plain.results[0].product_id);
    assert_eq!(filled.applied_controls, [name("cups")]);
}

async fn acts(shop: &mut Running, change: impl FnOnce(&mut proto::RecommendContext)) -> bool {
    let mut request = RecommendRequest {
        page_size: 1000,
        ..of("ann")
    };
    change(request.context.as_mut().unwrap());
    let response = ask(shop, request).await;
    assert_eq!(
        response.applied_controls.is_empty(),
        keys(&response).contains(&"cup-2")
    );
    !response.applied_controls.is_empty()
}

/// A control that hides a product where `condition` holds.
fn hidden(id: &str, condition: Condition) -> Control {
    let action = Action::Hide {
        products: vec!["cup-2".into()],
    };
    Control {
        condition,
        ..control(id, action)
    }
}

#[tokio::test]
async fn a_control_acts_where_its_condition_holds() {
    let store = store().await;
    let words = |word: &str| vec![word.to_owned()];
    let conditions = [
        Condition {
            channels: vec![Channel::App],
            ..Condition::default()
        },
        Condition {
            places: words("north"),
            ..Condition::default()
        },
        Condition {
            page_types: vec![PageType::Cart],
            ..Condition::default()
        },
        Condition {
            page_categories: words("sale"),
            ..Condition::default()
        },
        Condition {
            segments: words("students"),
            ..Condition::default()
        },
    ];
    for (number, condition) in (0..).zip(conditions) {
        let mut shop = open_with(&store, vec![hidden("one", condition)], |_| ()).await;
        let changes: [fn(&mut proto::RecommendContext); 5] = [
            |it| it.channel = proto::Channel::App.into(),
            |it| it.place_id = "north".into(),
            |it| it.page_type = proto::PageType::Cart.into(),
            |it| it.page_categories = vec!["toys".into(), "sale".into()],
            |it| {
                let value = AttributeValue {
                    text: vec!["students".into()],
                    ..AttributeValue::default()
                };
                it.attributes = [("segment".into(), value)].into();
            },
        ];
        for (other, change) in (0..).zip(changes) {
            assert_eq!(
                acts(&mut shop, change).await,
                number == other,
                "{number} {other}"
            );
        }
    }
    let now = store.now().0;
    for (start, end, expected) in [
        (None, Some(now - 1), false),
        (Some(now - 1), None, true),
        (Some(now + 1_000_000), None, false),
    ] {
        let active = vec![TimeRange {
            start: start.map(Timestamp),
            end: end.map(Timestamp),
        }];
        let condition = Condition {
            active,
            ..Condition::default()
        };
        let mut shop = open_with(&store, vec![hidden("one", condition)], |_| ()).await;
        assert_eq!(acts(&mut shop, |_| ()).await, expected);
    }
}

#[tokio::test]
async fn what_was_searched_for_comes_forward() {
    let store = store().await;
    write(&store, vec![bought("ann", "lamp-3", 1)]).await;
    let mut shop = open_with(&store, vec![], |_| ()).await;
    let plain = ask(&mut shop, of("ann")).await;
    let mut request = of("ann");
    request.view = RecommendView::WithExplanation.into();
    request.context.as_mut().unwrap().search_query = "Number 7 lamp".into();
    let searched = ask(&mut shop, request).await;
    let place = |response: &RecommendResponse| {
        keys(response)
            .iter()
            .position(|key| *key == "lamp-7")
            .unwrap()
    };
    assert!(place(&searched) < place(&plain));
}
