//! `recommender recommend`: a saved model answers on the command line.

use std::io::{self, Write};

use recommender_core::engine::{EngineAnswer, EngineRequest, Explanation, SeenPolicy, Tier};
use recommender_core::{Engine, Product};
use recommender_store::identity::Identifier;
use serde_json::json;

use crate::args::Recommend;
use crate::failure::Failure;
use crate::inputs;
use crate::table::Table;

pub(crate) fn run(arguments: &Recommend) -> Result<(), Failure> {
    let (engine, _) = inputs::load(&arguments.model)?;
    let user = arguments.user.as_deref();
    let user = user.map(|user| known_as(&engine, user).unwrap_or_else(|| user.to_owned()));
    if let Some(user) = &user
        && engine.users().get(user).is_none()
    {
        writeln!(io::stderr(), "note: no history of \"{user}\" in this model")?;
    }
    let answer = engine.recommend(&request(arguments, user))?;
    for key in &answer.missing {
        writeln!(io::stderr(), "note: \"{key}\" is not known to this model")?;
    }
    if arguments.json {
        return print_json(&answer);
    }
    print_table(&engine, &answer)
}

/// The key under which a model of a store knows a visitor who is not linked to anything: her own, marked as one.
fn known_as(engine: &Engine, user: &str) -> Option<String> {
    let visitor = Identifier::visitor(user).ok()?.to_string();
    let users = engine.users();
    (users.get(user).is_none() && users.get(&visitor).is_some()).then_some(visitor)
}

fn request(arguments: &Recommend, user: Option<String>) -> EngineRequest {
    EngineRequest {
        user,
        session: arguments.items.clone(),
        exclude: arguments.exclude.clone(),
        place: arguments.place.clone(),
        limit: arguments.limit,
        seen: if arguments.allow_seen {
            SeenPolicy::Allow
        } else {
            SeenPolicy::Exclude
        },
        explanation: Explanation::Contributions,
        ..EngineRequest::default()
    }
}

fn print_table(engine: &Engine, answer: &EngineAnswer) -> Result<(), Failure> {
    let mut table = Table::new(2, &["item", "title", "score", "source"]);
    for result in &answer.results {
        let title = title(engine, &result.key);
        table.row(vec![
            result.key.clone(),
            title,
            format!("{:.4}", result.score),
            result.source.clone(),
        ]);
    }
    table.print()?;
    writeln!(
        io::stdout(),
        "{} items, {}",
        answer.results.len(),
        spoken(answer.tier)
    )?;
    Ok(())
}

/// The title of an item, empty if the catalogue has none.
pub(crate) fn title(engine: &Engine, key: &str) -> String {
    let product = engine
        .items()
        .get(key)
        .and_then(|item| engine.catalog().product(item));
    product
        .map(|product: &Product| product.title.clone())
        .unwrap_or_default()
}

fn print_json(answer: &EngineAnswer) -> Result<(), Failure> {
    let result = |result: &recommender_core::engine::Recommended| {
        let contributions: serde_json::Map<_, _> = result
            .contributions
            .iter()
            .map(|(source, share)| (source.clone(), json!(share)))
            .collect();
        json!({ "item": result.key, "score": result.score, "source": result.source, "contributions": contributions })
    };
    let results: Vec<_> = answer.results.iter().map(result).collect();
    let answer =
        json!({ "results": results, "missing": answer.missing, "tier": name(answer.tier) });
    writeln!(io::stdout(), "{answer:#}")?;
    Ok(())
}

fn name(tier: Tier) -> &'static str {
    match tier {
        Tier::Personal => "personal",
        Tier::Session => "session",
        Tier::PlacePopular => "place_popular",
        Tier::Popular => "popular",
    }
}

fn spoken(tier: Tier) -> &'static str {
    match tier {
        Tier::Personal => "from her own history",
        Tier::Session => "from the items given",
        Tier::PlacePopular => "popular at the place",
        Tier::Popular => "popular",
    }
}
