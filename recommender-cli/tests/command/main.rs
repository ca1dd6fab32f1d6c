//! The command as its users run it, on files they might have.

mod persons;
mod rules;
mod serving;
mod shop;
mod store;
mod tasks;
mod tune;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use shop::{Shop, assert_done, assert_refused, stderr, stdout};

#[test]
fn a_trained_model_answers_for_known_and_unknown_shoppers() {
    let shop = Shop::open();
    shop.train();
    let known = shop.run("recommend --model model --user v0 --limit 3 --json");
    assert_done(&known);
    let answer: serde_json::Value = serde_json::from_str(&stdout(&known)).expect("JSON");
    assert_eq!(answer["tier"], "personal");
    let results = answer["results"].as_array().expect("results");
    assert_eq!(results.len(), 3);
    // Even shoppers buy even products.
    for result in results {
        let number: u32 = result["item"].as_str().expect("a key")[1..]
            .parse()
            .expect("a number");
        assert_eq!(number % 2, 0, "{answer}");
    }
    let stranger = shop.run("recommend --model model --items i1 ufo --limit 2 --json");
    assert_done(&stranger);
    assert!(stderr(&stranger).contains("\"ufo\" is not known"));
    let answer: serde_json::Value = serde_json::from_str(&stdout(&stranger)).expect("JSON");
    assert_eq!(answer["tier"], "session");
    let nobody = shop.run("recommend --model model --user nobody --limit 2");
    assert_done(&nobody);
    assert!(stdout(&nobody).contains("popular"));
}

#[test]
fn a_limit_of_zero_or_a_million_is_answered() {
    let shop = Shop::open();
    shop.train();
    for (limit, expected) in [("0", 0), ("1000000", 35)] {
        let output = shop.run(&format!(
            "recommend --model model --user v0 --json --limit {limit}"
        ));
        assert_done(&output);
        let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
        assert_eq!(
            answer["results"].as_array().expect("results").len(),
            expected
        );
    }
}

#[test]
fn the_same_training_gives_the_same_bytes_at_any_number_of_threads() {
    let shop = Shop::open();
    for threads in [1, 2] {
        let call = format!(
            "train --events events.csv --config pipeline.toml --out m{threads} --threads {threads}"
        );
        assert_done(&shop.run(&call));
    }
    let mut files = Vec::new();
    collect(&shop.path("m1"), &mut files);
    assert!(files.len() > 3);
    for file in files {
        let other = shop
            .path("m2")
            .join(file.strip_prefix(shop.path("m1")).expect("below"));
        assert_eq!(
            fs::read(&file).expect("bytes"),
            fs::read(&other).expect("bytes"),
            "{}",
            file.display()
        );
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files)
        } else {
            files.push(path)
        }
    }
}

#[test]
fn evaluate_compares_models_and_writes_json() {
    let shop = Shop::open();
    let call = "evaluate --events events.csv --split leave-last:1 --model popularity --model item_knn:neighbours=10 \
                --model pipeline:pipeline.toml --at 5,10 --json out.json";
    let output = shop.run(call);
    assert_done(&output);
    assert!(stdout(&output).contains("recall@10"), "{}", stdout(&output));
    let text = fs::read_to_string(shop.path("out.json")).expect("out.json");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let models = report["models"].as_array().expect("models");
    assert_eq!(models.len(), 3);
    for model in models {
        assert!(
            model["fit_seconds"].is_number() && model["queries_per_second"].is_number(),
            "{model}"
        );
        for bound in ["mean", "low", "high"] {
            assert!(model["metrics"]["ndcg@5"][bound].is_number(), "{model}");
        }
    }
    let mean = |model: usize| {
        models[model]["metrics"]["recall@5"]["mean"]
            .as_f64()
            .expect("a mean")
    };
    assert!(
        mean(1) > mean(0),
        "taste must beat popularity: {} {}",
        mean(1),
        mean(0)
    );
}

#[test]
fn an_item_only_in_the_test_file_counts_as_a_miss() {
    let shop = Shop::open();
    shop.write("train.txt", "0 1 2 3\n1 1 2 4\n");
    shop.write("test.txt", "0 99\n");
    let output =
        shop.run("evaluate --train train.txt --test test.txt --model popularity --json o.json");
    assert_done(&output);
    let text = fs::read_to_string(shop.path("o.json")).expect("o.json");
    assert!(!text.contains("-0.0"), "a miss is zero, not minus zero");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["models"][0]["metrics"]["recall@20"]["mean"], 0.0);
}

#[test]
fn wrong_files_are_named_with_row_and_field() {
    let shop = Shop::open();
    let evaluate = |file: &str| {
        shop.run(&format!(
            "evaluate --events {file} --split leave-last:1 --model popularity"
        ))
    };
    assert_refused(&evaluate("absent.csv"), &["absent.csv"]);
    shop.write("empty.csv", "");
    assert_refused(&evaluate("empty.csv"), &["empty.csv"]);
    shop.write(
        "column.csv",
        "shopper,item,kind,time\na,b,view,2024-05-01\n",
    );
    assert_refused(
        &evaluate("column.csv"),
        &["column.csv", "visitor", "shopper"],
    );
    shop.write("short.csv", "visitor,item,kind,time\na,b\n");
    assert_refused(&evaluate("short.csv"), &["short.csv", "row 2"]);
    shop.write("kind.csv", "visitor,item,kind,time\na,b,veiw,2024-05-01\n");
    assert_refused(
        &evaluate("kind.csv"),
        &["row 2", "kind", "add_to_cart", "veiw"],
    );
    shop.write(
        "nan.csv",
        "visitor,item,kind,time,price\na,b,view,2024-05-01,NaN\n",
    );
    assert_refused(&evaluate("nan.csv"), &["row 2", "price", "NaN"]);
    assert_refused(
        &evaluate("pipeline.toml"),
        &["pipeline.toml", "csv", "parquet"],
    );
}

