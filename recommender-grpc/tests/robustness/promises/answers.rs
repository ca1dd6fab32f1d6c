//! Questions of every kind, and their answers held against what must be so.

use std::collections::BTreeSet;

use recommender_core::Timestamp;
use recommender_core::engine::{EngineAnswer, EngineRequest, HistorySource, Tier};
use recommender_core::events;
use recommender_grpc::proto::{
    BatchRecommendRequest, Channel, ExplainRecommendationRequest, PersonalizationTier,
    RankCandidate, RankRequest, RecommendContext, RecommendRequest, RecommendResponse, Result,
};

use crate::promises::run::{Run, moment};
use crate::promises::world::{Asked, CATALOG, keys};

/// As many results as there may be products.
const ALL: usize = 100;

/// A question, and what it says.
struct Question {
    asked: Asked,
    shopper: usize,
    time: i64,
    request: RecommendRequest,
}

fn ids(results: &[Result]) -> Vec<&str> {
    results.iter().map(|it| &*it.product_id).collect()
}

fn of_library(channel: Channel) -> events::Channel {
    let pairs = [
        (Channel::Web, events::Channel::Web),
        (Channel::App, events::Channel::App),
        (Channel::Pos, events::Channel::PointOfSale),
    ];
    let found = pairs.into_iter().find(|(it, _)| *it == channel);
    found.unwrap().1
}

impl Run {
    fn question(&mut self) -> Question {
        let channel = self.happens(0.7).then(|| self.channel());
        let place = self.happens(0.8).then(|| self.place());
        let brand = self.happens(0.2).then(|| self.brand());
        let (config, shopper, excluded) = (self.config(), self.shopper(), self.key());
        let time = self.later();
        let context = RecommendContext {
            visitor_id: self.persons.keys[shopper].clone(),
            place_id: place.unwrap_or_default().to_owned(),
            channel: channel.unwrap_or_default().into(),
            event_time: Some(moment(time)),
            ..RecommendContext::default()
        };
        let filter = brand.map(|brand| format!("brands: ANY(\"{brand}\")"));
        let request = RecommendRequest {
            serving_config: format!("{CATALOG}/servingConfigs/{config}"),
            context: Some(context),
            page_size: i32::try_from(ALL).unwrap(),
            exclude_product_ids: vec![excluded.clone()],
            filter: filter.unwrap_or_default(),
            strict_filtering: true,
            min_freshness: self.freshness.clone(),
            ..RecommendRequest::default()
        };
        let asked = Asked {
            config,
            place,
            channel,
            brand,
            excluded,
            refused: self.persons.refused(shopper),
        };
        Question {
            asked,
            shopper,
            time,
            request,
        }
    }

    /// Asks in every way, and holds the answers against what must be so.
    pub(crate) async fn check(&mut self) {
        let question = self.question();
        let answer = self.recommend(question.request.clone()).await;
        self.only_allowed(&question, &answer.results);
        self.as_the_library(&question, &answer).await;
        self.in_pages(&question, &answer).await;
        self.whole_page(&question).await;
        self.rank(&question).await;
        self.explain(&question, &answer).await;
        let asked = (question.shopper, &*question.asked.config);
        self.note(asked, &answer);
        self.explain_given().await;
        self.forgotten(question).await;
    }

    async fn recommend(&self, request: RecommendRequest) -> RecommendResponse {
        let answered = self.recommendations().recommend(request).await;
        let answer = answered.unwrap().into_inner();
        assert!(!answer.degraded, "{}", answer.degraded_reason);
        answer
    }

    fn only_allowed(&self, question: &Question, results: &[Result]) {
        let mut seen = BTreeSet::new();
        for key in ids(results) {
            let (allowed, asked) = (self.world.allows(&question.asked, key), &question.asked);
            assert!(allowed, "{key}: {asked:?}");
            assert!(seen.insert(key), "{key} twice");
        }
    }

    /// What the library answers to the same question, of all that may be answered.
    async fn of_the_library(&mut self, question: &Question, version: &str) -> EngineAnswer {
        let engine = self.engine(version).await;
        let allowed = self.world.allowed(&question.asked).into_iter();
        let known = allowed.filter(|key| engine.items().get(key).is_some());
        let request = EngineRequest {
            events: self.persons.history(question.shopper),
            history: HistorySource::Request,
            candidates: Some(known.collect()),
            exclude: vec![question.asked.excluded.clone()],
            place: question.asked.place.map(str::to_owned),
            channel: question.asked.channel.map(of_library),
            time: Some(Timestamp(question.time)),
            limit: ALL,
            ..EngineRequest::default()
        };
        engine.recommend(&request).unwrap()
    }

