//! Why a product is, or is not, in an answer.

use recommender_grpc::proto::{
    ExplainRecommendationRequest, ExplainRecommendationResponse, NotShownReason, ReasonKind,
    RecommendRequest, RecommendView,
};
use recommender_grpc::serving::{Action, Direction};

use crate::shop::{Running, keys, product};
use crate::stocked::{ask, at, bought, control, open_with, store, write};

async fn explain(
    shop: &mut Running,
    request: RecommendRequest,
    key: &str,
) -> ExplainRecommendationResponse {
    let request = ExplainRecommendationRequest {
        request: Some(request),
        product_id: key.into(),
        attribution_token: String::new(),
    };
    let answer = shop.client.explain_recommendation(request).await;
    let answer = answer.unwrap().into_inner();
    for reasons in [&answer.by_source, &answer.by_event] {
        let sum: f64 = reasons.iter().map(|reason| reason.weight).sum();
        assert!((sum - answer.score).abs() < 1e-4, "{answer:?}");
    }
    assert_eq!(answer.shown, answer.not_shown.is_empty());
    answer
}

fn asked() -> RecommendRequest {
    let mut request = at("ann", "north");
    request.page_size = 5;
    let context = request.context.as_mut().unwrap();
    context.product_details = vec![product("lamp-7")];
    request
}

#[tokio::test]
async fn the_shares_of_what_she_did_and_of_rules_add_up_to_the_score() {
    let store = store().await;
    let bought = [
        bought("ann", "lamp-3", 3),
        bought("ann", "lamp-5", 5),
        bought("ann", "cup-1", 6),
    ];
    write(&store, bought.into()).await;
    let boost = Action::Boost {
        filter: "categories: lamp".parse().unwrap(),
        direction: Direction::Up,
        strength: 0.5,
    };
    let mut shop = open_with(&store, vec![control("lamps", boost)], |_| ()).await;
    let answer = ask(
        &mut shop,
        RecommendRequest {
            view: RecommendView::WithExplanation.into(),
            ..asked()
        },
    )
    .await;
    for (rank, result) in (1..).zip(&answer.results) {
        let why = explain(&mut shop, asked(), &result.product_id).await;
        assert_eq!((why.rank, why.score), (rank, result.score));
        assert_eq!(why.by_source, result.reasons);
        let of = |kind: ReasonKind| {
            let reasons = why.by_event.iter();
            reasons
                .filter(move |it| it.kind() == kind)
                .collect::<Vec<_>>()
        };
        assert!(result.product_id.starts_with("lamp-"), "{result:?}");
        assert_eq!(
            of(ReasonKind::Control)[0].control,
            "catalogs/default/controls/lamps"
        );
        let past = of(ReasonKind::PastEvent);
        let page = of(ReasonKind::ContextProduct);
        let lamps = past.iter().chain(&page);
        let lamps = lamps.filter(|it| it.product_id.starts_with("lamp-") && it.weight > 0.0);
        assert!(lamps.count() > 0, "{why:?}");
        assert!(page.iter().all(|it| it.product_id == "lamp-7"));
        assert!(past.iter().all(|it| it.product_id != "lamp-7"));
        assert_eq!(of(ReasonKind::Base).len(), 1);
    }
}

#[tokio::test]
async fn it_says_why_a_product_is_not_shown() {
    let store = store().await;
    write(&store, vec![bought("ann", "lamp-3", 3)]).await;
    let hide = Action::Hide {
        products: vec!["cup-8".into()],
    };
    let controls = vec![control("hide", hide)];
    let mut shop = open_with(&store, controls, |config| {
        config.filter = Some("NOT key: \"rope-4\"".parse().unwrap());
    })
    .await;
    let mut request = asked();
    request.context.as_mut().unwrap().place_id = "south".into();
    request.filter = "price < 11".into();
    request.exclude_product_ids = vec!["cup-2".into()];
    let cases = [
        ("nothing", NotShownReason::UnknownToModel, ""),
        ("cup-1", NotShownReason::OutOfStock, ""),
        ("cup-2", NotShownReason::Excluded, ""),
        (
            "cup-8",
            NotShownReason::Control,
            "catalogs/default/controls/hide",
        ),
        ("rope-4", NotShownReason::Filtered, "NOT key = \"rope-4\""),
    ];
    for (key, reason, detail) in cases {
        let why = explain(&mut shop, request.clone(), key).await;
        let found = &why.not_shown[0];
        assert_eq!((found.reason(), &*found.detail), (reason, detail), "{key}");
    }
    let why = explain(&mut shop, request.clone(), "lamp-3").await;
    let reasons: Vec<_> = why.not_shown.iter().map(|it| it.reason()).collect();
    assert_eq!(reasons, [NotShownReason::OutOfStock, NotShownReason::Seen]);
    assert!(why.rank > 0, "where it would stand");
    let shown = ask(&mut shop, request.clone()).await;
    let last = ask(
        &mut shop,
        RecommendRequest {
            page_size: 1000,
            ..request.clone()
        },
    )
    .await;
    let last = keys(&last).pop().unwrap().to_owned();
    let why = explain(&mut shop, request, &last).await;
    assert_eq!(why.not_shown[0].reason(), NotShownReason::RankedBelow);
    assert!(why.rank > i32::try_from(shown.results.len()).unwrap());
}

#[tokio::test]
async fn a_question_without_a_product_is_refused() {
    let store = store().await;
    let mut shop = open_with(&store, vec![], |_| ()).await;
    let request = ExplainRecommendationRequest {
        request: Some(asked()),
        ..ExplainRecommendationRequest::default()
    };
    let status = shop
        .client
        .explain_recommendation(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
}
