//! Persons: what is kept of them, who they are, what they agreed to, and that they are forgotten.

use std::fs;
use std::path::Path;

use recommender_store::erasure::ErasureReceipt;
use serde_json::Value;

use crate::shop::{Shop, assert_done, assert_refused, stderr, stdout};

/// What stands in every key of the person who is forgotten.
const ANN: &str = "ann-of-clause-17";

/// What Ann did, on two channels.
const ANNS_EVENTS: &str = "visitor,item,kind,time
ann-of-clause-17-web,i1,purchase,2024-05-01
ann-of-clause-17-web,i2,purchase,2024-05-02
ann-of-clause-17-till,i4,purchase,2024-05-03
";

const SAID: &str = "--evidence call-815 --by support";

/// A store with Ann, an export of it and a model.
fn shop_with_ann() -> Shop {
    let shop = Shop::open();
    shop.write("ann.csv", ANNS_EVENTS);
    shop.write("store.toml", "receipt_key_file = \"receipts.key\"\n");
    assert_done(&shop.run("import --data store --events events.csv ann.csv"));
    for channel in ["web", "till"] {
        let call = format!("store link --data store loyalty:{ANN} visitor:{ANN}-{channel} {SAID}");
        assert_done(&shop.run(&call));
    }
    assert_done(&shop.run("store export --data store --out export"));
    assert_done(&shop.run("train --data store --config pipeline.toml --out model"));
    shop
}

fn erasure(shop: &Shop) -> std::process::Output {
    shop.run(&format!(
        "store erase --data store --settings store.toml --identifier loyalty:{ANN} --model model --export export \
         --backup weekly-2026-11 --by support --reason article-17 --out receipt.json"
    ))
}

/// Whether some file below `folder` holds `text`.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(&path).expect("a file");
        let mut windows = bytes.windows(text.len());
        windows.any(|window| window == text.as_bytes())
    })
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn events_in(shop: &Shop) -> Value {
    let status = shop.run("store status --data store --json");
    assert_done(&status);
    json(&stdout(&status))["contents"]["events"].clone()
}

/// Which products, with which scores.
fn answers(shop: &Shop, model: &str, user: &str) -> Value {
    let call = format!("recommend --model {model} --user {user} --limit 5 --json");
    let output = shop.run(&call);
    assert_done(&output);
    json(&stdout(&output))["results"].clone()
}

#[test]
fn everything_that_is_kept_of_a_person_is_written_down() {
    let shop = shop_with_ann();
    let consent =
        format!("store consent --data store --identifier loyalty:{ANN} --set granted {SAID}");
    assert_done(&shop.run(&consent));
    let asked = format!("store person --data store --identifier visitor:{ANN}-web");
    let printed = shop.run(&asked);
    assert_done(&printed);
    let person = json(&stdout(&printed));
    assert_eq!(person["person"], format!("loyalty:{ANN}"));
    assert_eq!(person["identifiers"].as_array().map(Vec::len), Some(3));
    assert_eq!(person["links"][0]["evidence"], "call-815");
    let consents = &person["consents"][format!("loyalty:{ANN}")];
    assert_eq!(consents["consent"], "granted");
    let events = person["events"].as_array().expect("events");
    assert_eq!((events.len(), &events[2]["item"]), (3, &"i4".into()));
    let saved = shop.run(&format!("{asked} --by court --json person.json"));
    assert_eq!(stdout(&saved), "3 events and 2 links in person.json\n");
    let saved = json(&fs::read_to_string(shop.path("person.json")).expect("person.json"));
    assert_eq!(saved["events"], person["events"]);
    let asked: Vec<&Value> = saved["audit"]
        .as_array()
        .expect("an audit")
        .iter()
        .collect();
    assert_eq!(asked.last().expect("a record")["by"], "court");
    let nobody = shop.run("store person --data store --identifier app:nobody");
    assert_done(&nobody);
    assert!(
        stderr(&nobody).contains("nothing is kept of app:nobody"),
        "{}",
        stderr(&nobody)
    );
}

#[test]
fn who_asks_to_be_forgotten_is_in_no_file_any_more_and_in_no_model() {
    let shop = shop_with_ann();
    for folder in ["store", "model", "export"] {
        assert!(holds(&shop.path(folder), ANN), "{folder}");
    }
    let erased = erasure(&shop);
    assert_done(&erased);
    for folder in ["store", "model", "export"] {
        assert!(!holds(&shop.path(folder), ANN), "{folder}");
    }
    assert_eq!(events_in(&shop), 200);
    let said = stdout(&erased);
    for words in [
        "3 events, 2 links, 0 consents",
        "export: 3 events in 3 files",
        "model: ",
        "backup weekly-2026-11 is kept",
        "signed by ",
    ] {
        assert!(said.contains(words), "expected {words} in: {said}");
    }
    assert_done(&shop.run("import --data never --events events.csv"));
    assert_done(&shop.run("train --data never --config pipeline.toml --out without"));
    for user in ["visitor:v0", "visitor:v1", "visitor:v7"] {
        assert_eq!(
            answers(&shop, "model", user),
            answers(&shop, "without", user)
        );
    }
}

