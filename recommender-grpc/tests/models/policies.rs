//! Serving configs judged by lists that were shown with known probabilities.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use recommender_grpc::client::{EvaluationServiceClient, UserEventServiceClient};
use recommender_grpc::proto::exploration_spec::Policy;
use recommender_grpc::proto::policy_warning::Kind;
use recommender_grpc::proto::recommendation_service_client::RecommendationServiceClient;
use recommender_grpc::proto::{
    BatchWriteUserEventsRequest, EvaluatePolicyRequest, Evaluation, EventType, ExplorationSpec,
    GetEvaluationRequest, Impression, ImpressionItem, ListEvaluationsRequest, PolicyEstimator,
    PolicyEvaluation, ProductDetail, RecommendContext, RecommendRequest, ServingConfig, UserEvent,
};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::shop::{CATALOG, DAILY, HOME, Running, always, error, fields, reason, response};

const BESTSELLERS: &str = "[[sources]]\nmodel = { kind = \"popularity\" }\n";
const EXPLORING: &str = "catalogs/default/servingConfigs/exploring";

/// The tenth day, long after the model has learned, in seconds.
const SHOWN: i64 = 86_400 * 10;

fn evaluations(running: &Running) -> EvaluationServiceClient<Channel> {
    EvaluationServiceClient::new(running.channel.clone())
}

