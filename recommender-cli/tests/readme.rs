//! The README shows what really runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).expect(path)
}

/// The blocks of one language, without their fences.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let after = text.split(&*fence).skip(1);
    after
        .filter_map(|rest| rest.split("\n```").next())
        .collect()
}

#[test]
fn the_example_is_the_same_everywhere() {
    let example = read("recommender-core/examples/first_ten_minutes.rs");
    assert!(example.lines().count() <= 30);
    for readme in ["README.md", "recommender-core/README.md"] {
        assert_eq!(
            blocks(&read(readme), "rust"),
            [example.trim_end()],
            "{readme}"
        );
    }
}

#[test]
fn the_settings_of_the_readme_are_taken() {
    let readme = read("README.md");
    let [pipeline, store, space, server] = blocks(&readme, "toml")[..] else {
        panic!("expected a pipeline, a store, a search space and a server in TOML");
    };
    let store: recommender_store::StoreConfig = toml::from_str(store).expect("TOML");
    store.validate().expect("the README's store");
    recommender_core::tuning::read_space("README.md", space).expect("the README's search space");
    recommender_core::PipelineConfig::from_toml(pipeline).expect("the README's pipeline");
    let mut raw = recommender_grpc::settings::RawSettings::default();
    raw.add_toml(server, "README.md", "".as_ref());
    raw.resolve().expect("the README's server");
}

#[test]
fn every_word_of_the_readmes_commands_exists() {
    let readme = read("README.md");
    let lines = blocks(&readme, "sh").join("\n").replace("\\\n", " ");
    let calls: Vec<&str> = lines
        .lines()
        .filter(|line| line.starts_with("recommender "))
        .collect();
    assert!(calls.len() >= 5, "{calls:?}");
    for call in calls {
        let words: Vec<&str> = call.split_whitespace().collect();
        let help = Command::new(env!("CARGO_BIN_EXE_recommender"))
            .args([words[1], "--help"])
            .output();
        let help = String::from_utf8_lossy(&help.expect("the command runs").stdout).into_owned();
        for word in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(word), "{call}: {word}");
        }
    }
}

#[test]
fn every_file_the_readme_links_to_is_there() {
    let readme = read("README.md");
    let links = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    for link in links {
        assert!(workspace().join(link).exists(), "{link}");
    }
}
