//! `recommender evaluate --task sessions` and `--task baskets`, on the forms their files have.

use std::fs;

use serde_json::Value;

use crate::shop::{Shop, assert_done, assert_refused, stdout};

fn report(shop: &Shop) -> Value {
    let text = fs::read_to_string(shop.path("out.json")).expect("out.json");
    serde_json::from_str(&text).expect("JSON")
}

fn mean(report: &Value, model: &str, metric: &str) -> f64 {
    let models = report["models"].as_array().expect("models");
    let found = models.iter().find(|it| it["name"] == model);
    let figure = &found.expect(model)["metrics"][metric]["mean"];
    figure.as_f64().expect(metric)
}

#[test]
fn sessions_are_asked_prefix_by_prefix_under_two_protocols() {
    let shop = Shop::open();
    shop.write("train.txt", &"a b\nb c\n".repeat(20));
    shop.write("test.pairs", "a a\tb\na\ta\n");
    shop.write("test.txt", "a a b\na b\n");
    let call = "evaluate --task sessions --train train.txt --format sessions --test test.pairs --test-format pairs \
                --model popularity --at 1,2 --json out.json";
    let output = shop.run(call);
    assert_done(&output);
    assert!(
        stdout(&output).contains("2 sessions"),
        "{}",
        stdout(&output)
    );
    let pairs = report(&shop);
    assert_eq!(pairs["cases"]["queries"], 2);
    // b is most popular, then a: of the pairs the first is found at rank 1, the second at rank 2 or not at all.
    assert_eq!(mean(&pairs, "popularity", "hit_rate_next@2"), 1.0);
    assert_eq!(mean(&pairs, "popularity", "mrr_next@2"), 0.75);
    assert_eq!(
        mean(&pairs, "popularity/current_excluded", "hit_rate_next@2"),
        0.5
    );
    let call = "evaluate --task sessions --train train.txt --test test.txt --format sessions --model popularity \
                --session-items all-excluded --at 2 --json out.json";
    assert_done(&shop.run(call));
    let prefixes = report(&shop);
    assert_eq!(
        (
            prefixes["cases"]["queries"].as_u64(),
            prefixes["cases"]["sessions"].as_u64()
        ),
        (Some(3), Some(2))
    );
    assert!(mean(&prefixes, "popularity/all_excluded", "recall_events@2") > 0.5);
}

#[test]
fn session_logs_are_read_by_their_columns_and_windows_are_averaged() {
    let shop = Shop::open();
    let mut log = String::from("SessionId\tItemId\tTime\n");
    for session in 0..60 {
        for step in 0..3 {
            let item = (session + step) % 7;
            let time = session * 7_200 + step * 60;
            log.push_str(&format!("{session}\t{item}\t{time}.5\n"));
        }
    }
    shop.write("log.tsv", &log);
    let call = "evaluate --task sessions --events log.tsv --split windows:2:2:1 --model popularity --at 5 --json out.json";
    assert_done(&shop.run(call));
    let report = report(&shop);
    assert_eq!(report["split"]["kind"], "windows:2:2:1");
    assert!(mean(&report, "popularity", "mrr_next@5") > 0.0);
}

#[test]
fn baskets_without_times_come_in_the_order_of_the_file_and_may_repeat() {
    let shop = Shop::open();
    let mut rows = String::from("user,basket,item\n");
    for user in 0..30 {
        for basket in 0..4 {
            // Everyone takes an item of her own every time, and another one once.
            rows.push_str(&format!("u{user},{basket}-{user},own{user}\n"));
            rows.push_str(&format!("u{user},{basket}-{user},other{}\n", user + basket));
        }
    }
    shop.write("baskets.csv", &rows);
    let call = "evaluate --task baskets --events baskets.csv --split leave-last-basket:1 --model personal_frequency:popularity=false \
                --model tifu_knn --model up_cf --model repurchase --model popularity --at 1,10 --json out.json";
    let output = shop.run(call);
    assert_done(&output);
    assert!(
        stdout(&output).contains("stand in the history"),
        "{}",
        stdout(&output)
    );
    let report = report(&shop);
    assert_eq!(report["cases"]["queries"], 30);
    for model in [
        "personal_frequency:popularity=false",
        "tifu_knn",
        "up_cf",
        "repurchase",
    ] {
        assert_eq!(mean(&report, model, "recall_repeats@1"), 1.0, "{model}");
    }
    assert_eq!(mean(&report, "repurchase", "recall_new@10"), 0.0);
}

#[test]
fn calls_that_make_no_sense_are_refused() {
    let shop = Shop::open();
    let with = |rest: &str| {
        shop.run(&format!(
            "evaluate --events events.csv --model popularity {rest}"
        ))
    };
    assert_refused(
        &with("--split leave-last:1 --task baskets --allow-seen"),
        &["--allow-seen"],
    );
    assert_refused(&with("--split windows:2:1 --task sessions"), &["TEST_DAYS"]);
    assert_refused(
        &with("--split leave-last:1 --task carts"),
        &["carts", "baskets"],
    );
    assert_refused(
        &with("--split leave-last:1 --task baskets --gap-minutes=-1"),
        &["gap_minutes"],
    );
    let words = "evaluate --train events.csv --test events.csv --test-format odd --task sessions --model popularity";
    assert_refused(&shop.run(words), &["--test-format", "pairs"]);
}

#[test]
fn settings_are_searched_for_the_next_basket() {
    let shop = Shop::open();
    let mut rows = String::from("user,basket,item\n");
    for user in 0..20 {
        for basket in 0..5 {
            rows.push_str(&format!(
                "u{user},{basket},own{user}\nu{user},{basket},i{}\n",
                user + basket
            ));
        }
    }
    shop.write("baskets.csv", &rows);
    let call = "tune --task baskets --events baskets.csv --split leave-last-basket:1 --validation leave-last-basket:1 \
                --model personal_frequency --model repurchase --trials 3 --metric recall@5 --out best.toml";
    assert_done(&shop.run(call));
    let recipe = fs::read_to_string(shop.path("best.toml")).expect("best.toml");
    assert!(recipe.contains("kind = "), "{recipe}");
}