fn second(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

fn asked(estimator: PolicyEstimator) -> EvaluatePolicyRequest {
    EvaluatePolicyRequest {
        parent: CATALOG.into(),
        serving_config: HOME.into(),
        estimator: estimator.into(),
        from: second(SHOWN),
        to: second(SHOWN + 86_400),
        ..EvaluatePolicyRequest::default()
    }
}

async fn judge(running: &Running, request: EvaluatePolicyRequest) -> Result<Evaluation, Status> {
    let begun = evaluations(running).evaluate_policy(request).await?;
    Ok(response(&running.end(begun.into_inner()).await))
}

async fn judged(running: &Running, request: EvaluatePolicyRequest) -> PolicyEvaluation {
    judge(running, request).await.unwrap().policy.unwrap()
}

fn kinds(found: &PolicyEvaluation) -> Vec<Kind> {
    found
        .warnings
        .iter()
        .map(|warning| warning.kind())
        .collect()
}

/// A shop whose bestsellers stand on its page, with a second page that explores.
async fn open(folder: &std::path::Path) -> Running {
    let running = Running::with_model(folder, BESTSELLERS, always()).await;
    running.train().await;
    let exploring = ServingConfig {
        exploration: Some(ExplorationSpec {
            max_items: 2,
            policy: Some(Policy::Epsilon(0.5)),
        }),
        ..ServingConfig::default()
    };
    running.serve_by("exploring", exploring).await;
    running
}

/// What a guest is shown, with the probabilities.
async fn recommended(
    running: &Running,
    config: &str,
    (guest, size): (&str, i32),
) -> Vec<(String, f64)> {
    let request = RecommendRequest {
        serving_config: config.into(),
        context: Some(RecommendContext {
            visitor_id: guest.into(),
            event_time: second(SHOWN),
            ..RecommendContext::default()
        }),
        page_size: size,
        ..RecommendRequest::default()
    };
    let mut client = RecommendationServiceClient::new(running.channel.clone());
    let answer = client.recommend(request).await.unwrap().into_inner();
    let results = answer.results.into_iter();
    results
        .map(|result| (result.product_id, result.propensity))
        .collect()
}

fn list(guest: &str, items: &[(String, Option<f64>)]) -> UserEvent {
    let item = |(product_id, propensity): &(String, Option<f64>)| ImpressionItem {
        product_id: product_id.clone(),
        propensity: *propensity,
        ..ImpressionItem::default()
    };
    UserEvent {
        event_id: format!("list-{guest}"),
        event_type: EventType::ViewItemList.into(),
        visitor_id: guest.into(),
        event_time: second(SHOWN),
        impression: Some(Impression {
            items: items.iter().map(item).collect(),
            ..Impression::default()
        }),
        ..UserEvent::default()
    }
}

fn click(guest: &str, product: &str) -> UserEvent {
    UserEvent {
        event_id: format!("click-{guest}-{product}"),
        event_type: EventType::Click.into(),
        visitor_id: guest.into(),
        event_time: second(SHOWN + 60),
        product_details: vec![ProductDetail {
            product_id: product.into(),
            ..ProductDetail::default()
        }],
        ..UserEvent::default()
    }
}

async fn write(running: &Running, events: Vec<UserEvent>) {
    let mut client = UserEventServiceClient::new(running.channel.clone());
    for events in events.chunks(1000) {
        let request = BatchWriteUserEventsRequest {
            parent: CATALOG.into(),
            user_events: events.to_vec(),
            ..BatchWriteUserEventsRequest::default()
        };
        let written = client.batch_write_user_events(request).await.unwrap();
        for outcome in written.into_inner().outcomes {
            assert_eq!(outcome.status.unwrap().code, 0);
        }
    }
}

/// What a coin showed to many guests, each of three places a bestseller or another product, and what they clicked.
struct Log {
    events: Vec<UserEvent>,
    bestsellers: i64,
    clicks: i64,
    clicked_bestsellers: i64,
}

const GUESTS: i64 = 500;

fn log(products: &[(String, f64)]) -> Log {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut log = Log {
        events: Vec::new(),
        bestsellers: 0,
        clicks: 0,
        clicked_bestsellers: 0,
    };
    for guest in 0..GUESTS {
        let guest = format!("guest-{guest}");
        let mut items = Vec::new();
        for slot in 0..3 {
            let is_bestseller = rng.random_bool(0.5);
            let product = &products[if is_bestseller { slot } else { slot + 3 }].0;
            let clicked = rng.random_bool(if is_bestseller { 0.6 } else { 0.2 });
            items.push((product.clone(), Some(0.5)));
            log.bestsellers += i64::from(is_bestseller);
            log.clicks += i64::from(clicked);
            log.clicked_bestsellers += i64::from(clicked && is_bestseller);
            if clicked {
                log.events.push(click(&guest, product));
            }
        }
        log.events.push(list(&guest, &items));
    }
    log
}

#[tokio::test]
async fn what_a_page_would_have_brought_is_told_from_lists_of_a_coin() {
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path()).await;
    let products = recommended(&running, HOME, ("nobody", 6)).await;
    let log = log(&products);
    write(&running, log.events.clone()).await;
    let slots = GUESTS * 3;
    for estimator in [
        PolicyEstimator::Ips,
        PolicyEstimator::Snips,
        PolicyEstimator::Dr,
    ] {
        let found = judged(&running, asked(estimator)).await;
        assert_eq!((found.estimator(), &*found.model), (estimator, DAILY));
        assert_eq!(
            (found.lists, found.slots, found.persons),
            (GUESTS, slots, GUESTS)
        );
        assert_eq!(
            (found.rewarded_slots, found.unmatched_slots),
            (log.clicks, slots - log.bestsellers)
        );
        assert_eq!((found.certain_slots, found.unknown_propensities), (0, 0));
        assert_eq!((found.max_weight, found.filled_share), (2.0, 1.0));
        assert!((found.effective_slots - log.bestsellers as f64).abs() < 1e-6);
        let logged = found.logged_value.unwrap().mean;
        assert!((logged - log.clicks as f64 / slots as f64).abs() < 1e-12);
        let value = found.value.unwrap();
        assert!(
            value.low < 0.6 && 0.6 < value.high,
            "{estimator:?}: {value:?}"
        );
        assert!(found.difference.unwrap().low > 0.1, "{estimator:?}");
        let expected = match estimator {
            PolicyEstimator::Ips => 2.0 * log.clicked_bestsellers as f64 / slots as f64,
            PolicyEstimator::Snips => log.clicked_bestsellers as f64 / log.bestsellers as f64,
            PolicyEstimator::Unspecified | PolicyEstimator::Dr => value.mean,
        };
        assert!((value.mean - expected).abs() < 1e-12, "{estimator:?}");
        assert_eq!(kinds(&found), []);
    }
    let clipped = EvaluatePolicyRequest {
        clip: Some(1.5),
        evaluation_id: "clipped".into(),
        ..asked(PolicyEstimator::Ips)
    };
    let kept = judge(&running, clipped.clone()).await.unwrap();
    let found = kept.policy.clone().unwrap();
    let expected = 1.5 * log.clicked_bestsellers as f64 / slots as f64;
    assert!((found.value.unwrap().mean - expected).abs() < 1e-12);
    assert_eq!(
        (found.clipped_slots, found.clip),
        (log.bestsellers, Some(1.5))
    );
    let again = judge(&running, clipped).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    is_kept(&running, &kept).await;
    running.stop().await;
}