#[test]
fn bad_rows_are_counted_on_request() {
    let shop = Shop::open();
    let mut rows = fs::read_to_string(shop.path("events.csv")).expect("rows");
    rows.push_str("v1,i1,veiw,2024-05-01\n");
    shop.write("events.csv", &rows);
    let call = "train --events events.csv --config pipeline.toml --out model";
    assert_refused(&shop.run(call), &["row 202", "kind"]);
    assert!(!shop.path("model").exists());
    let counted = shop.run(&format!("{call} --skip-bad-rows"));
    assert_done(&counted);
    assert!(
        stderr(&counted).contains("200 kept"),
        "{}",
        stderr(&counted)
    );
}

#[test]
fn wrong_calls_say_what_exists() {
    let shop = Shop::open();
    let with = |words: &str| shop.run(&format!("evaluate --events events.csv {words}"));
    assert_refused(
        &with("--split leave-last:1 --model item_nn"),
        &["item_nn", "item_knn", "pipeline:FILE.toml"],
    );
    assert_refused(
        &with("--split leave-last:1 --model ease:lambda=3"),
        &["lambda", "regularization"],
    );
    assert_refused(
        &with("--split leave-last:1 --model ease:regularization=-3"),
        &["regularization", "-3"],
    );
    assert_refused(
        &with("--split weekly --model popularity"),
        &["weekly", "leave-last"],
    );
    assert_refused(
        &with("--split leave-last:1 --model popularity --format xml"),
        &["xml", "csv"],
    );
    assert_refused(
        &with("--split leave-last:1 --model popularity --map a=b"),
        &["visitor"],
    );
    shop.write(
        "wrong.toml",
        "[[sources]]\nmodel = { kind = \"ease\" }\ncolour = 3\n",
    );
    assert_refused(
        &shop.run("train --events events.csv --config wrong.toml --out m"),
        &["wrong.toml", "colour"],
    );
    assert_refused(&shop.run("no-such-command"), &["no-such-command"]);
    assert_refused(&shop.run("recommend --model absent --user a"), &["absent"]);
}

#[test]
fn a_model_is_never_written_over_and_a_damaged_one_never_loaded() {
    let shop = Shop::open();
    shop.train();
    assert_refused(
        &shop.run("train --events events.csv --config pipeline.toml --out model"),
        &["model"],
    );
    let manifest = shop.path("model/manifest.json");
    let text = fs::read_to_string(&manifest).expect("the manifest");
    fs::write(&manifest, &text[..text.len() / 2]).expect("a truncated manifest");
    let output = shop.run("recommend --model model --user v0");
    assert_ne!(output.status.code(), Some(0));
    assert!(
        stderr(&output).contains("manifest.json"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_port_in_use_is_an_error_and_a_signal_drains() {
    let shop = Shop::open();
    shop.train();
    shop.write("server.toml", "listen = \"127.0.0.1:0\"\n");
    let mut server = shop
        .command("serve --model model --config server.toml")
        .stderr(Stdio::piped())
        .spawn()
        .expect("a server");
    let mut lines = BufReader::new(server.stderr.take().expect("stderr")).lines();
    let serving = lines
        .find_map(|line| line.ok().filter(|line| line.contains("serving on")))
        .expect("the address");
    let address = serving.rsplit(' ').next().expect("the address").to_owned();
    shop.write("taken.toml", &format!("listen = \"{address}\"\n"));
    let second = shop.run("serve --model model --config taken.toml");
    assert_eq!(second.status.code(), Some(1));
    assert!(stderr(&second).contains(&address), "{}", stderr(&second));
    let killed = Command::new("kill")
        .args(["-TERM", &server.id().to_string()])
        .status()
        .expect("kill");
    assert!(killed.success());
    assert_eq!(server.wait().expect("the end").code(), Some(0));
}

#[test]
fn the_demo_tells_what_is_wrong_before_it_trains() {
    let shop = Shop::open();
    assert_refused(
        &shop.run("demo --listen nonsense"),
        &["--listen", "nonsense"],
    );
    assert_refused(
        &shop.run("demo --datasets absent"),
        &["absent", "online-retail.parquet"],
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = shop.run(&format!("demo --listen {address}"));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&address), "{}", stderr(&output));
}

#[test]
fn the_demo_counts_learns_judges_and_answers() {
    let shop = Shop::open();
    let output = shop.run("demo --once --listen 127.0.0.1:0");
    assert_done(&output);
    let printed = stdout(&output);
    for words in [
        "541909 invoice lines",
        "25900 invoices",
        "4372 customers",
        "hybrid",
        "and is recommended:",
        "over gRPC",
    ] {
        assert!(printed.contains(words), "expected {words} in: {printed}");
    }
}

#[test]
fn wrong_server_settings_are_refused() {
    let shop = Shop::open();
    shop.write("server.toml", "colour = 3\n");
    assert_refused(
        &shop.run("serve --config server.toml"),
        &["server.toml", "colour"],
    );
    assert_refused(&shop.run("serve"), &["serving_configs"]);
    assert_refused(&shop.run("serve --model absent"), &["absent"]);
}
