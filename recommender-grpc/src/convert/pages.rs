//! Tokens of further pages: where to go on, and of which question. They are kept nowhere.

use std::hash::Hasher;

use prost::Message;
use rustc_hash::FxHasher;

use crate::proto::RecommendRequest;

/// Furthest that a list can be gone down.
const DEEPEST: usize = 10_000;

/// What tells a question from others, whatever its page.
pub(crate) fn digest(request: &RecommendRequest) -> u64 {
    let mut hasher = FxHasher::default();
    let mut part = |message: &[u8]| {
        hasher.write(message);
        hasher.write_usize(message.len());
    };
    part(request.serving_config.as_bytes());
    part(request.filter.as_bytes());
    part(&[u8::from(request.strict_filtering)]);
    for key in &request.exclude_product_ids {
        part(key.as_bytes());
    }
    if let Some(context) = &request.context {
        for key in [
            &context.visitor_id,
            &context.user_id,
            &context.session_id,
            &context.place_id,
            &context.locale,
            &context.currency_code,
        ] {
            part(key.as_bytes());
        }
        part(context.search_query.as_bytes());
        for product in &context.product_details {
            part(product.product_id.as_bytes());
        }
        part(&context.channel.to_le_bytes());
        part(&context.page_type.to_le_bytes());
    }
    if let Some(fulfillment) = &request.fulfillment {
        part(&fulfillment.encode_to_vec());
    }
    if let Some(diversity) = &request.diversity {
        part(&diversity.encode_to_vec());
    }
    hasher.finish()
}

/// The token of the page that begins `offset` products into the answer to a question; none beyond the end of what can
/// be gone down.
pub(crate) fn token(offset: usize, digest: u64) -> Option<String> {
    let check = check(offset, digest);
    (offset < DEEPEST).then(|| format!("{offset:x}.{check:x}"))
}

/// Where the page of a token begins; none if it is no token of this question. The empty one is the first page's.
pub(crate) fn offset(token: &str, digest: u64) -> Option<usize> {
    if token.is_empty() {
        return Some(0);
    }
    let (offset, asked) = token.split_once('.')?;
    let offset = usize::from_str_radix(offset, 16).ok()?;
    let right = format!("{:x}", check(offset, digest)) == asked;
    (right && offset < DEEPEST).then_some(offset)
}

/// Ties an offset to a question.
fn check(offset: usize, digest: u64) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u64(digest);
    hasher.write_usize(offset);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::RecommendContext;

    #[test]
    fn a_token_is_of_one_question_and_place() {
        let request = RecommendRequest {
            context: Some(RecommendContext {
                visitor_id: "ann".into(),
                ..RecommendContext::default()
            }),
            page_size: 10,
            ..RecommendRequest::default()
        };
        let own = digest(&request);
        let token = token(20, own).unwrap();
        assert_eq!(offset(&token, own), Some(20));
        assert_eq!(offset("", own), Some(0));
        let larger = RecommendRequest {
            page_size: 50,
            page_token: token.clone(),
            ..request.clone()
        };
        assert_eq!(digest(&larger), own, "pages may change their size");
        let other = RecommendRequest {
            filter: "price < 5".into(),
            ..request
        };
        assert_eq!(offset(&token, digest(&other)), None);
        for wrong in ["x", "14.", ".", "14.zz", "ffffffffffffffffff.1", "+14.1"] {
            assert_eq!(offset(wrong, own), None, "{wrong}");
        }
        assert!(super::token(DEEPEST, own).is_none());
    }
}
