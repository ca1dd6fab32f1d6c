//! Which files an artefact has.

use crate::pipeline::PipelineConfig;

/// Name of the file that describes the others.
pub const MANIFEST: &str = "manifest.json";
pub(crate) const ITEMS: &str = "items.json";
pub(crate) const PLACES: &str = "places.json";
pub(crate) const CATALOG: &str = "catalog.jsonl";
/// Everything that speaks of persons: their keys and what they did.
pub(crate) const HISTORIES: &str = "histories.safetensors";

/// The file of the model of source `name`: letters, digits, `-` and `_` as they are, other bytes as `%` and two digits.
pub(crate) fn model_file(name: &str) -> String {
    let mut file = String::from("models/");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            file.push(char::from(byte));
        } else {
            file.push_str(&format!("%{byte:02x}"));
        }
    }
    file + ".safetensors"
}

/// Every file that the manifest must describe.
pub(crate) fn described_files(pipeline: &PipelineConfig) -> Vec<String> {
    let sources = pipeline.sources.iter().chain(&pipeline.fallback);
    let models = sources.map(|source| model_file(source.name()));
    let fixed = [ITEMS, PLACES, CATALOG].map(String::from);
    fixed.into_iter().chain(models).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_can_not_name_a_file_elsewhere() {
        assert_eq!(model_file("item_knn"), "models/item_knn.safetensors");
        assert_eq!(model_file("../a b"), "models/%2e%2e%2fa%20b.safetensors");
    }
}
