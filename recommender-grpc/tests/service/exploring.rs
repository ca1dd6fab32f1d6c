//! Serving configs that leave something to chance.

use std::collections::{BTreeMap, BTreeSet};

use recommender_grpc::proto::{
    BatchRecommendRequest, ExplainRecommendationRequest, NotShownReason, RankCandidate,
    RankRequest, RecommendRequest, RecommendResponse, RecommenderKind, Result,
};
use recommender_grpc::serving::{Action, Exploration, ExplorationPolicy};
use recommender_store::Store;

use crate::shop::{HOME, Running, keys, request};
use crate::stocked::{ask, at, bought, control, of, open, open_with, store, write};

/// The shop of a store, of which the last three products of a page are left to chance.
async fn exploring(store: &Store, policy: ExplorationPolicy) -> Running {
    let exploration = Some(Exploration {
        policy,
        max_items: 3,
    });
    open_with(store, Vec::new(), |config| config.exploration = exploration).await
}

async fn answer(shop: &mut Running, request: RecommendRequest) -> RecommendResponse {
    shop.client.recommend(request).await.unwrap().into_inner()
}

fn is_explored(result: &Result) -> bool {
    let source = result.source.as_ref().unwrap();
    source.recommender() == RecommenderKind::Exploration
}

fn of_size(request: RecommendRequest, page_size: i32) -> RecommendRequest {
    RecommendRequest {
        page_size,
        ..request
    }
}

/// A store in which Ann bought lamps.
async fn store_of_ann() -> Store {
    let store = store().await;
    let lamps = [3, 5, 6].map(|number| bought("ann", &format!("lamp-{number}"), number));
    write(&store, lamps.into()).await;
    store
}

#[tokio::test]
async fn every_product_tells_its_probability_and_keeps_its_score() {
    let store = store_of_ann().await;
    let whole = ask(&mut open(&store).await, of_size(of("ann"), 40)).await;
    let scores: BTreeMap<&str, f64> = (whole.results.iter())
        .map(|it| (&*it.product_id, it.score))
        .collect();
    let usual = keys(&whole);
    let mut shop = exploring(&store, ExplorationPolicy::Epsilon(0.4)).await;
    let mut drawn = 0;
    let mut told: Vec<BTreeMap<String, f64>> = vec![BTreeMap::new(); 6];
    for _ in 0..100 {
        let page = answer(&mut shop, of_size(of("ann"), 6)).await;
        assert_eq!(keys(&page)[..3], usual[..3]);
        for (place, result) in page.results.iter().enumerate() {
            let key = result.product_id.clone();
            assert_eq!(result.score, scores[&*key], "{key}");
            assert_eq!(is_explored(result), usual[place] != key, "{result:?}");
            assert_eq!(result.propensity == 1.0, place < 3, "{result:?}");
            let before = told[place].insert(key, result.propensity);
            assert!(before.is_none_or(|before| before == result.propensity));
            drawn += usize::from(is_explored(result));
        }
    }
    for told in &told {
        let sum: f64 = told.values().sum();
        assert!(sum <= 1.0 + 1e-9, "{told:?}");
    }
    // Of 300 places 120 are expected; six standard deviations.
    assert!((69..=171).contains(&drawn), "{drawn}");
}

#[tokio::test]
async fn nothing_is_drawn_that_may_not_be_shown() {
    let store = store_of_ann().await;
    let mut shop = exploring(&store, ExplorationPolicy::Epsilon(1.0)).await;
    let mut seen = BTreeSet::new();
    for _ in 0..30 {
        let request = RecommendRequest {
            filter: "price < 10".into(),
            exclude_product_ids: vec!["cup-4".into()],
            strict_filtering: true,
            ..of_size(at("ann", "south"), 5)
        };
        let page = answer(&mut shop, request).await;
        assert_eq!(page.results.len(), 5);
        seen.extend(page.results.into_iter().map(|it| it.product_id));
    }
    assert!(seen.len() > 5, "{seen:?}");
    for key in seen {
        let number: i32 = key.split_once('-').unwrap().1.parse().unwrap();
        assert!(number % 2 == 0 && number < 10 && key != "cup-4", "{key}");
        assert!(key != "lamp-6", "she had it");
    }
}

