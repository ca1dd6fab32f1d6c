//! Products that a shopper disliked or hid.

use recommender_core::Timestamp;
use recommender_core::engine::{EngineRequest, SeenPolicy};
use recommender_core::events::{Event, EventKind};
use recommender_grpc::client::{UserEventServiceClient, UserServiceClient};
use recommender_grpc::proto::{
    BatchRecommendRequest, EventType, ExplainRecommendationRequest, ExternalId,
    LinkIdentitiesRequest, NotShownReason, RankCandidate, RankRequest, RecommendContext,
    RecommendRequest, RecommendResponse, UnlinkIdentitiesRequest, UserEvent, WriteUserEventRequest,
};
use recommender_grpc::serving::Action;
use recommender_store::Store;
use recommender_store::identity::Identifier;

use crate::shop::{HOME, Running, engine, engine_request, keys, purchase, request_in};
use crate::stocked::{ask, bought, control, of, open, open_with, store, write};

const CATALOG: &str = "catalogs/default";

/// That something was done with `key` so many seconds after what [`purchase`] says.
fn done(event_type: EventType, key: &str, seconds: i64) -> UserEvent {
    let mut event = purchase(key);
    event.set_event_type(event_type);
    event.event_time = Some(prost_types::Timestamp {
        seconds: 864_000 + seconds,
        nanos: 0,
    });
    event
}

/// Writes an event of `visitor`; gives the token by which an answer has seen it.
async fn tell(shop: &Running, visitor: &str, event: UserEvent) -> String {
    let request = WriteUserEventRequest {
        parent: CATALOG.into(),
        user_event: Some(UserEvent {
            visitor_id: visitor.into(),
            ..event
        }),
        ..WriteUserEventRequest::default()
    };
    let mut events = UserEventServiceClient::new(shop.channel.clone());
    let written = events.write_user_event(request).await.unwrap();
    written.into_inner().freshness_token
}

fn ids() -> Vec<ExternalId> {
    let visitor = |value: &str| ExternalId {
        namespace: "visitor".into(),
        value: value.into(),
    };
    vec![visitor("till"), visitor("phone")]
}

async fn link(shop: &Running) -> String {
    let request = LinkIdentitiesRequest {
        parent: CATALOG.into(),
        ids: ids(),
        evidence: "showed her card".into(),
        ..LinkIdentitiesRequest::default()
    };
    let mut users = UserServiceClient::new(shop.channel.clone());
    let linked = users.link_identities(request).await.unwrap();
    linked.into_inner().freshness_token
}

async fn unlink(shop: &Running) -> String {
    let request = UnlinkIdentitiesRequest {
        parent: CATALOG.into(),
        ids: ids(),
        ..UnlinkIdentitiesRequest::default()
    };
    let mut users = UserServiceClient::new(shop.channel.clone());
    let gone = users.unlink_identities(request).await.unwrap();
    gone.into_inner().freshness_token
}

/// Everything that may be shown to `visitor`, by an answer that has seen the write of `token`.
fn all(visitor: &str, token: String) -> RecommendRequest {
    RecommendRequest {
        page_size: 1000,
        min_freshness: token,
        ..of(visitor)
    }
}

fn shows(response: &RecommendResponse, key: &str) -> bool {
    keys(response).contains(&key)
}

/// A shop that answers again what shoppers had, and in which ann's phone and the till know of some lamps.
async fn shop_of_lamps(store: &Store) -> Running {
    let lamps = [("phone", 3), ("phone", 5), ("till", 6)];
    let lamps = lamps.map(|(visitor, lamp)| bought(visitor, &format!("lamp-{lamp}"), lamp));
    write(store, lamps.into()).await;
    let pin = Action::Pin {
        product: "lamp-4".into(),
        position: 1,
    };
    let allow = |config: &mut recommender_grpc::serving::ServingConfig| {
        config.seen = SeenPolicy::Allow;
    };
    open_with(store, vec![control("pin", pin)], allow).await
}