async fn is_kept(running: &Running, kept: &Evaluation) {
    assert_eq!(kept.name, format!("{CATALOG}/evaluations/clipped"));
    let get = GetEvaluationRequest {
        name: kept.name.clone(),
    };
    let got = evaluations(running).get_evaluation(get).await.unwrap();
    assert_eq!(got.into_inner(), *kept);
    let list = ListEvaluationsRequest {
        parent: CATALOG.into(),
        ..ListEvaluationsRequest::default()
    };
    let listed = evaluations(running).list_evaluations(list).await.unwrap();
    let listed = listed.into_inner().evaluations;
    assert_eq!(listed.len(), 4);
    assert!(listed.contains(kept));
}

#[tokio::test]
async fn a_page_that_explores_is_judged_by_the_chances_that_it_told() {
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path()).await;
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut events = Vec::new();
    for guest in 0..200 {
        let guest = format!("guest-{guest}");
        let shown = recommended(&running, EXPLORING, (&guest, 4)).await;
        let items = shown
            .iter()
            .map(|(product, chance)| (product.clone(), Some(*chance)));
        events.push(list(&guest, &items.collect::<Vec<_>>()));
        let clicked = shown.iter().filter(|_| rng.random_bool(0.3));
        events.extend(clicked.map(|(product, _)| click(&guest, product)));
    }
    write(&running, events).await;
    let own = EvaluatePolicyRequest {
        serving_config: EXPLORING.into(),
        ..asked(PolicyEstimator::Ips)
    };
    let found = judged(&running, own).await;
    // Every slot is as probable as it said.
    assert!((found.max_weight - 1.0).abs() < 1e-9, "{found:?}");
    assert!((found.effective_slots - 800.0).abs() < 1e-6);
    assert_eq!((found.unmatched_slots, found.certain_slots), (0, 400));
    assert!(found.difference.unwrap().mean.abs() < 1e-9);
    assert_eq!(kinds(&found), []);
    // And all that the page shows without exploring was shown half of the time.
    let found = judged(&running, asked(PolicyEstimator::Snips)).await;
    assert!((found.max_weight - 2.0).abs() < 1e-9, "{found:?}");
    let weight = found.mean_weight.unwrap();
    assert!(weight.low < 1.0 && 1.0 < weight.high, "{weight:?}");
    assert!(found.unmatched_slots > 150 && found.unmatched_lists == 0);
    running.stop().await;
}

#[tokio::test]
async fn a_reward_on_another_device_counts_and_what_little_is_told_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path()).await;
    let products = recommended(&running, HOME, ("nobody", 6)).await;
    let of_ann = |event: UserEvent| UserEvent {
        user_id: "ann".into(),
        ..event
    };
    let shown = list("phone", &[(products[5].0.clone(), None)]);
    let clicked = click("tablet", &products[5].0);
    write(&running, vec![of_ann(shown), of_ann(clicked)]).await;
    let found = judged(&running, asked(PolicyEstimator::Unspecified)).await;
    assert_eq!(
        (found.estimator(), found.value),
        (PolicyEstimator::Snips, None)
    );
    assert_eq!(
        (found.lists, found.persons, found.rewarded_slots),
        (1, 1, 1)
    );
    assert_eq!((found.unmatched_lists, found.certain_slots), (1, 1));
    let expected = [
        Kind::NoOverlap,
        Kind::FewEffectiveSamples,
        Kind::UnknownPropensities,
    ];
    assert_eq!(kinds(&found), expected);
    let purchases = EvaluatePolicyRequest {
        reward_event_types: vec![EventType::Purchase.into()],
        from: second(0),
        ..asked(PolicyEstimator::Ips)
    };
    let found = judged(&running, purchases).await;
    assert_eq!(found.rewarded_slots, 0);
    assert_eq!(kinds(&found)[3..], [Kind::TrainedOnLog]);
    running.stop().await;
}

