//! Stores: events in and out, copies, checks.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use recommender_store::{EmbeddedConfig, EmbeddedEngine};

use crate::shop::{Shop, assert_done, assert_refused, stderr, stdout};

fn import(shop: &Shop) {
    let output = shop.run("import --data store --events events.csv");
    assert_done(&output);
    let said = stdout(&output);
    assert!(
        said.starts_with("200 events of 1 files imported in "),
        "{said}"
    );
    assert!(said.trim_end().ends_with("; the store holds 200"), "{said}");
}

fn answers(shop: &Shop, model: &str) -> Vec<String> {
    let call = format!("recommend --model {model} --user v3 --limit 5 --json");
    let output = shop.run(&call);
    assert_done(&output);
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let results = answer["results"].as_array().expect("results");
    let mut keys: Vec<String> = results
        .iter()
        .map(|result| result["item"].to_string())
        .collect();
    keys.sort();
    keys
}

#[test]
fn a_model_learns_from_a_store_what_it_learns_from_the_files() {
    let shop = Shop::open();
    import(&shop);
    assert_done(&shop.run("train --data store --config pipeline.toml --out stored"));
    shop.train();
    assert_eq!(answers(&shop, "stored"), answers(&shop, "model"));
    // The order in which the same events came in leaves no trace.
    let rows = fs::read_to_string(shop.path("events.csv")).expect("events.csv");
    let (header, rows) = rows.split_once('\n').expect("a header");
    let numbered = |rows: Vec<(usize, &str)>| {
        let lines = rows
            .iter()
            .map(|(number, row)| format!("e{number},{row}\n"));
        format!("id,{header}\n{}", lines.collect::<String>())
    };
    let mut rows: Vec<(usize, &str)> = rows.lines().enumerate().collect();
    shop.write("forward.csv", &numbered(rows.clone()));
    rows.reverse();
    shop.write("backward.csv", &numbered(rows));
    for way in ["forward", "backward"] {
        assert_done(&shop.run(&format!("import --data {way} --events {way}.csv")));
        assert_done(&shop.run(&format!(
            "train --data {way} --config pipeline.toml --out m-{way}"
        )));
    }
    let manifest =
        |way: &str| fs::read(shop.path(&format!("m-{way}/manifest.json"))).expect("a manifest");
    assert_eq!(manifest("forward"), manifest("backward"));
}

#[test]
fn events_go_in_once_out_again_and_into_another_store() {
    let shop = Shop::open();
    import(&shop);
    let again = shop.run("import --data store --events events.csv");
    assert_done(&again);
    assert!(
        stdout(&again).contains("0 events of 1 files"),
        "{}",
        stdout(&again)
    );
    assert!(
        stderr(&again).contains("200 seen before"),
        "{}",
        stderr(&again)
    );
    let exported = shop.run("store export --data store --out out");
    assert_done(&exported);
    assert_eq!(stdout(&exported), "200 events in 5 new files in out\n");
    assert!(shop.path("out/day=2024-05-03/part-00000.parquet").is_file());
    assert_done(&shop.run("import --data other --events out"));
    assert_done(&shop.run("store snapshot --data other --out snapshot"));
    assert_done(&shop.run("store restore --from snapshot --data third"));
    let verified = shop.run("store verify --data third");
    assert_done(&verified);
    assert!(
        stdout(&verified).contains("200 events"),
        "{}",
        stdout(&verified)
    );
    let status = shop.run("store status --data third --json");
    let status: serde_json::Value = serde_json::from_str(&stdout(&status)).expect("JSON");
    assert_eq!(status["contents"]["events"], 200);
    let status = shop.run("store status --data third");
    assert!(
        stdout(&status).contains("holds 200 events"),
        "{}",
        stdout(&status)
    );
    for call in [
        "store snapshot --data other --out snapshot",
        "store restore --from snapshot --data third",
    ] {
        assert_refused(
            &shop.run(call),
            &["expected a folder that does not exist yet"],
        );
    }
}

