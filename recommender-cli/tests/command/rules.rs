//! `recommender rules`, on the forms its files have.

use std::fs;

use serde_json::Value;

use crate::shop::{Shop, assert_done, assert_refused, stdout};

/// Receipts of a till at two places: pen and ink are bought together, more so in Ulm; one receipt is empty of both.
fn till(shop: &Shop) {
    let mut rows = String::from("receipt,item,place,kind\n");
    for receipt in 0..40 {
        let place = if receipt < 20 { "Ulm" } else { "Bonn" };
        let mut row = |item: &str| rows.push_str(&format!("r{receipt},{item},{place},purchase\n"));
        row(["cup", "pot", "jug"][receipt % 3]);
        if receipt < 10 || receipt % 5 == 0 {
            row("pen");
            row("ink");
        }
    }
    shop.write("till.csv", &rows);
}

const TILL: &str = "rules --events till.csv --map receipt=visitor receipt=session =time";

fn rules(shop: &Shop, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(shop.path(file)).expect(file);
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn receipts_become_rules_in_all_formats() {
    let shop = Shop::open();
    till(&shop);
    for file in ["rules.csv", "rules.json", "rules.parquet"] {
        let output = shop.run(&format!("{TILL} --length 2 --out {file}"));
        assert_done(&output);
        let printed = stdout(&output);
        assert!(
            printed.starts_with("2 rules of 40 baskets in "),
            "{printed}"
        );
        assert!(
            printed.ends_with(&format!("written to {file}\n")),
            "{printed}"
        );
    }
    let csv = fs::read_to_string(shop.path("rules.csv")).expect("rules.csv");
    let second = csv.lines().nth(1).expect("a rule");
    assert!(
        second.starts_with("pen,ink,16,0.4,0.4,0.4,1.0,2.5,"),
        "{csv}"
    );
    let found = rules(&shop, "rules.json");
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["antecedent"], serde_json::json!(["pen"]));
    assert_eq!(
        (&found[0]["count"], &found[0]["confidence"]),
        (&16.into(), &1.0.into())
    );
    let parquet = fs::read(shop.path("rules.parquet")).expect("rules.parquet");
    assert!(parquet.starts_with(b"PAR1"));
}

#[test]
fn rules_are_told_apart_by_place_and_bounds_hold() {
    let shop = Shop::open();
    till(&shop);
    let call = format!(
        "{TILL} --by place --log-likelihood-ratio 3 --least-baskets 4 --confidence 0.5 --length 2 --out rules.json"
    );
    let output = shop.run(&call);
    assert_done(&output);
    assert!(stdout(&output).contains("4 rules of 40 baskets at 2 places"));
    let found = rules(&shop, "rules.json");
    let facts: Vec<(&str, u64)> = found
        .iter()
        .map(|rule| {
            (
                rule["place"].as_str().expect("a place"),
                rule["count"].as_u64().expect("a count"),
            )
        })
        .collect();
    assert_eq!(facts, [("Ulm", 12), ("Ulm", 12), ("Bonn", 4), ("Bonn", 4)]);
    assert_done(&shop.run(&format!("{TILL} --support 0.35 --out rules.json")));
    assert_eq!(rules(&shop, "rules.json").len(), 2);
    assert_done(&shop.run(&format!("{TILL} --support 0.45 --out rules.json")));
    assert_eq!(rules(&shop, "rules.json").len(), 0);
}

#[test]
fn the_same_events_give_the_same_bytes_at_any_number_of_threads() {
    let shop = Shop::open();
    for (file, threads) in [
        ("1.csv", 1),
        ("2.csv", 2),
        ("1.parquet", 1),
        ("2.parquet", 8),
    ] {
        let call = format!(
            "rules --events events.csv --gap-minutes 1000000 --least-baskets 1 --log-likelihood-ratio 0 --length 4 \
             --consequent 3 --threads {threads} --out {file}"
        );
        assert_done(&shop.run(&call));
    }
    for format in ["csv", "parquet"] {
        let bytes = |run: &str| fs::read(shop.path(&format!("{run}.{format}"))).expect("a file");
        assert!(
            bytes("1").len() > 1_000 && bytes("1") == bytes("2"),
            "{format}"
        );
    }
}

#[test]
fn calls_and_files_that_make_no_rules_are_refused() {
    let shop = Shop::open();
    till(&shop);
    let with = |rest: &str| shop.run(&format!("{TILL} {rest}"));
    assert_refused(
        &with("--support 0 --out rules.csv"),
        &[
            "support",
            "all 25 itemsets of up to 3 of the 5 items",
            "at least 7",
        ],
    );
    assert_refused(&with("--support 2 --out rules.csv"), &["support", "2"]);
    assert_refused(&with("--length 1 --out rules.csv"), &["length", "1"]);
    assert_refused(&with("--out rules.xlsx"), &["rules.xlsx", ".parquet"]);
    assert_refused(&with("--out absent/rules.csv"), &["absent/rules.csv"]);
    assert_refused(
        &with("--kinds bought --out rules.csv"),
        &["--kinds", "bought", "purchase"],
    );
    assert_refused(
        &with("--by channel --out rules.csv"),
        &["--by channel", "COLUMN=channel"],
    );
    let little = with("--max-memory-bytes 1000 --out rules.csv");
    assert_eq!(little.status.code(), Some(1));
    assert!(crate::shop::stderr(&little).contains("max_memory_bytes allows 1000"));
    // Nothing of a refused call is left behind.
    let names = fs::read_dir(shop.path("")).expect("a folder");
    assert_eq!(names.filter_map(Result::ok).count(), 3);
}

#[test]
fn events_without_times_and_baskets_can_not_be_cut() {
    let shop = Shop::open();
    shop.write("pairs.csv", "visitor,item\nann,cup\nann,pot\n");
    assert_refused(
        &shop.run("rules --events pairs.csv --map =time --out rules.csv"),
        &["neither", "COLUMN=session", "--format sessions"],
    );
    assert_refused(
        &shop.run("rules --events pairs.csv --map receipt=session =time --out rules.csv"),
        &["pairs.csv", "receipt"],
    );
    shop.write("baskets.txt", &"cup pot\npot\npen\n".repeat(20));
    let call = "rules --events baskets.txt --format sessions --out rules.json";
    assert_done(&shop.run(call));
    assert_eq!(rules(&shop, "rules.json").len(), 2);
}

#[test]
fn only_the_kinds_named_make_baskets() {
    let shop = Shop::open();
    let mut rows = String::from("visitor,item,kind,time\n");
    for visitor in 0..20 {
        let kind = if visitor < 10 { "purchase" } else { "view" };
        for item in if visitor % 2 == 0 {
            ["pen", "ink"]
        } else {
            ["cup", "pot"]
        } {
            rows.push_str(&format!("v{visitor},{item},{kind},2024-05-01\n"));
        }
    }
    shop.write("mixed.csv", &rows);
    let call = "rules --events mixed.csv --log-likelihood-ratio 0 --out rules.json";
    assert_done(&shop.run(call));
    assert_eq!(rules(&shop, "rules.json")[0]["count"], 10);
    assert_done(&shop.run(&format!("{call} --kinds purchase")));
    assert_eq!(rules(&shop, "rules.json")[0]["count"], 5);
}
