//! Answers that were given, explained by their tokens.

use recommender_core::events::Consent;
use recommender_grpc::ServedModel;
use recommender_grpc::proto::{
    ExplainRecommendationRequest, ExplainRecommendationResponse, NotShownReason, RankCandidate,
    RankRequest, ReasonKind, RecommendRequest, RecommendView,
};
use recommender_store::identity::Identifier;
use recommender_store::privacy::ConsentRecord;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::erased::erase;
use crate::shop::{HOME, Running, engine, keys, product, request_in, shop};
use crate::stocked::{ask, ask_twice, at, bought, of, open, store, write};

pub(crate) async fn explain(
    shop: &mut Running,
    token: &str,
    key: &str,
) -> Result<ExplainRecommendationResponse, Status> {
    let request = ExplainRecommendationRequest {
        attribution_token: token.into(),
        product_id: key.into(),
        request: None,
    };
    let answer = shop.client.explain_recommendation(request).await?;
    let answer = answer.into_inner();
    for reasons in [&answer.by_source, &answer.by_event] {
        let sum: f64 = reasons.iter().map(|reason| reason.weight).sum();
        assert!((sum - answer.score).abs() < 1e-4, "{answer:?}");
    }
    Ok(answer)
}

pub(crate) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().unwrap().reason.clone()
}

#[tokio::test]
async fn an_answer_is_explained_as_it_was_whatever_she_did_since() {
    let store = store().await;
    let hers = [bought("ann", "lamp-3", 3), bought("ann", "lamp-5", 5)];
    write(&store, hers.into()).await;
    let mut shop = open(&store).await;
    let mut request = at("ann", "north");
    request.page_size = 5;
    request.context.as_mut().unwrap().product_details = vec![product("lamp-7")];
    let explained = RecommendRequest {
        view: RecommendView::WithExplanation.into(),
        ..request.clone()
    };
    let answer = ask(&mut shop, explained).await;
    let token = ask(&mut shop, request.clone()).await.attribution_token;
    let first = answer.results[0].clone();
    // She takes it, and a rope with it: it is the last thing to be recommended to her now.
    let since = [
        bought("ann", &first.product_id, 9),
        bought("ann", "rope-2", 9),
    ];
    write(&store, since.into()).await;
    let now = ask(&mut shop, request).await;
    assert!(!keys(&now).contains(&&*first.product_id));
    let mut past = false;
    for (position, result) in (1..).zip(&answer.results) {
        let why = explain(&mut shop, &token, &result.product_id)
            .await
            .unwrap();
        assert_eq!(
            (why.rank, why.score, why.shown),
            (position, result.score, true)
        );
        assert_eq!(why.by_source, result.reasons);
        assert!(why.by_event.iter().all(|it| it.product_id != "rope-2"));
        let mut reasons = why.by_event.iter();
        past |= reasons.any(|it| it.kind() == ReasonKind::PastEvent);
        let given = why.answer.unwrap();
        assert_eq!((given.shown, given.position), (true, position));
        assert_eq!((&*given.model_version, given.same_model), ("model-1", true));
        assert!(given.answer_time.is_some());
    }
    assert!(past, "what she did before counts");
    let why = explain(&mut shop, &token, "lamp-3").await.unwrap();
    assert_eq!(why.not_shown[0].reason(), NotShownReason::Seen);
    let given = why.answer.unwrap();
    assert_eq!((given.shown, given.position), (false, 0));
}

#[tokio::test]
async fn it_says_which_model_answered_and_which_explains() {
    let store = store().await;
    let server = shop("").with_store(store.clone()).build().unwrap();
    let models = server.models();
    let mut shop = Running::open(server).await;
    let answer = ask(&mut shop, of("ann")).await;
    models.put("home", ServedModel::new(engine(), "model-2"));
    let key = &answer.results[0].product_id;
    let why = explain(&mut shop, &answer.attribution_token, key)
        .await
        .unwrap();
    assert_eq!(why.model_version, "model-2");
    let given = why.answer.unwrap();
    assert_eq!(
        (&*given.model_version, given.same_model),
        ("model-1", false)
    );
    assert!(given.shown);
}

#[tokio::test]
async fn answers_of_batches_and_rankings_are_explained_too() {
    let store = store().await;
    write(&store, vec![bought("ann", "lamp-3", 3)]).await;
    let mut shop = open(&store).await;
    let answers = ask_twice(&mut shop, "ann").await;
    let elsewhere = &answers[0].results[0].product_id;
    let why = explain(&mut shop, &answers[1].attribution_token, elsewhere)
        .await
        .unwrap();
    assert_eq!(why.not_shown[0].reason(), NotShownReason::Excluded);
    let first = &answers[1].results[0];
    let why = explain(&mut shop, &answers[1].attribution_token, &first.product_id)
        .await
        .unwrap();
    assert_eq!((why.rank, why.score), (1, first.score));

    let candidates = ["rope-1", "lamp-4", "cup-3", "nothing"];
    let ranking = RankRequest {
        serving_config: HOME.into(),
        context: of("ann").context,
        candidates: candidates
            .map(|key| RankCandidate {
                product_id: key.into(),
                base_score: Some(1.0),
            })
            .into(),
        view: RecommendView::WithExplanation.into(),
        ..RankRequest::default()
    };
    let ranking = shop.client.rank(ranking).await.unwrap().into_inner();
    for (rank, result) in (1..).zip(&ranking.results) {
        let why = explain(&mut shop, &ranking.attribution_token, &result.product_id)
            .await
            .unwrap();
        assert_eq!((why.rank, why.score), (rank, result.score));
        assert_eq!(why.by_source, result.reasons);
        assert_eq!(why.answer.unwrap().position, rank);
    }
    for (key, reason) in [
        ("nothing", NotShownReason::NoProduct),
        ("cup-5", NotShownReason::NotProposed),
    ] {
        let why = explain(&mut shop, &ranking.attribution_token, key)
            .await
            .unwrap();
        assert_eq!(
            (why.shown, why.not_shown[0].reason()),
            (false, reason),
            "{key}"
        );
    }
}

