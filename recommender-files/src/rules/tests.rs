use std::fs;
use std::path::Path;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::{ListAccessor, Row, RowAccessor};
use bytes::Bytes;
use recommender_core::events::{Channel, Event, EventKind, EventTable};
use recommender_core::rules::{Grouping, MiningConfig};
use recommender_core::{Dataset, FitOptions, InteractionConfig};
use serde_json::Value;

use super::{MEASURES, RuleFile};

/// Baskets with keys that need care: the first two items always come together, on the web and from nowhere.
fn shop() -> Dataset {
    let mut table = EventTable::new();
    for visitor in 0..8 {
        let items: &[&str] = match visitor {
            0..4 => &["pen|blue", "ink, \"best\""],
            _ => &["cup"],
        };
        for item in items {
            let event = Event {
                visitor: visitor.to_string(),
                item: Some((*item).into()),
                kind: EventKind::Purchase,
                channel: (visitor % 2 == 0).then_some(Channel::Web),
                quantity: 1.0,
                ..Event::default()
            };
            table.push(&event).unwrap();
        }
    }
    Dataset::new(table, vec![], InteractionConfig::default()).unwrap()
}

/// The bytes of the file `name` of the shop's rules.
fn written(name: &str, by: Grouping) -> Vec<u8> {
    let dataset = shop();
    let config = MiningConfig {
        support: 0.1,
        least_baskets: 1,
        log_likelihood_ratio: 0.0,
        ..MiningConfig::default()
    };
    let tables = config.mine(&dataset, by, &FitOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let file = RuleFile::create(&path).unwrap();
    file.write(&tables, by, &dataset).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    fs::read(path).unwrap()
}

fn text(name: &str, by: Grouping) -> String {
    String::from_utf8(written(name, by)).unwrap()
}

#[test]
fn csv_has_a_line_for_each_rule_and_keys_that_read_back() {
    let expected = "\
antecedent,consequent,count,support,antecedent_support,consequent_support,confidence,lift,leverage,conviction,log_likelihood_ratio,p_value
pen\\|blue,\"ink, \"\"best\"\"\",4,0.5,0.5,0.5,1.0,2.0,0.25,inf,11.090354888959125,0.000867778758";
    let found = text("rules.csv", Grouping::None);
    assert!(found.starts_with(expected), "{found}");
    assert_eq!(found.lines().count(), 3);
    let by_channel = text("rules.csv", Grouping::Channel);
    assert!(
        by_channel.starts_with("channel,antecedent,"),
        "{by_channel}"
    );
    let starts: Vec<&str> = by_channel.lines().skip(1).map(|line| &line[..4]).collect();
    assert_eq!(starts, [",pen", ",\"in", "web,", "web,"]);
}

#[test]
fn json_is_an_array_with_null_where_there_is_no_end_or_no_channel() {
    let rules: Value = serde_json::from_str(&text("rules.json", Grouping::Channel)).unwrap();
    let rules = rules.as_array().unwrap();
    assert_eq!(rules.len(), 4);
    assert_eq!(rules[0]["channel"], Value::Null);
    assert_eq!(rules[2]["channel"], "web");
    assert_eq!(rules[2]["antecedent"], serde_json::json!(["pen|blue"]));
    assert_eq!(rules[2]["consequent"], serde_json::json!(["ink, \"best\""]));
    assert_eq!(
        (&rules[2]["count"], &rules[2]["lift"]),
        (&2.into(), &2.0.into())
    );
    assert_eq!(rules[2]["conviction"], Value::Null);
    let dataset = shop();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.json");
    let file = RuleFile::create(&path).unwrap();
    file.write(&[], Grouping::None, &dataset).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "[]\n");
}

#[test]
fn parquet_has_lists_of_keys_and_says_what_the_others_say() {
    let bytes = written("rules.parquet", Grouping::Channel);
    assert_eq!(bytes, written("rules.pq", Grouping::Channel));
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    let side = |row: &Row, at: usize| -> Vec<String> {
        let keys = row.get_list(at).unwrap();
        let key = |place| keys.get_string(place).unwrap().clone();
        (0..keys.len()).map(key).collect()
    };
    let mut found = Vec::new();
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let mut rule = serde_json::json!({
            "channel": row.get_string(0).ok(),
            "antecedent": side(&row, 1),
            "consequent": side(&row, 2),
            "count": row.get_long(3).unwrap(),
        });
        for (at, (name, _)) in MEASURES.iter().enumerate() {
            rule[*name] = row.get_double(4 + at).unwrap().into();
        }
        found.push(rule);
    }
    let json: Value = serde_json::from_str(&text("rules.json", Grouping::Channel)).unwrap();
    assert_eq!(Value::from(found), json);
}

#[test]
fn what_can_not_be_written_is_told_before_there_is_anything_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path, words: &str| {
        let error = RuleFile::create(path).unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(error.contains(words), "{error}");
    };
    refused(
        &folder.path().join("rules.xlsx"),
        ".parquet, found the extension \"xlsx\"",
    );
    refused(&folder.path().join("rules"), "no extension");
    refused(
        &folder.path().join("absent/rules.csv"),
        "a file that may be written",
    );
    fs::create_dir(folder.path().join("rules.csv")).unwrap();
    refused(&folder.path().join("rules.csv"), "found a directory");
    // A file that is never written leaves nothing, and what stood there stays.
    let path = folder.path().join("kept.csv");
    fs::write(&path, "kept").unwrap();
    drop(RuleFile::create(&path).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