#[test]
fn products_come_from_the_store() {
    let shop = Shop::open();
    shop.write(
        "products.csv",
        "item,title,price\ni1,Blue cup,4.99\ni3,Red pot,10\n",
    );
    let output = shop.run("import --data store --events events.csv --catalog products.csv");
    assert_done(&output);
    assert!(
        stderr(&output).contains("--currency"),
        "{}",
        stderr(&output)
    );
    assert!(
        stdout(&output).starts_with("2 products imported\n200 events"),
        "{}",
        stdout(&output)
    );
    let output = shop.run("import --data store --catalog products.csv --currency EUR");
    assert_done(&output);
    assert_eq!(
        (stdout(&output).as_str(), stderr(&output).as_str()),
        ("2 products imported\n", "")
    );
    assert_refused(
        &shop.run("import --data store --catalog products.csv --currency eur"),
        &["price", "ISO 4217"],
    );
    assert_done(&shop.run("train --data store --config pipeline.toml --out model"));
    let answer = shop.run("recommend --model model --items i5 --limit 40");
    assert!(stdout(&answer).contains("Red pot"), "{}", stdout(&answer));
}

#[test]
fn keys_are_replaced_by_pseudonyms_where_the_settings_say_so() {
    let shop = Shop::open();
    shop.write(
        "secret.key",
        "a secret that nobody else knows, of some length",
    );
    shop.write("store.toml", "pseudonym_key_file = \"secret.key\"\n");
    let visitor = "margaret-hamilton-1969";
    shop.write(
        "one.csv",
        &format!("visitor,item,time\n{visitor},i1,2024-05-01\n"),
    );
    assert_done(&shop.run("import --data store --settings store.toml --events one.csv events.csv"));
    let exported = shop.run("store export --data store --out out");
    assert_done(&exported);
    let part = fs::read(shop.path("out/day=2024-05-01/part-00000.parquet")).expect("a part");
    assert!(
        !part
            .windows(visitor.len())
            .any(|window| window == visitor.as_bytes())
    );
    assert_refused(
        &shop.run("import --data store --events one.csv"),
        &["key of the pseudonyms"],
    );
    let call = "train --data store --config pipeline.toml --out model";
    assert_refused(&shop.run(call), &["key of the pseudonyms"]);
    assert_done(&shop.run(&format!("{call} --settings store.toml")));
    shop.write("store.toml", "pseudonym_kye_file = \"secret.key\"\n");
    let output = shop.run("import --data store --settings store.toml --events one.csv");
    assert_refused(&output, &["store.toml", "pseudonym_kye_file"]);
}

#[test]
fn bad_rows_refuse_a_file_or_are_written_down() {
    let shop = Shop::open();
    shop.write(
        "odd.csv",
        "who,item,time\nann,cup,2024-05-01\nann,pot,soon\nbob,,\n",
    );
    let output = shop.run("import --data store --events odd.csv --map who=visitor");
    assert_refused(
        &output,
        &["odd.csv, row 3, field \"time\"", "found \"soon\""],
    );
    let output =
        shop.run("import --data store --events odd.csv --map who=visitor --bad-rows bad.jsonl");
    assert_done(&output);
    assert!(
        stdout(&output).contains("the store holds 1"),
        "{}",
        stdout(&output)
    );
    assert!(
        stderr(&output).contains("odd.csv, row 4"),
        "{}",
        stderr(&output)
    );
    let bad = fs::read_to_string(shop.path("bad.jsonl")).expect("bad.jsonl");
    let rows: Vec<serde_json::Value> = bad
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        (rows.len(), &rows[0]["row"], &rows[0]["field"]),
        (2, &3.into(), &"time".into())
    );
    let output = shop.run("import --data store --events none.csv");
    assert_refused(&output, &["none.csv", "no such file"]);
}