#[tokio::test]
async fn what_she_hides_at_the_till_is_not_shown_on_her_phone_until_she_takes_it_up_again() {
    let store = store().await;
    let mut shop = shop_of_lamps(&store).await;
    let hidden = tell(&shop, "till", done(EventType::Hide, "lamp-4", 0)).await;
    let apart = ask(&mut shop, all("phone", hidden)).await;
    assert!(shows(&apart, "lamp-4"), "nobody knows that both are hers");
    let together = link(&shop).await;
    let answer = ask(&mut shop, all("phone", together)).await;
    assert!(!shows(&answer, "lamp-4"));
    assert_eq!(answer.results.len(), apart.results.len() - 1);
    let disliked = tell(&shop, "phone", done(EventType::Dislike, "lamp-3", 1)).await;
    let answer = ask(&mut shop, all("till", disliked)).await;
    assert!(!shows(&answer, "lamp-3") && !shows(&answer, "lamp-4"));
    let alone = unlink(&shop).await;
    let answer = ask(&mut shop, all("phone", alone)).await;
    assert!(shows(&answer, "lamp-4") && !shows(&answer, "lamp-3"));
    link(&shop).await;
    for (seconds, event_type) in (10..).zip([
        EventType::ViewItem,
        EventType::Click,
        EventType::RemoveFromCart,
    ]) {
        let token = tell(&shop, "phone", done(event_type, "lamp-4", seconds)).await;
        let answer = ask(&mut shop, all("phone", token)).await;
        assert!(!shows(&answer, "lamp-4"), "{event_type:?}");
    }
    let bought = tell(&shop, "phone", done(EventType::Purchase, "lamp-4", 20)).await;
    let answer = ask(&mut shop, all("till", bought)).await;
    assert!(shows(&answer, "lamp-4") && !shows(&answer, "lamp-3"));
    let mut rated = done(EventType::Rate, "lamp-3", 30);
    rated.rating = Some(4.0);
    let token = tell(&shop, "till", rated).await;
    assert!(shows(&ask(&mut shop, all("phone", token)).await, "lamp-3"));
}

#[tokio::test]
async fn a_refusal_holds_however_much_she_does_after_it_and_the_library_answers_the_same() {
    let store = store().await;
    let mut shop = shop_of_lamps(&store).await;
    tell(&shop, "phone", done(EventType::Hide, "lamp-4", 0)).await;
    let mut token = String::new();
    for number in 0..60 {
        let look = done(
            EventType::ViewItem,
            &format!("rope-{}", number % 12),
            10 + number,
        );
        token = tell(&shop, "phone", look).await;
    }
    let answer = ask(&mut shop, all("phone", token)).await;
    assert!(!shows(&answer, "lamp-4") && answer.results.len() > 30);
    let request = EngineRequest {
        limit: 1000,
        seen: SeenPolicy::Allow,
        ..EngineRequest::default()
    };
    let identifiers = [Identifier::visitor("phone").unwrap()];
    let request = store.with_history(request, &identifiers, 50).unwrap();
    let expected = engine().recommend(&request).unwrap().results;
    let expected: Vec<&str> = expected.iter().map(|result| &*result.key).collect();
    assert_eq!(keys(&answer), expected);
    let batch = BatchRecommendRequest {
        requests: vec![all("phone", String::new()), all("phone", String::new())],
        distinct_across_requests: false,
    };
    let answers = shop.client.batch_recommend(batch).await.unwrap();
    for answer in answers.into_inner().responses {
        assert_eq!(keys(&answer.response.unwrap()), expected);
    }
}

