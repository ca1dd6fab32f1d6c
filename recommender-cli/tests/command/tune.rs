//! `recommender tune`, from the first trial to the pipeline that train and evaluate take.

use std::fs;

use crate::shop::{Shop, assert_done, assert_refused, stderr, stdout};

const TUNE: &str = "tune --events events.csv --validation leave-last:1 --metric ndcg@5 --trials 6 \
                    --log tune.jsonl --out best.toml";

/// The log's trials without what a clock says.
fn trials(shop: &Shop) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(shop.path("tune.jsonl")).expect("the log");
    let lines = text.lines().skip(1);
    let mut trials: Vec<serde_json::Value> = lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for trial in &mut trials {
        let trial = trial.as_object_mut().expect("a trial");
        trial.remove("seconds").expect("seconds");
        trial.remove("fit_seconds").expect("seconds of the fit");
    }
    trials
}

#[test]
fn the_best_pipeline_is_one_that_train_and_evaluate_take() {
    let shop = Shop::open();
    let output = shop.run(&format!("{TUNE} --model popularity --model item_knn"));
    assert_done(&output);
    let printed = stdout(&output);
    for words in ["item_knn", "popularity", "ndcg@5", "defaults", "best.toml"] {
        assert!(printed.contains(words), "expected {words} in: {printed}");
    }
    assert_eq!(trials(&shop).len(), 12);
    assert_eq!(trials(&shop)[0]["settings"], serde_json::json!({}));
    let recipe = fs::read_to_string(shop.path("best.toml")).expect("a pipeline");
    assert!(
        recipe.contains("item_knn") && recipe.contains("[fallback]"),
        "{recipe}"
    );
    assert_done(&shop.run("train --events events.csv --config best.toml --out model"));
    let call =
        "evaluate --events events.csv --split leave-last:1 --model pipeline:best.toml --at 5";
    assert_done(&shop.run(call));
}

#[test]
fn a_search_goes_on_where_it_was_killed_and_ends_as_if_it_had_not_been() {
    let shop = Shop::open();
    let call = format!("{TUNE} --model item_knn --model ease:regularization=50 --threads 1");
    assert_done(&shop.run(&call));
    let whole = trials(&shop);
    let best = fs::read_to_string(shop.path("best.toml")).expect("a pipeline");
    let log = fs::read_to_string(shop.path("tune.jsonl")).expect("the log");
    for kept in [log.len() - 9, log.len() / 2, 30, 0] {
        shop.write("tune.jsonl", &log[..kept]);
        assert_done(&shop.run(&call.replace("--threads 1", "--threads 2")));
        assert_eq!(trials(&shop), whole, "after {kept} bytes");
        let again = fs::read_to_string(shop.path("best.toml")).expect("a pipeline");
        assert_eq!(again, best);
    }
    let shorter = call.replace("--model item_knn ", "");
    assert_refused(&shop.run(&shorter), &["tune.jsonl", "item_knn (not asked)"]);
    let other = call.replace("ndcg@5", "recall@5");
    assert_refused(&shop.run(&other), &["tune.jsonl", "metric", "recall@5"]);
    let mut rows = fs::read_to_string(shop.path("events.csv")).expect("rows");
    rows.push_str("v1,i1,purchase,2024-05-01\n");
    shop.write("events.csv", &rows);
    assert_refused(&shop.run(&call), &["tune.jsonl", "data"]);
    assert_refused(
        &shop.run(&call.replace("tune.jsonl", "events.csv")),
        &["row 1", "header"],
    );
}

#[test]
fn a_space_file_says_what_is_searched() {
    let shop = Shop::open();
    let space = "[models.near]\nkind = \"item_knn\"\nneighbours = { choices = [1, 5] }\n";
    shop.write("space.toml", space);
    let output = shop.run(&format!("{TUNE} --space space.toml"));
    assert_done(&output);
    // The defaults, then both values; there is nothing else to try.
    assert_eq!(trials(&shop).len(), 3);
    assert!(stdout(&output).contains("near"), "{}", stdout(&output));
    let wrong = "[models.item_knn]\n\nneighbours = { integer = [9, 3] }\n";
    shop.write("space.toml", wrong);
    assert_refused(
        &shop.run(&format!("{TUNE} --space space.toml")),
        &["space.toml", "row 3", "neighbours", "9 to 3"],
    );
}

#[test]
fn wrong_calls_of_tune_say_what_would_be_right() {
    let shop = Shop::open();
    let with = |words: &str| shop.run(&format!("tune --events events.csv --out best.toml {words}"));
    assert_refused(&with("--model item_nn"), &["item_nn", "item_knn"]);
    assert_refused(
        &with("--model ease:lambda=3"),
        &["lambda", "regularization"],
    );
    assert_refused(
        &with("--model ease --metric gini@10"),
        &["metric", "ndcg", "gini@10"],
    );
    assert_refused(
        &with("--model ease --sampler grid"),
        &["sampler", "tpe", "grid"],
    );
    assert_refused(&with("--model ease --minutes=-1"), &["seconds", "-60"]);
    assert_refused(&with("--model ease --model ease"), &["ease", "twice"]);
    assert_refused(&with(""), &["--model"]);
    let memory = with("--model ease:max_memory_bytes=1 --trials 2 --validation leave-last:1");
    assert_eq!(memory.status.code(), Some(1));
    assert!(
        stderr(&memory).contains("no trial gave a figure"),
        "{}",
        stderr(&memory)
    );
    assert!(!shop.path("best.toml").exists());
}

#[test]
fn without_times_the_split_is_random_and_the_command_says_so() {
    let shop = Shop::open();
    let lines = (0..30).map(|user| {
        let items = (0..5).map(|step| ((user + step * 3) % 20).to_string());
        format!("{user} {}\n", items.collect::<Vec<_>>().join(" "))
    });
    shop.write("train.txt", &lines.collect::<String>());
    shop.write("valid.txt", "0 1 2\n3 4 5\n");
    let call = "tune --train train.txt --model popularity --trials 2 --out best.toml";
    let output = shop.run(call);
    assert_done(&output);
    assert!(stderr(&output).contains("no times"), "{}", stderr(&output));
    let output = shop.run(&format!("{call} --valid valid.txt"));
    assert_done(&output);
    assert!(!stderr(&output).contains("no times"));
}

#[test]
fn a_committee_is_one_pipeline_that_train_and_evaluate_take() {
    let shop = Shop::open();
    let models = "--model item_knn --model ease --model popularity --committee";
    let output = shop.run(&format!("{TUNE} {models}"));
    assert_done(&output);
    let printed = stdout(&output);
    for words in ["member", "weight", "cross-validated", "alone"] {
        assert!(printed.contains(words), "expected {words} in: {printed}");
    }
    assert_done(&shop.run("train --events events.csv --config best.toml --out model"));
    let call =
        "evaluate --events events.csv --split leave-last:1 --model pipeline:best.toml --at 5";
    assert_done(&shop.run(call));
    let alone =
        shop.run(&format!("{TUNE} --model ease --committee").replace("tune.jsonl", "other.jsonl"));
    assert_eq!(alone.status.code(), Some(1));
    assert!(
        stderr(&alone).contains("at least two"),
        "{}",
        stderr(&alone)
    );
}
