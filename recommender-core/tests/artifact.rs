//! The promises of artefacts: what was saved answers as before, equal training gives equal bytes, and whatever was
//! cut, altered, lost or added is refused with the name of the file.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use recommender_core::artifact::{self, Facts, MANIFEST, MemoryFiles};
use recommender_core::catalog::AttributeValue;
use recommender_core::engine::{Engine, EngineRequest, Explanation};
use recommender_core::events::{Channel, Event, EventKind, EventTable};
use recommender_core::pipeline::ModelConfig;
use recommender_core::{Dataset, Error, FitOptions, PipelineConfig, Product, Timestamp};

const HYBRID: &str = r#"
    [interactions]
    half_life_days = 33.3
    [interactions.kinds]
    "custom:dwell" = 0.3
    [[sources]]
    model = { kind = "item_knn" }
    [[sources]]
    name = "../what it is"
    weight = 0.7
    model = { kind = "content", title = 1.1 }
    [fallback]
    model = { kind = "popularity" }
    [[rerank]]
    rule = "category_cap"
    max_per_category = 2
"#;

fn event(number: i64) -> Event {
    let kinds = [
        EventKind::Purchase,
        EventKind::View,
        EventKind::Rating,
        EventKind::Custom("dwell".into()),
    ];
    let kind = kinds[usize::try_from(number % 4).unwrap()].clone();
    Event {
        visitor: format!("user {}", number % 13),
        item: Some(format!("item {}", number * number % 23)),
        rating: (kind == EventKind::Rating).then_some(4.0),
        kind,
        channel: (number % 3 == 0).then_some(Channel::Kiosk),
        place: (number % 5 == 0).then(|| format!("place {}", number % 2)),
        quantity: 1.0,
        time: Some(Timestamp::from_seconds(number * 40_000)),
        ..Event::default()
    }
}

fn products() -> Vec<Product> {
    let titles = [
        "red lantern",
        "blue lantern",
        "陶瓷 茶杯",
        "red mug",
        "mug 茶杯",
    ];
    let product = |number: u32| Product {
        key: format!("item {number}"),
        title: titles[number as usize % titles.len()].into(),
        categories: vec![vec![format!("aisle {}", number % 4)]],
        price: Some(f64::from(number) / 3.0),
        attributes: [(
            "weight".into(),
            AttributeValue::Number(f64::from(number).sqrt()),
        )]
        .into(),
        ..Product::default()
    };
    (0..30).map(product).collect()
}

fn fitted(recipe: &str, threads: Option<usize>) -> Engine {
    let config = PipelineConfig::from_toml(recipe).unwrap();
    let mut table = EventTable::new();
    for number in 0..260 {
        table.push(&event(number)).unwrap();
    }
    let mut interactions = config.interactions.clone();
    let dwell = EventKind::Custom("dwell".into());
    interactions.kinds.entry(dwell).or_insert(0.1);
    let config = PipelineConfig {
        interactions,
        ..config
    };
    let dataset = Dataset::new(table, products(), config.interactions.clone()).unwrap();
    let options = FitOptions {
        threads,
        seed: 11,
        ..FitOptions::default()
    };
    Engine::fit(&config, &dataset, &options).unwrap()
}

fn saved(engine: &Engine) -> MemoryFiles {
    let facts = Facts::from([("created".into(), "2011-12-09T12:50:00Z".into())]);
    let mut files = MemoryFiles::default();
    artifact::save(engine, &facts, &mut files).unwrap();
    files
}

fn hybrid() -> MemoryFiles {
    saved(&fitted(HYBRID, None))
}

/// Each model that this build learns, and a pipeline of several.
fn recipes() -> Vec<String> {
    let taught = |name: &&&str| **name != "sequence" || cfg!(feature = "sequence-training");
    let alone = |name: &&str| format!("[[sources]]\nmodel = {{ kind = \"{name}\" }}");
    let names = ModelConfig::NAMES.iter().filter(taught);
    let mut recipes: Vec<String> = names.map(alone).collect();
    recipes.push(HYBRID.to_owned());
    recipes
}

fn requests() -> Vec<EngineRequest> {
    let base = EngineRequest {
        limit: 8,
        explanation: Explanation::Contributions,
        ..EngineRequest::default()
    };
    let mut requests = vec![base.clone()];
    for number in 0..13 {
        requests.push(EngineRequest {
            user: Some(format!("user {number}")),
            session: vec![format!("item {}", number * 2)],
            place: (number % 2 == 0).then(|| "place 1".into()),
            ..base.clone()
        });
    }
    requests.push(EngineRequest {
        events: vec![event(7), event(9)],
        context_items: vec!["item 29".into()],
        ..base
    });
    requests
}

/// The error of loading `files`.
fn refusal(files: &MemoryFiles) -> String {
    match artifact::load(files) {
        Err(error @ (Error::Input(_) | Error::Data { .. })) => error.to_string(),
        Err(error) => panic!("the error blames the wrong side: {error:?}"),
        Ok(_) => panic!("a damaged artefact was loaded"),
    }
}