#[tokio::test]
async fn rank_and_explain_say_that_she_refused_it() {
    let store = store().await;
    let mut unknown = (*store.product("cup-1").unwrap()).clone();
    unknown.key = "new".into();
    store.put_products(&[unknown]).unwrap().await.unwrap();
    let level = crate::stocked::stock("north", "new", 1.0);
    store.set_stock(&[level]).unwrap().await.unwrap();
    let mut shop = shop_of_lamps(&store).await;
    tell(&shop, "phone", done(EventType::Hide, "lamp-4", 0)).await;
    tell(&shop, "phone", done(EventType::Dislike, "new", 0)).await;
    let candidates = ["rope-1", "lamp-4", "new", "lamp-3"];
    let request = RankRequest {
        serving_config: HOME.into(),
        context: of("phone").context,
        candidates: candidates
            .map(|key| RankCandidate {
                product_id: key.into(),
                base_score: None,
            })
            .into(),
        ..RankRequest::default()
    };
    let ranked = shop.client.rank(request).await.unwrap().into_inner();
    let left_out: Vec<_> = (ranked.left_out.iter())
        .map(|it| (&*it.product_id, it.reason.as_ref().unwrap().reason()))
        .collect();
    let refused = NotShownReason::Refused;
    assert_eq!(left_out, [("lamp-4", refused), ("new", refused)]);
    assert_eq!(ranked.results.len(), 2);
    for key in ["lamp-4", "new"] {
        let request = ExplainRecommendationRequest {
            request: Some(of("phone")),
            product_id: key.into(),
            ..ExplainRecommendationRequest::default()
        };
        let why = shop.client.explain_recommendation(request).await.unwrap();
        let why = why.into_inner();
        let reasons: Vec<_> = why.not_shown.iter().map(|it| it.reason()).collect();
        assert!(!why.shown && reasons.contains(&refused), "{reasons:?}");
        assert!(!reasons.contains(&NotShownReason::Seen), "{reasons:?}");
    }
}

#[tokio::test]
async fn what_the_request_tells_of_refusals_counts_with_a_store_and_without() {
    let told = |recent_events: Vec<UserEvent>| RecommendRequest {
        page_size: 1000,
        ..request_in(RecommendContext {
            session_id: "today".into(),
            recent_events,
            ..RecommendContext::default()
        })
    };
    let today = |event_type: EventType, key: &str, seconds: i64| UserEvent {
        session_id: "today".into(),
        ..done(event_type, key, seconds)
    };
    let events = vec![
        today(EventType::ViewItem, "rope-1", 1),
        today(EventType::ViewItem, "lamp-2", 2),
        today(EventType::Hide, "lamp-2", 3),
        today(EventType::Dislike, "cup-5", 4),
    ];
    let mut shop = Running::shop("").await;
    let answer = shop.client.recommend(told(events.clone())).await.unwrap();
    let answer = answer.into_inner();
    let mut question = engine_request();
    question.limit = 1000;
    question.session = vec!["rope-1".into()];
    let kinds = [
        EventKind::View,
        EventKind::View,
        EventKind::Hide,
        EventKind::Dislike,
    ];
    let keys_of = ["rope-1", "lamp-2", "lamp-2", "cup-5"];
    question.events = (1..)
        .zip(kinds.into_iter().zip(keys_of))
        .map(|(seconds, (kind, key))| Event {
            item: Some(key.into()),
            kind,
            quantity: 1.0,
            time: Some(Timestamp::from_seconds(864_000 + seconds)),
            ..Event::default()
        })
        .collect();
    let expected = engine().recommend(&question).unwrap().results;
    let expected: Vec<&str> = expected.iter().map(|result| &*result.key).collect();
    assert_eq!(keys(&answer), expected);
    let store = store().await;
    let mut stocked = open(&store).await;
    for answer in [answer, ask(&mut stocked, told(events)).await] {
        assert!(!shows(&answer, "lamp-2") && !shows(&answer, "cup-5"));
        assert!(shows(&answer, "lamp-3") && answer.results.len() > 30);
    }
}

#[tokio::test]
async fn a_refusal_names_its_product() {
    let shop = Running::shop("").await;
    for event_type in [EventType::Hide, EventType::Dislike] {
        let mut event = done(event_type, "cup-1", 0);
        event.product_details.clear();
        let request = request_in(RecommendContext {
            recent_events: vec![event],
            ..RecommendContext::default()
        });
        let mut client = shop.client.clone();
        let status = client.recommend(request).await.unwrap_err();
        assert!(status.message().contains("product_details"), "{status:?}");
    }
}
