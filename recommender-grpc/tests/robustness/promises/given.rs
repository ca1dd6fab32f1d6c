//! Answers of before, explained by their tokens.

use std::collections::VecDeque;

use recommender_grpc::proto::{
    ExplainRecommendationRequest, ExplainRecommendationResponse, Reason, RecommendResponse,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::promises::run::Run;

/// How many of the latest answers are asked about.
const LATEST: usize = 60;

/// The sums of shares may be off by so much.
const OFF: f64 = 1e-4;

/// An answer that was given.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    token: String,
    /// Key of the shopper.
    shopper: String,
    /// Id of the serving config.
    config: String,
    model_version: String,
    results: Vec<String>,
}

/// The latest answers.
pub(crate) type Answers = VecDeque<Given>;

impl Run {
    /// Notes what a shopper was answered by a serving config, if it has a token.
    pub(crate) fn note(&mut self, (shopper, config): (usize, &str), answer: &RecommendResponse) {
        if answer.attribution_token.is_empty() {
            return;
        }
        self.given.push_back(Given {
            token: answer.attribution_token.clone(),
            shopper: self.persons.keys[shopper].clone(),
            config: config.to_owned(),
            model_version: answer.model_version.clone(),
            results: (answer.results.iter())
                .map(|it| it.product_id.clone())
                .collect(),
        });
        let surplus = self.given.len().saturating_sub(LATEST);
        self.given.drain(..surplus);
    }

    /// An answer of before is explained as it was given, its shares add up to the score, and none of a person who was
    /// erased is explained.
    pub(crate) async fn explain_given(&mut self) {
        for is_erased in [false, true] {
            let given = self.given.iter();
            let meant = given.filter(|it| self.persons.erased.contains(&it.shopper) == is_erased);
            let meant: Vec<Given> = meant.cloned().collect();
            let Some(given) = self.one_of(&meant) else {
                continue;
            };
            let (old, shown) = (self.old_key(), self.one_of(&given.results));
            let product_id = shown.filter(|_| self.happens(0.7)).unwrap_or(old);
            let asked = ExplainRecommendationRequest {
                attribution_token: given.token.clone(),
                product_id: product_id.clone(),
                request: None,
            };
            let explained = self.recommendations().explain_recommendation(asked).await;
            let explained = explained.map(tonic::Response::into_inner);
            let is_served = self.world.recipes.contains_key(&given.config);
            match explained {
                Ok(explained) => {
                    assert!(!is_erased && is_served, "{given:?}");
                    as_given(&given, &product_id, &explained);
                }
                Err(status) => refused(&status, is_erased, is_served),
            }
        }
    }
}

/// What is said of the answer is what it was, and shares add up.
fn as_given(given: &Given, product: &str, explained: &ExplainRecommendationResponse) {
    let answer = explained.answer.as_ref().unwrap();
    assert_eq!(answer.model_version, given.model_version);
    let place = given.results.iter().position(|it| it == product);
    let position = place.map_or(0, |place| i32::try_from(place + 1).unwrap());
    assert_eq!((answer.shown, answer.position), (place.is_some(), position));
    let sum = |reasons: &[Reason]| reasons.iter().map(|it| it.weight).sum::<f64>();
    for reasons in [&explained.by_source, &explained.by_event] {
        let off = (sum(reasons) - explained.score).abs();
        assert!(off < OFF, "{product}: {explained:?}");
    }
}

/// Nothing is refused but what can't be known any more.
#[track_caller]
fn refused(status: &Status, is_erased: bool, is_served: bool) {
    let details = status.get_error_details();
    let reason = &details.error_info().unwrap().reason;
    let expected = match (is_erased, is_served) {
        (true, _) => "ANSWER_FORGOTTEN",
        (false, false) => "SERVING_CONFIG_NOT_FOUND",
        (false, true) => panic!("{status:?}"),
    };
    assert_eq!((status.code(), &**reason), (Code::NotFound, expected));
}
