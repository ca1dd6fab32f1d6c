//! Spaces as code, as a file, and what is wrong with either.

use super::*;

const FILE: &str = r#"
[interactions]
combine = { choices = ["max", "binary"] }
half_life_days = { float = [7.0, 700.0], scale = "log", when = { combine = ["max"] } }
quantity = "ignore"

[models.item_knn]
similarity = { choices = ["cosine", "bm25"] }
neighbours = { integer = [20, 2000], scale = "log" }
shrinkage = { float = [0.0, 100.0], when = { similarity = ["cosine"] } }

[models.recent]
kind = "popularity"
window_days = { float = [1.0, 60.0], scale = "log" }

[models.ease]
"#;

fn facts() -> DataFacts {
    DataFacts {
        items: 100,
        users: 100,
        span_days: 100.0,
        repeats: true,
        quantities: false,
        kinds: vec![],
    }
}

fn point(values: &[(&str, Value)]) -> Point {
    let named = |(name, value): &(&str, Value)| ((*name).to_owned(), value.clone());
    values.iter().map(named).collect()
}

#[test]
fn a_file_says_what_is_searched_and_what_is_fixed() {
    let spaces = read_space("space.toml", FILE)
        .unwrap()
        .spaces(&facts())
        .unwrap();
    let names: Vec<(&str, &str)> = spaces.iter().map(|it| (it.name(), it.kind())).collect();
    assert!(names.contains(&("recent", "popularity")) && names.len() == 3);
    let knn = spaces.iter().find(|it| it.kind() == "item_knn").unwrap();
    let searched = point(&[
        ("interactions.combine", "max".into()),
        ("interactions.half_life_days", 30.0.into()),
        ("neighbours", 50.into()),
    ]);
    let (interactions, model) = knn
        .configs(&InteractionConfig::default(), &searched)
        .unwrap();
    assert_eq!(interactions.half_life_days, Some(30.0));
    assert_eq!(interactions.quantity, crate::interactions::Quantity::Ignore);
    let text = format!("{model:?}");
    assert!(text.contains("neighbours: 50"), "{text}");
    // A model of which nothing is said has its built-in space, beside the interactions of all.
    let ease = spaces.iter().find(|it| it.kind() == "ease").unwrap();
    assert!(
        ease.parameters()
            .iter()
            .any(|it| it.name == "regularization")
    );
    assert!(
        ease.parameters()
            .iter()
            .any(|it| it.name == "interactions.combine")
    );
}

#[test]
fn what_is_wrong_in_a_file_is_named_with_row_and_field() {
    let cases = [
        ("[models.item_nn]\nx = 1\n", "row 1", "item_knn"),
        ("[models]\n", "space.toml", "at least one model"),
        (
            "[models.ease]\nregularization = { float = [5.0, 1.0] }\n",
            "row 2",
            "regularization",
        ),
        (
            "[models.ease]\n\nlambda = { float = [1.0, 5.0] }\n",
            "row 3",
            "lambda",
        ),
        (
            "[models.ease]\nregularization = { float = [0.0, 5.0], scale = \"log\" }\n",
            "row 2",
            "above 0",
        ),
        (
            "[models.ease]\nregularization = { float = [1.0, 5.0], integer = [1, 2] }\n",
            "row 2",
            "one of",
        ),
        (
            "[models.ease]\nregularization = { float = [1.0], scale = \"log\" }\n",
            "row 2",
            "regularization",
        ),
        ("[models.ease]\nregularization = -3.0\n", "row 2", "-3"),
        (
            "[models.ease]\nregularization = { float = [1.0, 2.0], when = { x = [1] } }\n",
            "row 2",
            "when",
        ),
        (
            "[interactions]\nhalf_life = { float = [1.0, 2.0] }\n[models.ease]\n",
            "row 2",
            "half_life",
        ),
        ("[models.ease\n", "row 1", "TOML"),
        ("[model.ease]\n", "row 1", "models"),
    ];
    for (text, place, words) in cases {
        let error = read_space("space.toml", text).unwrap_err().to_string();
        assert!(
            error.contains(place) && error.contains(words),
            "{text}\n{error}"
        );
    }
}

#[test]
fn settings_go_into_tables_and_default_leaves_them_out() {
    let parameters = vec![
        Parameter::new("interactions.kinds.view", Domain::float(0.1, 1.0)),
        Parameter::new(
            "max_memory_bytes",
            Domain::Choices(vec![DEFAULT.into(), 1000.into()]),
        ),
    ];
    let space = ModelSpace::new("ease", "ease", parameters).unwrap();
    let at = point(&[
        ("interactions.kinds.view", 0.5.into()),
        ("max_memory_bytes", DEFAULT.into()),
    ]);
    let (interactions, model) = space.configs(&InteractionConfig::default(), &at).unwrap();
    assert_eq!(interactions.kinds[&crate::events::EventKind::View], 0.5);
    assert_eq!(
        model,
        ModelConfig::from_settings("ease", Map::new()).unwrap()
    );
}

#[test]
fn a_fixed_setting_settles_the_conditions_on_it() {
    let spaces = read_space("space.toml", FILE)
        .unwrap()
        .spaces(&facts())
        .unwrap();
    let knn = spaces
        .into_iter()
        .find(|it| it.kind() == "item_knn")
        .unwrap();
    let fixed = |word: &str| {
        let settings = Map::from_iter([("similarity".to_owned(), word.into())]);
        knn.clone().with_fixed(settings).unwrap()
    };
    let shrinkage = |space: &ModelSpace| {
        let found = space.parameters().iter().find(|it| it.name == "shrinkage");
        found.map(|it| it.when.is_none())
    };
    assert_eq!(shrinkage(&fixed("cosine")), Some(true));
    assert_eq!(shrinkage(&fixed("bm25")), None);
}

#[test]
fn the_defaults_have_a_place_in_the_space() {
    let parameters = built_in("item_knn", &facts()).unwrap();
    let space = ModelSpace::new("item_knn", "item_knn", parameters).unwrap();
    let defaults = space.default_point(&InteractionConfig::default()).unwrap();
    assert_eq!(defaults["similarity"], "cosine");
    assert_eq!(defaults["neighbours"], 100);
    assert!(!defaults.contains_key("bm25_length"));
}