#[test]
fn the_receipt_can_be_checked_and_is_kept() {
    let shop = shop_with_ann();
    let erased = erasure(&shop);
    assert_done(&erased);
    let text = fs::read_to_string(shop.path("receipt.json")).expect("receipt.json");
    assert!(!text.contains(ANN), "{text}");
    let receipt: ErasureReceipt = serde_json::from_str(&text).expect("a receipt");
    assert!(receipt.is_genuine() && receipt.signature.is_some());
    assert_eq!(
        (receipt.by.as_str(), receipt.reason.as_str()),
        ("support", "article-17")
    );
    assert_eq!(receipt.retained_backups, ["weekly-2026-11"]);
    // With the proof she is given, the receipt is hers and nobody else's.
    let said = stdout(&erased);
    let proof = said.split("hers: ").nth(1).expect("a proof").trim();
    for (identifier, hers) in [
        (format!("loyalty:{ANN}"), true),
        ("loyalty:1".into(), false),
    ] {
        let identifier = identifier.parse().expect("an identifier");
        let hash = ErasureReceipt::hash_of(proof, &identifier);
        assert_eq!(hash == receipt.subject_hash, hers, "{identifier}");
    }
    let listed = shop.run("store receipts --data store");
    assert_done(&listed);
    let line = stdout(&listed);
    assert!(
        line.starts_with(&receipt.id) && line.contains("signed by "),
        "{line}"
    );
    let listed = shop.run("store receipts --data store --json");
    let kept: Vec<ErasureReceipt> = serde_json::from_str(&stdout(&listed)).expect("receipts");
    assert_eq!(kept, [receipt]);
}

#[test]
fn an_erasure_that_was_interrupted_is_finished_by_the_next() {
    let shop = shop_with_ann();
    let part = shop.path("export/day=2024-05-03/part-00000.parquet");
    let whole = fs::read(&part).expect("a part");
    fs::write(&part, &whole[..whole.len() / 2]).expect("a damaged part");
    let broken = erasure(&shop);
    assert_eq!(broken.status.code(), Some(1), "{}", stderr(&broken));
    assert!(
        stderr(&broken).contains("part-00000.parquet"),
        "{}",
        stderr(&broken)
    );
    assert!(!shop.path("receipt.json").exists());
    let of_another = "store erase --data store --identifier visitor:v3 --out other.json";
    let refused = shop.run(of_another);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("an interrupted erasure"),
        "{}",
        stderr(&refused)
    );
    fs::write(&part, whole).expect("the part as it was");
    let finished = shop.run(of_another);
    assert_done(&finished);
    let said = stdout(&finished);
    assert!(
        said.contains("finished an interrupted erasure") && said.contains("5 events, 0 links"),
        "{said}"
    );
    for folder in ["store", "model", "export"] {
        assert!(!holds(&shop.path(folder), ANN), "{folder}");
    }
    assert_eq!(events_in(&shop), 195);
    let receipts = shop.run("store receipts --data store --json");
    assert_eq!(json(&stdout(&receipts)).as_array().map(Vec::len), Some(2));
}

#[test]
fn what_can_not_be_erased_from_is_refused_and_nothing_goes() {
    let shop = shop_with_ann();
    fs::create_dir(shop.path("empty")).expect("a folder");
    shop.write("taken.json", "{}");
    for (words, said) in [
        ("--data store --identifier 4711", "namespace:value"),
        ("--data store --identifier card:4711", "account, loyalty"),
        (
            "--data typo --identifier loyalty:1",
            "expected the folder of a store",
        ),
        (
            "--data empty --identifier loyalty:1",
            "expected the folder of a store",
        ),
        (
            "--data model --identifier loyalty:1",
            "expected the folder of a store",
        ),
        (
            "--data store --identifier loyalty:1 --model absent",
            "absent",
        ),
        (
            "--data store --identifier loyalty:1 --model export",
            "export",
        ),
        (
            "--data store --identifier loyalty:1 --export model",
            "expected an export",
        ),
        (
            "--data store --identifier loyalty:1 --settings absent.toml",
            "absent.toml",
        ),
    ] {
        let call = format!("store erase {words} --out receipt.json");
        assert_refused(&shop.run(&call), &[said]);
    }
    for (file, said) in [
        ("taken.json", "does not exist yet"),
        ("no/r.json", "a folder"),
    ] {
        let call = format!("store erase --data store --identifier loyalty:{ANN} --out {file}");
        assert_refused(&shop.run(&call), &[said]);
    }
    for command in ["person", "consent"] {
        let call = format!("store {command} --data typo --identifier loyalty:1");
        assert_refused(&shop.run(&call), &["expected the folder of a store"]);
    }
    assert!(!shop.path("model/lock").exists(), "a model is left alone");
    assert!(!shop.path("typo").exists() && !shop.path("receipt.json").exists());
    let left_empty = fs::read_dir(shop.path("empty")).expect("a folder").count();
    assert_eq!((left_empty, events_in(&shop)), (0, 203.into()));
    let receipts = shop.run("store receipts --data store");
    assert_eq!(stdout(&receipts), "");
}

