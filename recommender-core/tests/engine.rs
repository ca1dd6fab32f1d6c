//! The engine's promises: keys in, keys out, unknown keys named, and an answer for everyone.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use recommender_core::engine::{
    Engine, EngineAnswer, EngineRequest, Explanation, HistorySource, SeenPolicy, Tier,
};
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::{Dataset, FitOptions, PipelineConfig, Timestamp};

fn event(visitor: &str, item: &str, day: i64) -> Event {
    Event {
        visitor: visitor.into(),
        item: Some(item.into()),
        kind: EventKind::Purchase,
        place: Some("north".into()),
        quantity: 1.0,
        time: Some(Timestamp::from_seconds(day * 86_400)),
        ..Event::default()
    }
}

fn engine() -> Engine {
    let config = PipelineConfig::from_toml("[[sources]]\nmodel = { kind = \"random\" }").unwrap();
    let mut table = EventTable::new();
    for (visitor, item) in [
        ("ann", "cup"),
        ("ann", "pot"),
        ("bob", "cup"),
        ("bob", "lid"),
        ("eve", "jar"),
    ] {
        table.push(&event(visitor, item, 1)).unwrap();
    }
    let dataset = Dataset::new(table, vec![], config.interactions.clone()).unwrap();
    Engine::fit(&config, &dataset, &FitOptions::default()).unwrap()
}

fn keys(answer: &EngineAnswer) -> Vec<&str> {
    let mut keys: Vec<&str> = answer
        .results
        .iter()
        .map(|result| result.key.as_str())
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_known_shopper_is_answered_from_her_history() {
    let engine = engine();
    let request = EngineRequest {
        user: Some("ann".into()),
        limit: 10,
        ..EngineRequest::default()
    };
    let answer = engine.recommend(&request).unwrap();
    assert_eq!(
        (keys(&answer), answer.tier),
        (vec!["jar", "lid"], Tier::Personal)
    );
    let allowed = EngineRequest {
        seen: SeenPolicy::Allow,
        ..request
    };
    assert_eq!(engine.recommend(&allowed).unwrap().results.len(), 4);
}

#[test]
fn a_history_that_comes_with_the_request_is_the_whole_history() {
    let engine = engine();
    let request = EngineRequest {
        user: Some("ann".into()),
        events: vec![event("", "cup", 1), event("", "ufo", 1)],
        history: HistorySource::Request,
        limit: 10,
        ..EngineRequest::default()
    };
    let mut missing = Vec::new();
    let query = engine.query(&request, &mut missing).unwrap();
    let cup = engine.items().get("cup").unwrap();
    assert_eq!((query.history.len(), missing.len()), (1, 0));
    assert_eq!((query.history[0].item, query.history[0].weight), (cup, 1.0));
    let answer = engine.recommend(&request).unwrap();
    assert_eq!(
        (keys(&answer), answer.tier),
        (vec!["jar", "lid", "pot"], Tier::Personal)
    );
    let forgotten = EngineRequest {
        events: vec![],
        ..request
    };
    assert_eq!(engine.recommend(&forgotten).unwrap().tier, Tier::Popular);
}

#[test]
fn a_stranger_is_answered_from_one_event() {
    let engine = engine();
    let request = EngineRequest {
        user: Some("zoe".into()),
        events: vec![event("ignored", "cup", 2)],
        limit: 10,
        ..EngineRequest::default()
    };
    let answer = engine.recommend(&request).unwrap();
    assert_eq!(
        (keys(&answer), answer.tier),
        (vec!["jar", "lid", "pot"], Tier::Session)
    );
}

#[test]
fn unknown_keys_are_named_once_and_excluded_ones_never_come() {
    let engine = engine();
    let request = EngineRequest {
        session: vec!["ufo".into(), "ufo".into()],
        context_items: vec!["cup".into()],
        exclude: vec!["jar".into(), "yeti".into()],
        place: Some("moon".into()),
        limit: 10,
        ..EngineRequest::default()
    };
    let answer = engine.recommend(&request).unwrap();
    assert_eq!(keys(&answer), ["lid", "pot"]);
    assert_eq!(answer.missing, ["moon", "ufo", "yeti"]);
}

#[test]
fn candidates_bound_the_answer_and_contributions_explain_it() {
    let engine = engine();
    let request = EngineRequest {
        session: vec!["cup".into()],
        candidates: Some(vec!["jar".into()]),
        explanation: Explanation::Contributions,
        limit: 10,
        ..EngineRequest::default()
    };
    let answer = engine.recommend(&request).unwrap();
    assert_eq!(keys(&answer), ["jar"]);
    let result = &answer.results[0];
    assert_eq!(result.contributions, [("random".to_owned(), result.score)]);
}

#[test]
fn a_custom_kind_without_a_weight_is_refused() {
    let mut odd = event("x", "cup", 1);
    odd.kind = EventKind::Custom("dwell".into());
    let request = EngineRequest {
        events: vec![odd],
        limit: 1,
        ..EngineRequest::default()
    };
    assert!(engine().recommend(&request).is_err());
}

#[test]
fn what_she_refuses_is_never_answered_until_she_takes_it_up_again() {
    let engine = engine();
    let said = |kind: EventKind, item: &str, day: i64| Event {
        kind,
        ..event("", item, day)
    };
    let request = EngineRequest {
        user: Some("ann".into()),
        events: vec![
            said(EventKind::Hide, "pot", 3),
            said(EventKind::Dislike, "jar", 3),
            said(EventKind::Hide, "ufo", 3),
            said(EventKind::View, "jar", 4),
        ],
        session: vec!["jar".into(), "lid".into()],
        exclude: vec!["lid".into()],
        seen: SeenPolicy::Allow,
        limit: 10,
        ..EngineRequest::default()
    };
    assert_eq!(engine.refused(&request), ["jar", "pot", "ufo"]);
    assert_eq!(keys(&engine.recommend(&request).unwrap()), ["cup"]);
    let query = engine.query(&request, &mut Vec::new()).unwrap();
    assert_eq!(query.session, [engine.items().get("lid").unwrap()]);
    assert_eq!(query.history.len(), 1, "she bought the pot, and refused it");
    let mut again = request.clone();
    again.events.push(said(EventKind::Wishlist, "pot", 5));
    assert_eq!(engine.refused(&again), ["jar", "ufo"]);
    assert_eq!(keys(&engine.recommend(&again).unwrap()), ["cup", "pot"]);
    let nothing = EngineRequest {
        events: Vec::new(),
        ..request
    };
    assert!(engine.refused(&nothing).is_empty());
}
