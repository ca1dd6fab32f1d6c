//! Which fields of an answer are wanted.

use prost_types::FieldMask;

use crate::convert::violations::Violations;
use crate::proto::{self, RecommendResponse};

/// Which fields of an answer are wanted: all of them, or those of some paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mask(Option<Vec<String>>);

/// Fields of an answer.
const FIELDS: [&str; 14] = [
    "results",
    "attribution_token",
    "next_page_token",
    "model_version",
    "applied_controls",
    "missing_ids",
    "tier",
    "degraded",
    "degraded_reason",
    "inventory_as_of",
    "freshness",
    "filter_stats",
    "server_time",
    "*",
];

/// Fields of a result.
const OF_RESULT: [&str; 7] = [
    "product_id",
    "position",
    "score",
    "propensity",
    "source",
    "reasons",
    "product",
];

/// Most paths of a mask.
const MOST: usize = 100;

/// The mask that a request names; notes fields that there are none of.
pub(crate) fn read(mask: Option<&FieldMask>, wrong: &mut Violations) -> Mask {
    let Some(mask) = mask else {
        return Mask(None);
    };
    wrong.bound("read_mask.paths", mask.paths.len(), MOST);
    for path in mask.paths.iter().take(MOST) {
        let of_result = path.strip_prefix("results.");
        let known = match of_result {
            Some(field) => OF_RESULT.contains(&field),
            None => FIELDS.contains(&path.as_str()),
        };
        if !known {
            let shown: String = path.chars().take(60).collect();
            let expected = "expected fields of RecommendResponse such as \"results.product_id\"";
            wrong.add("read_mask", format!("{expected}, found {shown:?}"));
        }
    }
    let all = mask.paths.is_empty() || mask.paths.iter().any(|path| path == "*");
    Mask((!all).then(|| mask.paths.clone()))
}

impl Mask {
    /// Takes away what is not wanted.
    pub(crate) fn cut(&self, response: RecommendResponse) -> RecommendResponse {
        let Some(paths) = &self.0 else {
            return response;
        };
        let named = |field: &str| paths.iter().any(|path| path == field);
        let mut kept = RecommendResponse::default();
        macro_rules! keep {
            ($($field:ident),*) => {
                $(if named(stringify!($field)) { kept.$field = response.$field; })*
            };
        }
        keep!(
            attribution_token,
            next_page_token,
            model_version,
            applied_controls,
            missing_ids,
            tier,
            degraded,
            degraded_reason,
            inventory_as_of,
            freshness,
            filter_stats,
            server_time
        );
        if named("results") {
            kept.results = response.results;
        } else if paths.iter().any(|path| path.starts_with("results.")) {
            let results = response.results.into_iter();
            kept.results = results.map(|result| self.cut_result(result)).collect();
        }
        kept
    }

    fn cut_result(&self, result: proto::Result) -> proto::Result {
        let paths = self.0.as_deref().unwrap_or_default();
        let named = |field: &str| {
            let mut paths = paths.iter();
            paths.any(|path| path.strip_prefix("results.") == Some(field))
        };
        let mut kept = proto::Result::default();
        macro_rules! keep {
            ($($field:ident),*) => {
                $(if named(stringify!($field)) { kept.$field = result.$field; })*
            };
        }
        keep!(
            product_id, position, score, propensity, source, reasons, product
        );
        kept
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    fn mask(paths: &[&str]) -> (Mask, Violations) {
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        let mut wrong = Violations::default();
        let mask = read(Some(&FieldMask { paths }), &mut wrong);
        (mask, wrong)
    }

    fn response() -> RecommendResponse {
        RecommendResponse {
            results: vec![proto::Result {
                product_id: "cup".into(),
                position: 1,
                score: 0.5,
                ..proto::Result::default()
            }],
            model_version: "1".into(),
            freshness: "a".into(),
            ..RecommendResponse::default()
        }
    }

    #[test]
    fn only_what_is_named_is_answered() {
        let (named, wrong) = mask(&["results.product_id", "model_version"]);
        wrong.or(()).unwrap();
        let kept = named.cut(response());
        assert_eq!(kept.results[0].product_id, "cup");
        assert_eq!(
            (kept.results[0].position, kept.model_version.as_str()),
            (0, "1")
        );
        assert!(kept.freshness.is_empty());
        for all in [&[][..], &["*"]] {
            assert_eq!(mask(all).0.cut(response()), response());
        }
        assert!(mask(&["tier"]).0.cut(response()).results.is_empty());
        assert_eq!(
            mask(&["results"]).0.cut(response()).results,
            response().results
        );
    }

    #[test]
    fn every_field_of_the_contract_can_be_named() {
        let descriptors = prost_types::FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET);
        let descriptors = descriptors.unwrap();
        let fields = |message: &str| -> Vec<String> {
            let files = descriptors.file.iter();
            let mut messages = files.flat_map(|file| &file.message_type);
            let message = messages.find(|it| it.name() == message).unwrap();
            message
                .field
                .iter()
                .map(|field| field.name().to_owned())
                .collect()
        };
        for field in fields("RecommendResponse") {
            assert!(FIELDS.contains(&&*field), "{field}");
        }
        for field in fields("Result") {
            assert!(OF_RESULT.contains(&&*field), "{field}");
        }
        assert!(mask(&["results.colour"]).1.or(()).is_err());
        assert!(mask(&["result"]).1.or(()).is_err());
    }
}
