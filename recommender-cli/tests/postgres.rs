//! The command with a store in PostgreSQL. Where no server is installed, the tests are reported as ignored.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "../../recommender-store/tests/conformance/postgres/server.rs"]
#[expect(dead_code, reason = "the tests of the store ask more of a server")]
mod server;
#[path = "command/shop.rs"]
#[expect(dead_code, reason = "the tests of files ask more of a shop")]
mod shop;

use std::process::{ExitCode, Output};

use libtest_mimic::{Arguments, Failed, Trial};

use server::{Binaries, Server};
use shop::{Shop, assert_done, assert_refused, stderr, stdout};

fn a_store_in_a_database_is_used_as_one_in_a_folder(binaries: Binaries) {
    let server = Server::start(binaries);
    let shop = Shop::open();
    // The server asks nobody for a password: what is told here is only not to be shown.
    let url = |schema: &str| {
        let place = server.tcp_url().replace("postgres@", "postgres:tiger@");
        format!("{place}?schema={schema}")
    };
    let run = |call: &str| {
        let output = shop.run(call);
        let said = format!("{}{}", stdout(&output), stderr(&output));
        assert!(!said.contains("tiger"), "{call}: {said}");
        output
    };
    let (one, other) = (url("one"), url("other"));
    for command in ["status", "verify"] {
        let none = run(&format!("store {command} --data {one}"));
        assert_refused(&none, &["schema one", "expected a store, found none"]);
    }
    let import = run(&format!("import --data {one} --events events.csv"));
    assert_done(&import);
    assert!(
        stdout(&import).contains("the store holds 200"),
        "{}",
        stdout(&import)
    );
    let status = run(&format!("store status --data {one} --json"));
    assert_done(&status);
    let status: serde_json::Value = serde_json::from_str(&stdout(&status)).unwrap();
    assert_eq!(status["contents"]["events"], 200);
    let engine = status["engine"].as_str().unwrap();
    assert!(
        engine.contains("127.0.0.1/postgres, schema one"),
        "{engine}"
    );
    assert_done(&run(&format!("store export --data {one} --out out")));
    assert!(shop.path("out/day=2024-05-03/part-00000.parquet").is_file());
    assert_done(&run(&format!("store snapshot --data {one} --out snapshot")));
    let restore = format!("store restore --from snapshot --data {other}");
    assert_done(&run(&restore));
    assert_refused(&run(&restore), &["expected an empty schema"]);
    let verified = run(&format!("store verify --data {other}"));
    assert_done(&verified);
    assert!(
        stdout(&verified).contains("200 events"),
        "{}",
        stdout(&verified)
    );
    assert_done(&run("import --data folder --events events.csv"));
    let mut manifests = Vec::new();
    for (data, out) in [(&*one, "m1"), (&other, "m2"), ("folder", "m3")] {
        assert_done(&run(&format!(
            "train --data {data} --config pipeline.toml --out {out}"
        )));
        manifests.push(std::fs::read(shop.path(out).join("manifest.json")).unwrap());
    }
    assert!(manifests.windows(2).all(|pair| pair[0] == pair[1]));
    forget_a_person(&run, &one);
}

/// Takes a visitor out of the store, and of `m1` and `out`, which were made of it.
fn forget_a_person(run: &dyn Fn(&str) -> Output, one: &str) {
    let link = format!("store link --data {one} loyalty:1 visitor:v3 --evidence call --by support");
    assert_done(&run(&link));
    let erase = format!(
        "store erase --data {one} --identifier loyalty:1 --model m1 --export out --out receipt.json"
    );
    let erased = run(&erase);
    assert_done(&erased);
    assert!(
        stdout(&erased).contains("5 events, 1 links"),
        "{}",
        stdout(&erased)
    );
    let receipts = run(&format!("store receipts --data {one}"));
    assert!(
        stdout(&receipts).contains("5 events, 1 links"),
        "{}",
        stdout(&receipts)
    );
}

fn main() -> ExitCode {
    let name = "a_store_in_a_database_is_used_as_one_in_a_folder";
    let trial = match Binaries::find() {
        Ok(binaries) => Trial::test(name, || {
            a_store_in_a_database_is_used_as_one_in_a_folder(binaries);
            Ok(())
        }),
        Err(reason) => {
            let failed = Failed::from(&reason);
            Trial::test(name, move || Err(failed))
                .with_kind(reason)
                .with_ignored_flag(true)
        }
    };
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}