#[test]
fn a_loaded_engine_answers_as_the_fitted_one_with_every_model() {
    for recipe in recipes() {
        let engine = fitted(&recipe, None);
        let (loaded, manifest) = artifact::load(&saved(&engine)).unwrap();
        for request in requests() {
            let (before, after) = (engine.recommend(&request), loaded.recommend(&request));
            assert_eq!(before.unwrap(), after.unwrap(), "{recipe}");
        }
        assert_eq!(loaded.config(), engine.config());
        assert_eq!(loaded.catalog(), engine.catalog());
        assert_eq!(loaded.training(), engine.training());
        assert_eq!(manifest.training.seed, 11);
        assert_eq!(manifest.created_by["created"], "2011-12-09T12:50:00Z");
        assert_eq!(saved(&loaded), saved(&engine), "{recipe}");
    }
}

#[test]
fn equal_training_gives_equal_bytes_on_any_number_of_threads() {
    for recipe in recipes() {
        let one = saved(&fitted(&recipe, Some(1)));
        let two = saved(&fitted(&recipe, Some(2)));
        for (name, content) in &one.files {
            assert!(two.files.get(name) == Some(content), "{recipe}: {name}");
        }
        assert_eq!(one.files.len(), two.files.len());
    }
}

#[test]
fn persons_stand_in_one_file() {
    let files = hybrid();
    let names = |content: &Bytes| content.windows(5).any(|window| window == b"user ");
    let with_persons = files.files.iter().filter(|(_, content)| names(content));
    let with_persons: Vec<&String> = with_persons.map(|(name, _)| name).collect();
    assert_eq!(with_persons, ["histories.safetensors"]);
}

#[test]
fn a_truncated_file_is_refused_by_name() {
    let whole = hybrid();
    for (name, content) in &whole.files {
        for len in [0, content.len() / 2, content.len() - 1] {
            let mut cut = whole.clone();
            cut.files.insert(name.clone(), content.slice(..len));
            let error = refusal(&cut);
            assert!(
                error.starts_with(name.as_str()),
                "{name} cut to {len}: {error}"
            );
        }
    }
}

/// Every so many bytes of a file one is altered.
const ALTERED: usize = 397;

#[test]
fn an_altered_file_is_refused_by_name_with_every_model() {
    for recipe in recipes() {
        let whole = saved(&fitted(&recipe, None));
        for (name, content) in &whole.files {
            for position in (0..content.len()).step_by(ALTERED) {
                let mut bytes = content.to_vec();
                bytes[position] ^= 1 << (position % 8);
                let mut altered = whole.clone();
                altered.files.insert(name.clone(), bytes.into());
                let error = refusal(&altered);
                assert!(
                    error.starts_with(name.as_str()),
                    "{name} at {position}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_missing_or_unknown_file_is_refused_by_name() {
    let whole = hybrid();
    for name in whole.files.keys() {
        let mut lacking = whole.clone();
        lacking.files.remove(name);
        let error = refusal(&lacking);
        assert!(
            error.starts_with(name.as_str()) && error.contains("no such file"),
            "{error}"
        );
    }
    let mut more = whole;
    more.files
        .insert("models/old.safetensors".into(), Bytes::new());
    let error = refusal(&more);
    assert!(error.starts_with("models/old.safetensors"), "{error}");
}

#[test]
fn another_format_version_is_refused_by_number() {
    let mut newer = hybrid();
    let text = String::from_utf8(newer.files[MANIFEST].to_vec()).unwrap();
    let text = text.replace("\"format_version\": 1", "\"format_version\": 2");
    newer.files.insert(MANIFEST.into(), text.into());
    let error = refusal(&newer);
    assert_eq!(
        error,
        "manifest.json: expected format version 1, found format version 2"
    );
}

#[test]
fn histories_of_other_data_are_refused() {
    let mut mixed = hybrid();
    let name = "histories.safetensors";
    let mut table = EventTable::new();
    table.push(&event(1)).unwrap();
    let config = PipelineConfig::from_toml(HYBRID).unwrap();
    let dataset = Dataset::new(table, products(), config.interactions.clone()).unwrap();
    let other = Engine::fit(&config, &dataset, &FitOptions::default()).unwrap();
    let histories = saved(&other).files[name].clone();
    mixed.files.insert(name.into(), histories);
    let error = refusal(&mixed);
    assert!(
        error.starts_with(name) && error.contains("other data"),
        "{error}"
    );
}

#[test]
fn a_model_version_names_the_content() {
    let engine = fitted(HYBRID, None);
    let version = |facts: &Facts| {
        let manifest = artifact::save(&engine, facts, &mut MemoryFiles::default()).unwrap();
        manifest.model_version().to_owned()
    };
    let one = Facts::from([("created".into(), "monday".into())]);
    let other = Facts::from([("created".into(), "tuesday".into())]);
    assert_eq!(version(&one), version(&one));
    assert_ne!(version(&one), version(&other));
    let (_, manifest) = artifact::load(&saved(&engine)).unwrap();
    assert_eq!(manifest.model_version().len(), 12);
}
