//! Products that the caller brings.

use recommender_grpc::proto::{
    NotShownReason, RankCandidate, RankRequest, RankResponse, RecommendContext, RecommendView,
};
use recommender_grpc::serving::Action;
use tonic::Code;
use tonic_types::StatusExt;

use crate::shop::{HOME, Running};
use crate::stocked::{bought, control, open, open_with, store, write};

fn request(visitor: &str, candidates: &[(&str, Option<f64>)]) -> RankRequest {
    let candidates = candidates.iter().map(|&(key, base_score)| RankCandidate {
        product_id: key.into(),
        base_score,
    });
    RankRequest {
        serving_config: HOME.into(),
        context: Some(RecommendContext {
            visitor_id: visitor.into(),
            search_query: "lamp".into(),
            ..RecommendContext::default()
        }),
        candidates: candidates.collect(),
        view: RecommendView::WithExplanation.into(),
        ..RankRequest::default()
    }
}

async fn rank(shop: &mut Running, request: RankRequest) -> RankResponse {
    let response = shop.client.rank(request).await.unwrap().into_inner();
    let scores: Vec<f64> = response.results.iter().map(|result| result.score).collect();
    assert!(
        scores.windows(2).all(|pair| pair[0] >= pair[1]),
        "{scores:?}"
    );
    for result in &response.results {
        let sum: f64 = result.reasons.iter().map(|reason| reason.weight).sum();
        assert!((sum - result.score).abs() < 1e-4, "{result:?}");
    }
    response
}

fn keys(response: &RankResponse) -> Vec<&str> {
    let results = response.results.iter();
    results.map(|result| &*result.product_id).collect()
}

#[tokio::test]
async fn candidates_come_in_the_order_that_suits_her_and_all_of_them() {
    let store = store().await;
    let bought = [3, 5, 6].map(|number| bought("ann", &format!("lamp-{number}"), number));
    write(&store, bought.into()).await;
    let mut shop = open(&store).await;
    let candidates = [
        ("rope-1", None),
        ("lamp-4", None),
        ("cup-3", None),
        ("lamp-3", None),
        ("rope-1", None),
    ];
    let response = rank(&mut shop, request("ann", &candidates)).await;
    let found = keys(&response);
    assert_eq!(found.len(), 4, "each once, and what she had as well");
    assert!(found[..2].contains(&"lamp-4"), "{found:?}");
    assert!(response.left_out.is_empty() && response.missing_ids.is_empty());
    assert!(response.inventory_as_of.is_some() && !response.attribution_token.is_empty());
    let mut plain = request("ann", &[("rope-1", Some(9.0)), ("lamp-4", Some(1.0))]);
    plain.context.as_mut().unwrap().search_query.clear();
    plain.base_weight = Some(1.0);
    assert_eq!(
        keys(&rank(&mut shop, plain.clone()).await),
        ["rope-1", "lamp-4"]
    );
    plain.base_weight = Some(0.0);
    assert_eq!(keys(&rank(&mut shop, plain).await), ["lamp-4", "rope-1"]);
}

#[tokio::test]
async fn what_may_not_be_shown_is_left_out_and_says_why() {
    let store = store().await;
    let hide = Action::Hide {
        products: vec!["cup-8".into()],
    };
    let mut unknown = (*store.product("cup-1").unwrap()).clone();
    unknown.key = "new".into();
    store.put_products(&[unknown]).unwrap().await.unwrap();
    let level = crate::stocked::stock("south", "new", 1.0);
    store.set_stock(&[level]).unwrap().await.unwrap();
    let mut shop = open_with(&store, vec![control("hide", hide)], |_| ()).await;
    let candidates = [
        "nothing", "new", "cup-1", "cup-8", "rope-10", "rope-2", "lamp-2",
    ];
    let candidates = candidates.map(|key| (key, Some(1.0)));
    let mut request = request("ann", &candidates);
    request.filter = "price < 9".into();
    request.exclude_product_ids = vec!["rope-2".into()];
    request.context.as_mut().unwrap().place_id = "south".into();
    let response = rank(&mut shop, request).await;
    assert_eq!(
        keys(&response),
        ["lamp-2", "new"],
        "what is not known comes last"
    );
    assert_eq!(response.missing_ids, ["new"]);
    let left_out: Vec<_> = (response.left_out.iter())
        .map(|it| (&*it.product_id, it.reason.as_ref().unwrap().reason()))
        .collect();
    assert_eq!(
        left_out,
        [
            ("nothing", NotShownReason::NoProduct),
            ("cup-1", NotShownReason::OutOfStock),
            ("cup-8", NotShownReason::Control),
            ("rope-10", NotShownReason::Filtered),
            ("rope-2", NotShownReason::Excluded),
        ]
    );
}

#[tokio::test]
async fn wrong_candidates_are_named() {
    let store = store().await;
    let mut shop = open(&store).await;
    let mut wrong = request("ann", &[("", Some(f64::NAN))]);
    wrong.base_weight = Some(2.0);
    let status = shop.client.rank(wrong).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    let fields: Vec<_> = (details.bad_request().unwrap().field_violations.iter())
        .map(|violation| violation.field.clone())
        .collect();
    assert_eq!(
        fields,
        [
            "candidates[0].product_id",
            "candidates[0].base_score",
            "base_weight"
        ]
    );
    let none = shop.client.rank(request("ann", &[])).await.unwrap_err();
    assert_eq!(none.code(), Code::InvalidArgument);
    let many = vec![("cup-1", None); 1001];
    let many = shop.client.rank(request("ann", &many)).await.unwrap_err();
    assert_eq!(many.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_model_without_a_store_ranks_too() {
    let mut shop = Running::shop("").await;
    let candidates = [("never-seen", None), ("cup-3", None), ("cup-4", None)];
    let response = rank(&mut shop, request("cup-buyer-3", &candidates)).await;
    assert_eq!(keys(&response).len(), 3);
    assert_eq!(keys(&response)[2], "never-seen");
    assert!(response.inventory_as_of.is_none() && response.freshness.is_empty());
}