#[tokio::test]
async fn tokens_that_are_not_here_say_why() {
    let store = store().await;
    let mut shop = open(&store).await;
    let mut other = open(&store).await;
    let foreign = ask(&mut other, of("ann")).await.attribution_token;
    let own = ask(&mut shop, of("ann")).await.attribution_token;
    assert!(explain(&mut shop, &own, "cup-1").await.is_ok());
    for (token, code, said) in [
        (&*foreign, Code::NotFound, "ANSWER_UNKNOWN"),
        (&"0".repeat(32), Code::NotFound, "ANSWER_UNKNOWN"),
        ("token", Code::InvalidArgument, "INVALID_REQUEST"),
    ] {
        let status = explain(&mut shop, token, "cup-1").await.unwrap_err();
        assert_eq!((status.code(), &*reason(&status)), (code, said), "{token}");
    }
    let both = ExplainRecommendationRequest {
        attribution_token: own,
        product_id: "cup-1".into(),
        request: Some(of("ann")),
    };
    let neither = ExplainRecommendationRequest {
        product_id: "cup-1".into(),
        ..ExplainRecommendationRequest::default()
    };
    for (request, field) in [(both, "attribution_token"), (neither, "request")] {
        let status = shop
            .client
            .explain_recommendation(request)
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        assert_eq!(
            details.bad_request().unwrap().field_violations[0].field,
            field
        );
    }
}

#[tokio::test]
async fn the_oldest_answers_are_forgotten_and_none_is_kept_where_nothing_may_be() {
    let store = store().await;
    for (setting, kept) in [
        ("kept_answers_bytes = 65536", 1),
        ("kept_answers_bytes = 0", 0),
    ] {
        let server = shop(setting).with_store(store.clone()).build().unwrap();
        let mut shop = Running::open(server).await;
        let oldest = ask(&mut shop, of("ann")).await.attribution_token;
        let mut latest = oldest.clone();
        for _ in 0..200 {
            latest = ask(&mut shop, of("ann")).await.attribution_token;
        }
        let status = explain(&mut shop, &oldest, "cup-1").await.unwrap_err();
        assert_eq!(
            (status.code(), &*reason(&status)),
            (Code::NotFound, "ANSWER_FORGOTTEN")
        );
        let found = explain(&mut shop, &latest, "cup-1").await;
        assert_eq!(found.is_ok(), kept > 0);
    }
}

#[tokio::test]
async fn who_must_not_be_remembered_is_not() {
    let store = store().await;
    write(
        &store,
        vec![bought("eve", "lamp-2", 1), bought("bob", "lamp-2", 1)],
    )
    .await;
    let mut shop = open(&store).await;
    let mut kiosk = of("eve");
    kiosk.context.as_mut().unwrap().ephemeral = true;
    assert!(ask(&mut shop, kiosk).await.attribution_token.is_empty());
    let checked = RecommendRequest {
        validate_only: true,
        ..of("eve")
    };
    assert!(ask(&mut shop, checked).await.attribution_token.is_empty());

    // What she did no longer speaks for her once she refuses that it is used.
    let token = ask(&mut shop, of("eve")).await.attribution_token;
    let key = "lamp-4";
    let past = |why: &ExplainRecommendationResponse| {
        let mut reasons = why.by_event.iter();
        reasons.any(|reason| reason.kind() == ReasonKind::PastEvent)
    };
    assert!(past(&explain(&mut shop, &token, key).await.unwrap()));
    let denied = ConsentRecord {
        consent: Consent::Denied,
        time: store.now(),
        by: "test".into(),
        evidence: String::new(),
    };
    let eve = Identifier::visitor("eve").unwrap();
    store.set_consent(&eve, denied).unwrap().await.unwrap();
    assert!(!past(&explain(&mut shop, &token, key).await.unwrap()));

    // Once she is erased, her answers are forgotten, and nobody else's.
    let of_bob = ask(&mut shop, of("bob")).await.attribution_token;
    erase(&shop, "eve").await;
    let status = explain(&mut shop, &token, key).await.unwrap_err();
    assert_eq!(reason(&status), "ANSWER_FORGOTTEN");
    assert!(explain(&mut shop, &of_bob, key).await.is_ok());
    let stranger = ask(&mut shop, request_in(of("eve").context.unwrap())).await;
    assert!(
        explain(&mut shop, &stranger.attribution_token, key)
            .await
            .is_ok()
    );
}
