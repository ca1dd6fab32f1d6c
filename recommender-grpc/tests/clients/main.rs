//! Clients as people use them, each against a real server: Python through reflection, TypeScript by gRPC-Web, and the
//! lines of the README; and ten thousand of them at once. What is not installed is reported as ignored, and `.ci/run`
//! installs it; so is what the system does not allow.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crowd;
#[path = "../robustness/shop.rs"]
#[allow(dead_code, reason = "other tests look at more of it")]
mod shop;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::shop::Open;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The Python that has the packages of the examples.
fn python() -> Option<PathBuf> {
    let installed = root().join(".ci/tools/bin/python3");
    let pythons = [installed, PathBuf::from("python3")];
    let has_packages = |python: &PathBuf| {
        let mut command = Command::new(python);
        let checked = command
            .args(["-c", "import grpc, grpc_reflection"])
            .output();
        checked.is_ok_and(|output| output.status.success())
    };
    pythons.into_iter().find(has_packages)
}

/// Runs a command against a server of the shop; it must end well.
fn must_run(command: impl FnOnce(&str) -> Command) -> Result<String, Failed> {
    let runtime = tokio::runtime::Runtime::new()?;
    let open = runtime.block_on(Open::new());
    let output = command(&open.address).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let complained = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}\n{said}\n{complained}", output.status).into())
}

fn recommend_py(python: &Path) -> Result<(), Failed> {
    let said = must_run(|address| {
        let mut command = Command::new(python);
        command.arg(examples().join("recommend.py"));
        command.args(["--address", address, "--serving-config", "home"]);
        command.args(["--items", "cup-1"]);
        command
    })?;
    assert!(said.contains("item_knn"), "{said}");
    Ok(())
}

fn omnichannel_py(python: &Path) -> Result<(), Failed> {
    let said = must_run(|address| {
        let mut command = Command::new(python);
        command.arg(examples().join("omnichannel.py"));
        command.args(["--address", address, "--serving-config", "home"]);
        command.args(["--place", "north"]);
        command
    })?;
    let known = "at the till (PERSONALIZATION_TIER_PERSONAL)";
    assert!(said.contains(known), "{said}");
    Ok(())
}

fn client_ts() -> Result<(), Failed> {
    let folder = examples().join("typescript");
    let run = |script: &str, arguments: &[&str]| {
        let mut command = Command::new("npm");
        command.current_dir(&folder);
        command.args(["run", "--silent", script, "--"]);
        command.args(arguments);
        command
    };
    for script in ["generate", "check"] {
        let output = run(script, &[]).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {said}{complained}");
    }
    let said = must_run(|address| {
        let address = format!("http://{address}");
        run("start", &[&address, "catalogs/default/servingConfigs/home"])
    })?;
    assert!(said.contains("after a look at"), "{said}");
    Ok(())
}

/// A call that the README shows.
struct Line {
    data: String,
    method: String,
}

/// The lines of the README that call a method with grpcurl.
fn lines() -> Vec<Line> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let text = readme.replace("\\\n", " ");
    let calls = text.lines().filter(|line| line.starts_with("grpcurl "));
    let read = |line: &str| {
        let data = line.split('\'').nth(1)?.to_owned();
        let method = line.split_whitespace().next_back()?.to_owned();
        Some(Line { data, method })
    };
    calls.filter_map(read).collect()
}

/// The same calls by another program that asks through reflection, which the linter of the contract brings.
fn readme_lines(buf: &Path) -> Result<(), Failed> {
    let lines = lines();
    assert!(lines.len() >= 3, "the README shows no calls");
    for Line { data, method } in lines {
        let data = data.replace("servingConfigs/demo", "servingConfigs/home");
        must_run(|address| {
            let mut command = Command::new(buf);
            command.args(["curl", "--protocol", "grpc", "--http2-prior-knowledge"]);
            command.args(["-d", &data, &format!("http://{address}/{method}")]);
            command
        })?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [part, words @ ..] = &*words
        && part == "--part"
    {
        crowd::play(words);
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let python = python();
    let no_python = python.is_none();
    let (first, second) = (
        python.clone().unwrap_or_default(),
        python.unwrap_or_default(),
    );
    let buf = root().join(".ci/tools/bin/buf");
    let no_buf = !buf.is_file();
    let no_node = !examples().join("typescript/node_modules").is_dir();
    let trials = vec![
        Trial::test("recommend_py", move || recommend_py(&first)).with_ignored_flag(no_python),
        Trial::test("omnichannel_py", move || omnichannel_py(&second)).with_ignored_flag(no_python),
        Trial::test("client_ts", client_ts).with_ignored_flag(no_node),
        Trial::test("ten_thousand_connections", crowd::is_answered)
            .with_ignored_flag(!crowd::is_affordable()),
        Trial::test("lines_of_the_readme", move || readme_lines(&buf)).with_ignored_flag(no_buf),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}