#[tokio::test]
async fn what_was_shown_was_to_be_had_then_and_what_she_had_done_by_then_counts() {
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path()).await;
    let products = recommended(&running, HOME, ("nobody", 4)).await;
    let best = products[0].0.clone();
    let shown = |guest: &str, product: &str| list(guest, &[(product.to_owned(), None)]);
    let bought = |guest: &str, seconds: i64| UserEvent {
        event_id: format!("bought-{guest}"),
        event_type: EventType::Purchase.into(),
        event_time: second(SHOWN + seconds),
        ..click(guest, &best)
    };
    // One had the best product by then, one had it later: it is answered to those who do not have it yet.
    let events = vec![
        shown("early", &best),
        bought("early", -60),
        shown("late", &best),
        bought("late", 60),
        shown("other", &products[1].0),
    ];
    write(&running, events).await;
    let matched = |found: PolicyEvaluation| found.slots - found.unmatched_slots;
    let before = judged(&running, asked(PolicyEstimator::Ips)).await;
    assert_eq!((before.lists, matched(before)), (3, 1));
    // Nobody can buy it any more; where it was shown, somebody could.
    let gone = running.store.delete_product(&best).unwrap();
    gone.await.unwrap();
    let now = recommended(&running, HOME, ("nobody", 1)).await;
    assert_eq!(now[0].0, products[1].0);
    let after = judged(&running, asked(PolicyEstimator::Ips)).await;
    assert_eq!((after.lists, matched(after)), (3, 2));
    running.stop().await;
}

#[tokio::test]
async fn what_can_not_be_judged_is_refused_and_what_is_cancelled_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path()).await;
    let wrong = EvaluatePolicyRequest {
        clip: Some(f64::NAN),
        to: second(SHOWN),
        limit: -1,
        ..asked(PolicyEstimator::Ips)
    };
    let refused = judge(&running, wrong).await.unwrap_err();
    assert_eq!(fields(&refused), ["clip", "to", "limit"]);
    let unknown = EvaluatePolicyRequest {
        serving_config: format!("{HOME}-not"),
        ..asked(PolicyEstimator::Ips)
    };
    let refused = judge(&running, unknown).await.unwrap_err();
    assert_eq!(
        (refused.code(), &*reason(&refused)),
        (Code::NotFound, "NOT_FOUND")
    );
    let begun = evaluations(&running)
        .evaluate_policy(asked(PolicyEstimator::Ips))
        .await;
    let ended = running.end(begun.unwrap().into_inner()).await;
    let (code, message) = error(&ended);
    assert_eq!(code, i32::from(Code::FailedPrecondition), "{message}");

    let products = recommended(&running, HOME, ("nobody", 20)).await;
    let items: Vec<_> = products
        .into_iter()
        .map(|(product, _)| (product, None))
        .collect();
    let lists = (0..1500).map(|guest| list(&format!("guest-{guest}"), &items));
    write(&running, lists.collect()).await;
    let slow = EvaluatePolicyRequest {
        evaluation_id: "slow".into(),
        ..asked(PolicyEstimator::Dr)
    };
    let begun = evaluations(&running).evaluate_policy(slow).await.unwrap();
    let begun = begun.into_inner();
    running.cancel(begun).await;
    let get = GetEvaluationRequest {
        name: format!("{CATALOG}/evaluations/slow"),
    };
    let gone = evaluations(&running).get_evaluation(get).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    running.stop().await;
}