    /// The answer is the library's, if no rule moves products; it is personal if and only if the shopper is known.
    async fn as_the_library(&mut self, question: &Question, answer: &RecommendResponse) {
        let library = self.of_the_library(question, &answer.model_version).await;
        let personal = answer.tier() == PersonalizationTier::Personal;
        assert_eq!(
            personal,
            library.tier == Tier::Personal,
            "{:?}",
            answer.tier()
        );
        if !self.world.is_plain(&question.asked) {
            return;
        }
        let found = answer.results.iter().map(|it| (&*it.product_id, it.score));
        let expected = library.results.iter();
        let expected = expected.map(|it| (&*it.key, f64::from(it.score)));
        let (found, expected) = (found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        assert_eq!(found, expected, "{:?}", question.asked);
    }

    /// Pages are the answer cut into pieces.
    async fn in_pages(&mut self, question: &Question, whole: &RecommendResponse) {
        let mut request = RecommendRequest {
            page_size: 5,
            ..question.request.clone()
        };
        let first = self.recommend(request.clone()).await;
        request.page_token.clone_from(&first.next_page_token);
        let mut results = first.results;
        if !request.page_token.is_empty() {
            results.extend(self.recommend(request).await.results);
        }
        self.only_allowed(question, &results);
        let explores = self.world.recipes[&question.asked.config].explores;
        if self.world.is_plain(&question.asked) && !explores {
            let all = ids(&whole.results);
            assert_eq!(ids(&results), all[..results.len()]);
        }
    }

    /// A page of several lists shows no product twice.
    async fn whole_page(&mut self, question: &Question) {
        let list = RecommendRequest {
            page_size: 4,
            ..question.request.clone()
        };
        let request = BatchRecommendRequest {
            requests: vec![list; 3],
            distinct_across_requests: true,
        };
        let answered = self.recommendations().batch_recommend(request).await;
        let answered = answered.unwrap().into_inner().responses.into_iter();
        let lists = answered.map(|it| it.response.unwrap().results);
        let together: Vec<Result> = lists.flatten().collect();
        self.only_allowed(question, &together);
    }

    /// Of the products that a caller brings those are ranked that may be shown, and no others.
    async fn rank(&mut self, question: &Question) {
        let asked = question.request.clone();
        let candidates = keys().into_iter().map(|product_id| RankCandidate {
            product_id,
            ..RankCandidate::default()
        });
        let request = RankRequest {
            serving_config: asked.serving_config,
            context: asked.context,
            candidates: candidates.collect(),
            filter: asked.filter,
            exclude_product_ids: asked.exclude_product_ids,
            min_freshness: asked.min_freshness,
            ..RankRequest::default()
        };
        let ranked = self.recommendations().rank(request).await;
        let ranked = ranked.unwrap().into_inner();
        self.only_allowed(question, &ranked.results);
        let left_out = ranked.left_out.iter().map(|it| it.product_id.clone());
        let shown = ids(&ranked.results).into_iter().map(str::to_owned);
        let mut all: Vec<String> = shown.chain(left_out).collect();
        all.sort();
        let mut brought = keys();
        brought.sort();
        assert_eq!(all, brought);
        let asked = &question.asked;
        for left_out in ranked.left_out {
            let allowed = self.world.allows(asked, &left_out.product_id);
            assert!(!allowed, "{left_out:?}: {asked:?}");
        }
    }

    /// A product is said to be shown if and only if it is, and why not if it is not.
    async fn explain(&mut self, question: &Question, answer: &RecommendResponse) {
        let product_id = self.old_key();
        let request = ExplainRecommendationRequest {
            request: Some(question.request.clone()),
            product_id: product_id.clone(),
            ..ExplainRecommendationRequest::default()
        };
        let explained = self.recommendations().explain_recommendation(request).await;
        let explained = explained.unwrap().into_inner();
        let shown = ids(&answer.results).contains(&&*product_id);
        assert_eq!(explained.shown, shown, "{product_id}: {explained:?}");
        assert_eq!(explained.not_shown.is_empty(), shown, "{explained:?}");
    }

    /// Who was erased is a stranger for good.
    async fn forgotten(&mut self, mut question: Question) {
        let Some(key) = self.one_of(&self.persons.erased.clone()) else {
            return;
        };
        question.asked.refused.clear();
        let mut request = question.request.clone();
        if let Some(context) = &mut request.context {
            context.visitor_id.clone_from(&key);
        }
        let answer = self.recommend(request).await;
        self.only_allowed(&question, &answer.results);
        assert_ne!(answer.tier(), PersonalizationTier::Personal, "{key}");
        assert_eq!(self.listed(&key).await, Vec::<String>::new(), "{key}");
    }
}