#[test]
fn a_model_that_can_not_be_trained_anew_is_told_of() {
    let shop = shop_with_ann();
    // Nothing but Ann is in this store, and a model can't be learned from nothing.
    assert_done(&shop.run("import --data alone --events ann.csv"));
    let call = format!("store erase --data alone --identifier visitor:{ANN}-web --out one.json");
    assert_done(&shop.run(&call));
    let call = format!(
        "store erase --data alone --identifier visitor:{ANN}-till --model model --out two.json"
    );
    let output = shop.run(&call);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(
        stderr(&output).contains("train another in its place"),
        "{}",
        stderr(&output)
    );
    let receipt = fs::read_to_string(shop.path("two.json")).expect("two.json");
    assert!(receipt.contains("PENDING_RETRAIN"), "{receipt}");
}

#[test]
fn links_are_made_and_taken_back_and_those_past_a_cap_refused() {
    let shop = Shop::open();
    assert_done(&shop.run("import --data store --events events.csv"));
    let call = |word: &str, ids: &str| shop.run(&format!("store {word} --data store {ids} {SAID}"));
    let linked = call("link", "loyalty:1 visitor:v1");
    assert_done(&linked);
    assert_eq!(
        stdout(&linked),
        "linked\nloyalty:1 is of loyalty:1, known by 2 identifiers\n\
         visitor:v1 is of loyalty:1, known by 2 identifiers\n"
    );
    let again = call("link", "visitor:v1 loyalty:1");
    assert!(stdout(&again).starts_with("linked already"));
    assert_done(&call("link", "account:a visitor:v1"));
    let refused = call("link", "account:b visitor:v1");
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("max_accounts is 1"),
        "{}",
        stderr(&refused)
    );
    let unlinked = call("unlink", "visitor:v1 loyalty:1");
    assert_done(&unlinked);
    assert!(
        stdout(&unlinked).contains("loyalty:1 is of loyalty:1, known by 1 "),
        "{}",
        stdout(&unlinked)
    );
    assert_refused(
        &call("unlink", "visitor:v1 loyalty:1"),
        &["visitor:v1 and loyalty:1", "a link between them"],
    );
    assert_refused(&call("link", "visitor:v1 visitor:v1"), &["identifier"]);
}

#[test]
fn who_refuses_is_not_learned_from_until_she_agrees() {
    let shop = Shop::open();
    assert_done(&shop.run("import --data store --events events.csv"));
    assert_done(&shop.run(&format!(
        "store link --data store loyalty:1 visitor:v1 {SAID}"
    )));
    let trained = |model: &str| {
        let call = format!("train --data store --config pipeline.toml --out {model}");
        let output = shop.run(&call);
        assert_done(&output);
        stdout(&output)
    };
    let consent = |words: &str| {
        let call = format!("store consent --data store --identifier loyalty:1 {words}");
        let output = shop.run(&call);
        assert_done(&output);
        stdout(&output)
    };
    assert_eq!(consent(""), "unspecified\n");
    assert_eq!(consent(&format!("--set denied {SAID}")), "denied\n");
    assert!(trained("one").contains("195 pairs of 39 shoppers"));
    assert_eq!(consent(&format!("--set granted {SAID}")), "granted\n");
    assert_eq!(consent(""), "granted\n");
    assert!(trained("two").contains("200 pairs of 40 shoppers"));
}

#[test]
fn old_events_expire_where_the_settings_say_so() {
    let shop = Shop::open();
    shop.write("new.csv", "visitor,item,time\nann,i1,2096-05-01\n");
    shop.write("store.toml", "retention_days = 30\n");
    assert_done(&shop.run("import --data store --events events.csv new.csv"));
    let expired = shop.run("store expire --data store --settings store.toml");
    assert_done(&expired);
    assert_eq!(stdout(&expired), "200 events older than 30 days dropped\n");
    assert_eq!(events_in(&shop), 1);
    assert_refused(&shop.run("store expire --data store"), &["retention_days"]);
}
