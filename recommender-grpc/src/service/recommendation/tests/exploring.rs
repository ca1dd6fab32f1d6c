use super::*;
use crate::answering::Consultation;
use crate::serving::{Exploration, ExplorationPolicy};

/// Products of a page.
const PAGE: usize = 5;

/// A model of forty products, each seen less often than the one before it.
fn forty() -> ServedModel {
    let seen = (0..40).flat_map(|item| (item..40).map(move |by| (by, item)));
    let named = |(by, item)| (format!("visitor-{by}"), format!("item-{item}"));
    popular(seen.map(named), "forty")
}

fn exploring(policy: Option<ExplorationPolicy>) -> Recommendations {
    let service = service(vec![("home", forty())]);
    let config = ServingConfig {
        exploration: policy.map(|policy| Exploration {
            policy,
            max_items: 2,
        }),
        ..ServingConfig::of_model("home")
    };
    service.shop.recipes.replace(RecipesAt::new([config], []));
    service
}

fn page() -> RecommendRequest {
    RecommendRequest {
        page_size: i32::try_from(PAGE).unwrap(),
        ..request("home")
    }
}

/// What comes of a page, of which `draw` is the draw.
async fn worked_out<T: Send + 'static>(
    service: &Recommendations,
    draw: Option<Draw>,
    work: fn(&Consultation<'_>, bool) -> Result<T, Refusal>,
) -> T {
    let (mut question, _) = convert::question(page(), service.bounds()).unwrap();
    question.page.draw = draw;
    let moment = service.moment(&Request::new(()));
    let task = service.task(question, &moment).unwrap();
    let outcome = service.worked_out(task, work).await.unwrap();
    outcome.answer.unwrap()
}

async fn chances(service: &Recommendations) -> Vec<Vec<(String, f64)>> {
    worked_out(service, None, |consultation, _| consultation.chances()).await
}

/// The keys of a page, and their propensities.
async fn drawn(service: &Recommendations, seed: u64) -> Vec<(String, f64)> {
    let draw = Draw { seed, first: PAGE };
    let work = |consultation: &Consultation<'_>, remembers| consultation.answer(remembers);
    let answer = worked_out(service, Some(draw), work).await;
    let results = answer.results.into_iter();
    results.map(|it| (it.key, it.propensity)).collect()
}

#[tokio::test]
async fn the_chances_of_a_page_are_known_without_drawing_it() {
    let service = exploring(Some(ExplorationPolicy::Epsilon(0.3)));
    let chances = chances(&service).await;
    let greedy = |place| vec![(format!("item-{place}"), 1.0)];
    assert_eq!(chances[..3], [0, 1, 2].map(greedy));
    for (place, chances) in (3..).zip(&chances[3..]) {
        let sum: f64 = chances.iter().map(|chance| chance.1).sum();
        assert!((sum - 1.0).abs() < 1e-12);
        assert_eq!(chances[0], (format!("item-{place}"), 0.7));
        let behind = (place + 2..25).step_by(2);
        let behind = behind.map(|item| (format!("item-{item}"), 0.03));
        assert_eq!(chances[1..], behind.collect::<Vec<_>>());
    }
    assert_eq!(chances.len(), PAGE);
}

#[tokio::test]
async fn what_is_shown_tells_the_chance_it_had() {
    let policies = [
        ExplorationPolicy::Epsilon(0.5),
        ExplorationPolicy::SoftmaxTemperature(0.5),
    ];
    for policy in policies {
        let service = exploring(Some(policy));
        let chances = chances(&service).await;
        let mut moved = 0;
        for seed in 0..200 {
            let page = drawn(&service, seed).await;
            assert_eq!(page, drawn(&service, seed).await, "the same draw");
            assert_eq!(page.len(), PAGE);
            for (shown, chances) in page.iter().zip(&chances) {
                assert!(chances.contains(shown), "{shown:?} {chances:?}");
                moved += usize::from(*shown != chances[0]);
            }
        }
        assert!((50..350).contains(&moved), "{policy:?}: {moved} of 400");
    }
}

#[tokio::test]
async fn answers_are_drawn_each_anew_and_only_where_the_serving_config_says_so() {
    let explores = exploring(Some(ExplorationPolicy::Epsilon(1.0)));
    let plain = exploring(None);
    let ask = async |service: &Recommendations, token: String| {
        let request = RecommendRequest {
            page_token: token,
            ..page()
        };
        let answer = service.recommend(Request::new(request)).await;
        let mut answer = answer.unwrap().into_inner();
        (answer.server_time, answer.attribution_token) = (None, String::new());
        answer
    };
    let usual = ask(&plain, String::new()).await;
    assert_eq!(ask(&plain, String::new()).await, usual);
    assert!(usual.results.iter().all(|it| it.propensity == 1.0));
    let mut pages = Vec::new();
    for _ in 0..20 {
        let page = ask(&explores, String::new()).await;
        assert_eq!(page.results[..3], usual.results[..3]);
        for result in &page.results[3..] {
            let source = result.source.as_ref().unwrap();
            assert_eq!(source.recommender(), RecommenderKind::Exploration);
            assert!((result.propensity - 0.1).abs() < 1e-12);
        }
        let next = page.next_page_token.clone();
        let later = ask(&explores, next.clone()).await;
        assert_eq!(
            ask(&explores, next).await,
            later,
            "the draw is in the token"
        );
        pages.push(page);
    }
    assert!(pages.iter().any(|page| page.results != pages[0].results));
}
