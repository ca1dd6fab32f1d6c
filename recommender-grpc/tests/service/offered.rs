//! What may be answered: stock, filters, exclusions, on every path.

use std::collections::BTreeSet;

use recommender_core::Timestamp;
use recommender_core::events::Channel;
use recommender_grpc::proto::{
    self, DiversitySpec, FulfillmentConstraint, FulfillmentType, RecommendRequest, RecommenderKind,
};
use recommender_grpc::serving::{Action, Fulfillment};
use recommender_store::catalog::{Place, ProductRecord};
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{RANGE, keys};
use crate::stocked::{KINDS, ask, at, bought, control, of, open, open_with, stock, store, write};

fn all(response: &proto::RecommendResponse) -> BTreeSet<&str> {
    keys(response).into_iter().collect()
}

fn everything(request: RecommendRequest) -> RecommendRequest {
    RecommendRequest {
        page_size: 1000,
        ..request
    }
}

#[tokio::test]
async fn only_what_a_place_has_is_answered_there_from_the_moment_it_is_said() {
    let store = store().await;
    write(&store, vec![bought("ann", "cup-1", 1)]).await;
    let mut shop = open(&store).await;
    for visitor in ["ann", "stranger"] {
        let response = ask(&mut shop, everything(at(visitor, "south"))).await;
        assert_eq!(response.results.len(), 18);
        for key in keys(&response) {
            assert!(store.quantity_at("south", key) > 0.0, "{key}");
        }
        let gone = keys(&response)[0].to_owned();
        let mut level = stock("south", &gone, 0.0);
        level.set_time = store.now();
        store.set_stock(&[level.clone()]).unwrap().await.unwrap();
        let response = ask(&mut shop, everything(at(visitor, "south"))).await;
        assert!(!all(&response).contains(&*gone));
        level.quantity = Some(1.0);
        level.set_time = Timestamp(store.now().0 + 1);
        store.set_stock(&[level]).unwrap().await.unwrap();
    }
    let nowhere = ask(&mut shop, at("ann", "nowhere")).await;
    assert!(nowhere.results.is_empty());
    assert_eq!(nowhere.missing_ids, ["nowhere"]);
}

#[tokio::test]
async fn what_is_hidden_or_not_for_sale_here_and_now_is_not_answered() {
    let store = store().await;
    let change = |key: &str, change: &dyn Fn(&mut ProductRecord)| {
        let mut record = (*store.product(key).unwrap()).clone();
        change(&mut record);
        record
    };
    let changed = [
        change("cup-0", &|it| it.hidden = true),
        change("cup-2", &|it| it.expire_time = Some(Timestamp(5))),
        change("cup-4", &|it| it.eligible_channels = vec![Channel::App]),
    ];
    store.put_products(&changed).unwrap().await.unwrap();
    store.delete_product("cup-6").unwrap().await.unwrap();
    let mut shop = open(&store).await;
    let mut request = everything(of("ann"));
    request.context.as_mut().unwrap().channel = proto::Channel::Web.into();
    let response = ask(&mut shop, request.clone()).await;
    let found = all(&response);
    assert_eq!(found.len(), 3 * RANGE - 4);
    assert!(
        ["cup-0", "cup-2", "cup-4", "cup-6"]
            .iter()
            .all(|key| !found.contains(key))
    );
    request.context.as_mut().unwrap().channel = proto::Channel::App.into();
    assert!(all(&ask(&mut shop, request).await).contains("cup-4"));
    let closed = Place {
        key: "north".into(),
        closed: true,
        ..Place::default()
    };
    store.put_places(&[closed]).unwrap().await.unwrap();
    assert!(ask(&mut shop, at("ann", "north")).await.results.is_empty());
}

/// Constraints, and how many of the 36 products they leave to someone in the south.
fn constraints() -> [(FulfillmentConstraint, usize); 7] {
    let pickup = FulfillmentType::PickupInStore.into();
    let delivery = FulfillmentType::Delivery.into();
    [
        (FulfillmentConstraint::default(), 18),
        (
            FulfillmentConstraint {
                types: vec![pickup],
                ..Default::default()
            },
            18,
        ),
        (
            FulfillmentConstraint {
                types: vec![delivery],
                ..Default::default()
            },
            36,
        ),
        (
            FulfillmentConstraint {
                types: vec![delivery, pickup],
                ..Default::default()
            },
            36,
        ),
        (
            FulfillmentConstraint {
                place_ids: vec!["north".into()],
                ..Default::default()
            },
            36,
        ),
        (
            FulfillmentConstraint {
                min_quantity: 5,
                ..Default::default()
            },
            18,
        ),
        (
            FulfillmentConstraint {
                min_quantity: 6,
                ..Default::default()
            },
            0,
        ),
    ]
}

