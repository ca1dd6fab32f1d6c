use std::collections::HashSet;

use prost::Message;
use recommender_grpc::proto::{BatchRecommendRequest, RecommendContext, RecommendRequest};
use tonic::Code;
use tonic_types::{StatusExt, pb};

use crate::shop::{Running, keys, request, request_in};

fn batch(requests: Vec<RecommendRequest>, distinct: bool) -> BatchRecommendRequest {
    BatchRecommendRequest {
        requests,
        distinct_across_requests: distinct,
    }
}

#[tokio::test]
async fn each_question_has_the_answer_or_the_status_it_would_have_alone() {
    let mut shop = Running::shop("").await;
    let good = request_in(RecommendContext {
        visitor_id: "cup-buyer-1".into(),
        ..RecommendContext::default()
    });
    let mut bad = request();
    bad.page_size = -5;
    let mut lost = request();
    lost.serving_config = "catalogs/default/servingConfigs/nowhere".into();
    let asked = vec![good.clone(), bad.clone(), lost, request()];
    let answers = shop
        .client
        .batch_recommend(batch(asked, false))
        .await
        .unwrap();
    let answers = answers.into_inner().responses;
    let codes: Vec<i32> = answers
        .iter()
        .map(|answer| answer.status.as_ref().unwrap().code)
        .collect();
    let expected = [Code::Ok, Code::InvalidArgument, Code::NotFound, Code::Ok];
    assert_eq!(codes, expected.map(i32::from));

    let alone = shop.client.recommend(good).await.unwrap().into_inner();
    assert_eq!(answers[0].response.as_ref().unwrap().results, alone.results);
    let refused = shop.client.recommend(bad).await.unwrap_err();
    let status = answers[1].status.as_ref().unwrap();
    assert!(answers[1].response.is_none());
    assert_eq!(status.message, refused.message());
    let alone = pb::Status::decode(refused.details()).unwrap();
    assert_eq!(status.details, alone.details);
}

#[tokio::test]
async fn distinct_answers_share_no_product() {
    let mut shop = Running::shop("").await;
    let asked: Vec<RecommendRequest> = (0..4)
        .map(|_| RecommendRequest {
            page_size: 5,
            ..request()
        })
        .collect();
    let same = shop
        .client
        .batch_recommend(batch(asked.clone(), false))
        .await
        .unwrap();
    let same = same.into_inner().responses;
    let results = |answer: &recommender_grpc::proto::BatchRecommendResult| {
        answer.response.as_ref().unwrap().results.clone()
    };
    assert!(
        same.iter()
            .all(|answer| results(answer) == results(&same[0]))
    );

    let distinct = shop
        .client
        .batch_recommend(batch(asked, true))
        .await
        .unwrap();
    let distinct = distinct.into_inner().responses;
    let shown: Vec<&str> = distinct
        .iter()
        .flat_map(|answer| keys(answer.response.as_ref().unwrap()))
        .collect();
    assert_eq!(shown.len(), 20);
    assert_eq!(shown.iter().collect::<HashSet<_>>().len(), 20);
    let mut all = request();
    all.page_size = 20;
    let all = shop.client.recommend(all).await.unwrap().into_inner();
    assert_eq!(shown, keys(&all), "the first answers get the best products");
}

#[tokio::test]
async fn an_empty_batch_and_one_too_large_are_refused() {
    let mut shop = Running::shop("max_batch_requests = 2").await;
    for (count, fits) in [(0, false), (2, true), (3, false)] {
        let asked = batch(vec![request(); count], false);
        let answer = shop.client.batch_recommend(asked).await;
        assert_eq!(answer.is_ok(), fits, "{count} requests");
        if let Err(status) = answer {
            assert_eq!(status.code(), Code::InvalidArgument);
            let details = status.get_error_details();
            let violations = &details.bad_request().unwrap().field_violations;
            assert_eq!(violations[0].field, "requests");
        }
    }
}
