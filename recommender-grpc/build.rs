//! Compiles the contract in `proto/` without `protoc`, into `OUT_DIR`.

use std::error::Error;
use std::path::{Path, PathBuf};

/// The packages of the contract; every `.proto` file of each is compiled.
const PACKAGES: [&str; 1] = ["recommender/v1"];

/// The packages of others that the contract uses and no crate brings, with the modules they stand in.
const OTHERS: [(&str, &str, &str); 2] = [
    (
        "google/longrunning",
        ".google.longrunning",
        "crate::proto::longrunning",
    ),
    ("google/type", ".google.type", "crate::proto::money"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = proto_root();
    println!("cargo:rerun-if-changed={}", root.display());
    let folders = OTHERS.map(|(folder, ..)| folder);
    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_files(proto_files(&root, &[&PACKAGES[..], &folders].concat())?)?;
    let descriptors = PathBuf::from(std::env::var("OUT_DIR")?).join("recommender.v1.bin");
    std::fs::write(descriptors, compiler.encode_file_descriptor_set())?;
    let code = tonic_prost_build::configure()
        .extern_path(".google.rpc", "::tonic_types::pb")
        .emit_rerun_if_changed(false);
    let named = OTHERS
        .iter()
        .fold(code.clone(), |code, (_, package, module)| {
            code.extern_path(*package, *module)
        });
    named.compile_fds_with_config(compiler.file_descriptor_set(), named_types())?;
    // In a run of their own, in which their types are not those of a module.
    let mut others = protox::Compiler::new([&root])?;
    others
        .include_imports(true)
        .open_files(proto_files(&root, &folders)?)?;
    code.compile_fds_with_config(others.file_descriptor_set(), named_types())?;
    Ok(())
}

/// Every type knows its name in the contract, so that it can stand in a `google.protobuf.Any`.
fn named_types() -> tonic_prost_build::Config {
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    // In one order, so that equal events are equal bytes.
    config.btree_map([".recommender.v1.UserEvent"]);
    config.type_name_domain(["."], "type.googleapis.com");
    config
}

/// The link inside the package, or what it points to where links can't be checked out.
fn proto_root() -> PathBuf {
    let link = Path::new("proto");
    if link.is_dir() {
        link.to_path_buf()
    } else {
        PathBuf::from("../proto")
    }
}

fn proto_files(root: &Path, folders: &[&str]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for package in folders {
        for entry in std::fs::read_dir(root.join(package))? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "proto")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
