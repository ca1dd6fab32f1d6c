//! Settings from a file and the environment.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use recommender_grpc::settings::{RawSettings, Settings, SettingsError};

fn resolve(toml: &str, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let mut raw = RawSettings::default();
    raw.add_toml(toml, "server.toml", Path::new("/etc/shop"));
    raw.add_environment(
        environment
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned())),
    );
    raw.resolve()
}

fn problems(toml: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let error = resolve(toml, environment).unwrap_err();
    error.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_is_read_and_the_rest_are_the_defaults() {
    let toml = "
        listen = '0.0.0.0:9000'
        max_page_size = 50
        drain_timeout_ms = 0
        [serving_configs]
        home = 'models/home'
        cart = '/srv/cart'
    ";
    let settings = resolve(toml, &[]).unwrap();
    assert_eq!(settings.listen.to_string(), "0.0.0.0:9000");
    assert_eq!(settings.limits.max_page_size, 50);
    assert_eq!(settings.limits.default_page_size, 20);
    assert!(settings.drain_timeout.is_zero());
    let directories: Vec<_> = settings.serving_configs.into_iter().collect();
    let expected = [("cart", "/srv/cart"), ("home", "/etc/shop/models/home")]
        .map(|(name, directory)| (name.to_owned(), PathBuf::from(directory)));
    assert_eq!(directories, expected);
}

#[test]
fn the_environment_wins_over_the_file_and_foreign_variables_are_left_alone() {
    let environment = [
        ("RECOMMENDER_MAX_PAGE_SIZE", "7"),
        ("RECOMMENDER_SERVING_CONFIGS", "home=a, cart=b"),
        ("PATH", "/bin"),
        ("RECOMMENDERS", "none"),
    ];
    let settings = resolve("max_page_size = 50\nmax_exclusions = 3", &environment).unwrap();
    assert_eq!(settings.limits.max_page_size, 7);
    assert_eq!(settings.limits.default_page_size, 7);
    assert_eq!(settings.limits.max_exclusions, 3);
    assert_eq!(settings.serving_configs["cart"], PathBuf::from("b"));
}

#[test]
fn every_problem_is_reported_with_its_key_and_origin() {
    let toml = "
        listen = 'here'
        page_size = 10
        max_page_size = 0
        worker_threads = 2.5
        catalog = 'a/b'
        [serving_configs]
        'my home' = 'x'
    ";
    let environment = [
        ("RECOMMENDER_MAX_BATCH_REQUESTS", "many"),
        ("RECOMMENDER_PORT", "80"),
        ("RECOMMENDER_FALLBACK_SERVING_CONFIG", "home"),
    ];
    let found = problems(toml, &environment);
    for expected in [
        "server.toml, setting \"listen\": expected an address and a port",
        "server.toml, setting \"page_size\": expected one of the settings listen,",
        "server.toml, setting \"max_page_size\": expected an integer from 1 to 100000, found 0",
        "server.toml, setting \"worker_threads\": expected an integer from 1 to 1024, found 2.5",
        "server.toml, setting \"catalog\": expected a name of letters",
        "server.toml, setting \"serving_configs.my home\": expected a name of letters",
        "RECOMMENDER_MAX_BATCH_REQUESTS, setting \"max_batch_requests\": expected an integer",
        "RECOMMENDER_PORT, setting \"port\": expected one of the settings",
    ] {
        let named = found.iter().any(|problem| problem.starts_with(expected));
        assert!(named, "{expected} is not among {found:#?}");
    }
    assert_eq!(found.len(), 8, "{found:#?}");
}

#[test]
fn a_default_page_size_above_the_largest_is_refused() {
    let found = problems("max_page_size = 10\ndefault_page_size = 11", &[]);
    assert_eq!(
        found,
        ["server.toml, setting \"default_page_size\": expected an integer from 1 to 10, found 11"]
    );
}

#[test]
fn a_text_that_is_no_toml_and_a_file_that_is_not_there_are_named() {
    assert!(problems("listen = ", &[])[0].starts_with("server.toml: expected TOML"));
    let error = Settings::load(Some(Path::new("/nowhere/server.toml"))).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("/nowhere/server.toml: expected a file that can be read"),
        "{text}"
    );
}

#[test]
fn an_option_of_the_command_line_wins_over_both() {
    let mut raw = RawSettings::default();
    raw.add_environment([("RECOMMENDER_LISTEN".to_owned(), "127.0.0.1:1".to_owned())]);
    raw.set("listen", "127.0.0.1:2", "--listen");
    assert_eq!(raw.resolve().unwrap().listen.port(), 2);
}