#[tokio::test]
async fn pages_go_on_where_the_first_left_off() {
    let store = store_of_ann().await;
    let whole = ask(&mut open(&store).await, of_size(of("ann"), 40)).await;
    let all: BTreeSet<&str> = keys(&whole).into_iter().collect();
    for policy in [
        ExplorationPolicy::Epsilon(1.0),
        ExplorationPolicy::SoftmaxTemperature(0.3),
    ] {
        let mut shop = exploring(&store, policy).await;
        let mut request = of_size(of("ann"), 5);
        let mut results = Vec::new();
        loop {
            let page = answer(&mut shop, request.clone()).await;
            results.extend(page.results);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        let shown: BTreeSet<&str> = results.iter().map(|it| &*it.product_id).collect();
        assert_eq!((results.len(), shown), (all.len(), all.clone()));
    }
}

#[tokio::test]
async fn the_lists_of_a_batch_stay_distinct() {
    let store = store_of_ann().await;
    let mut shop = exploring(&store, ExplorationPolicy::Epsilon(1.0)).await;
    for _ in 0..10 {
        let batch = BatchRecommendRequest {
            requests: vec![of_size(of("ann"), 5); 3],
            distinct_across_requests: true,
        };
        let answered = shop.client.batch_recommend(batch).await.unwrap();
        let answers = answered.into_inner().responses.into_iter();
        let lists = answers.map(|it| it.response.unwrap().results);
        let results: Vec<Result> = lists.flatten().collect();
        let shown: BTreeSet<&str> = results.iter().map(|it| &*it.product_id).collect();
        assert_eq!((results.len(), shown.len()), (15, 15));
        assert_eq!(results.iter().filter(|it| is_explored(it)).count(), 9);
    }
}

#[tokio::test]
async fn rules_hold_whatever_is_drawn() {
    let store = store_of_ann().await;
    let pin = Action::Pin {
        product: "rope-7".into(),
        position: 6,
    };
    let quota = Action::Quota {
        filter: "categories: cup".parse().unwrap(),
        percent: 50.0,
    };
    let controls = vec![control("pin", pin), control("cups", quota)];
    let of_kind = |page: &RecommendResponse, kind: &str| {
        let keys = keys(page);
        keys.iter().filter(|key| key.starts_with(kind)).count()
    };
    let page = || of_size(of("ann"), 8);
    let mut plain = open_with(&store, controls.clone(), |config| {
        config.diversity.max_per_category = 5;
    })
    .await;
    let usual = of_kind(&ask(&mut plain, page()).await, "cup-");
    assert!(usual > 0, "the quota brings cups");
    let mut shop = open_with(&store, controls, |config| {
        config.diversity.max_per_category = 5;
        config.exploration = Some(Exploration {
            policy: ExplorationPolicy::Epsilon(1.0),
            max_items: 6,
        });
    })
    .await;
    let mut pages = BTreeSet::new();
    for _ in 0..30 {
        let page = answer(&mut shop, page()).await;
        let pinned = &page.results[5];
        assert_eq!((&*pinned.product_id, pinned.propensity), ("rope-7", 1.0));
        let (cups, lamps) = (of_kind(&page, "cup-"), of_kind(&page, "lamp-"));
        assert!((usual..=5).contains(&cups) && lamps <= 5, "{page:?}");
        pages.insert(keys(&page).join(" "));
    }
    assert!(pages.len() > 1, "something was drawn");
}

#[tokio::test]
async fn an_explanation_is_of_the_list_before_the_draw_and_tells_what_was_shown() {
    let store = store_of_ann().await;
    let mut shop = exploring(&store, ExplorationPolicy::Epsilon(1.0)).await;
    let page = answer(&mut shop, of_size(of("ann"), 5)).await;
    let drawn = &page.results[4];
    assert!(is_explored(drawn));
    let request = ExplainRecommendationRequest {
        attribution_token: page.attribution_token.clone(),
        product_id: drawn.product_id.clone(),
        request: None,
    };
    let explained = shop.client.explain_recommendation(request).await;
    let explained = explained.unwrap().into_inner();
    let given = explained.answer.unwrap();
    assert_eq!((given.shown, given.position), (true, 5));
    assert!(!explained.shown && explained.rank > 5, "{}", explained.rank);
    let reason = explained.not_shown[0].reason();
    assert_eq!(reason, NotShownReason::RankedBelow);
}

#[tokio::test]
async fn the_settings_have_a_server_explore_that_has_no_store() {
    let mut shop = Running::shop("exploration = { home = { epsilon = 1, max_items = 2 } }").await;
    let page = answer(&mut shop, of_size(request(), 5)).await;
    let explored: Vec<bool> = page.results.iter().map(is_explored).collect();
    assert_eq!(explored, [false, false, false, true, true]);
    let candidates = page.results.iter().map(|it| RankCandidate {
        product_id: it.product_id.clone(),
        ..RankCandidate::default()
    });
    let ranked = RankRequest {
        serving_config: HOME.into(),
        context: request().context,
        candidates: candidates.collect(),
        ..RankRequest::default()
    };
    let ranked = shop.client.rank(ranked).await.unwrap().into_inner();
    assert_eq!(ranked.results.len(), 5);
    assert!(ranked.results.iter().all(|it| it.propensity == 1.0));
    let none = crate::shop::shop("exploration = { cart = { epsilon = 1, max_items = 2 } }");
    let error = none.build().unwrap_err().to_string();
    assert!(
        error.contains("exploration") && error.contains("cart"),
        "{error}"
    );
}