#[test]
fn what_is_no_store_is_refused_and_what_is_damaged_is_named() {
    let shop = Shop::open();
    for call in [
        "store status --data .",
        "store verify --data typo",
        "train --data typo --config pipeline.toml --out m",
    ] {
        assert_refused(&shop.run(call), &["expected the folder of a store"]);
    }
    assert!(!shop.path("typo").exists());
    import(&shop);
    assert_done(&shop.run("store snapshot --data store --out snapshot"));
    let held =
        EmbeddedEngine::open(&shop.path("store"), EmbeddedConfig::default()).expect("the store");
    let output = shop.run("store status --data store");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("in use by another process"),
        "{}",
        stderr(&output)
    );
    drop(held);
    let files = fs::read_dir(shop.path("snapshot")).expect("the snapshot");
    let files = files.map(|file| file.expect("a file").path());
    let events = files.filter(|file| file.extension().is_some_and(|end| end == "events"));
    let events = events.collect::<Vec<_>>().pop().expect("a file of events");
    let mut bytes = fs::read(&events).expect("bytes");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&events, bytes).expect("the file is ours");
    let output = shop.run("store restore --from snapshot --data new");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let name = events.file_name().expect("a name").display().to_string();
    assert!(stderr(&output).contains(&name), "{}", stderr(&output));
    assert!(!shop.path("new").exists());
}

#[test]
fn no_secret_of_a_url_is_shown() {
    let shop = Shop::open();
    import(&shop);
    assert_done(&shop.run("store snapshot --data store --out snapshot"));
    let another_form =
        "store restore --from snapshot --data postgresql://ann:tiger@127.0.0.1:1/shop";
    assert_refused(
        &shop.run(another_form),
        &["expected a snapshot of a store in PostgreSQL"],
    );
    for url in [
        "postgresql://ann:tiger@127.0.0.1:1/shop",
        "postgresql://ann@127.0.0.1:1/shop?password=tiger",
        "postgresql://ann:my@tiger@127.0.0.1:1/shop",
        "postgresql://ann:tiger@127.0.0.1:1/shop?sslmode=none",
        "postgresql://ann:tiger@127.0.0.1:tiger/shop",
        "postgresql://127.0.0.1:1/shop?password=my&tiger=1",
        "postgre://ann:tiger@127.0.0.1:1/shop",
    ] {
        for call in [
            "import --events events.csv",
            "train --config pipeline.toml --out m",
            "store export --out out",
            "store snapshot --out copy",
            "store verify",
            "store status --json",
            "store erase --identifier loyalty:1 --out receipt.json",
        ] {
            let output = shop.run(&format!("{call} --data {url}"));
            assert!(!output.status.success(), "{call} {url}");
            let said = format!("{}{}", stdout(&output), stderr(&output));
            let told = ["setting", "127.0.0.1"]
                .iter()
                .any(|word| said.contains(word));
            assert!(told, "{call}: {said}");
            assert!(!said.contains("tiger"), "{call}: {said}");
        }
    }
}

#[test]
fn a_store_is_served_and_keeps_its_models_beside_its_records() {
    let shop = Shop::open();
    shop.train();
    shop.write("server.toml", "listen = \"127.0.0.1:0\"\n");
    assert_done(&shop.run("import --data data --events events.csv"));
    let mut server = shop
        .command("serve --data data --model model --config server.toml")
        .stderr(Stdio::piped())
        .spawn()
        .expect("a server");
    let mut lines = BufReader::new(server.stderr.take().expect("stderr")).lines();
    let loaded = lines.find_map(|line| line.ok().filter(|line| line.contains("loaded")));
    assert!(loaded.expect("a line").contains("default"));
    let busy = shop.run("import --data data --events events.csv");
    assert_ne!(busy.status.code(), Some(0));
    let killed = Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status()
        .expect("kill");
    assert!(killed.success());
    assert_eq!(server.wait().expect("the end").code(), Some(0));
    assert_refused(
        &shop.run("serve --data data --model absent"),
        &["absent", "the folder of a model"],
    );
    assert_refused(
        &shop.run("serve --data model"),
        &["model", "the folder of a store"],
    );
}