#[tokio::test]
async fn a_constraint_says_where_and_how_many() {
    let store = store().await;
    let usual = Fulfillment {
        places: vec!["south".into()],
        min_quantity: 6.0,
        allow_preorder: false,
    };
    let mut shop = open_with(&store, vec![], |config| config.fulfillment = Some(usual)).await;
    assert!(
        ask(&mut shop, of("ann")).await.results.is_empty(),
        "nowhere are six"
    );
    let constrained = |constraint: FulfillmentConstraint| RecommendRequest {
        fulfillment: Some(constraint),
        ..everything(at("ann", "south"))
    };
    for (constraint, expected) in constraints() {
        let response = ask(&mut shop, constrained(constraint.clone())).await;
        assert_eq!(response.results.len(), expected, "{constraint:?}");
    }
    let mut nowhere = constrained(FulfillmentConstraint {
        types: vec![FulfillmentType::PickupInStore.into()],
        ..FulfillmentConstraint::default()
    });
    nowhere.context.as_mut().unwrap().place_id.clear();
    let status = shop.client.recommend(nowhere).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_filter_acts_before_the_cut_says_what_it_did_and_is_filled_up_past_if_it_may_be() {
    let store = store().await;
    write(&store, vec![bought("ann", "lamp-3", 1)]).await;
    let mut shop = open(&store).await;
    let filtered = |strict: bool| RecommendRequest {
        filter: "categories: cup AND price < 4".into(),
        strict_filtering: strict,
        page_size: 10,
        exclude_product_ids: vec!["cup-0".into()],
        ..at("ann", "south")
    };
    let strict = ask(&mut shop, filtered(true)).await;
    assert_eq!(all(&strict), ["cup-2"].into());
    let stats = strict.filter_stats.unwrap();
    assert_eq!((stats.allowed, stats.kept), (18, 2));
    let removed: Vec<_> = (stats.clauses.iter())
        .map(|it| (&*it.clause, it.removed, it.removed_alone))
        .collect();
    assert_eq!(
        removed,
        [("categories: \"cup\"", 12, 4), ("price < 4", 12, 4)]
    );
    let filled = ask(&mut shop, filtered(false)).await;
    assert_eq!(filled.results.len(), 10);
    assert_eq!(filled.results[0].product_id, "cup-2");
    for result in &filled.results[1..] {
        let source = result.source.as_ref().unwrap();
        assert_eq!(source.recommender(), RecommenderKind::Backfill);
        assert!(store.quantity_at("south", &result.product_id) > 0.0);
        assert!(!["cup-0", "lamp-3"].contains(&&*result.product_id));
    }
    let wrong = RecommendRequest {
        filter: "price < 4 AND".into(),
        ..of("ann")
    };
    let status = shop.client.recommend(wrong).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    let violation = &details.bad_request().unwrap().field_violations[0];
    assert_eq!(violation.field, "filter");
    assert!(
        violation.description.starts_with("column 14: "),
        "{violation:?}"
    );
}

#[tokio::test]
async fn a_list_goes_on_page_by_page_and_a_token_is_of_its_question() {
    let store = store().await;
    write(&store, vec![bought("ann", "rope-3", 1)]).await;
    let mut shop = open(&store).await;
    let whole = ask(&mut shop, everything(of("ann"))).await;
    let mut pages: Vec<String> = Vec::new();
    let mut request = RecommendRequest {
        page_size: 7,
        ..of("ann")
    };
    loop {
        let page = ask(&mut shop, request.clone()).await;
        let from = i32::try_from(pages.len()).unwrap();
        let positions = page.results.iter().map(|result| result.position);
        assert!(positions.eq((from + 1..).take(page.results.len())));
        pages.extend(keys(&page).into_iter().map(str::to_owned));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages, keys(&whole));
    let mut other = request.clone();
    other.context.as_mut().unwrap().place_id = "south".into();
    other.page_token = ask(
        &mut shop,
        RecommendRequest {
            page_size: 3,
            ..of("ann")
        },
    )
    .await
    .next_page_token;
    let status = shop.client.recommend(other).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn products_come_with_the_answer_if_they_are_asked_for() {
    let store = store().await;
    let mut shop = open(&store).await;
    let mut request = of("ann");
    request.view = proto::RecommendView::WithProduct.into();
    let response = ask(&mut shop, request.clone()).await;
    for result in &response.results {
        let product = result.product.as_ref().unwrap();
        let record = store.product(&result.product_id).unwrap();
        assert_eq!(
            (&product.id, &product.title),
            (&result.product_id, &record.title)
        );
    }
    request.view = 0;
    let plain = ask(&mut shop, request).await;
    assert!(plain.results.iter().all(|it| it.product.is_none()));
}

#[tokio::test]
async fn fields_can_be_chosen() {
    let store = store().await;
    let mut shop = open(&store).await;
    let request = RecommendRequest {
        read_mask: Some(prost_types::FieldMask {
            paths: vec!["results.product_id".into(), "tier".into()],
        }),
        ..of("ann")
    };
    let response = shop.client.recommend(request).await.unwrap().into_inner();
    assert!(!response.results.is_empty() && response.tier != 0);
    assert!(response.model_version.is_empty() && response.server_time.is_none());
    assert!(
        response
            .results
            .iter()
            .all(|it| it.score == 0.0 && it.source.is_none())
    );
}

#[tokio::test]
async fn an_answer_is_as_various_as_it_was_asked_to_be() {
    let store = store().await;
    write(
        &store,
        vec![bought("ann", "lamp-3", 1), bought("ann", "lamp-4", 2)],
    )
    .await;
    let mut shop = open(&store).await;
    let various = |diversity| RecommendRequest {
        diversity: Some(diversity),
        page_size: 9,
        ..of("ann")
    };
    let kinds = |response: &proto::RecommendResponse, kind: &str| {
        let keys = keys(response);
        keys.into_iter().filter(|key| key.starts_with(kind)).count()
    };
    let usual = ask(&mut shop, various(DiversitySpec::default())).await;
    assert!(kinds(&usual, "lamp") > 3);
    let capped = ask(
        &mut shop,
        various(DiversitySpec {
            max_per_category: 3,
            ..DiversitySpec::default()
        }),
    )
    .await;
    assert_eq!(KINDS.map(|kind| kinds(&capped, kind)), [3, 3, 3]);
    let spread = ask(
        &mut shop,
        various(DiversitySpec {
            strength: 0.9,
            ..DiversitySpec::default()
        }),
    )
    .await;
    assert_eq!(spread.results[0].product_id, usual.results[0].product_id);
    assert!(kinds(&spread, "lamp") < kinds(&usual, "lamp"));
}

#[tokio::test]
async fn no_path_answers_what_may_not_be_answered() {
    let store = store().await;
    write(&store, vec![bought("ann", "lamp-4", 1)]).await;
    let hidden = vec!["lamp-0".to_owned(), "cup-8".to_owned()];
    let filter = |text: &str| text.parse().unwrap();
    let controls = vec![
        control(
            "hide",
            Action::Hide {
                products: hidden.clone(),
            },
        ),
        control(
            "pin-hidden",
            Action::Pin {
                product: "lamp-0".into(),
                position: 1,
            },
        ),
        control(
            "pin-sold-out",
            Action::Pin {
                product: "cup-1".into(),
                position: 2,
            },
        ),
        control(
            "pin-excluded",
            Action::Pin {
                product: "rope-2".into(),
                position: 3,
            },
        ),
        control(
            "quota",
            Action::Quota {
                filter: filter("categories: cup"),
                percent: 90.0,
            },
        ),
        control("filter", Action::Filter(filter("NOT key: \"rope-4\""))),
    ];
    let mut shop = open_with(&store, controls, |config| {
        config.filter = Some(filter("NOT key: \"rope-6\""));
    })
    .await;
    for visitor in ["ann", "stranger"] {
        for text in ["", "price > 1", "brands: nobody"] {
            let request = RecommendRequest {
                filter: text.into(),
                exclude_product_ids: vec!["rope-2".into()],
                ..everything(at(visitor, "south"))
            };
            let response = ask(&mut shop, request).await;
            for key in keys(&response) {
                assert!(store.quantity_at("south", key) > 0.0, "{key}");
                assert!(!hidden.iter().any(|other| other == key));
                assert!(!["rope-2", "rope-4", "rope-6"].contains(&key));
            }
            assert_eq!(
                response.results.len(),
                if visitor == "ann" { 12 } else { 13 }
            );
        }
    }
}
